//! What goes wrong, as RFC 9457 problem documents.

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use freewheel_protocol::header::PROBLEM_MEDIA_TYPE;
use freewheel_protocol::{Problem, ProblemCode};

use crate::store::StoreError;

/// A request that is refused, or that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: ProblemCode,
    status: StatusCode,
    title: &'static str,
    detail: Option<String>,
    /// What a 401 asks for (RFC 6750 §3).
    challenge: &'static str,
    /// Seconds to wait before trying again.
    retry_after: Option<i64>,
}

/// Without a token nothing is said about one (RFC 6750 §3.1).
const NO_TOKEN: &str = "Bearer";
const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\"";

impl Failure {
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            ProblemCode::BadRequest,
            StatusCode::BAD_REQUEST,
            "Bad request",
        )
        .because(detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemCode::NotFound, StatusCode::NOT_FOUND, "Not found").because(detail)
    }

    pub(crate) fn invalid_token(detail: impl Into<String>) -> Self {
        Self::new(
            ProblemCode::InvalidToken,
            StatusCode::UNAUTHORIZED,
            "Access token refused",
        )
        .because(detail)
    }

    /// No access token came at all.
    pub(crate) fn no_token() -> Self {
        Self {
            challenge: NO_TOKEN,
            ..Self::invalid_token("send an access token as Bearer")
        }
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            ProblemCode::Internal,
            StatusCode::INTERNAL_SERVER_ERROR,
            "The service failed; try again later",
        )
    }

    pub(crate) fn new(code: ProblemCode, status: StatusCode, title: &'static str) -> Self {
        Self {
            code,
            status,
            title,
            detail: None,
            challenge: INVALID_TOKEN,
            retry_after: None,
        }
    }

    pub(crate) fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// The answer to a path that nothing stands at.
pub(crate) async fn not_found(uri: Uri) -> Failure {
    Failure::not_found(format!("nothing stands at {}", uri.path()))
}

/// The answer to a known path with a method that it does not take.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Failure {
    Failure::new(
        ProblemCode::BadRequest,
        StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
    )
    .because(format!("{} does not take {method}", uri.path()))
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let unauthorized = self.status == StatusCode::UNAUTHORIZED;
        let problem = Problem::new(self.code, self.status.as_u16(), self.title, self.detail);
        let mut response = (self.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database failed");
        Self::internal()
    }
}

impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        tracing::error!(%error, "a task failed");
        Self::internal()
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for Failure {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::new(
                ProblemCode::TooLarge,
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too large",
            )
            .because("a ride's FIT file may have 16 MiB");
        }
        Self::bad_request(rejection.body_text())
    }
}
