//! The workout as its author wrote it.
//!
//! Units: time in whole seconds, power as a fraction of FTP (0.75 = 75 %), cadence in rpm.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A structured workout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Workout {
    /// Name to show.
    pub name: String,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub author: Option<String>,
    /// What it is for and how it should feel; plain text.
    #[serde(default)]
    pub description: String,
    /// Lower-case words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// One step of a workout with its cues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Step {
    /// What to do.
    #[serde(flatten)]
    pub effort: Effort,
    /// What is said on the way, by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Cue>>", optional)]
    pub cues: Vec<Cue>,
}

/// What a step asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effort {
    /// Constant power.
    Steady {
        /// Length.
        seconds: u32,
        /// Fraction of FTP.
        power: f64,
        /// Cadence to hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        cadence: Option<Cadence>,
    },
    /// Power that changes evenly, up or down.
    Ramp {
        /// Length.
        seconds: u32,
        /// Fraction of FTP at the start.
        from: f64,
        /// Fraction of FTP at the end.
        to: f64,
        /// Cadence to hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        cadence: Option<Cadence>,
    },
    /// Work and rest in turns, starting with work and ending with rest.
    Intervals {
        /// How many times, at least once.
        repeat: u32,
        /// The work.
        on: IntervalPart,
        /// The rest.
        off: IntervalPart,
    },
    /// No target: the athlete rides as they like.
    FreeRide {
        /// Length.
        seconds: u32,
        /// Cadence to hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        cadence: Option<Cadence>,
    },
    /// All out.
    MaxEffort {
        /// Length.
        seconds: u32,
        /// Cadence to hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        cadence: Option<Cadence>,
    },
}

/// One half of an interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct IntervalPart {
    /// Length.
    pub seconds: u32,
    /// Fraction of FTP at the start.
    pub from: f64,
    /// Fraction of FTP at the end; equal to `from` for a steady part.
    pub to: f64,
    /// Cadence to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cadence: Option<Cadence>,
}

/// A cadence to hold, in rpm; `low` equals `high` for a single number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Cadence {
    /// Lower bound.
    pub low: u16,
    /// Upper bound.
    pub high: u16,
}

/// A line of text shown during a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Cue {
    /// Seconds from the start of the step.
    pub at: u32,
    /// How long it stands, in seconds.
    pub seconds: u32,
    /// The text.
    pub text: String,
}
