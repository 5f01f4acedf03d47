//! What the shell holds: the engine, and the ride in progress.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use freewheel_ride::RideHandle;
use freewheel_sync::Engine;
use freewheel_sync::lease::Lease;
use freewheel_sync::view::UserError;

/// The engine, or why there is none.
pub(crate) type Profile = Result<Engine, UserError>;

/// How long closing the window may take for what is still in memory.
const CLOSING: Duration = Duration::from_secs(5);

/// The state behind all commands.
pub(crate) struct Shell {
    profile: Profile,
    ride: Mutex<Option<RideHandle>>,
    /// Held while a ride is opened or ended, so that two presses do one thing.
    pub(crate) one_at_a_time: tokio::sync::Mutex<()>,
    /// One window per profile, for as long as the program runs.
    _lease: Option<Lease>,
}

impl Shell {
    pub(crate) fn new(profile: Profile, lease: Option<Lease>) -> Self {
        Self {
            profile,
            ride: Mutex::new(None),
            one_at_a_time: tokio::sync::Mutex::new(()),
            _lease: lease,
        }
    }

    /// The engine.
    pub(crate) fn engine(&self) -> Result<&Engine, UserError> {
        self.profile.as_ref().map_err(Clone::clone)
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

    /// Leaves a ride in progress open in the journal and ends the engine, within a bound.
    pub(crate) async fn close(&self) {
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
