//! The real server in this process, behind a gate that counts requests and can spoil them.

mod gate;
mod tls;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use freewheel_protocol::Profile;
use freewheel_server::store::{AthleteId, NewAthlete, StoredRide};
use freewheel_server::{Clock as _, Library, Options, Server};
use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::LabError;
use crate::port::{Listener, Port};
use crate::rig::LabClock;

pub use gate::{Canned, Change, Gate, Heard, PORTAL, Way};
pub use tls::{Authority, Shown};

/// How long the server may take to end once nobody asks any more.
const END: Duration = Duration::from_secs(20);

/// How a site is set up.
#[derive(Clone)]
pub struct Settings {
    /// Life of an access token.
    pub access_token_life: SignedDuration,
    /// Life of a refresh token.
    pub refresh_token_life: SignedDuration,
    /// So many computers stay signed in to one account; none: any number.
    pub max_sessions: Option<NonZeroU32>,
    /// Life of the code for another device.
    pub device_code_life: SignedDuration,
    /// How often a device may ask whether its code was confirmed.
    pub device_interval: SignedDuration,
    /// A shorter offline grace than the client's own.
    pub offline_grace: Option<SignedDuration>,
    /// What the server publishes.
    pub library: Library,
    /// What the server takes the time from.
    pub clock: Arc<LabClock>,
    /// The name in the site's address, and the certificate that it shows; without one it is plain HTTP on 127.0.0.1.
    pub tls: Option<(String, Shown)>,
    /// The address that the site calls itself, where it is not the one that it listens on. The port of this computer
    /// is put in place of `PORT`.
    pub public_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token_life: SignedDuration::from_mins(15),
            refresh_token_life: SignedDuration::from_hours(30 * 24),
            max_sessions: None,
            device_code_life: SignedDuration::from_mins(15),
            device_interval: SignedDuration::from_secs(5),
            offline_grace: None,
            library: Library::BuiltIn,
            clock: LabClock::shared(),
            tls: None,
            public_url: None,
        }
    }
}

