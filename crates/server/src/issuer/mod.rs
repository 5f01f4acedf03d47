//! The OAuth 2 issuer: authorization code with PKCE for a native app, device grant, rotation, revocation
//! (RFC 6749, 7009, 7636, 8252, 8414, 8628, 8707, 9207; OpenID Connect Discovery 1.0).

pub(crate) mod keys;
pub(crate) mod throttle;

mod authorize;
mod consent;
mod device;
mod device_token;
mod forms;
mod grant;
mod redirect;
mod refusal;
mod request;
mod same_origin;
mod sign_in;
mod target;
mod token;
mod user_code;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use freewheel_protocol::oauth::{DEVICE_CODE_GRANT, IssuerMetadata, METADATA_PATH, SCOPES};
use serde_json::{Map, Value, json};

use crate::problem::Failure;
use crate::server::Server;

/// No form of a sign-in comes near this, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// Where OAuth clients that do not speak OpenID Connect look for the same metadata (RFC 8414 §3).
const OAUTH_METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route(METADATA_PATH, get(metadata))
        .route(OAUTH_METADATA_PATH, get(metadata))
        .route("/oauth/jwks", get(jwks))
        .route("/oauth/authorize", get(authorize::start))
        .route("/oauth/sign-in", post(sign_in::sign_in))
        .route("/oauth/consent", post(consent::consent))
        .route("/oauth/device", get(device::page).post(device::begin))
        .route("/oauth/device/code", post(device::code))
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

async fn jwks(State(server): State<Server>) -> Result<impl IntoResponse, Failure> {
    let keys = server.keys().await?.public_set();
    Ok(([(CACHE_CONTROL, "max-age=300")], Json(keys)))
}

fn describe(issuer: &str) -> IssuerMetadata {
    let more = json!({
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_CODE_GRANT],
        "subject_types_supported": ["public"],
        "scopes_supported": SCOPES,
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "name"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "request_uri_parameter_supported": false,
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
        device_authorization_endpoint: Some(format!("{issuer}/oauth/device")),
        id_token_signing_alg_values_supported: vec!["ES256".to_owned()],
        extra,
    }
}
