//! Where a scenario plays: one site, one computer, and whatever stands in the way between them.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use freewheel_ride::view::RideSaved;
use freewheel_sync::Mode;
use freewheel_sync::view::{LibraryQuery, NetworkFact, SyncView};
use jiff::SignedDuration;

use super::environment::HOST;
use super::inside::{Ask, Inside};
use super::proxy::Proxy;
use crate::LabError;
use crate::generated_library::generate;
use crate::port::Port;
use crate::rig::{Jitter, PATIENCE, Rig};
use crate::site::{Authority, Gate, Settings, Site, Stopped};

/// The token endpoint, as the gate tells it.
pub const TOKEN: &str = "POST /oauth/token";
/// Workouts in the library.
const WORKOUTS: u32 = 4;
/// Longer than the life of an access token, which is 15 minutes.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(16);

/// Where a scenario plays.
pub struct Stage {
    /// The athlete's computer.
    pub rig: Rig,
    /// The rides that the failure is in the way of, oldest first: they must come through.
    pub rides: Vec<RideSaved>,
    /// Rides that came through already.
    pub delivered: Vec<RideSaved>,
    /// The `freewheel` command, for processes beside the engine.
    pub program: PathBuf,
    site: Option<Site>,
    away: Option<Stopped>,
    props: Vec<Box<dyn Any>>,
    proxy: Option<Proxy>,
    inside: Option<Arc<Inside>>,
}

impl Stage {
    pub(super) async fn set(
        mut settings: Settings,
        program: PathBuf,
        inside: Option<Arc<Inside>>,
    ) -> Result<Self, LabError> {
        if let Some(inside) = &inside {
            inside.front(&mut settings)?;
        }
        let site = Site::with(settings).await?;
        let proxy = match inside.as_ref().and_then(|inside| inside.proxy_port()) {
            Some(port) => Some(Proxy::start(port, site.port().address()).await?),
            None => None,
        };
        let workouts = generate(WORKOUTS).into_iter();
        let workouts = workouts.map(|made| (made.id, made.workout)).collect();
        let store = site.server.store();
        store
            .publish_workouts(&workouts)
            .map_err(|error| LabError::Unexpected(format!("the server: {error}")))?;
        let mut rig = Rig::new()?;
        // A fifth of the longest wait: patient enough to be counted, quick enough to be watched.
        rig.jitter = Jitter(0.2);
        Ok(Self {
            rig,
            rides: Vec::new(),
            delivered: Vec::new(),
            program,
            site: Some(site),
            away: None,
            props: Vec::new(),
            proxy,
            inside,
        })
    }

    /// The site.
    ///
    /// # Errors
    /// It is away.
    pub fn site(&self) -> Result<&Site, LabError> {
        let away = || LabError::Unexpected("the site is away".to_owned());
        self.site.as_ref().ok_or_else(away)
    }

    /// What stands in front of the site, whether it is there or away.
    ///
    /// # Errors
    /// Bringing the site back has failed.
    pub fn gate(&self) -> Result<&Gate, LabError> {
        let here = self.site.as_ref().map(|site| &site.gate);
        let gate = here.or(self.away.as_ref().map(|away| &away.gate));
        gate.map(Arc::as_ref)
            .ok_or_else(|| LabError::Unexpected("the site is gone".to_owned()))
    }

    /// The port that the site listens on, or will again.
    ///
    /// # Errors
    /// Bringing the site back has failed.
    pub fn port(&self) -> Result<&Port, LabError> {
        let here = self.site.as_ref().map(Site::port);
        let port = here.or(self.away.as_ref().map(Stopped::port));
        port.ok_or_else(|| LabError::Unexpected("the site is gone".to_owned()))
    }

    /// The drive stops: nothing listens at the site's address any more.
    ///
    /// # Errors
    /// It does not end.
    pub async fn site_stops(&mut self) -> Result<(), LabError> {
        if let Some(site) = self.site.take() {
            self.away = Some(site.stop().await?);
        }
        Ok(())
    }

    /// The site is back on its port, with all its data.
    ///
    /// # Errors
    /// Its port is taken by something that stands in its place.
    pub async fn site_returns(&mut self) -> Result<(), LabError> {
        if let Some(away) = self.away.take() {
            self.site = Some(away.start().await?);
        }
        Ok(())
    }

    /// Keeps something that stands in the way for as long as the failure lasts.
    pub fn keep(&mut self, prop: impl Any) {
        self.props.push(Box::new(prop));
    }

    /// Something that is kept, by its type.
    ///
    /// # Errors
    /// Nothing of that type is.
    pub fn kept<T: Any>(&self) -> Result<&T, LabError> {
        let mut props = self.props.iter();
        let found = props.find_map(|prop| prop.downcast_ref::<T>());
        found.ok_or_else(|| LabError::Unexpected("nothing of that kind is kept".to_owned()))
    }

    /// The cure of most rows: what stood in the way is gone, the site is there, everything goes through, the network is
    /// up.
    ///
    /// # Errors
    /// The site does not return.
    pub async fn all_well(&mut self) -> Result<(), LabError> {
        self.props.clear();
        self.site_returns().await?;
        self.gate()?.through();
        self.rig.links.set(NetworkFact::Up);
        Ok(())
    }

    /// Time passes for everybody, awake or asleep.
    ///
    /// # Errors
    /// The site is away.
    pub fn time_passes(&self, time: SignedDuration) -> Result<(), LabError> {
        self.site()?.settings().clock.pass(time);
        self.rig.clock.pass(time);
        Ok(())
    }

