//! Servers that fail in one particular way, each on 127.0.0.1, on a port of its own or in the place of a dead server.

mod black_hole;
mod silent;
mod status;

pub use black_hole::BlackHole;
pub use silent::Silent;
pub use status::StatusServer;
