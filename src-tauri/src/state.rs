//! What the shell holds: the engine, and the ride in progress.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use freewheel_ride::RideHandle;
use freewheel_sync::Engine;
use freewheel_sync::lease::Lease;
use freewheel_sync::settings::Settings;
use freewheel_sync::view::UserError;

use crate::tray::Tray;

/// The engine, or why there is none.
pub(crate) type Profile = Result<Engine, UserError>;

/// How long the end of the program waits for rides that are just being sent.
const FLUSHING: Duration = Duration::from_secs(4);

/// How long closing the window may take for what is still in memory.
const CLOSING: Duration = Duration::from_secs(5);

/// The state behind all commands.
pub(crate) struct Shell {
    profile: Profile,
    ride: Mutex<Option<RideHandle>>,
    /// Held while a ride is opened or ended, so that two presses do one thing.
    pub(crate) one_at_a_time: tokio::sync::Mutex<()>,
    /// The tray icon, where there is one.
    tray: OnceLock<Tray>,
    /// One window per profile, for as long as the program runs.
    _lease: Option<Lease>,
}

impl Shell {
    pub(crate) fn new(profile: Profile, lease: Option<Lease>) -> Self {
        Self {
            profile,
            ride: Mutex::new(None),
            one_at_a_time: tokio::sync::Mutex::new(()),
            tray: OnceLock::new(),
            _lease: lease,
        }
    }

    /// The engine.
    pub(crate) fn engine(&self) -> Result<&Engine, UserError> {
        self.profile.as_ref().map_err(Clone::clone)
    }

    /// The athlete's choices, as they are now.
    pub(crate) fn settings(&self) -> Result<Settings, UserError> {
        Ok(Settings::load(self.engine()?.home()))
    }

    /// Remembers the tray icon, for as long as the program runs.
    pub(crate) fn set_tray(&self, tray: Tray) {
        // The second of two would be none of ours.
        drop(self.tray.set(tray));
    }

    /// The tray icon.
    pub(crate) fn tray(&self) -> Option<&Tray> {
        self.tray.get()
    }

    /// Whether there is a tray icon.
    pub(crate) fn has_tray(&self) -> bool {
        self.tray().is_some()
    }

    /// The ride in progress.
    pub(crate) fn ride(&self) -> Option<RideHandle> {
        self.ride
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Remembers the ride in progress, or that there is none.
    pub(crate) fn set_ride(&self, ride: Option<RideHandle>) {
        *self.ride.lock().unwrap_or_else(PoisonError::into_inner) = ride;
    }

    /// Leaves a ride in progress open in the journal, lets rides that are being sent arrive, and ends the engine, each
    /// within a bound.
    pub(crate) async fn close(&self) {
        if self.ride().is_none()
            && let Ok(engine) = self.engine()
        {
            engine.flush(FLUSHING).await;
        }
        let closing = async {
            if let Some(ride) = self.ride()
                && let Err(error) = ride.leave().await
            {
                tracing::warn!(%error, "the ride's last samples could not be written");
            }
            if let Ok(engine) = self.engine() {
                engine.shutdown().await;
            }
        };
        if tokio::time::timeout(CLOSING, closing).await.is_err() {
            tracing::warn!(
                "closing took too long; what was not written is in the journal up to the last second"
            );
        }
    }
}
