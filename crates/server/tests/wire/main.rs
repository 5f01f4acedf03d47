//! The server's wire, spoken by a real HTTP client to a real listener; only the time is ours.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod account;
mod device;
mod edits;
mod feed;
mod keys;
mod outside;
mod restart;
mod rides;
mod rig;
mod rotation;
mod sign_in;
mod surface;
mod target;
mod tokens;
