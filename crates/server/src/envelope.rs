//! What every answer carries, and what every request leaves in the log.

use axum::extract::{Request, State};
use axum::http::header::{DATE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use freewheel_protocol::header::{PROTOCOL, PROTOCOL_VERSION, REQUEST_ID};
use freewheel_protocol::oauth::RESOURCE_METADATA_PATH;
use jiff::fmt::rfc2822::DateTimePrinter;
use tracing::Instrument as _;

use crate::random;
use crate::server::Server;

/// The longest request id that is taken over from a client.
const MAX_REQUEST_ID: usize = 64;

/// Names the request, logs it without its query (which may hold names), and adds the common headers.
pub(crate) async fn wrap(State(server): State<Server>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", id = id.as_str());
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    server.answers().count(response.status());
    span.in_scope(|| tracing::info!(%method, path, status, "answered"));

    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static(PROTOCOL),
        HeaderValue::from(PROTOCOL_VERSION),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), value);
    }
    complete_challenge(headers, &server.options().public_url);
    // From our own clock, so that it agrees with the tokens and can be moved.
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&server.clock().now());
    if let Some(value) = date.ok().and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(DATE, value);
    }
    response
}

/// A 401 also tells where to learn whose access tokens are taken here (RFC 9728 §5.1).
fn complete_challenge(headers: &mut HeaderMap, public_url: &str) {
    let Some(challenge) = headers
        .get(WWW_AUTHENTICATE)
        .and_then(|value| value.to_str().ok())
    else {
        return;
    };
    let comma = if challenge.contains(' ') { "," } else { "" };
    let whole =
        format!("{challenge}{comma} resource_metadata=\"{public_url}{RESOURCE_METADATA_PATH}\"");
    if let Ok(value) = HeaderValue::from_str(&whole) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
}

fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=MAX_REQUEST_ID).contains(&id.len()))
        .filter(|id| {
            id.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        })
        .map(str::to_owned)
        .or_else(|| random::id().ok())
        .unwrap_or_default()
}
