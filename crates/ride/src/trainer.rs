//! What turns targets into resistance and legs into numbers.

use std::time::Duration;

/// What a trainer is asked to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Setpoint {
    /// ERG: hold this power in watts.
    Power(u16),
    /// No target: resistance by slope or level.
    Free,
    /// The clock stands: nothing is asked of the athlete, resistance is let go.
    Rest,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Watts.
    pub power: Option<u16>,
    /// Rpm.
    pub cadence: Option<u8>,
    /// Beats per minute.
    pub heart_rate: Option<u8>,
    /// Metres per second.
    pub speed: Option<f32>,
}

/// A source of readings that can be told what to hold. A failing sensor never ends a ride: readings
/// are optional, and a setpoint that did not arrive is sent again.
pub trait Trainer: Send {
    /// Name to show, for example `Simulated trainer`.
    fn name(&self) -> &str;

    /// Whether the numbers are simulated; shown in the app and written into the file.
    fn simulated(&self) -> bool;

    /// Asks the trainer to hold `setpoint`; `cadence` is what the athlete was asked to pedal, if anything.
    fn set(&mut self, setpoint: Setpoint, cadence: Option<u8>);

    /// What is measured `elapsed` after the previous call.
    fn read(&mut self, elapsed: Duration) -> Reading;
}
