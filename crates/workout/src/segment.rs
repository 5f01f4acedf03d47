//! The workout as it is ridden: repeats unrolled, times counted from the start.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::model::Cadence;

/// A stretch with one target; segments follow each other without gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Segment {
    /// Seconds from the start of the workout.
    pub start: u32,
    /// Length in seconds, at least 1.
    pub seconds: u32,
    /// What to hold.
    pub target: Target,
    /// Cadence to hold.
    pub cadence: Option<Cadence>,
    /// Index of the step in [`crate::Workout::steps`].
    pub step: u32,
}

/// What a segment asks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// A power that changes evenly from `from` to `to` (equal when steady), as fractions of FTP.
    Power {
        /// Fraction of FTP at the start.
        from: f64,
        /// Fraction of FTP at the end.
        to: f64,
    },
    /// No target.
    Free,
    /// All out.
    Max,
}
