//! The authorization request: what the browser is sent to, and what must come back.

use crate::remote::metadata::offered_scopes;
use freewheel_protocol::oauth::{CLIENT_ID, IssuerMetadata, SCOPES};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};

/// A sign-in that was begun. It dies with the program: an authorization code is good for a minute anyway.
pub struct AuthorizationRequest {
    /// Where the browser goes.
    pub url: String,
    /// Where the browser comes back to.
    pub redirect_uri: String,
    /// Must come back unchanged (RFC 6749 §10.12).
    pub state: CsrfToken,
    /// Must stand in the ID token (OpenID Connect Core §3.1.2.1).
    pub nonce: String,
    /// Proves that who redeems the code is who asked for it.
    pub verifier: PkceCodeVerifier,
}

/// The issuer's metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server's sign-in address is not usable: {0}")]
pub struct RequestError(String);

/// Builds the request for a listener on `port`, and for tokens that are good at `resource` (RFC 8707 §2.1).
///
/// # Errors
/// The metadata's authorization endpoint is not a web address.
pub fn build(
    metadata: &IssuerMetadata,
    port: u16,
    resource: Option<&str>,
) -> Result<AuthorizationRequest, RequestError> {
    let unusable = |error: oauth2::url::ParseError| RequestError(error.to_string());
    let redirect_uri = format!("http://127.0.0.1:{port}/callback");
    let endpoint = AuthUrl::new(metadata.authorization_endpoint.clone()).map_err(unusable)?;
    let client = BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_auth_uri(endpoint)
        .set_redirect_uri(RedirectUrl::new(redirect_uri.clone()).map_err(unusable)?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let nonce = CsrfToken::new_random().into_secret();
    let scopes = offered_scopes(metadata, &SCOPES).into_iter();
    let request = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
        .add_extra_param("nonce", nonce.clone())
        .add_extra_param("prompt", "consent")
        .set_pkce_challenge(challenge);
    let request = match resource {
        Some(resource) => request.add_extra_param("resource", resource.to_owned()),
        None => request,
    };
    let (url, state) = request.url();
    Ok(AuthorizationRequest {
        url: url.into(),
        redirect_uri,
        state,
        nonce,
        verifier,
    })
}
