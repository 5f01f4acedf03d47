//! The loopback listener that the browser comes back to (RFC 8252 §7.3).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// A request's head is never longer than this, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// A browser that says nothing is let go after this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens on `127.0.0.1`, on a port of the system's choice.
pub struct CallbackListener {
    listener: TcpListener,
    port: u16,
}

/// What the browser brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callback {
    /// The athlete agreed.
    Code(String),
    /// The athlete, or the issuer, said no: the OAuth error code.
    Refused(String),
}

impl CallbackListener {
    /// Opens the listener.
    ///
    /// # Errors
    /// No loopback port can be had.
    pub async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The port that was chosen.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the browser. Requests that do not carry `state` (a favicon, a stranger, an older tab) are answered
    /// and passed over.
    ///
    /// # Errors
    /// The listener itself failed.
    pub async fn wait(&self, state: &str) -> io::Result<Callback> {
        // Each connection is a task of its own: browsers open some that they never use.
        let mut visits = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => {
                    let (stream, _) = accepted?;
                    visits.spawn(visit(stream, state.to_owned()));
                }
                Some(visited) = visits.join_next() => {
                    if let Ok(Some(callback)) = visited {
                        return Ok(callback);
                    }
                }
            }
        }
    }
}

/// Reads one request and answers it.
async fn visit(mut stream: TcpStream, state: String) -> Option<Callback> {
    let head = tokio::time::timeout(PATIENCE, read_head(&mut stream))
        .await
        .ok()?
        .ok()?;
    let callback = target(&head).and_then(|target| callback(&target, &state));
    // A browser that hangs up early does not undo what it brought.
    if let Err(error) = answer(&mut stream, callback.as_ref()).await {
        tracing::debug!(%error, "the browser left before it was answered");
    }
    callback
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 2048];
    while head.len() < MAX_HEAD && !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            break;
        }
        head.extend(chunk.iter().take(count));
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// The target of a `GET` request line.
fn target(head: &str) -> Option<String> {
    head.lines()
        .next()?
        .strip_prefix("GET ")?
        .split(' ')
        .next()
        .map(str::to_owned)
}

fn callback(target: &str, state: &str) -> Option<Callback> {
    let url = Url::parse("http://127.0.0.1").ok()?.join(target).ok()?;
    if url.path() != "/callback" {
        return None;
    }
    let parameter = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    if parameter("state")? != state {
        return None;
    }
    match parameter("error") {
        Some(error) => Some(Callback::Refused(error)),
        None => parameter("code").map(Callback::Code),
    }
}

async fn answer(stream: &mut TcpStream, callback: Option<&Callback>) -> io::Result<()> {
    let (status, title, text) = match callback {
        Some(Callback::Code(_)) => (
            "200 OK",
            "You are signed in",
            "Close this page and go back to Freewheel.",
        ),
        Some(Callback::Refused(_)) => (
            "200 OK",
            "You are not signed in",
            "Nothing was changed. Go back to Freewheel.",
        ),
        None => (
            "404 Not Found",
            "Nothing here",
            "This address only finishes a sign-in of Freewheel.",
        ),
    };
    let body = page(title, text);
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

fn page(title: &str, text: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Freewheel</title><style>\
         :root{{color-scheme:light dark}}body{{font:1.125rem/1.5 system-ui,sans-serif;max-width:32rem;\
         margin:20vh auto;padding:0 1.5rem}}h1{{font-size:1.75rem}}</style></head>\
         <body><h1>{title}</h1><p>{text}</p></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_with_our_state_counts() {
        for (target, expected) in [
            (
                "/callback?code=abc&state=s1",
                Some(Callback::Code("abc".to_owned())),
            ),
            (
                "/callback?error=access_denied&state=s1",
                Some(Callback::Refused("access_denied".to_owned())),
            ),
            ("/callback?code=abc&state=other", None),
            ("/callback?code=abc", None),
            ("/callback?state=s1", None),
            ("/favicon.ico", None),
            ("http://[broken", None),
        ] {
            assert_eq!(callback(target, "s1"), expected, "{target}");
        }
    }

    #[tokio::test]
    async fn strangers_are_passed_over_until_the_browser_comes() {
        let listener = CallbackListener::open().await.unwrap();
        let port = listener.port();
        let browser = tokio::spawn(async move {
            let _unused = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let mut answers = Vec::new();
            for request in [
                "\u{0}garbage\r\n\r\n",
                "GET /favicon.ico HTTP/1.1\r\n\r\n",
                "GET /callback?code=c&state=s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            ] {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                answers.push(answer);
            }
            answers
        });
        assert_eq!(
            listener.wait("s").await.unwrap(),
            Callback::Code("c".to_owned())
        );
        let answers = browser.await.unwrap();
        assert!(answers[0].starts_with("HTTP/1.1 404"));
        assert!(answers[2].contains("You are signed in"));
    }
}
