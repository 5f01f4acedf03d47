//! The OAuth issuer: keys, codes, tokens and revocation.

use freewheel_policy::transport::{TransportFailure, Trouble};
use freewheel_protocol::oauth::{CLIENT_ID, DEVICE_CODE_GRANT, IssuerMetadata, TokenAnswer};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use oauth2::PkceCodeVerifier;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::metadata::MetadataError;
use super::{Http, Reply};

/// Stands for the life of an access token whose issuer does not tell it; it may leave that out (RFC 6749 §5.1).
pub const UNTOLD_LIFE: u64 = u64::MAX;

/// Metadata or keys could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Could not ask.
    #[error("{}", .0.words())]
    Trouble(Trouble),
    /// Nothing is at the well-known places.
    #[error("there is nothing at /.well-known/openid-configuration")]
    NoMetadata,
    /// The metadata cannot be used.
    #[error("{0}")]
    Metadata(MetadataError),
}

/// Fetches the issuer's keys (RFC 7517). Keys of a kind that is not known here are passed over (§5): they are no reason
/// to do without the others.
///
/// # Errors
/// Could not ask, or the answer is no set of keys.
pub async fn keys(http: &Http, metadata: &IssuerMetadata) -> Result<JwkSet, Trouble> {
    let reply = http.send_small(http.client().get(&metadata.jwks_uri)).await;
    let document: Value = reply.map_err(Trouble::Transport)?.document()?;
    read_keys(&document).ok_or(Trouble::Unreadable)
}

fn read_keys(document: &Value) -> Option<JwkSet> {
    let keys = document.get("keys")?.as_array()?;
    let known = keys
        .iter()
        .filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    Some(JwkSet {
        keys: known.collect(),
    })
}

/// Redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5) for tokens that are good at `resource` (RFC 8707
/// §2.2).
///
/// # Errors
/// No answer came.
pub async fn redeem(
    http: &Http,
    metadata: &IssuerMetadata,
    code: &SecretString,
    redirect_uri: &str,
    verifier: &PkceCodeVerifier,
    resource: Option<&str>,
) -> Result<Reply, TransportFailure> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.expose_secret()),
        ("redirect_uri", redirect_uri),
        ("client_id", CLIENT_ID),
        ("code_verifier", verifier.secret()),
    ];
    post(http, &metadata.token_endpoint, &form, resource).await
}

/// Asks for a device code and a user code (RFC 8628 §3.1) at the issuer's `endpoint`.
///
/// # Errors
/// No answer came.
pub async fn begin_device(
    http: &Http,
    endpoint: &str,
    scopes: &str,
    resource: Option<&str>,
) -> Result<Reply, TransportFailure> {
    let form = [("client_id", CLIENT_ID), ("scope", scopes)];
    post(http, endpoint, &form, resource).await
}

/// Asks whether the athlete has agreed on the other device (RFC 8628 §3.4).
///
/// # Errors
/// No answer came.
pub async fn ask_device(
    http: &Http,
    metadata: &IssuerMetadata,
    device_code: &SecretString,
    resource: Option<&str>,
) -> Result<Reply, TransportFailure> {
    let form = [
        ("grant_type", DEVICE_CODE_GRANT),
        ("device_code", device_code.expose_secret()),
        ("client_id", CLIENT_ID),
    ];
    post(http, &metadata.token_endpoint, &form, resource).await
}

/// Spends a refresh token (RFC 6749 §6) for tokens that are good at `resource` (RFC 8707 §2.2).
///
/// # Errors
/// No answer came; the token may have been rotated all the same.
pub async fn refresh(
    http: &Http,
    metadata: &IssuerMetadata,
    refresh_token: &SecretString,
    resource: Option<&str>,
) -> Result<Reply, TransportFailure> {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose_secret()),
        ("client_id", CLIENT_ID),
    ];
    post(http, &metadata.token_endpoint, &form, resource).await
}

/// Revokes a refresh token (RFC 7009). An issuer without the endpoint has nothing to be told.
///
/// # Errors
/// No answer came.
pub async fn revoke(
    http: &Http,
    metadata: &IssuerMetadata,
    refresh_token: &SecretString,
) -> Result<Option<Reply>, TransportFailure> {
    let Some(endpoint) = &metadata.revocation_endpoint else {
        return Ok(None);
    };
    let form = [
        ("token", refresh_token.expose_secret()),
        ("token_type_hint", "refresh_token"),
        ("client_id", CLIENT_ID),
    ];
    post(http, endpoint, &form, None).await.map(Some)
}

/// The tokens of a whole, successful answer (RFC 6749 §5.1), with [`UNTOLD_LIFE`] where none is told; nothing when it is
/// not one.
#[must_use]
pub fn tokens(reply: &Reply) -> Option<TokenAnswer> {
    let mut document: Value = reply.document().ok()?;
    let life = document.as_object_mut()?.entry("expires_in");
    life.or_insert_with(|| UNTOLD_LIFE.into());
    let answer: TokenAnswer = serde_json::from_value(document).ok()?;
    let usable =
        answer.token_type.eq_ignore_ascii_case("bearer") && !answer.access_token.is_empty();
    usable.then_some(answer)
}

async fn post(
    http: &Http,
    url: &str,
    form: &[(&str, &str)],
    resource: Option<&str>,
) -> Result<Reply, TransportFailure> {
    let resource = resource.map(|resource| ("resource", resource));
    let form: Vec<_> = form.iter().copied().chain(resource).collect();
    http.send_small(http.client().post(url).form(&form)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_of_an_unknown_kind_do_not_hide_the_others() {
        let good = json!({
            "kty": "EC", "crv": "P-256", "kid": "good",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        let set = json!({ "keys": [{"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}, 7, {"kty": "EC"}, good] });
        let keys = read_keys(&set).unwrap();
        assert!(keys.find("good").is_some());
        for none in [json!({}), json!([]), json!({"keys": {}}), json!(null)] {
            assert!(read_keys(&none).is_none(), "{none}");
        }
    }

    #[test]
    fn an_answer_is_one_with_a_bearer_token_whether_or_not_it_tells_its_life() {
        let reply = |body: Value| Reply {
            status: 200,
            media_type: Some("application/json".to_owned()),
            body: body.to_string().into_bytes(),
            complete: true,
            retry_after: None,
            date: None,
        };
        let told = json!({"access_token": "a", "token_type": "bearer", "expires_in": 60});
        assert_eq!(tokens(&reply(told)).unwrap().expires_in, 60);
        let untold = json!({"access_token": "a", "token_type": "Bearer"});
        assert_eq!(
            tokens(&reply(untold.clone())).unwrap().expires_in,
            UNTOLD_LIFE
        );
        for none in [
            json!({"access_token": "", "token_type": "Bearer"}),
            json!({"access_token": "a", "token_type": "DPoP"}),
            json!({"error": "invalid_grant"}),
            json!([]),
        ] {
            assert!(tokens(&reply(none.clone())).is_none(), "{none}");
        }
        let cut = Reply {
            complete: false,
            ..reply(untold)
        };
        assert!(tokens(&cut).is_none());
    }
}
