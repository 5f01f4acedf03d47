//! The gate in front of the server: it counts requests and spoils those that a test wants spoiled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;
use tower::ServiceExt as _;

/// Where a redirect of the gate leads: a port of this computer at which nothing listens.
pub const PORTAL: &str = "http://127.0.0.1:9/portal";
/// Longest answer that is changed or cut, in bytes.
const LONGEST: usize = 64 * 1024 * 1024;
/// Time for the head and the first bytes of a cut answer to leave before the connection breaks.
const LEAVES: Duration = Duration::from_millis(20);

/// What the gate does with a request.
pub enum Way {
    /// It goes through, and so does its answer.
    Through,
    /// It goes through, and the connection breaks before the answer.
    LoseReply,
    /// The connection breaks before the server sees it.
    LoseRequest,
    /// The gate answers in the server's place: status, media type, body.
    Say(u16, &'static str, String),
    /// As `Say`, but of the body only so many bytes arrive, then the connection breaks.
    SayCut(u16, &'static str, String, usize),
    /// As `Say`, with headers of its own choice.
    SayWith(Canned),
    /// The gate answers with this status and a `Retry-After` in seconds.
    Later(u16, u64),
    /// The gate sends the asker to [`PORTAL`].
    Redirect,
    /// It goes through once the bell rings.
    Hold(Arc<Notify>),
    /// It goes through at once; its answer waits until the bell rings.
    HoldReply(Arc<Notify>),
    /// It goes nowhere: the connection stays open and nothing is ever said.
    Silence,
    /// It goes through; of the answer's body so many bytes arrive, then the connection breaks.
    Cut(usize),
    /// It goes through; the answer is changed on its way back.
    Change(Change),
    /// Another server answers it.
    To(Box<Router>),
}

/// An answer of the gate's own.
#[derive(Debug, Clone)]
pub struct Canned {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
}

/// Changes status and body of an answer.
pub type Change = Box<dyn FnOnce(u16, Vec<u8>) -> (u16, Vec<u8>) + Send>;

type Rule = Box<dyn FnMut(&str) -> Way + Send>;

/// Counts what is asked, and obeys one rule at a time.
pub struct Gate {
    rule: Mutex<Rule>,
    log: Mutex<Vec<String>>,
    heard: Mutex<Option<Vec<Heard>>>,
}

/// A request and its answer, as they passed the gate.
#[derive(Debug, Clone)]
pub struct Heard {
    /// `METHOD /path`.
    pub line: String,
    /// Body of the request.
    pub asked: Vec<u8>,
    /// Body of the answer that the server gave, whatever became of it.
    pub answered: Vec<u8>,
}

impl Gate {
    pub(super) fn open() -> Arc<Self> {
        Arc::new(Self {
            rule: Mutex::new(Box::new(|_| Way::Through)),
            log: Mutex::default(),
            heard: Mutex::default(),
        })
    }

    /// From now on: what happens to a request, told as `METHOD /path`.
    pub fn rule(&self, rule: impl FnMut(&str) -> Way + Send + 'static) {
        *locked(&self.rule) = Box::new(rule);
    }

    /// Requests that begin with `start` go the way that `way` says, all others through.
    pub fn only(&self, start: &'static str, mut way: impl FnMut() -> Way + Send + 'static) {
        self.rule(move |line| {
            if line.starts_with(start) {
                way()
            } else {
                Way::Through
            }
        });
    }

    /// The first `times` requests that begin with `start` go the way that `way` says, all others through.
    pub fn first(
        &self,
        times: usize,
        start: &'static str,
        mut way: impl FnMut() -> Way + Send + 'static,
    ) {
        let mut left = times;
        self.only(start, move || {
            if left == 0 {
                return Way::Through;
            }
            left -= 1;
            way()
        });
    }

    /// Everything goes through again.
    pub fn through(&self) {
        self.rule(|_| Way::Through);
    }

    /// How many requests began with `start`.
    #[must_use]
    pub fn count(&self, start: &str) -> usize {
        let log = locked(&self.log);
        log.iter().filter(|line| line.starts_with(start)).count()
    }

    /// From now on what is sent to the issuer, and what it answers, is kept word for word: a test has to know the secrets
    /// that it looks for.
    pub fn listen(&self) {
        locked(&self.heard).get_or_insert_default();
    }

    /// What was heard since [`Gate::listen`].
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        locked(&self.heard).clone().unwrap_or_default()
    }

    fn listens_to(&self, line: &str) -> bool {
        line.starts_with("POST /oauth/") && locked(&self.heard).is_some()
    }

    /// Every request so far, as `METHOD /path`.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        locked(&self.log).clone()
    }
}

