//! The loopback listener that the browser comes back to (RFC 8252 §7.3).

mod page;

use std::io;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use url::Url;

pub use page::Page;

/// A request's head is never longer than this, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// A browser that says nothing is let go after this.
const PATIENCE: Duration = Duration::from_secs(10);
/// The browser's page waits this long for the end of the sign-in.
const HOLD: Duration = Duration::from_secs(10);
/// At most so many connections are read at a time; others wait.
const MAX_VISITS: usize = 32;
/// When the system gives no connection (too many open files), it is asked again after this.
const BREATH: Duration = Duration::from_millis(200);

/// Listens on `127.0.0.1`, on a port of the system's choice.
pub struct CallbackListener {
    listener: TcpListener,
    port: u16,
}

/// What the browser must bring.
pub struct Expected {
    /// Our state, unchanged (RFC 6749 §10.12).
    pub state: String,
    /// The issuer that was asked.
    pub issuer: String,
    /// The issuer names itself in its answers (RFC 9207 §3): an answer that does not is another's.
    pub names_itself: bool,
}

/// What the browser brought back.
#[derive(Debug)]
pub enum Callback {
    /// The athlete agreed.
    Code(SecretString),
    /// The athlete, or the issuer, said no: the OAuth error code.
    Refused(String),
    /// The answer is not from the issuer that was asked (RFC 9207 §2.4).
    OtherIssuer,
}

/// A browser that waits for its page.
pub struct Visitor {
    stream: TcpStream,
}

/// What was asked for, if that can be told, and who asked.
type Visit = (Option<String>, Visitor);

impl CallbackListener {
    /// Opens the listener.
    ///
    /// # Errors
    /// No loopback port can be had.
    pub async fn open() -> io::Result<Self> {
        // The literal and not `localhost`, which may be another address (RFC 8252 §8.3).
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The port that was chosen.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the browser. Requests that do not carry our state (a favicon, a stranger, an older tab) are answered
    /// and passed over.
    pub async fn wait(&self, expected: &Expected) -> (Callback, Visitor) {
        let mut visits = JoinSet::new();
        loop {
            let (target, visitor) = self.visit(&mut visits).await;
            match target.and_then(|target| callback(&target, expected)) {
                Some(callback) => return (callback, visitor),
                None => drop(tokio::spawn(visitor.answer(Page::Nothing))),
            }
        }
    }

    /// Answers whoever still comes after the browser was here: a page that is loaded again is told to close, and
    /// everybody else that there is nothing. Never returns.
    pub async fn answer_latecomers(&self, expected: &Expected) {
        let mut visits = JoinSet::new();
        loop {
            let (target, visitor) = self.visit(&mut visits).await;
            let ours = target.is_some_and(|target| callback(&target, expected).is_some());
            let page = if ours { Page::Again } else { Page::Nothing };
            drop(tokio::spawn(visitor.answer(page)));
        }
    }

    /// The next request. Each connection is a task of its own: browsers open some that they never use.
    async fn visit(&self, visits: &mut JoinSet<Option<Visit>>) -> Visit {
        loop {
            tokio::select! {
                stream = self.accept(), if visits.len() < MAX_VISITS => {
                    visits.spawn(request(stream));
                }
                Some(visit) = visits.join_next() => {
                    if let Ok(Some(visit)) = visit {
                        return visit;
                    }
                }
            }
        }
    }

    async fn accept(&self) -> TcpStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    tracing::info!(%error, "no connection from the browser could be taken");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

impl Visitor {
    /// Shows the page that will be told, or that it takes long, or that nobody tells any more.
    pub async fn answer_when_told(self, page: oneshot::Receiver<Page>) {
        let page = match tokio::time::timeout(HOLD, page).await {
            Ok(Ok(page)) => page,
            Ok(Err(_)) => Page::NotSignedIn("The sign-in was given up.".to_owned()),
            Err(_) => Page::Pending,
        };
        self.answer(page).await;
    }

    /// Shows the page and lets the browser go.
    pub async fn answer(mut self, page: Page) {
        // A browser that hangs up early does not undo what it brought.
        match tokio::time::timeout(PATIENCE, page.send(&mut self.stream)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => tracing::debug!("the browser left before it was answered"),
        }
    }
}

/// Reads one request.
async fn request(mut stream: TcpStream) -> Option<Visit> {
    let head = tokio::time::timeout(PATIENCE, read_head(&mut stream));
    let head = head.await.ok()?.ok()?;
    Some((target(&head), Visitor { stream }))
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

fn callback(target: &str, expected: &Expected) -> Option<Callback> {
    let url = Url::parse("http://127.0.0.1").ok()?.join(target).ok()?;
    if url.path() != "/callback" {
        return None;
    }
    let parameter = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    if parameter("state")? != expected.state {
        return None;
    }
    let from_ours = match parameter("iss") {
        Some(issuer) => issuer == expected.issuer,
        None => !expected.names_itself,
    };
    if !from_ours {
        return Some(Callback::OtherIssuer);
    }
    match parameter("error") {
        Some(error) => Some(Callback::Refused(error_code(&error))),
        None => parameter("code").map(|code| Callback::Code(code.into())),
    }
}

/// An error code as RFC 6749 §4.1.2.1 allows it: it came from an address that anybody may have written.
fn error_code(text: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
    text.chars().filter(allowed).take(64).collect()
}

#[cfg(test)]
mod tests;
