//! A gate before an issuer that runs in a process of its own: requests go through it unchanged, and one can be stopped
//! at a moment of the protocol, to be let go or cut off there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::LabError;

/// The largest message that goes through, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// The gate; an issuer behind it has to name [`Gate::url`] as its own. Dropping it closes it.
#[derive(Debug)]
pub struct Gate {
    url: String,
    post: Arc<Post>,
    serving: JoinHandle<()>,
}

/// A moment of an exchange at which it can be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request has come whole, and the issuer has not seen it.
    Asked,
    /// The issuer has answered, and the client has seen nothing of it.
    Answered,
}

/// How far an exchange got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// As far as the gate.
    Gate,
    /// The issuer.
    Issuer,
    /// The issuer has answered.
    Answer,
    /// The answer was let go to the client.
    Client,
}

/// An exchange that was stopped. Dropped without a word it is cut off: the client sees its connection close.
#[derive(Debug)]
pub struct Stopped {
    go: oneshot::Sender<()>,
}

impl Stopped {
    /// It goes on.
    pub fn let_go(self) {
        // A client that was killed meanwhile waits no more.
        let _ = self.go.send(());
    }

    /// Its connection closes here.
    pub fn cut(self) {
        drop(self);
    }
}

/// The exchanges that are stopped, in the order of their coming. Dropping it lets all others through.
#[derive(Debug)]
pub struct Stops {
    coming: mpsc::UnboundedReceiver<Stopped>,
}

impl Stops {
    /// The next exchange to be stopped.
    ///
    /// # Errors
    /// None came within `bound`.
    pub async fn next(&mut self, what: &str, bound: Duration) -> Result<Stopped, LabError> {
        let next = tokio::time::timeout(bound, self.coming.recv()).await;
        next.ok().flatten().ok_or_else(|| LabError::TimedOut {
            what: format!("{what} at the gate"),
            bound,
            last: None,
        })
    }
}

/// What stands at the gate.
#[derive(Debug)]
struct Post {
    client: reqwest::Client,
    issuer: Mutex<Option<String>>,
    order: Mutex<Option<Order>>,
    log: Mutex<Log>,
}

/// The exchanges, by number; numbers are never used again.
#[derive(Debug, Default)]
struct Log {
    next: u64,
    exchanges: BTreeMap<u64, (String, Reached)>,
}

/// Whom to stop: exchanges whose line begins so, at that moment.
#[derive(Debug, Clone)]
struct Order {
    start: String,
    moment: Moment,
    stopped: mpsc::UnboundedSender<Stopped>,
}

impl Gate {
    /// Opens a gate on a free port of 127.0.0.1; nothing is behind it yet.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn open() -> Result<Self, LabError> {
        let opening = |error| LabError::Io {
            what: "opening a gate".to_owned(),
            source: error,
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(opening)?;
        let url = format!("http://{}", listener.local_addr().map_err(opening)?);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A connection that the issuer closes at the moment of its reuse would be a fault of the gate's making.
            .pool_max_idle_per_host(0)
            .no_gzip()
            .no_proxy()
            .build()?;
        let post = Arc::new(Post {
            client,
            issuer: Mutex::default(),
            order: Mutex::default(),
            log: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&post));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the gate closed");
            }
        });
        Ok(Self { url, post, serving })
    }

    /// The address that clients use, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on requests go to the issuer that listens at `url`.
    pub fn lead_to(&self, url: &str) {
        *lock(&self.post.issuer) = Some(url.trim_end_matches('/').to_owned());
    }

    /// From now on exchanges whose line (as in [`Gate::log`]) begins with `start` are stopped at `moment`.
    #[must_use]
    pub fn stop(&self, start: &str, moment: Moment) -> Stops {
        let (stopped, coming) = mpsc::unbounded_channel();
        *lock(&self.post.order) = Some(Order {
            start: start.to_owned(),
            moment,
            stopped,
        });
        Stops { coming }
    }

    /// The exchanges since the last [`Gate::forget`], as `METHOD /path`, with ` GRANT_TYPE` where the form has one.
    #[must_use]
    pub fn log(&self) -> Vec<(String, Reached)> {
        lock(&self.post.log).exchanges.values().cloned().collect()
    }

    /// How many exchanges began with `start`.
    #[must_use]
    pub fn count(&self, start: &str) -> usize {
        let log = lock(&self.post.log);
        let lines = log.exchanges.values();
        lines.filter(|(line, _)| line.starts_with(start)).count()
    }

    /// How far the last exchange whose line begins with `start` got.
    #[must_use]
    pub fn reached(&self, start: &str) -> Option<Reached> {
        let log = lock(&self.post.log);
        let mut latest = log.exchanges.values().rev();
        let last = latest.find(|(line, _)| line.starts_with(start));
        last.map(|(_, reached)| *reached)
    }

    /// Forgets the exchanges so far, and whom to stop.
    pub fn forget(&self) {
        *lock(&self.post.order) = None;
        lock(&self.post.log).exchanges.clear();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(State(post): State<Arc<Post>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        break_connection()
    };
    // A task of its own: what has reached the gate goes on, even when the client dies meanwhile.
    match tokio::spawn(exchange(post, head, body)).await {
        Ok(Some(response)) => response,
        Ok(None) | Err(_) => break_connection(),
    }
}

