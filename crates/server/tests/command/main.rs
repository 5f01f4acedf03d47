//! `freewheel-server` as a process: how it starts, how it ends, what it says when it cannot, and what its operator
//! does while it runs.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod admin;
mod process;
mod running;
