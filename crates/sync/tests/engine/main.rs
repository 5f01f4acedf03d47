//! The engine with real files, the real server, and faults on the way between them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod accounts;
mod athlete;
mod browser;
mod delegation;
mod delivery;
mod device;
mod disks;
mod forge;
mod forged;
mod formats;
mod grace;
mod issuers;
mod keyrings;
mod kills;
mod moody;
mod odd_answers;
mod odd_tokens;
mod outage;
mod places;
mod processes;
mod quiet;
mod races;
mod setbacks;
mod sign_in;
mod site;
mod spoilt;
mod statuses;
mod tokens;
mod unfinished;
mod unrenewable;
mod unsaved;
mod whose;
