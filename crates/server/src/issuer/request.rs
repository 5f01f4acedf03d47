//! What may be asked of `/oauth/authorize`.

use freewheel_protocol::oauth::{CLIENT_ID, OAuthErrorCode, SCOPES};
use serde::Deserialize;

use super::{redirect, target};
use crate::store::sign_in::{AppRequest, SignIn, Way};

/// The query of `/oauth/authorize`, as it came.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuthorizeQuery {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) response_type: String,
    pub(crate) scope: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: String,
    pub(crate) code_challenge_method: String,
    pub(crate) prompt: Option<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) resource: Option<String>,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Told to the person: it is not safe to send the browser anywhere (RFC 6749 §4.1.2.1).
    Here(&'static str),
    /// Told to the app by a redirect.
    Back(OAuthErrorCode, &'static str),
}

/// The longest `state` or `nonce` that is carried.
const MAX_OPAQUE: usize = 1024;

/// Checks a request to the issuer at `public_url`. Scopes that this issuer does not know are left out.
pub(crate) fn check(query: &AuthorizeQuery, public_url: &str) -> Result<SignIn, Refused> {
    use OAuthErrorCode as Code;
    if query.client_id != CLIENT_ID {
        return Err(Refused::Here(
            "The app that sent you here is not known to this server.",
        ));
    }
    if redirect::loopback_origin(&query.redirect_uri).is_none() {
        return Err(Refused::Here(
            "The app that sent you here asked to be answered at an address that is not its own.",
        ));
    }
    let too_long = |text: &Option<String>| text.as_ref().is_some_and(|t| t.len() > MAX_OPAQUE);
    if too_long(&query.state) || too_long(&query.nonce) {
        return Err(Refused::Here(
            "The app that sent you here sent too much with its request.",
        ));
    }
    if query.response_type != "code" {
        let code = Code::from("unsupported_response_type");
        return Err(Refused::Back(code, "response_type must be code"));
    }
    if query.code_challenge_method != "S256" || !is_s256_challenge(&query.code_challenge) {
        return Err(Refused::Back(
            Code::InvalidRequest,
            "PKCE with S256 is required (RFC 7636)",
        ));
    }
    if query.prompt.as_deref() == Some("none") {
        return Err(Refused::Back(
            Code::from("login_required"),
            "nobody is signed in here",
        ));
    }
    if !target::is_ours(query.resource.as_deref(), public_url) {
        return Err(Refused::Back(target::code(), target::FOREIGN));
    }
    let scope = granted(&query.scope);
    if scope.is_empty() {
        return Err(Refused::Back(
            Code::InvalidScope,
            "ask for at least one known scope",
        ));
    }
    Ok(SignIn {
        scope,
        way: Way::App(AppRequest {
            redirect_uri: query.redirect_uri.clone(),
            state: query.state.clone(),
            nonce: query.nonce.clone(),
            code_challenge: query.code_challenge.clone(),
        }),
    })
}

/// 32 bytes in base64url without padding (RFC 7636 §4.2).
fn is_s256_challenge(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Those of the scopes that were asked for that this issuer knows.
pub(crate) fn granted(asked: &str) -> String {
    let known = |scope: &&str| SCOPES.contains(scope);
    asked
        .split_ascii_whitespace()
        .filter(known)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://ride.example.org";

    fn good() -> AuthorizeQuery {
        AuthorizeQuery {
            client_id: CLIENT_ID.to_owned(),
            redirect_uri: "http://127.0.0.1:5000/callback".to_owned(),
            response_type: "code".to_owned(),
            scope: "openid unheard-of offline_access".to_owned(),
            state: Some("s".to_owned()),
            code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            code_challenge_method: "S256".to_owned(),
            ..AuthorizeQuery::default()
        }
    }

    #[test]
    fn a_proper_request_passes_with_the_scopes_that_exist() {
        assert_eq!(check(&good(), HERE).unwrap().scope, "openid offline_access");
    }

    #[test]
    fn each_flaw_is_told_to_whom_it_is_safe_to_tell() {
        type Spoil = fn(&mut AuthorizeQuery);
        let cases: [(Spoil, Option<&str>); 11] = [
            (|q| q.client_id = "other".to_owned(), None),
            (
                |q| q.redirect_uri = "http://evil.example/callback".to_owned(),
                None,
            ),
            (|q| q.state = Some("s".repeat(5000)), None),
            (
                |q| q.response_type = "token".to_owned(),
                Some("unsupported_response_type"),
            ),
            (|q| q.code_challenge.clear(), Some("invalid_request")),
            (
                |q| q.code_challenge = "short".to_owned(),
                Some("invalid_request"),
            ),
            (
                |q| q.code_challenge_method = "plain".to_owned(),
                Some("invalid_request"),
            ),
            (|q| q.code_challenge_method.clear(), Some("invalid_request")),
            (
                |q| q.prompt = Some("none".to_owned()),
                Some("login_required"),
            ),
            (|q| q.scope = "admin".to_owned(), Some("invalid_scope")),
            (
                |q| q.resource = Some("https://evil.example".to_owned()),
                Some("invalid_target"),
            ),
        ];
        for (number, (spoil, expected)) in cases.into_iter().enumerate() {
            let mut query = good();
            spoil(&mut query);
            let told_back = match check(&query, HERE) {
                Err(Refused::Back(code, _)) => Some(code.as_str().to_owned()),
                Err(Refused::Here(_)) => None,
                Ok(request) => panic!("case {number}: {request:?}"),
            };
            assert_eq!(told_back.as_deref(), expected, "case {number}");
        }
    }
}
