//! The failure lab: servers, links and desktop sessions in the condition that a test asks for.
//!
//! Everything here is the real thing (real processes, sockets, D-Bus, keyring, browser engine) in a private place:
//! nothing of the user's own session is seen or touched, and only processes that were started here are ended.

mod accepting;
#[cfg(target_os = "linux")]
pub mod cable;
pub mod desktop;
#[cfg(target_os = "linux")]
pub mod disk;
pub mod error;
pub mod faults;
pub mod generated_library;
pub mod peer;
pub mod peer_gate;
pub mod port;
pub mod program;
pub mod programs;
pub mod rig;
pub mod scenario;
pub mod server;
pub mod session_probe;
pub mod sign_in_page;
pub mod site;
pub mod tour;
pub mod wait;
#[cfg(feature = "window")]
pub mod window;

pub use error::LabError;