/// A rule that panicked has failed its test already; the next one is obeyed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let line = format!("{} {}", request.method(), request.uri().path());
    let way = (locked(&gate.rule))(&line);
    locked(&gate.log).push(line.clone());
    if gate.listens_to(&line) {
        let (mut head, body) = request.into_parts();
        head.headers.remove(ACCEPT_ENCODING);
        let asked = whole(body).await;
        let request = Request::from_parts(head, Body::from(asked.clone()));
        let next = Ear::new(&gate, next, line, asked);
        go(way, request, next).await
    } else {
        go(way, request, Ear::deaf(next)).await
    }
}

/// The server, and who listens to what it says.
struct Ear {
    next: Next,
    listening: Option<(Arc<Gate>, String, Bytes)>,
}

impl Ear {
    fn new(gate: &Arc<Gate>, next: Next, line: String, asked: Bytes) -> Self {
        Self {
            next,
            listening: Some((Arc::clone(gate), line, asked)),
        }
    }

    fn deaf(next: Next) -> Self {
        Self {
            next,
            listening: None,
        }
    }

    async fn run(self, request: Request) -> Response {
        let answer = self.next.run(request).await;
        let Some((gate, line, asked)) = self.listening else {
            return answer;
        };
        let (head, body) = answer.into_parts();
        let answered = whole(body).await;
        if let Some(heard) = locked(&gate.heard).as_mut() {
            heard.push(Heard {
                line,
                asked: asked.to_vec(),
                answered: answered.to_vec(),
            });
        }
        Response::from_parts(head, Body::from(answered))
    }
}

async fn go(way: Way, mut request: Request, next: Ear) -> Response {
    match way {
        Way::Through => next.run(request).await,
        Way::LoseReply => {
            drop(next.run(request).await);
            break_connection()
        }
        Way::LoseRequest => break_connection(),
        Way::Say(status, media, body) => say(status, &[(CONTENT_TYPE, media)], body),
        Way::SayCut(status, media, body, bytes) => {
            cut(say(status, &[(CONTENT_TYPE, media)], body), bytes).await
        }
        Way::SayWith(canned) => canned.answer(),
        Way::Later(status, seconds) => {
            let seconds = seconds.to_string();
            let headers = [
                (CONTENT_TYPE, "text/plain"),
                (RETRY_AFTER, seconds.as_str()),
            ];
            say(status, &headers, "later".to_owned())
        }
        Way::Redirect => {
            let headers = [(CONTENT_TYPE, "text/html"), (LOCATION, PORTAL)];
            say(302, &headers, String::new())
        }
        Way::Hold(bell) => {
            bell.notified().await;
            next.run(request).await
        }
        Way::HoldReply(bell) => {
            let answer = next.run(request).await;
            bell.notified().await;
            answer
        }
        Way::Silence => std::future::pending().await,
        Way::Cut(bytes) => {
            request.headers_mut().remove(ACCEPT_ENCODING);
            cut(next.run(request).await, bytes).await
        }
        Way::Change(change) => {
            request.headers_mut().remove(ACCEPT_ENCODING);
            changed(next.run(request).await, change).await
        }
        Way::To(router) => match router.oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        },
    }
}

impl Canned {
    fn answer(self) -> Response {
        let headers: Vec<(HeaderName, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.as_str()))
            .collect();
        say(self.status, &headers, self.body.clone())
    }
}

fn say(status: u16, headers: &[(HeaderName, &str)], body: String) -> Response {
    let mut answer = Response::new(Body::from(body));
    // What cannot stand in an answer is a mistake of the test, and shows as one.
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_IMPLEMENTED);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name.clone(), value);
        }
    }
    answer
}

/// The head promises the whole body.
async fn cut(answer: Response, bytes: usize) -> Response {
    let (mut head, body) = answer.into_parts();
    let body = whole(body).await;
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    let begun = stream::iter([Ok::<Bytes, std::io::Error>(
        body.slice(..bytes.min(body.len())),
    )]);
    let broken = stream::once(async {
        tokio::time::sleep(LEAVES).await;
        Err(std::io::Error::other("the connection breaks"))
    });
    Response::from_parts(head, Body::from_stream(begun.chain(broken)))
}

async fn changed(answer: Response, change: Change) -> Response {
    let (mut head, body) = answer.into_parts();
    let (status, body) = change(head.status.as_u16(), whole(body).await.to_vec());
    head.status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_IMPLEMENTED);
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
}

async fn whole(body: Body) -> Bytes {
    match axum::body::to_bytes(body, LONGEST).await {
        Ok(bytes) => bytes,
        Err(_) => break_connection(),
    }
}

/// Ends the task of the connection, which closes it without an answer.
fn break_connection() -> ! {
    std::panic::resume_unwind(Box::new("the connection breaks"))
}
