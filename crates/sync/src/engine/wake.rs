//! The bells of the lanes: who rings says why, and of several reasons the most urgent counts.

use std::sync::{Mutex, PoisonError};

use freewheel_policy::lane::{Lane, LaneOutcome};
use tokio::sync::Notify;

/// The lanes that this engine runs.
pub(super) const LANES: [Lane; 4] = [Lane::Session, Lane::Library, Lane::Rides, Lane::Edits];

/// One bell per lane.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    session: Wake,
    library: Wake,
    rides: Wake,
    edits: Wake,
    /// Lanes that are not run yet.
    rest: Wake,
}

impl Wakes {
    /// The bell of a lane.
    pub(crate) fn of(&self, lane: Lane) -> &Wake {
        match lane {
            Lane::Session => &self.session,
            Lane::Library => &self.library,
            Lane::Rides => &self.rides,
            Lane::Edits => &self.edits,
            Lane::Status => &self.rest,
        }
    }
}

/// Why a waiting lane is woken.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    reason: Mutex<Option<LaneOutcome>>,
    pub(super) bell: Notify,
    /// One attempt at a time: the lane's own, or that of a sync that somebody waits for.
    pub(crate) gate: tokio::sync::Mutex<()>,
}

impl Wake {
    /// Wakes the lane. Of several reasons at once the most urgent counts.
    pub(crate) fn ring(&self, reason: LaneOutcome) {
        let mut waiting = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_none_or(|waiting| urgency(waiting) <= urgency(reason)) {
            *waiting = Some(reason);
        }
        self.bell.notify_one();
    }

    /// The lane looks at its plan again: somebody else changed it.
    pub(crate) fn look(&self) {
        self.bell.notify_one();
    }

    /// The reason that waits, once.
    pub(super) fn take(&self) -> Option<LaneOutcome> {
        self.reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

fn urgency(reason: LaneOutcome) -> u8 {
    match reason {
        LaneOutcome::SyncNow => 3,
        LaneOutcome::Returned(_) => 2,
        LaneOutcome::More => 1,
        LaneOutcome::Ready | LaneOutcome::Done | LaneOutcome::Failed { .. } => 0,
    }
}
