//! Riding: the interval player, the recorder and its journal, trainers and FIT files.
//!
//! [`player`], [`recorder`], [`summary`] and [`fit`] are pure: times are handed in. [`session`] is the
//! shell around them that owns the clock, the tasks and the journal's writes.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap
    )
)]

pub mod finish;
pub mod fit;
pub mod journal;
mod keeper;
pub mod player;
pub mod recorder;
mod rounding;
pub mod session;
pub mod sim;
pub mod summary;
#[cfg(test)]
mod testing;
pub mod trainer;
mod upcoming;
pub mod view;

pub use finish::{RideError, finish_recorded, recover};
pub use session::{Options, RideHandle, RidePlan, RideSession, WallClock};
pub use sim::SimulatedTrainer;
