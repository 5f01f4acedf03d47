//! From a recorded ride to a frozen file that waits for delivery.

use uuid::Uuid;

use crate::fit;
use crate::journal::{FinishedRide, Journal, JournalError, RecordedRide};
use crate::summary::summarise;
use crate::view::RideSaved;

/// Why a ride could not be finished. It stays open, and nothing of it is lost.
#[derive(Debug, thiserror::Error)]
pub enum RideError {
    /// It has not begun, so there is nothing to save.
    #[error("the ride has not begun, so there is nothing to save")]
    NotBegun,
    /// The journal did not take or give it.
    #[error("{0}; the ride stays open, try again")]
    Journal(#[from] JournalError),
    /// The file could not be built.
    #[error("the FIT file could not be built: {0}; the ride stays open")]
    Fit(#[from] fit::FitError),
    /// The task that records it is gone.
    #[error("the ride is no longer recording; it is still in the journal")]
    Gone,
}

impl RideError {
    /// A stable name for logs and for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBegun => "ride_not_begun",
            Self::Journal(_) => "ride_journal",
            Self::Fit(_) => "ride_fit",
            Self::Gone => "ride_gone",
        }
    }
}

/// A ride as the journal holds it, for example one that a death left open. Blocks.
///
/// # Errors
/// The ride is unknown or could not be read.
pub fn recover(journal: &dyn Journal, ride: Uuid) -> Result<RecordedRide, JournalError> {
    journal.load(ride)
}

/// Finishes a ride from what the journal holds: builds the file once and freezes it together with its
/// outbox entry in one transaction. Blocks. Doing it again after a failure is safe.
///
/// # Errors
/// The ride could not be read, built or made durable; it stays open.
pub fn finish_recorded(journal: &dyn Journal, ride: Uuid) -> Result<RideSaved, RideError> {
    let recorded = recover(journal, ride)?;
    let summary = summarise(&recorded);
    let finished = FinishedRide {
        id: ride,
        fit: fit::encode(&recorded)?,
        summary,
    };
    journal.finish(&finished)?;
    Ok(RideSaved {
        id: ride.to_string(),
        name: recorded.header.name,
        summary: finished.summary,
    })
}
