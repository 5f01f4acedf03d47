//! The catalogue of auth failures as runnable scenarios.
//!
//! A scenario is a small text file in `crates/lab/scenarios` that says what must come of a failure, and a few lines in
//! `rows` that make the failure happen for real. The runner does the rest: a real server behind a gate, a real engine
//! signed in to it, a ride in the queue, the failure, what the screen says meanwhile, the cure, and the ride's delivery.
//! `crates/lab/scenarios/README.md` says how to add one.

mod check;
mod environment;
mod inside;
mod many;
mod play;
mod proxy;
mod report;
mod row;
mod rows;
mod run;
mod stage;

pub use environment::Environment;
pub use inside::{Ask, run_inside};
pub use many::{Options, run_many};
pub use play::Play;
pub use proxy::Proxy;
pub use report::{Findings, Mismatch, Report};
pub use row::{At, Expect, Healed, Kind, Opening, Place, Row};
pub use rows::catalogue;
pub use stage::{Stage, TOKEN};

/// How many rows the catalogue has; their numbers are 1 to this.
pub const ROWS: u8 = 62;
