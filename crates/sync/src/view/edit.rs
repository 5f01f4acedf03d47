//! What the athlete changes, and what is to be said about changes that the service does not have.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is to be said about changes that the service does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct EditMark {
    /// The id of the change.
    pub id: String,
    /// How it is.
    pub state: EditMarkState,
    /// The same for people: `Waiting to be sent`.
    pub words: String,
}

/// How a change is that the service does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EditMarkState {
    /// It waits for delivery, or is being sent.
    Waiting,
    /// The service does not take it; it can be tried again or given up.
    Parked,
    /// The same was changed elsewhere: the athlete chooses.
    Conflict,
}

/// What the athlete changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EditRequest {
    /// Moves a planned workout to another day.
    MovePlanned {
        /// The plan item.
        plan_item_id: String,
        /// The day, `YYYY-MM-DD`.
        date: String,
    },
    /// Says what became of a planned workout.
    MarkPlanned {
        /// The plan item.
        plan_item_id: String,
        /// What became of it.
        state: PlanMark,
    },
    /// Calls a ride something else.
    RenameRide {
        /// The ride.
        ride_id: String,
        /// The title, at least one letter.
        title: String,
    },
    /// Writes a note on a ride.
    NoteRide {
        /// The ride.
        ride_id: String,
        /// The note; empty for none.
        note: String,
    },
    /// Says how hard a ride was.
    RateRide {
        /// The ride.
        ride_id: String,
        /// 1 (very easy) to 10 (maximal), on Borg's CR10 scale; absent for no rating.
        rpe: Option<u8>,
    },
}

/// What became of a planned workout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PlanMark {
    /// Still to do.
    Planned,
    /// Done.
    Done,
    /// Left out on purpose.
    Skipped,
}

/// A change that needs the athlete: there are two versions of the same thing, or the service does not take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ConflictView {
    /// The id of the athlete's change.
    pub id: String,
    /// The planned workout that it is about.
    pub plan_item_id: Option<String>,
    /// The ride that it is about.
    pub ride_id: Option<String>,
    /// What it is about, for people: `Hill repeats`.
    pub about: String,
    /// Which part of it, in plain words: `Day`.
    pub part: String,
    /// The athlete's version, for people.
    pub mine: String,
    /// The service's version, for people; empty where the service does not take the change.
    pub theirs: String,
    /// Why the service does not take it, for people; absent where there are two versions.
    pub refused: Option<String>,
    /// When the athlete made the change.
    #[ts(type = "number")]
    pub made: i64,
}

/// Which of two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ConflictChoice {
    /// The athlete's own: it is sent again, on what the service has where there is such a thing.
    Mine,
    /// The service's: the athlete's change ends here.
    Theirs,
}
