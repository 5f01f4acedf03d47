//! The pages that the browser is shown when it comes back.

use std::io;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// What the browser is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// The sign-in worked.
    SignedIn,
    /// It did not; why, as a sentence.
    NotSignedIn(String),
    /// It is not yet known.
    Pending,
    /// The browser was here before.
    Again,
    /// Whatever it is, it is not a sign-in of ours.
    Nothing,
}

impl Page {
    /// Sends the page and closes the connection.
    pub(super) async fn send(&self, stream: &mut TcpStream) -> io::Result<()> {
        let status = match self {
            Self::Nothing => "404 Not Found",
            Self::SignedIn | Self::NotSignedIn(_) | Self::Pending | Self::Again => "200 OK",
        };
        let body = self.body();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nReferrer-Policy: no-referrer\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await
    }

    fn body(&self) -> String {
        let (title, text) = match self {
            Self::SignedIn => (
                "You are signed in",
                "Close this page and go back to Freewheel.".to_owned(),
            ),
            Self::NotSignedIn(cause) => (
                "You are not signed in",
                format!("{} Go back to Freewheel.", escaped(cause)),
            ),
            Self::Pending => (
                "Almost there",
                "Close this page and go back to Freewheel, which finishes the sign-in.".to_owned(),
            ),
            Self::Again => (
                "This page was here before",
                "Close it and go back to Freewheel, which has what it needs.".to_owned(),
            ),
            Self::Nothing => (
                "Nothing here",
                "This address only finishes a sign-in of Freewheel.".to_owned(),
            ),
        };
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Freewheel</title><style>\
             :root{{color-scheme:light dark}}body{{font:1.125rem/1.5 system-ui,sans-serif;max-width:32rem;\
             margin:20vh auto;padding:0 1.5rem}}h1{{font-size:1.75rem}}</style></head>\
             <body><h1>{title}</h1><p>{text}</p></body></html>"
        )
    }
}

/// Text as it may stand in a page: causes may quote what a server said.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_said_cannot_become_part_of_the_page() {
        let page = Page::NotSignedIn("<script>&".to_owned()).body();
        assert!(page.contains("&lt;script&gt;&amp;") && !page.contains("<script>"));
    }
}
