//! The sync engine: one handle, one observable.
//!
//! [`Engine::open`] opens the store and returns; it waits neither for the network nor for the keyring. A resident
//! engine then runs its lanes for as long as it holds the profile's syncer lease; a one-shot engine acts when asked.

mod arrival;
mod compose;
mod core;
mod examine;
mod facts;
mod issuer;
mod lane;
mod library_lane;
mod opportunity;
mod principal;
mod put_back;
mod record;
mod refresh;
mod renew;
mod revoking;
mod rides_lane;
mod riding;
mod saving;
mod screens;
mod session;
mod sign_in;
mod sync;
mod tokens;
mod wake;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use freewheel_policy::lane::{Lane, LaneOutcome};
use freewheel_policy::session::VaultCondition;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::clock::{SharedClock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::EngineError;
use crate::home::Home;
use crate::jwt;
use crate::lease::nudge::{self, NudgeKind};
use crate::lease::{Lease, LeaseKind};
use crate::network::{NetworkProbe, SystemNetwork};
use crate::sign_in::{DeviceSignIn, SignInError, SignInStarted};
use crate::store::{Store, StoreError};
use crate::vault::{Vault, VaultOptions};
use crate::version;
use crate::view::SyncView;

use self::core::Core;
use issuer::Issuer;
use lane::LOOK_AGAIN;
use session::{Session, Way, account_id};
use sign_in::{Attempt, Road, Shown};
use wake::{LANES, Wakes};

pub use renew::Renewal;
pub use riding::RideRequest;

/// What the engine touches of the outside world, besides its profile folder and the server.
#[derive(Clone)]
pub struct Ports {
    /// Tells the time.
    pub clock: SharedClock,
    /// Tells whether there is a network.
    pub network: Arc<dyn NetworkProbe>,
    /// Gives jitter and ids.
    pub entropy: Arc<dyn Entropy>,
    /// Which keyring, and how long it may take.
    pub vault: VaultOptions,
}

impl Ports {
    /// The system's own.
    #[must_use]
    pub fn system() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            network: Arc::new(SystemNetwork),
            entropy: Arc::new(SystemEntropy),
            vault: VaultOptions::default(),
        }
    }
}

/// How an engine works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Runs its lanes in the background while it holds the syncer lease.
    Resident,
    /// Acts only when asked.
    OneShot,
}

/// The handle. Clones share the engine; dropping the last one ends its tasks.
#[derive(Clone)]
pub struct Engine {
    core: Arc<Core>,
    home: Home,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Engine {
    /// Opens the profile.
    ///
    /// # Errors
    /// The profile folder or its precious database cannot be used.
    pub async fn open(home: Home, ports: Ports, mode: Mode) -> Result<Self, EngineError> {
        if !jwt::is_ready() {
            // No reason not to ride: the session then counts as one that cannot be asked about.
            tracing::error!(
                "no token can be verified: this program was built without cryptography"
            );
        }
        let opened = home.clone();
        let store = tokio::task::spawn_blocking(move || Store::open(&opened)).await;
        let store = store.map_err(|_| StoreError::Stopped)??;
        let profile = store.run(Store::profile_name).await;
        let profile = profile
            .inspect_err(|error| tracing::warn!(%error, "the profile has no name yet"))
            .ok();
        let vault = Vault::of_profile(home.root(), profile.as_deref(), ports.vault.clone());
        let wakes = Arc::new(Wakes::default());
        let clock = Arc::clone(&ports.clock);
        let session = Arc::new(Session::new(
            store.clone(),
            vault,
            Arc::clone(&clock),
            Arc::clone(&wakes),
        ));
        session.end_orphaned_sign_in().await;
        let issuer = Arc::new(Issuer::new(Arc::clone(&session)));
        session.end_dead_ride().await;
        // A resident engine's launch sees to it; this one may only ever be asked how things stand.
        if mode == Mode::OneShot
            && let Err(error) = session.give_up_lost_tokens().await
        {
            tracing::warn!(%error, "it could not be noted that unsaved tokens are lost");
        }
        let local = compose::Local {
            sign_in: sign_in::Shown::default(),
            sign_in_failure: None,
            unsaved: None,
            pulling: false,
            sending: false,
            system: ports.network.state(),
            vault: session.kept_in(),
        };
        let now = ports.clock.now();
        let view = store
            .run(move |store| compose::compose(store, local, &now))
            .await?;
        let core = Core::new(session, issuer, wakes, ports.network, ports.entropy, view);
        let engine = Self {
            core: Arc::new(core),
            home,
            tasks: Arc::default(),
        };
        engine.spawn(compose_views(Arc::clone(&engine.core)));
        if mode == Mode::Resident {
            engine.spawn(hear_others(Arc::clone(&engine.core)));
            engine.spawn(hear_network(Arc::clone(&engine.core)));
            engine.spawn(opportunity::hear_sleep(Arc::clone(&engine.core)));
            if let Ok(Some(lease)) = Lease::try_acquire(&engine.home, LeaseKind::Syncer) {
                engine.core.take_lease(lease).await;
            }
            engine.spawn(reside(engine.core.clone()));
        }
        Ok(engine)
    }

    /// The profile folder.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The one observable.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<SyncView> {
        self.core.view.subscribe()
    }

