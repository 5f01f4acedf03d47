//! Where a ride's samples go before anything else happens: the durable journal.

use freewheel_workout::Workout;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

/// What is known when a ride begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RideHeader {
    /// UUIDv7; the ride's id everywhere, and its idempotency key.
    pub id: Uuid,
    /// When it began.
    pub started_at: Timestamp,
    /// What it is called.
    pub name: String,
    /// What is ridden; absent for a free ride.
    pub workout: Option<Workout>,
    /// The library id of the workout.
    pub workout_id: Option<String>,
    /// The plan item that it fulfils.
    pub plan_item_id: Option<String>,
    /// The athlete's FTP in watts at the time.
    pub ftp_watts: u16,
    /// What gave the numbers, for example `Simulated trainer`.
    pub trainer: String,
    /// Whether the numbers are simulated.
    pub simulated: bool,
}

/// One second of a ride.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds from the start of the ride without pauses: 0, 1, 2, …
    pub second: u32,
    /// When it was taken.
    pub at: Timestamp,
    /// Where the athlete is in the workout, in seconds (differs from `second` after a skip).
    pub position: u32,
    /// Measured power in watts.
    pub power: Option<u16>,
    /// Target power in watts.
    pub target: Option<u16>,
    /// Cadence in rpm.
    pub cadence: Option<u8>,
    /// Heart rate in beats per minute.
    pub heart_rate: Option<u8>,
    /// Speed in metres per second.
    pub speed: Option<f32>,
}

/// Something that happened between samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RideEvent {
    /// The athlete paused.
    Pause,
    /// The athlete went on.
    Resume,
    /// A new step began, by time or by skipping.
    Step,
    /// The program came back after a death; the time between is a pause.
    Recovered,
}

/// What is recorded when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedEvent {
    /// What.
    pub event: RideEvent,
    /// When.
    pub at: Timestamp,
    /// The second of the ride at which it happened.
    pub second: u32,
}

/// A ride as the journal holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRide {
    /// What was known at the start.
    pub header: RideHeader,
    /// Samples by second, without gaps.
    pub samples: Vec<Sample>,
    /// Events by time.
    pub events: Vec<TimedEvent>,
}

/// A finished ride: the frozen file and what is shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedRide {
    /// The ride.
    pub id: Uuid,
    /// The FIT file, byte for byte as it will be delivered.
    pub fit: Vec<u8>,
    /// What is shown of it.
    pub summary: RideSummary,
}

/// Totals of a ride.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RideSummary {
    /// Length without pauses, in seconds.
    pub seconds: u32,
    /// Length with pauses, in seconds.
    pub elapsed_seconds: u32,
    /// Mean power in watts.
    pub average_power: Option<u16>,
    /// Highest power in watts.
    pub max_power: Option<u16>,
    /// Normalized Power in watts.
    pub normalized_power: Option<u16>,
    /// Intensity Factor.
    pub intensity_factor: Option<f64>,
    /// Training Stress Score.
    pub tss: Option<f64>,
    /// Mechanical work in kilojoules.
    pub work_kj: Option<f64>,
    /// Mean cadence in rpm, without standstill.
    pub average_cadence: Option<u8>,
    /// Mean heart rate in beats per minute.
    pub average_heart_rate: Option<u8>,
    /// Highest heart rate in beats per minute.
    pub max_heart_rate: Option<u8>,
}

/// The journal could not keep something.
#[derive(Debug, thiserror::Error)]
#[error("the ride journal could not be written: {0}")]
pub struct JournalError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A durable journal. Calls block until the data would survive a power cut.
pub trait Journal: Send + Sync {
    /// Opens a ride.
    ///
    /// # Errors
    /// The data could not be made durable.
    fn begin(&self, header: &RideHeader) -> Result<(), JournalError>;

    /// Adds samples and events; samples that are there already (by second) are kept as they are.
    ///
    /// # Errors
    /// The data could not be made durable.
    fn append(
        &self,
        ride: Uuid,
        samples: &[Sample],
        events: &[TimedEvent],
    ) -> Result<(), JournalError>;

    /// Everything recorded of a ride.
    ///
    /// # Errors
    /// The ride is unknown or could not be read.
    fn load(&self, ride: Uuid) -> Result<RecordedRide, JournalError>;

    /// Freezes the file and queues its delivery, in one transaction. Doing it again changes nothing.
    ///
    /// # Errors
    /// The data could not be made durable; the ride stays open and nothing is lost.
    fn finish(&self, ride: &FinishedRide) -> Result<(), JournalError>;
}
