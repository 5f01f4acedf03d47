//! Freewheel's sync core: store, vault, remote, engine.

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

pub mod home;
pub mod lease;
pub mod store;
pub mod vault;
pub mod view;
