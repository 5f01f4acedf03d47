//! What the screen shows of a ride, four times a second.

use freewheel_workout::{Cadence, Segment};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::journal::RideSummary;

/// Fixed facts of the ride in progress.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RideStart {
    /// The ride's id.
    pub id: String,
    /// Name of the workout, or of the free ride.
    pub name: String,
    /// Athlete's FTP in watts.
    pub ftp_watts: u16,
    /// The profile; empty for a free ride.
    pub segments: Vec<Segment>,
    /// Length of the workout in seconds; 0 for a free ride.
    pub workout_seconds: u32,
    /// What gives the numbers.
    pub trainer: String,
    /// Whether the numbers are simulated.
    pub simulated: bool,
}

/// Whether the legs turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RideState {
    /// Not begun: waits for the athlete.
    Ready,
    /// Time runs.
    Riding,
    /// Time stands.
    Paused,
    /// The workout is over; the athlete may ride on or finish.
    Complete,
    /// Saved; `saved` tells as what.
    Saved,
}

/// The moving numbers.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RideFrame {
    /// The ride's id.
    pub id: String,
    /// Whether the legs turn.
    pub state: RideState,
    /// Seconds ridden without pauses.
    pub ridden: u32,
    /// Seconds of samples that are durable on disk.
    pub durable: u32,
    /// Place in the workout, in seconds.
    pub position: f64,
    /// Index of the segment, or absent past the end and on a free ride.
    pub segment: Option<u32>,
    /// Seconds left in the segment.
    pub segment_left: Option<u32>,
    /// Seconds left in the workout.
    pub workout_left: Option<u32>,
    /// Target power in watts with intensity applied; absent without a target.
    pub target_power: Option<u16>,
    /// Target cadence.
    pub target_cadence: Option<Cadence>,
    /// Power in watts, mean of the last 3 s.
    pub power: Option<u16>,
    /// Cadence in rpm.
    pub cadence: Option<u8>,
    /// Heart rate in beats per minute.
    pub heart_rate: Option<u8>,
    /// Intensity in percent; 100 = as written.
    pub intensity: u16,
    /// The cue to show now.
    pub cue: Option<String>,
    /// What comes next, as the screen says it, for example `Next: 3:00 at 212 W`.
    pub next: Option<String>,
    /// Mechanical work so far in kilojoules.
    pub work_kj: f64,
    /// Says plainly that the disk does not take samples now; absent while all is well.
    pub trouble: Option<String>,
}

/// What the athlete may do during a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RideCommand {
    /// Start, or go on after a pause.
    Start,
    /// Stop the clock.
    Pause,
    /// Start or pause, whichever applies.
    Toggle,
    /// On to the next segment.
    Skip,
    /// Back to the start of this segment, or of the one before within its first 3 s.
    Back,
    /// Change the intensity by `percent` points; stays within 50 and 150 %.
    Intensity {
        /// Percent points, for example 1, -5.
        percent: i16,
    },
}

/// A ride that is safe.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RideSaved {
    /// The ride's id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its totals.
    pub summary: RideSummary,
}
