//! Measures of the sync core. Every time is taken beside its floor, in one run and taking turns with it, and told as a
//! ratio; counts are absolute. `freewheel-bench` prints one table: measure, floor, ours, ratio, bar.

#![allow(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement of real time"
)]

pub mod drain;
pub mod enqueue;
pub mod pull;
pub mod quiet;
pub mod rides;
pub mod syncs;
pub mod table;
pub mod times;

/// What a measurement fails with.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;
