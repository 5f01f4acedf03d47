//! What is ridden: workouts, steps, zones and cues; ZWO, ERG and MRC readers; training load.
//!
//! Pure: nothing here reads a clock, a file or a random source.

pub mod model;
pub mod segment;
pub mod zone;

pub use model::{Cadence, Cue, Effort, IntervalPart, Step, Workout};
pub use segment::{Segment, Target};
pub use zone::Zone;
