//! Pages for people: plain HTML, one style sheet, no scripts, nothing from elsewhere.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use crate::server::Server;

const STYLE: &str = include_str!("page.css");

pub(crate) fn routes() -> Router<Server> {
    Router::new().route("/page.css", get(style))
}

async fn style() -> impl IntoResponse {
    (
        [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, "max-age=3600"),
        ],
        STYLE,
    )
}

/// A page with its security headers.
pub(crate) struct Page {
    status: StatusCode,
    title: &'static str,
    body: String,
    form_target: Option<String>,
}

impl Page {
    /// A page with `body`, whose parts are escaped already.
    pub(crate) fn new(title: &'static str, body: String) -> Self {
        Self {
            status: StatusCode::OK,
            title,
            body,
            form_target: None,
        }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Lets forms of this page end at `origin` too: browsers apply `form-action` to the redirect that
    /// answers a form.
    pub(crate) fn with_form_target(mut self, origin: String) -> Self {
        self.form_target = Some(origin);
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let Self {
            status,
            title,
            body,
            form_target,
        } = self;
        let target = form_target.unwrap_or_default();
        let policy = format!(
            "default-src 'none'; style-src 'self'; form-action 'self' {target}; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        let headers: [(HeaderName, String); 4] = [
            (CONTENT_SECURITY_POLICY, policy),
            (CACHE_CONTROL, "no-store".to_owned()),
            // Not `no-referrer`: that would make the Origin of our own forms `null`.
            (REFERRER_POLICY, "same-origin".to_owned()),
            (X_FRAME_OPTIONS, "DENY".to_owned()),
        ];
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} · Freewheel</title>\n\
             <link rel=\"stylesheet\" href=\"/page.css\">\n</head>\n<body>\n\
             <main>\n<p class=\"mark\" aria-hidden=\"true\">Freewheel</p>\n{body}\n</main>\n\
             </body>\n</html>\n"
        );
        (status, headers, Html(html)).into_response()
    }
}

/// Makes text safe inside elements and inside quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            escape("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"
        );
        assert_eq!(escape("Zoë"), "Zoë");
    }
}
