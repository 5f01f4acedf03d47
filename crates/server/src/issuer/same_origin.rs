//! Whether a form comes from our own page.
//!
//! Each form also carries a key that only the page could know; this keeps other sites from even trying.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Browsers send `Sec-Fetch-Site` or at least `Origin` with a form; what sends neither is no browser
/// that another site could steer.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(ORIGIN.as_str()) else {
        return true;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some() && host == text(HOST.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn forms_of_other_sites_are_noticed() {
        for (site, origin, expected) in [
            (None, None, true),
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("same-site"), None, false),
            (Some("cross-site"), Some("http://127.0.0.1:8787"), false),
            (None, Some("http://127.0.0.1:8787"), true),
            (None, Some("http://127.0.0.1:9999"), false),
            (None, Some("https://evil.example"), false),
            (None, Some("null"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1:8787"));
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_same_origin(&headers), expected, "{site:?} {origin:?}");
        }
    }
}
