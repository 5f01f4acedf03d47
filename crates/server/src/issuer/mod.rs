//! The OAuth 2 issuer: authorization code with PKCE for a native app, rotation, revocation
//! (RFC 6749, 7009, 7636, 8252, 9207; OpenID Connect Discovery 1.0).

pub(crate) mod keys;
pub(crate) mod throttle;

mod authorize;
mod forms;
mod grant;
mod redirect;
mod refusal;
mod request;
mod same_origin;
mod token;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use freewheel_protocol::oauth::{IssuerMetadata, METADATA_PATH, SCOPES};
use serde_json::{Map, Value, json};

use crate::server::Server;

/// No form of a sign-in comes near this, in bytes.
const MAX_FORM: usize = 64 * 1024;

pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route(METADATA_PATH, get(metadata))
        .route("/oauth/jwks", get(jwks))
        .route("/oauth/authorize", get(authorize::start))
        .route("/oauth/sign-in", post(authorize::sign_in))
        .route("/oauth/consent", post(authorize::consent))
        .route("/oauth/token", post(token::token))
        .route("/oauth/revoke", post(token::revoke))
        .layer(DefaultBodyLimit::max(MAX_FORM))
}

async fn metadata(State(server): State<Server>) -> impl IntoResponse {
    (
        [(CACHE_CONTROL, "max-age=300")],
        Json(describe(&server.options().public_url)),
    )
}

async fn jwks(State(server): State<Server>) -> impl IntoResponse {
    (
        [(CACHE_CONTROL, "max-age=300")],
        Json(server.key().public_set()),
    )
}

fn describe(issuer: &str) -> IssuerMetadata {
    let more = json!({
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "scopes_supported": SCOPES,
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "nonce", "name"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    let extra: Map<String, Value> = match more {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    IssuerMetadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: format!("{issuer}/oauth/authorize"),
        token_endpoint: format!("{issuer}/oauth/token"),
        jwks_uri: format!("{issuer}/oauth/jwks"),
        revocation_endpoint: Some(format!("{issuer}/oauth/revoke")),
        id_token_signing_alg_values_supported: vec!["ES256".to_owned()],
        extra,
    }
}
