//! Freewheel's sync core: store, vault, remote, engine.
//!
//! The engine acts and decides nothing: every decision is a pure function of `freewheel-policy`. It works over four
//! ports with one adapter each: [`store`] (SQLite), [`vault`] (the keyring), [`remote`] (HTTP), and [`clock`],
//! [`network`] and [`entropy`] (the system). Faces hold one [`Engine`] and watch one [`view::SyncView`].

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

pub mod clock;
pub mod doctor;
pub mod engine;
pub mod entropy;
pub mod error;
pub mod home;
mod import;
pub mod jwt;
pub mod lease;
pub mod logging;
pub mod network;
pub mod notices;
pub mod remote;
pub mod settings;
pub mod sign_in;
pub mod store;
pub mod vault;
pub mod version;
pub mod view;

pub use engine::{Engine, Mode, Ports, Renewal, RideRequest};
pub use error::EngineError;
pub use home::Home;
