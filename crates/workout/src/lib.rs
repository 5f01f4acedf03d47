//! What is ridden: workouts, steps, zones and cues; ZWO, ERG and MRC readers; training load.
//!
//! Pure: nothing here reads a clock, a file or a random source.

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

pub mod content_id;
mod decode;
pub mod erg;
pub mod limits;
mod lines;
pub mod load;
pub mod model;
mod number;
pub mod power;
pub mod read;
pub mod segment;
pub mod timeline;
pub mod valid;
pub mod zone;
pub mod zwo;

pub use content_id::content_id;
pub use load::Load;
pub use model::{Cadence, Cue, Effort, IntervalPart, Step, Workout};
pub use read::{Notice, Read, ReadCode, ReadError, read_any};
pub use segment::{Segment, Target};
pub use timeline::TimedCue;
pub use valid::Invalid;
pub use zone::Zone;
