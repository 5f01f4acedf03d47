//! The athlete's session: store facts, derive states.
//!
//! [`step`] is the only way in which a fact changes. What is derived from the facts is never stored:
//! [`state()`], [`access()`] and [`words()`] compute it on demand, and [`view()`] all of it at once.
//!
//! # The states
//!
//! ```text
//!                         sign in, cancelled
//!              ┌───────────────────────────────────────┐
//!              ▼                                       │
//!         SignedOut ───── sign in ─────────────▶ SigningIn(from) ◀── sign in ── any other state
//!              ▲                                       │
//!              │ the athlete signs out                 │ tokens saved
//!              │ (from any state)                      ▼
//!              └──────────────────────────────────── Active ◀─────────────┐
//!                                                      │                  │
//!          ┌──────────────────┬───────────────┬────────┴───┐              │ contact,
//!          │ trouble, or no   │ reply lost    │ keyring    │              │ tokens saved,
//!          │ network          │ after a       │ locked,    │              │ keyring back:
//!          ▼                  ▼ refresh       ▼ absent, …  │              │ whichever was
//!    Offline(cause)    OutcomeUnknown(g)  VaultUnavailable │              │ missing
//!          │                  │            (cause)         │              │
//!          │                  │               │            │              │
//!          ├──────────────────┴───────────────┴────────────┼──────────────┘
//!          │                                               │
//!          │ 14 days without contact                       │ the issuer refuses, definitively
//!          ▼                                               ▼
//!    GraceExpired ◀── 14 days without contact ── NeedsSignIn(cause)      Blocked
//!                                                 invalid_grant: the      an account code:
//!                                                 token, not the person   the person
//!
//!                                                 or: an access token that cannot
//!                                                 be renewed is over, by the clock;
//!                                                 a clock put right leads back
//! ```
//!
//! # What leads where
//!
//! What leads away from each state; all other events leave it as it is. Written by a walk through all facts that can
//! be reached, and checked against the code by a test (`transition_tests.rs` says how). Several states after an event
//! mean that other facts decide: a contact ends the trouble, and the state stays `Offline` if the system still says
//! that there is no network.
//!
//! ```text
#![doc = include_str!("transitions.txt")]
//! ```
//!
//! A blocked account is asked about at each launch, when the athlete wants it, and about once an hour by itself, until a
//! renewal succeeds.
//!
//! Three rules keep the athlete riding:
//! - Only a definitive answer of the genuine issuer, a missing credential, or the end of one that cannot be
//!   renewed leads to NeedsSignIn or Blocked. Trouble of any kind and number leads to Offline, and back.
//! - Tokens without a refresh token (RFC 6749 §5.1 makes it optional) are never renewed. Whether they are over is
//!   derived from the clock each time, and not remembered; a 401 before that is trouble like any other.
//! - What a ride began with, it keeps until it ends: [`Facts::riding`] holds the access that was there. It holds for
//!   that ride alone: what else may begin, [`access_to_begin`] tells.

mod access;
mod answer;
mod contact;
mod event;
mod facts;
mod refresh;
mod state;
mod step;
mod vouch;
mod words;

pub use access::{Access, Library, Riding, Uploads, access, access_to_begin};
pub use contact::{SignedTimes, access_token_usable, contact_matters, time_of_tokens};
pub use event::{Action, Caller, Event, OpenRide, RefreshReason, SavedTokens};
pub use facts::{
    AccessLife, Account, Condemned, Doubt, Facts, Intent, Principal, SystemNetwork, TokenFacts,
    Unauthorized, VaultCondition,
};
pub use refresh::{may_be_spent, recheck_is_possible, refresh_due, refresh_wanted};
pub use state::{CredentialState, SignInCause, VaultCause, View, grace, state, view};
pub use step::step;
pub use vouch::{Belief, Vouched, Voucher, belief};
pub use words::{ActionLabel, Around, Words, words};

#[cfg(test)]
mod blocked_tests;
#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod fortnight_tests;
#[cfg(test)]
mod refresh_tests;
#[cfg(test)]
mod rider;
#[cfg(test)]
mod sequence_tests;
#[cfg(test)]
mod step_tests;
#[cfg(test)]
mod story;
#[cfg(test)]
mod token_tests;
#[cfg(test)]
mod transition_tests;
#[cfg(test)]
mod unrenewable_tests;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod world_tests;
