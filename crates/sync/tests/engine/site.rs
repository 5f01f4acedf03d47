//! The real server behind a gate that counts requests and can spoil them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use freewheel_protocol::Profile;
use freewheel_server::store::{AthleteId, NewAthlete, StoredRide};
use freewheel_server::{Clock as _, Options, Server, SystemClock};
use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

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
    /// As `Say`, with a `Retry-After` in seconds.
    Later(u16, u64),
    /// The gate sends the asker elsewhere.
    Redirect,
    /// It goes through once the bell rings.
    Hold(Arc<Notify>),
}

type Rule = Box<dyn FnMut(&str) -> Way + Send>;

pub struct Gate {
    rule: Mutex<Rule>,
    log: Mutex<Vec<String>>,
}

impl Gate {
    fn open() -> Arc<Self> {
        Arc::new(Self {
            rule: Mutex::new(Box::new(|_| Way::Through)),
            log: Mutex::default(),
        })
    }

    /// From now on: what happens to a request, told as `METHOD /path`.
    pub fn rule(&self, rule: impl FnMut(&str) -> Way + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    pub fn through(&self) {
        self.rule(|_| Way::Through);
    }

    /// How many requests began with `start`.
    pub fn count(&self, start: &str) -> usize {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line.starts_with(start)).count()
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

pub struct Site {
    pub server: Server,
    pub url: String,
    pub gate: Arc<Gate>,
    settings: Settings,
    folder: Arc<TempDir>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

#[derive(Clone, Copy)]
pub struct Settings {
    pub access_token_life: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token_life: SignedDuration::from_mins(15),
        }
    }
}

impl Site {
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// Access tokens of so many seconds.
    pub async fn with_token_life(seconds: i64) -> Self {
        Self::with(Settings {
            access_token_life: SignedDuration::from_secs(seconds),
        })
        .await
    }

    async fn with(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::on(listener, folder, Gate::open(), settings)
    }

    fn on(
        listener: TcpListener,
        folder: Arc<TempDir>,
        gate: Arc<Gate>,
        settings: Settings,
    ) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let options = Options {
            dev: true,
            access_token_life: settings.access_token_life,
            ..Options::at(&url)
        };
        let server = Server::open(folder.path(), options).unwrap();
        let watched = axum::middleware::from_fn_with_state(Arc::clone(&gate), pass);
        let router = server.router().layer(watched);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async { drop(stopped.await) })
                .await
        });
        Self {
            server,
            url,
            gate,
            settings,
            folder,
            stop,
            serving,
        }
    }

    /// The drive stops: nothing listens any more.
    pub async fn stop(self) -> Stopped {
        drop(self.stop);
        let ended = tokio::time::timeout(Duration::from_secs(20), self.serving).await;
        ended.expect("connections stay open").unwrap().unwrap();
        Stopped {
            url: self.url,
            gate: self.gate,
            settings: self.settings,
            folder: self.folder,
        }
    }

    pub fn demo(&self) -> AthleteId {
        let store = self.server.store();
        store.athlete_named("demo").unwrap().unwrap().id
    }

    /// Adds an athlete whose password is their name.
    pub fn add_athlete(&self, username: &str) -> AthleteId {
        let profile = Profile {
            name: username.to_owned(),
            ftp_watts: 250,
            weight_kg: None,
            extra: serde_json::Map::new(),
        };
        let new = NewAthlete {
            username,
            password: username,
            profile,
        };
        let store = self.server.store();
        store.add_athlete(&new, SystemClock.now()).unwrap()
    }

    pub fn rides_of(&self, athlete: &AthleteId) -> Vec<StoredRide> {
        self.server.store().rides(athlete).unwrap()
    }

    /// Runs `sql` on the server's own database.
    pub fn sql(&self, sql: &str) -> usize {
        let file = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|e| e == "db" || e == "sqlite"))
            .unwrap();
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.execute(sql, []).unwrap()
    }
}

pub struct Stopped {
    pub url: String,
    gate: Arc<Gate>,
    settings: Settings,
    folder: Arc<TempDir>,
}

impl Stopped {
    /// The same server, on the same port.
    pub async fn start(self) -> Site {
        let address = self.url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind(address).await.unwrap();
        Site::on(listener, self.folder, self.gate, self.settings)
    }
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let line = format!("{} {}", request.method(), request.uri().path());
    let way = (gate.rule.lock().unwrap())(&line);
    gate.log.lock().unwrap().push(line);
    let say = |status, media: &str, body: String| {
        Response::builder()
            .status(status)
            .header("content-type", media)
            .body(Body::from(body))
            .unwrap()
    };
    match way {
        Way::Through => next.run(request).await,
        Way::LoseReply => {
            drop(next.run(request).await);
            break_connection()
        }
        Way::LoseRequest => break_connection(),
        Way::Say(status, media, body) => say(status, media, body),
        Way::Later(status, seconds) => {
            let mut response = say(status, "text/plain", "later".to_owned());
            response.headers_mut().insert("retry-after", seconds.into());
            response
        }
        Way::Redirect => {
            let mut response = say(302, "text/html", String::new());
            let portal = "http://127.0.0.1:9/portal".parse().unwrap();
            response.headers_mut().insert("location", portal);
            response
        }
        Way::Hold(bell) => {
            bell.notified().await;
            next.run(request).await
        }
    }
}

/// Ends the task of the connection, which closes it without an answer.
fn break_connection() -> ! {
    std::panic::resume_unwind(Box::new("the connection breaks"))
}
