//! The way back to the app: a loopback redirect (RFC 8252 §7.3).

use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded::Serializer;

const ORIGIN: &str = "http://127.0.0.1:";
const PATH: &str = "/callback";

/// The origin of `uri` when it is `http://127.0.0.1:PORT/callback`, with any port.
pub(crate) fn loopback_origin(uri: &str) -> Option<String> {
    let port = uri.strip_prefix(ORIGIN)?.strip_suffix(PATH)?;
    let plain = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = port.parse().ok().filter(|_| plain)?;
    Some(format!("{ORIGIN}{port}"))
}

/// Sends the browser to `uri` with `parameters`; those that are `None` are left out.
pub(crate) fn back(uri: &str, parameters: &[(&str, Option<&str>)]) -> Response {
    let mut query = Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let Ok(location) = HeaderValue::from_str(&format!("{uri}?{}", query.finish())) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let no_store = HeaderValue::from_static("no-store");
    (
        StatusCode::SEE_OTHER,
        [(LOCATION, location), (CACHE_CONTROL, no_store)],
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_callback_on_the_loopback_address_is_a_way_back() {
        for (uri, origin) in [
            (
                "http://127.0.0.1:49152/callback",
                Some("http://127.0.0.1:49152"),
            ),
            ("http://127.0.0.1:1/callback", Some("http://127.0.0.1:1")),
            ("http://127.0.0.1/callback", None),
            ("http://127.0.0.1:/callback", None),
            ("http://127.0.0.1:0/callback", None),
            ("http://127.0.0.1:00080/callback", None),
            ("http://127.0.0.1:+80/callback", None),
            ("http://127.0.0.1:65536/callback", None),
            ("http://127.0.0.1:80@evil.example/callback", None),
            ("http://127.0.0.1:80/callback?x=1", None),
            ("http://127.0.0.1:80/callback#x", None),
            ("http://127.0.0.1:80/other", None),
            ("http://127.0.0.1.evil.example:80/callback", None),
            ("https://127.0.0.1:80/callback", None),
            ("http://localhost:80/callback", None),
            ("http://[::1]:80/callback", None),
            ("freewheel://callback", None),
        ] {
            assert_eq!(loopback_origin(uri).as_deref(), origin, "{uri}");
        }
    }
}