/// A running server with the athlete demo/demo.
pub struct Site {
    /// Its parts.
    pub server: Server,
    /// The address by which clients reach it, without a slash at the end.
    pub url: String,
    /// What stands in front of it.
    pub gate: Arc<Gate>,
    port: Port,
    settings: Settings,
    folder: Arc<TempDir>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Site {
    /// On a free port of 127.0.0.1, with the built-in library and tokens of 15 minutes.
    ///
    /// # Errors
    /// As [`Site::with`].
    pub async fn start() -> Result<Self, LabError> {
        Self::with(Settings::default()).await
    }

    /// The same with access tokens of so many seconds.
    ///
    /// # Errors
    /// As [`Site::with`].
    pub async fn with_token_life(seconds: i64) -> Result<Self, LabError> {
        Self::with(Settings {
            access_token_life: SignedDuration::from_secs(seconds),
            ..Settings::default()
        })
        .await
    }

    /// As `settings` say.
    ///
    /// # Errors
    /// No port or no folder is to be had, or the server does not open.
    pub async fn with(settings: Settings) -> Result<Self, LabError> {
        let folder = tempfile::tempdir().map_err(LabError::io("making the server's folder"))?;
        Self::on(Port::reserve()?, Arc::new(folder), Gate::open(), settings).await
    }

    async fn on(
        port: Port,
        folder: Arc<TempDir>,
        gate: Arc<Gate>,
        settings: Settings,
    ) -> Result<Self, LabError> {
        let listener = port.listen()?;
        let url = settings.url(port.address());
        let options = Options {
            dev: true,
            clock: Arc::clone(&settings.clock) as _,
            access_token_life: settings.access_token_life,
            refresh_token_life: settings.refresh_token_life,
            max_sessions: settings.max_sessions,
            device_code_life: settings.device_code_life,
            device_interval: settings.device_interval,
            offline_grace: settings.offline_grace,
            library: settings.library.clone(),
            ..Options::at(&url)
        };
        let data = Arc::clone(&folder);
        let opening = tokio::task::spawn_blocking(move || Server::open(data.path(), options));
        let server = opening.await.map_err(server_trouble)?;
        let server = server.map_err(server_trouble)?;
        let (stop, stopped) = oneshot::channel();
        let router = behind(&gate, &server);
        let serving = serve(listener, router, &settings, stopped)?;
        Ok(Self {
            server,
            url,
            gate,
            port,
            settings,
            folder,
            stop,
            serving,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// How it was set up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The drive stops: nothing listens any more.
    ///
    /// # Errors
    /// Connections stay open.
    pub async fn stop(self) -> Result<Stopped, LabError> {
        drop(self.stop);
        match tokio::time::timeout(END, self.serving).await {
            Ok(Ok(ended)) => ended.map_err(LabError::io("ending the server"))?,
            Ok(Err(error)) => return Err(server_trouble(error)),
            Err(_) => {
                return Err(LabError::TimedOut {
                    what: "the server's end".to_owned(),
                    bound: END,
                    last: Some("connections stay open".to_owned()),
                });
            }
        }
        Ok(Stopped {
            url: self.url,
            gate: self.gate,
            port: self.port,
            settings: self.settings,
            folder: self.folder,
        })
    }

    /// The athlete who is always there.
    ///
    /// # Errors
    /// The server's database.
    pub fn demo(&self) -> Result<AthleteId, LabError> {
        self.athlete("demo")
    }

    /// An athlete by name.
    ///
    /// # Errors
    /// The server's database, or there is none of that name.
    pub fn athlete(&self, name: &str) -> Result<AthleteId, LabError> {
        let found = self.server.store().athlete_named(name);
        let found = found.map_err(server_trouble)?;
        found
            .map(|athlete| athlete.id)
            .ok_or_else(|| LabError::Unexpected(format!("the server knows no athlete {name}")))
    }

    /// Adds an athlete whose password is their name.
    ///
    /// # Errors
    /// The server's database, or the name is taken.
    pub fn add_athlete(&self, username: &str) -> Result<AthleteId, LabError> {
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
        store
            .add_athlete(&new, self.settings.clock.now())
            .map_err(server_trouble)
    }

    /// The rides that the server has of an athlete.
    ///
    /// # Errors
    /// The server's database.
    pub fn rides_of(&self, athlete: &AthleteId) -> Result<Vec<StoredRide>, LabError> {
        self.server.store().rides(athlete).map_err(server_trouble)
    }

    /// Runs `sql` on the server's own database and tells how many rows it changed.
    ///
    /// # Errors
    /// The server's database.
    pub fn sql(&self, sql: &str) -> Result<usize, LabError> {
        Ok(self.database()?.execute(sql, [])?)
    }

    /// The server's own database, past the server.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn database(&self) -> Result<rusqlite::Connection, LabError> {
        let file = self.folder.path().join(freewheel_server::store::FILE_NAME);
        let connection = rusqlite::Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(connection)
    }
}

/// A server that is away; its data, its port and its gate wait for it.
pub struct Stopped {
    /// The address by which clients try to reach it.
    pub url: String,
    /// What stood in front of it, with all that it counted.
    pub gate: Arc<Gate>,
    port: Port,
    settings: Settings,
    folder: Arc<TempDir>,
}

impl Stopped {
    /// Where it listened, and will again.
    #[must_use]
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// The same server, on the same port.
    ///
    /// # Errors
    /// As [`Site::with`].
    pub async fn start(self) -> Result<Site, LabError> {
        Site::on(self.port, self.folder, self.gate, self.settings).await
    }
}

impl Settings {
    fn url(&self, address: SocketAddr) -> String {
        let port = address.port();
        match (&self.public_url, &self.tls) {
            (Some(url), _) => url.replace("PORT", &port.to_string()),
            (None, Some((name, _))) => format!("https://{name}:{port}"),
            (None, None) => format!("http://{address}"),
        }
    }
}

fn behind(gate: &Arc<Gate>, server: &Server) -> Router {
    let watched = axum::middleware::from_fn_with_state(Arc::clone(gate), gate::pass);
    server.router().layer(watched)
}

fn serve(
    listener: Listener,
    router: Router,
    settings: &Settings,
    stopped: oneshot::Receiver<()>,
) -> Result<JoinHandle<std::io::Result<()>>, LabError> {
    let stopped = async { drop(stopped.await) };
    Ok(match &settings.tls {
        None => tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await
        }),
        Some((_, shown)) => {
            let listener = tls::TlsListener::over(listener, shown.clone())
                .map_err(LabError::io("listening with TLS"))?;
            tokio::spawn(async move {
                axum::serve(listener, router)
                    .with_graceful_shutdown(stopped)
                    .await
            })
        }
    })
}

fn server_trouble(error: impl std::fmt::Display) -> LabError {
    LabError::Unexpected(format!("the server: {error}"))
}