    /// The view as of now.
    #[must_use]
    pub fn view_now(&self) -> SyncView {
        self.core.view.borrow().clone()
    }

    /// Asks for a sync without waiting for it: the athlete pressed the button.
    pub fn sync_now(&self) {
        if self.core.holds_lease() {
            self.core.sync_now();
        } else if let Err(error) = nudge::send(&self.home, NudgeKind::Sync) {
            tracing::warn!(%error, "the process that syncs could not be asked");
        }
    }

    /// Begins a sign-in at `server`, which must be an `https` address, or `http` on this computer. The browser has to
    /// be sent to the returned address; the rest happens in the background and shows in the view.
    ///
    /// # Errors
    /// The address cannot be used, or the server cannot be asked now.
    pub async fn sign_in(&self, server: &str) -> Result<SignInStarted, EngineError> {
        let attempt = self.core.sign_in.enter();
        let road = self.core.browser_road(server);
        let (started, road) = attempt.unless_cancelled(road).await?;
        let shown = Shown {
            url: Some(started.url.clone()),
            device: None,
        };
        self.go(attempt, shown, road).await?;
        Ok(started)
    }

    /// Begins a sign-in with a code that the athlete types on another device (RFC 8628); else as [`Engine::sign_in`].
    ///
    /// # Errors
    /// The address cannot be used, the server cannot be asked now, or it offers no such sign-in.
    pub async fn sign_in_with_device(&self, server: &str) -> Result<DeviceSignIn, EngineError> {
        let attempt = self.core.sign_in.enter();
        let road = self.core.device_road(server);
        let (started, road) = attempt.unless_cancelled(road).await?;
        let shown = Shown {
            url: None,
            device: Some(started.clone()),
        };
        self.go(attempt, shown, road).await?;
        Ok(started)
    }

    /// The rest of the sign-in goes on in the background. Returns when the beginning is stored.
    async fn go(&self, attempt: Attempt, shown: Shown, road: Road) -> Result<(), EngineError> {
        let (sender, begun) = oneshot::channel();
        self.spawn(Arc::clone(&self.core).go(attempt, shown, road, sender));
        // Whoever ended the engine's tasks meanwhile ended this sign-in too.
        Ok(begun.await.unwrap_or(Err(SignInError::Cancelled))?)
    }

    /// Waits for the end of the sign-in that is under way, and returns the athlete's name.
    ///
    /// # Errors
    /// It did not come about.
    pub async fn sign_in_finished(&self) -> Result<String, EngineError> {
        let name = self.core.sign_in_ended().await?;
        self.tell_others(NudgeKind::Sync);
        Ok(name)
    }

    /// Gives up the sign-in that is under way; everything is as before it.
    pub fn cancel_sign_in(&self) {
        let core = Arc::clone(&self.core);
        self.spawn(async move { core.give_up_sign_in().await });
    }

    /// Signs out: local first, so it works offline. Rides that wait are kept for their owner.
    ///
    /// # Errors
    /// The store could not be written.
    pub async fn sign_out(&self) -> Result<(), EngineError> {
        let done = self.core.sign_out().await;
        self.tell_others(NudgeKind::Sync);
        done
    }

    /// Ends the engine's tasks and waits for them; every fact is durable already.
    pub async fn shutdown(&self) {
        /// How long an answer that is under way is waited for.
        const ANSWER: Duration = Duration::from_secs(3);
        self.core.cancel_sign_in().await;
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        // A renewal goes on by itself; a program that ends in the middle of one may lose the token that it brings.
        drop(tokio::time::timeout(ANSWER, self.core.session.refreshing.lock()).await);
        // Ending a task does not end what it has the store do, and whoever has the lease next may count on its end.
        self.store().settled().await;
        self.core.release_lease();
    }

    fn store(&self) -> &Store {
        self.core.store()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }

    /// Other processes of this profile read the store again, and the one that syncs does what follows from it.
    fn tell_others(&self, syncer: NudgeKind) {
        let kind = if self.core.holds_lease() {
            NudgeKind::Changed
        } else {
            syncer
        };
        if let Err(error) = nudge::send(&self.home, kind) {
            tracing::debug!(%error, "other processes could not be nudged");
        }
    }
}