    /// Time passes until the access token is of no use any more, so that whatever is done next needs a new one.
    ///
    /// # Errors
    /// The site is away.
    pub fn token_expires(&self) -> Result<(), LabError> {
        self.time_passes(TOKEN_LIFE)
    }

    /// Signs in; the password is the name.
    ///
    /// # Errors
    /// The sign-in does not come about.
    pub async fn sign_in(&self, username: &str) -> Result<(), LabError> {
        let url = self.site()?.url.clone();
        self.rig.sign_in(&url, username).await.map(drop)
    }

    /// Opens the app, signs in as demo, and waits for the library.
    ///
    /// # Errors
    /// One of them does not come about.
    pub async fn settle(&mut self, mode: Mode) -> Result<(), LabError> {
        let engine = self.rig.launch(mode).await?;
        self.sign_in("demo").await?;
        if mode == Mode::OneShot {
            crate::rig::soon("a sync", engine.sync(Duration::ZERO)).await??;
        }
        let there = |view: &SyncView| {
            view.session.state == "active" && view.library.workouts >= WORKOUTS && !view.data.busy
        };
        self.rig.until("a library", PATIENCE, there).await.map(drop)
    }

    /// The athlete rides; the ride must come through.
    ///
    /// # Errors
    /// It cannot be ridden or saved, which no failure is a reason for.
    pub async fn ride(&mut self) -> Result<(), LabError> {
        let saved = self.rig.ride().await?;
        self.rides.push(saved);
        Ok(())
    }

    /// All rides so far are delivered, and the session is as if nothing had been.
    ///
    /// # Errors
    /// They are not, or it is not.
    pub async fn rides_come_through(&mut self) -> Result<(), LabError> {
        for ride in std::mem::take(&mut self.rides) {
            self.rig.until_delivered(&ride, PATIENCE).await?;
            self.delivered.push(ride);
        }
        let well = |view: &SyncView| view.session.state == "active" && !view.data.busy;
        self.rig
            .until("all is well", PATIENCE, well)
            .await
            .map(drop)
    }

    /// A licensed workout of the cached library.
    ///
    /// # Errors
    /// None is cached.
    pub async fn cached_workout(&self) -> Result<String, LabError> {
        let query = LibraryQuery {
            limit: 1,
            ..LibraryQuery::default()
        };
        let page = self.rig.engine()?.library(query).await?;
        let first = page.rows.into_iter().next().map(|card| card.id);
        first.ok_or_else(|| LabError::Unexpected("no workout is cached".to_owned()))
    }

    /// The `freewheel` command on this computer's profile, with a key file for a vault unless this process has a desktop
    /// session.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--home")
            .arg(self.rig.folder())
            .args(arguments)
            .env_remove("FREEWHEEL_HOME")
            .stdin(std::process::Stdio::null());
        if self.inside.is_none() {
            command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
        }
        command
    }

    /// Runs the `freewheel` command on this computer's profile to its end.
    ///
    /// # Errors
    /// It cannot be started, or takes too long.
    pub async fn run(&self, arguments: &[&str]) -> Result<Output, LabError> {
        let mut command = tokio::process::Command::from(self.command(arguments));
        let running = command.kill_on_drop(true).output();
        let done = crate::rig::soon("the end of the command", running).await?;
        done.map_err(LabError::io("running the freewheel command"))
    }

    /// Has something done to the desktop session that this process runs in.
    ///
    /// # Errors
    /// The row's environment has none, or it could not be done.
    pub async fn ask(&self, ask: Ask) -> Result<(), LabError> {
        self.inside()?.ask(ask).await
    }

    /// The folder that the environment was prepared in.
    ///
    /// # Errors
    /// The row's environment is the plain one.
    pub fn environment_folder(&self) -> Result<&Path, LabError> {
        Ok(self.inside()?.folder())
    }

    /// The proxy in this computer's settings.
    ///
    /// # Errors
    /// The row's environment has none.
    pub fn proxy(&self) -> Result<&Proxy, LabError> {
        let none = || LabError::Unexpected("the row's environment has no proxy".to_owned());
        self.proxy.as_ref().ok_or_else(none)
    }

    /// Whoever connects to the site from now on is shown a certificate that `authority` has signed, and nobody stays
    /// connected. None: the authority that this computer trusts.
    ///
    /// # Errors
    /// The row's environment has no site with TLS.
    pub fn show_certificate(&self, authority: Option<&Authority>) -> Result<(), LabError> {
        let none = || LabError::Unexpected("the site has no certificate".to_owned());
        let (_, shown) = self.site()?.settings().tls.as_ref().ok_or_else(none)?;
        match authority {
            Some(authority) => shown.show(authority.server(&[HOST])?),
            None => shown.show(self.inside()?.certificate()?),
        }
        if let Some(proxy) = &self.proxy {
            proxy.cut_tunnels();
        }
        Ok(())
    }

    /// From now on this computer's resolver finds these addresses for the site. Nobody stays connected.
    ///
    /// # Errors
    /// The row's environment has no list of hosts of its own, or the site does not come back.
    pub async fn resolver_finds(&mut self, addresses: &[&str]) -> Result<(), LabError> {
        self.inside()?.list_host(addresses)?;
        self.nobody_stays_connected().await
    }

    /// Connections that are kept open are closed: whatever comes next connects anew.
    ///
    /// # Errors
    /// The site does not come back.
    pub async fn nobody_stays_connected(&mut self) -> Result<(), LabError> {
        self.site_stops().await?;
        self.site_returns().await
    }

    pub(super) fn inside(&self) -> Result<&Arc<Inside>, LabError> {
        self.inside.as_ref().ok_or_else(|| {
            LabError::Unexpected("the row's environment is the plain one".to_owned())
        })
    }
}
