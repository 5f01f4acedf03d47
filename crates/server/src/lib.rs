//! Freewheel's reference server: OAuth issuer, library feed, rides, status.
//!
//! [`Server::open`] opens the data folder, [`Server::router`] gives the whole wire as an [`axum::Router`]
//! for use in process, [`Server::serve`] puts it behind a listener. Everything that an operator or a test
//! does by hand (adding athletes, publishing workouts, blocking an account) is on [`store::Store`].

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

pub mod address;
pub mod clock;
pub mod library;
pub mod random;
pub mod server;
pub mod store;

mod api;
mod demo;
mod envelope;
mod fit;
mod issuer;
mod metrics;
mod outside_issuer;
mod page;
mod password;
mod problem;
mod status;

pub use clock::{Clock, ManualClock, SystemClock};
pub use issuer::keys::{KeyError, rotate_keys};
pub use library::Library;
pub use outside_issuer::OutsideIssuer;
pub use server::{OpenError, Options, Server};
pub use store::Store;
