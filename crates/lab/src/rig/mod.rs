//! One athlete's computer: a profile folder, a clock, a network and a vault of its own, and a real engine over them.

mod clock;
mod issuer;
mod ports;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::session::{self, Facts};
use freewheel_ride::view::RideSaved;
use freewheel_sync::clock::Clock as _;
use freewheel_sync::vault::VaultOptions;
use freewheel_sync::view::{Delivery, RideCard, SyncView};
use freewheel_sync::{Engine, Home, Mode, Ports, RideRequest};
use rusqlite::{Connection, OptionalExtension as _};
use tempfile::TempDir;

use crate::{LabError, sign_in_page};

pub use clock::LabClock;
pub use issuer::change_known_issuer;
pub use ports::{Jitter, Links};

/// Nothing that works takes as long as this.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How much faster than life a ride of the rig goes.
const SPEED: f64 = 200.0;
/// How often a copy is begun.
const COPIES: u32 = 5;
/// Seconds that are ridden at least.
const SHORTEST: u32 = 60;

/// One athlete's computer. Dropping it kills the engine and removes the profile.
pub struct Rig {
    /// Its clock.
    pub clock: Arc<LabClock>,
    /// What the system says of its network.
    pub links: Arc<Links>,
    /// Its jitter: which part of every wait is waited.
    pub jitter: Jitter,
    /// Its vault; counts from the next launch on.
    pub vault: VaultOptions,
    folder: Arc<TempDir>,
    engine: Option<Engine>,
    launches: u32,
}

impl Rig {
    /// A new computer: nobody is signed in, the network is up, a key file is the vault, and waits are a fiftieth of the
    /// longest.
    ///
    /// # Errors
    /// No folder is to be had.
    pub fn new() -> Result<Self, LabError> {
        let folder = tempfile::tempdir().map_err(LabError::io("making the profile's folder"))?;
        Ok(Self::at(folder))
    }

    /// The same with its profile in a new folder within `place`: on a disk of its own, for example.
    ///
    /// # Errors
    /// No folder is to be had there.
    pub fn within(place: &Path) -> Result<Self, LabError> {
        let folder = tempfile::tempdir_in(place);
        Ok(Self::at(
            folder.map_err(LabError::io("making the profile's folder"))?,
        ))
    }

    fn at(folder: TempDir) -> Self {
        Self {
            clock: LabClock::shared(),
            links: Arc::default(),
            jitter: Jitter(0.02),
            vault: VaultOptions::key_file_only(),
            folder: Arc::new(folder),
            engine: None,
            launches: 0,
        }
    }

    /// The profile folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The profile.
    ///
    /// # Errors
    /// Its folder cannot be used.
    pub fn home(&self) -> Result<Home, LabError> {
        home(self.folder())
    }

    /// What an engine on this computer gets.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports {
            clock: Arc::clone(&self.clock) as _,
            network: Arc::clone(&self.links) as _,
            entropy: Arc::new(self.jitter),
            vault: self.vault.clone(),
        }
    }

    /// Opens the app. One that runs already is killed first.
    ///
    /// # Errors
    /// It does not open.
    pub async fn launch(&mut self, mode: Mode) -> Result<Engine, LabError> {
        self.kill();
        let engine = self.another(mode).await?;
        self.engine = Some(engine.clone());
        self.launches = self.launches.saturating_add(1);
        Ok(engine)
    }

    /// Opens another engine on the same profile, beside the rig's own.
    ///
    /// # Errors
    /// It does not open.
    pub async fn another(&self, mode: Mode) -> Result<Engine, LabError> {
        let opening = Engine::open(self.home()?, self.ports(), mode);
        Ok(soon("a launch", opening).await??)
    }

    /// How often the app was opened.
    #[must_use]
    pub fn launches(&self) -> u32 {
        self.launches
    }

    /// The engine that runs.
    ///
    /// # Errors
    /// None does.
    pub fn engine(&self) -> Result<&Engine, LabError> {
        let none = || LabError::Unexpected("no engine runs: launch one first".to_owned());
        self.engine.as_ref().ok_or_else(none)
    }

    /// Whether an engine runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.engine.is_some()
    }

    /// Quits the app in good order.
    pub async fn close(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.shutdown().await;
        }
    }

    /// The app dies: nothing is said or saved.
    pub fn kill(&mut self) {
        self.engine = None;
    }

    /// Signs in from the first click to the end; the password is the name.
    ///
    /// # Errors
    /// The sign-in does not come about.
    pub async fn sign_in(&self, server: &str, username: &str) -> Result<String, LabError> {
        sign_in(self.engine()?, server, username).await
    }

    /// Rides for a simulated minute and finishes: a real ride, on disk and in the queue.
    ///
    /// # Errors
    /// It cannot be ridden or saved.
    pub async fn ride(&self) -> Result<RideSaved, LabError> {
        ride(self.engine()?, None).await
    }

    /// Waits until the screen is as `wanted` says.
    ///
    /// # Errors
    /// It is not within `bound`; the error holds the screen.
    pub async fn until(
        &self,
        what: &str,
        bound: Duration,
        wanted: impl FnMut(&SyncView) -> bool,
    ) -> Result<SyncView, LabError> {
        until(self.engine()?, what, bound, wanted).await
    }

    /// Waits until the service has the ride.
    ///
    /// # Errors
    /// It has not within `bound`.
    pub async fn until_delivered(&self, ride: &RideSaved, bound: Duration) -> Result<(), LabError> {
        let engine = self.engine()?;
        let mut view = engine.view();
        let delivered = async {
            loop {
                let card = card(engine, &ride.id).await?;
                if matches!(card.delivery, Delivery::Delivered { .. }) {
                    return Ok(());
                }
                if view.changed().await.is_err() {
                    return Err(LabError::Unexpected("the engine ended".to_owned()));
                }
            }
        };
        match tokio::time::timeout(bound, delivered).await {
            Ok(done) => done,
            Err(_) => Err(LabError::TimedOut {
                what: "the delivery of the ride".to_owned(),
                bound,
                last: Some(format!("{:?}", card(engine, &ride.id).await?.delivery)),
            }),
        }
    }

    /// The ride in the history.
    ///
    /// # Errors
    /// It is not there.
    pub async fn card(&self, ride: &str) -> Result<RideCard, LabError> {
        card(self.engine()?, ride).await
    }

    /// The profile's precious database, past the engine.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn database(&self) -> Result<Connection, LabError> {
        let connection = Connection::open(self.home()?.athlete_db())?;
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(connection)
    }

    /// What is stored of the session, and what the policy makes of it now: the full state and `Access`, of which the
    /// screen shows a part.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn session(&self) -> Result<session::View, LabError> {
        let stored: Option<String> = self
            .database()?
            .query_row("SELECT facts FROM session", [], |row| row.get(0))
            .optional()?;
        let facts: Facts = match stored {
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| LabError::Unexpected(format!("the session's facts: {error}")))?,
            None => Facts::default(),
        };
        Ok(session::view(&facts, &self.clock.now()))
    }

    /// The profile as it is on disk now, on another computer: same clock, its own vault unless that is in the folder.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn copied(&self) -> Result<Self, LabError> {
        let copy = Self {
            clock: Arc::clone(&self.clock),
            jitter: self.jitter,
            vault: self.vault.clone(),
            ..Self::new()?
        };
        copy_whole(self.folder(), copy.folder())?;
        Ok(copy)
    }
}

