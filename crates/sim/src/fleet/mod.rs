//! The herd: many clients, one server that is away for two hours, and what comes back at it afterwards.
//!
//! The model is told in `docs/herd.md`, which [`report::page`] writes.
//!
//! | module | holds |
//! |---|---|
//! | [`scenario`] | what is simulated: how many clients, which outage |
//! | [`calendar`] | what happens when |
//! | [`world`] | time, chance and server, which all clients share; [`world::live`] runs a simulation |
//! | [`server`] | the server, its outage and what it can do |
//! | [`errand`] | what clients ask for, and how often |
//! | [`ours`] | our clients: `freewheel_policy`, obeyed as the engine obeys it |
//! | [`rival`] | the other clients |
//! | [`policy`] | the policies that are compared |
//! | [`tally`] | what was counted |
//! | [`comparison`] | all policies in all scenarios |
//! | [`report`] | the table, the page, the plot |

pub mod calendar;
pub mod comparison;
pub mod errand;
pub mod ours;
pub mod policy;
pub mod report;
pub mod rival;
pub mod scenario;
pub mod server;
pub mod tally;
pub mod world;