/// The answer, unless the exchange was cut off or the issuer gave none.
async fn exchange(post: Arc<Post>, head: Parts, body: Bytes) -> Option<Response> {
    let line = line(&head, &body);
    let number = post.note(line.clone());
    if !post.passes(&line, Moment::Asked).await {
        return None;
    }
    let forwarded = forward(&post, number, head, body).await;
    let response = forwarded
        .inspect_err(|error| tracing::debug!(%error, "the issuer gave no answer"))
        .ok()?;
    if !post.passes(&line, Moment::Answered).await {
        return None;
    }
    post.reach(number, Reached::Client);
    Some(response)
}

async fn forward(
    post: &Post,
    number: u64,
    head: Parts,
    body: Bytes,
) -> Result<Response, reqwest::Error> {
    let issuer = lock(&post.issuer).clone().unwrap_or_default();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = head.headers;
    headers.remove(CONNECTION);
    let request = post
        .client
        .request(head.method, format!("{issuer}{path}"))
        .headers(headers)
        .body(body);
    post.reach(number, Reached::Issuer);
    let answer = request.send().await?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await?;
    post.reach(number, Reached::Answer);
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

impl Post {
    fn note(&self, line: String) -> u64 {
        let mut log = lock(&self.log);
        let number = log.next;
        log.next += 1;
        log.exchanges.insert(number, (line, Reached::Gate));
        number
    }

    fn reach(&self, number: u64, reached: Reached) {
        if let Some((_, so_far)) = lock(&self.log).exchanges.get_mut(&number) {
            *so_far = reached;
        }
    }

    /// Waits for the word, where it was ordered so; tells whether the exchange goes on.
    async fn passes(&self, line: &str, moment: Moment) -> bool {
        let order = lock(&self.order).clone();
        let Some(order) = order.filter(|order| order.moment == moment) else {
            return true;
        };
        if !line.starts_with(&order.start) {
            return true;
        }
        let (go, word) = oneshot::channel();
        // Where nobody listens any more, it goes through.
        order.stopped.send(Stopped { go }).is_err() || word.await.is_ok()
    }
}

fn line(head: &Parts, body: &[u8]) -> String {
    let line = format!("{} {}", head.method, head.uri.path());
    let mut form = url::form_urlencoded::parse(body);
    match form.find(|(name, _)| name == "grant_type") {
        Some((_, grant)) => format!("{line} {grant}"),
        None => line,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the task of the connection, which closes it without an answer.
fn break_connection() -> ! {
    std::panic::resume_unwind(Box::new("the connection breaks"))
}