/// A profile folder, opened.
///
/// # Errors
/// It cannot be used.
pub fn home(folder: &Path) -> Result<Home, LabError> {
    let opened = Home::resolve(Some(folder.to_owned())).and_then(Home::open);
    opened.map_err(|error| LabError::Unexpected(error.to_string()))
}

/// Signs `engine` in at `server` from the first click to the end; the password is the name.
///
/// # Errors
/// The sign-in does not come about.
pub async fn sign_in(engine: &Engine, server: &str, username: &str) -> Result<String, LabError> {
    let started = engine.sign_in(server).await?;
    sign_in_page::complete(&started.url, username, username).await?;
    Ok(soon("the end of the sign-in", engine.sign_in_finished()).await??)
}

/// Rides `workout`, or without one, for a simulated minute and finishes.
///
/// # Errors
/// It cannot be ridden or saved.
pub async fn ride(engine: &Engine, workout: Option<String>) -> Result<RideSaved, LabError> {
    let request = RideRequest {
        workout_id: workout,
        plan_item_id: None,
        speed: SPEED,
        autostart: true,
    };
    let handle = soon("the start of a ride", engine.start_ride(request)).await??;
    let mut frames = handle.frames();
    let minute = async { frames.wait_for(|f| f.ridden >= SHORTEST).await.is_ok() };
    if !soon("the first minute", minute).await? {
        return Err(LabError::Unexpected("the ride ended early".to_owned()));
    }
    let saved = soon("the end of the ride", handle.finish()).await??;
    engine.ride_ended().await;
    Ok(saved)
}

/// Waits until the screen is as `wanted` says.
///
/// # Errors
/// It is not within `bound`; the error holds the screen.
pub async fn until(
    engine: &Engine,
    what: &str,
    bound: Duration,
    wanted: impl FnMut(&SyncView) -> bool,
) -> Result<SyncView, LabError> {
    let mut view = engine.view();
    match tokio::time::timeout(bound, view.wait_for(wanted)).await {
        Ok(Ok(seen)) => Ok(seen.clone()),
        Ok(Err(_)) => Err(LabError::Unexpected("the engine ended".to_owned())),
        Err(_) => Err(LabError::TimedOut {
            what: what.to_owned(),
            bound,
            last: Some(format!("{:?}", engine.view_now())),
        }),
    }
}

/// A ride in the history.
///
/// # Errors
/// It is not there.
pub async fn card(engine: &Engine, ride: &str) -> Result<RideCard, LabError> {
    let rides = engine.history().await?;
    let found = rides.into_iter().find(|card| card.id == ride);
    found.ok_or_else(|| LabError::Unexpected(format!("{ride} is not in the history")))
}

/// What works comes within [`PATIENCE`].
///
/// # Errors
/// It does not.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> Result<T, LabError> {
    let late = |_| LabError::TimedOut {
        what: what.to_owned(),
        bound: PATIENCE,
        last: None,
    };
    tokio::time::timeout(PATIENCE, work).await.map_err(late)
}

/// A program that is just ending takes the files of its databases' logs away when they are in the databases: then the
/// copy is made anew, for what was copied before may be older than that.
fn copy_whole(from: &Path, to: &Path) -> Result<(), LabError> {
    for _ in 1..COPIES {
        match copy_folder(from, to) {
            Err(LabError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                std::fs::remove_dir_all(to).map_err(LabError::io("emptying the copy"))?;
            }
            done => return done,
        }
    }
    copy_folder(from, to)
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), LabError> {
    let failed = |path: &Path| LabError::io(format!("copying {}", path.display()));
    std::fs::create_dir_all(to).map_err(failed(to))?;
    for entry in std::fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let (path, target): (PathBuf, PathBuf) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            std::fs::copy(&path, &target).map_err(failed(&path))?;
        }
    }
    Ok(())
}
