//! The OAuth issuer: metadata, keys, tokens and revocation.

use freewheel_policy::transport::{TransportFailure, Trouble};
use freewheel_protocol::oauth::{CLIENT_ID, IssuerMetadata, METADATA_PATH};
use jsonwebtoken::jwk::JwkSet;
use oauth2::PkceCodeVerifier;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::{Http, Reply, ServerAddress};

/// Metadata or keys could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Could not ask.
    #[error("{}", .0.words())]
    Trouble(Trouble),
    /// The metadata is of another issuer (RFC 8414 §3.3), or names an endpoint that is not encrypted.
    #[error("The server at this address does not describe itself as a Freewheel server.")]
    NotThisIssuer,
}

/// Fetches and checks the issuer's metadata (RFC 8414, OpenID Connect Discovery 1.0).
///
/// # Errors
/// See [`IssuerError`].
pub async fn metadata(http: &Http, address: &ServerAddress) -> Result<IssuerMetadata, IssuerError> {
    let metadata: IssuerMetadata = document(http, &address.join(METADATA_PATH)).await?;
    let endpoints = [
        &metadata.authorization_endpoint,
        &metadata.token_endpoint,
        &metadata.jwks_uri,
    ];
    let endpoints = endpoints
        .into_iter()
        .chain(metadata.revocation_endpoint.as_ref());
    let safe = endpoints
        .into_iter()
        .all(|url| ServerAddress::allows_endpoint(url));
    let same = metadata.issuer.trim_end_matches('/') == address.as_str();
    if same && safe {
        Ok(metadata)
    } else {
        Err(IssuerError::NotThisIssuer)
    }
}

/// Fetches the issuer's keys (RFC 7517).
///
/// # Errors
/// See [`IssuerError`].
pub async fn keys(http: &Http, metadata: &IssuerMetadata) -> Result<JwkSet, IssuerError> {
    document(http, &metadata.jwks_uri).await
}

/// Redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
///
/// # Errors
/// No answer came.
pub async fn redeem(
    http: &Http,
    metadata: &IssuerMetadata,
    code: &str,
    redirect_uri: &str,
    verifier: &PkceCodeVerifier,
) -> Result<Reply, TransportFailure> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("client_id", CLIENT_ID),
        ("code_verifier", verifier.secret()),
    ];
    http.send(http.client().post(&metadata.token_endpoint).form(&form))
        .await
}

/// Spends a refresh token (RFC 6749 §6).
///
/// # Errors
/// No answer came; the token may have been rotated all the same.
pub async fn refresh(
    http: &Http,
    metadata: &IssuerMetadata,
    refresh_token: &SecretString,
) -> Result<Reply, TransportFailure> {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose_secret()),
        ("client_id", CLIENT_ID),
    ];
    http.send(http.client().post(&metadata.token_endpoint).form(&form))
        .await
}

/// Revokes a refresh token (RFC 7009). An issuer without the endpoint has nothing to be told.
///
/// # Errors
/// No answer came.
pub async fn revoke(
    http: &Http,
    metadata: &IssuerMetadata,
    refresh_token: &SecretString,
) -> Result<(), TransportFailure> {
    let Some(endpoint) = &metadata.revocation_endpoint else {
        return Ok(());
    };
    let form = [
        ("token", refresh_token.expose_secret()),
        ("token_type_hint", "refresh_token"),
        ("client_id", CLIENT_ID),
    ];
    http.send(http.client().post(endpoint).form(&form))
        .await
        .map(|_| ())
}

async fn document<T: DeserializeOwned>(http: &Http, url: &str) -> Result<T, IssuerError> {
    let reply = http.send(http.client().get(url)).await;
    let reply = reply.map_err(|failure| IssuerError::Trouble(Trouble::Transport(failure)))?;
    reply.document().map_err(IssuerError::Trouble)
}
