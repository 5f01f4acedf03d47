//! Refusals of the token endpoint (RFC 6749 §5.2).

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::{IntoResponse, Response};
use freewheel_protocol::oauth::{OAuthError, OAuthErrorCode};

/// A refusal: always 400, so that the code alone tells what is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: OAuthErrorCode,
    pub(crate) description: &'static str,
}

impl Refusal {
    pub(crate) fn new(code: OAuthErrorCode, description: &'static str) -> Self {
        Self { code, description }
    }

    pub(crate) fn invalid_request(description: &'static str) -> Self {
        Self::new(OAuthErrorCode::InvalidRequest, description)
    }

    pub(crate) fn invalid_grant(description: &'static str) -> Self {
        Self::new(OAuthErrorCode::InvalidGrant, description)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = OAuthError {
            error: self.code,
            error_description: Some(self.description.to_owned()),
        };
        let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
        (StatusCode::BAD_REQUEST, headers, Json(body)).into_response()
    }
}
