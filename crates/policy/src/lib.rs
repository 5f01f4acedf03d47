//! Every decision of the sync core, as pure functions over plain data.
//!
//! Nothing in here reads a clock, a random source, a file or the network: times and seeds are
//! arguments, and the same arguments always give the same answer. That is what makes an athlete's
//! journal replayable on another machine.
//!
//! | module | decides |
//! |---|---|
//! | [`session`] | what a fact changes to, what the athlete may do, what the screen says |
//! | [`grace`] | whether the licensed library is still open without contact |
//! | [`definitive`] | whether the issuer refused, or could merely not be asked |
//! | [`device_grant`] | when to ask whether a device code was confirmed |
//! | [`redeem`] | what becomes of an authorization code once the browser came back |
//! | [`revocation`] | whether the issuer knows that a sign-in is over |
//! | [`verdict`] | what becomes of an outbox entry after an HTTP outcome |
//! | [`reach`] | what is known of the network and of the service |
//! | [`opportunity`] | which events of the outside are worth an attempt |
//! | [`notice`] | when the desktop says something although nobody looks |
//! | [`lane`] | when a lane tries next, from [`backoff`], [`budget`] and [`reach`] |
//!
//! No type in here holds a secret. A token is known by its [`token::Generation`] and its
//! [`token::Fingerprint`], so every fact and event may be journalled.

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

pub mod backoff;
pub mod budget;
pub mod definitive;
pub mod device_grant;
pub mod grace;
pub mod lane;
pub mod notice;
pub mod opportunity;
pub mod reach;
pub mod redeem;
pub mod revocation;
pub mod session;
pub mod time;
pub mod token;
pub mod transport;
pub mod verdict;

pub use time::{BootId, BootMs, Millis, Now, WallMs};
pub use token::{Fingerprint, Generation};