impl Core {
    pub(super) fn holds_lease(&self) -> bool {
        self.lease
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    pub(super) fn release_lease(&self) {
        self.lease
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Becomes the profile's syncer: what an earlier one left half-done is put right first. What cannot be put right
    /// now (a full disk, a folder that is gone) is no reason not to open.
    pub(super) async fn take_lease(&self, lease: Lease) {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
        if let Err(error) = self.put_right().await {
            tracing::error!(%error, "the profile could not be put right");
        }
        self.refresh_view();
    }

    async fn put_right(&self) -> Result<(), StoreError> {
        let facts = self.session.facts()?;
        let account = account_id(&facts);
        let left = self.store().run(move |store| {
            let left = !store.unfinished_rides(account.as_deref())?.is_empty();
            if let Err(error) = put_outbox_right(store, account.as_deref()) {
                tracing::error!(%error, "the outbox could not be put right");
            }
            if let Err(error) = store.export_missing_files() {
                tracing::warn!(%error, "a ride's file could not be written; the profile has it");
            }
            Ok(left)
        });
        let left = left.await?;
        // The vault has not been asked yet, and the launch does not wait for it: it counts as ready until it says
        // otherwise.
        let vault = VaultCondition::Ready;
        self.session.launched(vault, left).await
    }

    /// The athlete asked: every lane tries at once.
    pub(super) fn sync_now(&self) {
        for lane in LANES {
            self.wakes.of(lane).ring(LaneOutcome::SyncNow);
        }
        self.revoking.ring(true);
    }
}

fn put_outbox_right(store: &Store, account: Option<&str>) -> Result<(), StoreError> {
    store.recover_in_flight()?;
    if let Some(account) = account {
        store.unpark_for_version(account, version::VERSION)?;
    }
    Ok(())
}

/// Runs the lanes once this process is the syncer; waits for the lease, without polling, until then.
async fn reside(core: Arc<Core>) {
    if !core.holds_lease() {
        let home = core.store().home().clone();
        let lease = match Lease::acquire(&home, LeaseKind::Syncer).await {
            Ok(lease) => lease,
            Err(error) => {
                tracing::error!(%error, "this process cannot become the syncer");
                return;
            }
        };
        core.take_lease(lease).await;
    }
    // Asked in the background: a keyring may take its time, or never answer.
    core.probe_vault(Way::Asking).await;
    let mut lanes = JoinSet::new();
    for lane in LANES {
        lanes.spawn(Arc::clone(&core).run_lane(lane));
    }
    lanes.spawn(Arc::clone(&core).run_revocations());
    while let Some(ended) = lanes.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a lane ended");
        }
    }
}

/// Hears the system tell of its links; without a word nobody asks.
async fn hear_network(core: Arc<Core>) {
    let changed = Arc::new(Notify::new());
    let Some(_listening) = core.network.listen(Arc::clone(&changed)) else {
        return;
    };
    loop {
        changed.notified().await;
        if core.holds_lease() {
            core.observe_network().await;
        }
        core.refresh_view();
    }
}

/// Hears the nudges of other processes of this profile.
async fn hear_others(core: Arc<Core>) {
    let mut nudges = match nudge::watch(core.store().home()) {
        Ok(nudges) => nudges,
        Err(error) => {
            tracing::warn!(%error, "other processes cannot be heard; they are noticed within a minute");
            return;
        }
    };
    while let Some(kind) = nudges.recv().await {
        match kind {
            NudgeKind::Sync => {
                core.store().changed_elsewhere();
                if core.holds_lease() {
                    core.sync_now();
                }
            }
            NudgeKind::Work => {
                core.store().changed_elsewhere();
                core.wakes.of(Lane::Rides).ring(LaneOutcome::More);
            }
            NudgeKind::Changed => core.store().changed_elsewhere(),
            NudgeKind::Show => {}
        }
    }
}

/// Composes the view whenever something changed, at most once in a short while.
async fn compose_views(core: Arc<Core>) {
    /// Changes closer together than this are shown together.
    const TOGETHER: Duration = Duration::from_millis(25);
    let mut revisions = core.store().revisions();
    loop {
        tokio::select! {
            () = core.view_bell.notified() => {}
            changed = revisions.changed() => if changed.is_err() { return },
            // Days pass and links come and go without anybody writing it down.
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        tokio::time::sleep(TOGETHER).await;
        revisions.mark_unchanged();
        let (local, now) = (core.local(), core.clock().now());
        match core
            .store()
            .run(move |store| compose::compose(store, local, &now))
            .await
        {
            Ok(view) => {
                core.view.send_if_modified(|old| {
                    let changed = *old != view;
                    *old = view;
                    changed
                });
            }
            Err(error) => tracing::warn!(%error, "the view could not be composed"),
        }
    }
}
