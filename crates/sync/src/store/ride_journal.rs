//! The ride journal on `athlete.db`: each call returns when its data would survive a power cut.

use std::sync::Arc;

use freewheel_ride::journal::{
    FinishedRide, Journal, JournalError, RecordedRide, RideHeader, Sample, TimedEvent,
};
use uuid::Uuid;

use crate::lease::Lease;

use super::{Store, StoreError, ride, ride_event, ride_sample};

/// Records rides for one account, or for nobody. A ride keeps the owner that it was begun with, whichever journal
/// goes on with it.
#[derive(Debug, Clone)]
pub struct RideJournal {
    store: Store,
    account: Option<String>,
    /// Held for as long as there may be something to write.
    _lease: Option<Arc<Lease>>,
}

impl RideJournal {
    /// A journal whose new rides belong to `account`; without one they stay on this computer.
    #[must_use]
    pub fn new(store: Store, account: Option<String>) -> Self {
        Self {
            store,
            account,
            _lease: None,
        }
    }

    /// The same, holding `lease` until the journal is dropped.
    #[must_use]
    pub fn holding(self, lease: Option<Lease>) -> Self {
        Self {
            _lease: lease.map(Arc::new),
            ..self
        }
    }

    /// Freezes the ride's file and queues its delivery, in one transaction: afterwards it is safe. Returns whether the ride
    /// was open. The file for people in `rides/` comes with [`Journal::finish`].
    ///
    /// # Errors
    /// [`StoreError::RideUnknown`], or the database could not be written.
    pub fn enqueue(&self, ride: &FinishedRide) -> Result<bool, StoreError> {
        let frozen = self
            .store
            .athlete()
            .write(|connection| ride::freeze(connection, ride))?;
        if frozen {
            self.store.rides_changed();
        }
        Ok(frozen)
    }
}

impl Journal for RideJournal {
    fn begin(&self, header: &RideHeader) -> Result<(), JournalError> {
        self.store
            .athlete()
            .write(|connection| ride::begin(connection, self.account.as_deref(), header))
            .map_err(journal)?;
        self.store.rides_changed();
        Ok(())
    }

    fn append(
        &self,
        ride: Uuid,
        samples: &[Sample],
        events: &[TimedEvent],
    ) -> Result<(), JournalError> {
        self.store
            .athlete()
            .write(|connection| {
                let stored = ride::find(connection, ride)?;
                if stored.finished {
                    return Err(StoreError::RideFinished(ride));
                }
                ride_sample::insert(connection, stored.key, samples)?;
                ride_event::insert(connection, stored.key, events)
            })
            .map_err(journal)
    }

    fn load(&self, ride: Uuid) -> Result<RecordedRide, JournalError> {
        self.store
            .athlete()
            .read(|connection| {
                let stored = ride::find(connection, ride)?;
                Ok(RecordedRide {
                    samples: ride_sample::of(connection, stored.key)?,
                    events: ride_event::of(connection, stored.key)?,
                    header: stored.header,
                })
            })
            .map_err(journal)
    }

    fn finish(&self, ride: &FinishedRide) -> Result<(), JournalError> {
        if self.enqueue(ride).map_err(journal)? {
            // Safe in the database already; the file for people may come later.
            if let Err(error) = self.store.export_ride(ride.id) {
                tracing::warn!(ride = %ride.id, %error, "the FIT file for people could not be written yet");
            }
        }
        Ok(())
    }
}

fn journal(error: StoreError) -> JournalError {
    JournalError(Box::new(error))
}
