//! Power cuts: at every write of a story, what the disk would hold, and whether the promises are kept with it.
//!
//! A *story* (a ride, a finish, a delivery, a renewal, a migration, …) is played by the real code in a process of its own,
//! which is watched where it meets the kernel ([`recorder`]): every system call that changes a file, and every one that asks
//! for it to be made durable, in one order. That is below SQLite and below the file functions of the standard library, so
//! the key file, the FIT files and the names in folders are seen as well, and the code under test is the one that ships.
//! The player writes [`mark::Mark`]s in between: what somebody was told is safe.
//!
//! From the recording a [`disk::Disk`] tells for every moment what a disk owes (what was synced) and what it may or may not
//! hold (the rest: each write whole, torn at a sector, or not at all; each name likewise). A choice among these is a folder
//! ([`disk::Image`]), which the real code opens, and what was promised by then is looked for in it ([`check`]).
//!
//! What is believed of the disk: a sync that has returned holds; a sector of 512 bytes is written as a whole or not at all; a
//! write changes no byte outside itself; a file's name is as durable as its folder was synced. The last is stricter than
//! today's file systems, which bring a new file's name to the disk with the file.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod chance;
pub mod check;
pub mod cuts;
pub mod disk;
pub mod error;
pub mod mark;
pub mod promises;
pub mod recorder;
pub mod recording;
pub mod service;
pub mod stage;
mod trace;

pub use error::PowercutError;
