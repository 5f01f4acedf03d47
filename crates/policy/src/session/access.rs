//! What the athlete may do, and what becomes of uploads.
//!
//! Not in here, because no state takes it away: own files, recorded rides, exports, and finishing the
//! ride in progress.

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::state::{CredentialState, offline, state};
use crate::time::Now;

/// What the athlete may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// What can be ridden. Does not change during a ride.
    pub ride: Riding,
    /// The licensed library. Does not change during a ride.
    pub licensed_library: Library,
    /// What becomes of finished rides and edits.
    pub uploads: Uploads,
    /// Whether lanes may call the service when their plan says so. While queueing this stays true as
    /// long as there is something to call with: that is how the service's return is noticed.
    pub calls: bool,
}

/// What can be ridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Riding {
    /// Everything.
    Everything,
    /// The athlete's own files, and free rides.
    OwnFiles,
}

/// The licensed library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Library {
    /// Open.
    Open,
    /// Closed, and not deleted.
    Locked,
}

/// What becomes of uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uploads {
    /// They go at once.
    Send,
    /// They wait, and go by themselves.
    Queue,
    /// They stay here until something about the account changes; they can be exported.
    Kept,
}

/// Derives what the athlete may do now.
#[must_use]
pub fn access(facts: &Facts, now: &Now) -> Access {
    let access = access_to_begin(facts, now);
    match facts.riding {
        None => access,
        Some((ride, licensed_library)) => Access {
            ride,
            licensed_library,
            ..access
        },
    }
}

/// Derives what the athlete may begin now. What a ride in progress began with is that ride's alone: with a ride screen
/// left open for weeks nothing else can be ridden that could not be without it.
#[must_use]
pub fn access_to_begin(facts: &Facts, now: &Now) -> Access {
    by_state(facts, &state(facts, now))
}

fn by_state(facts: &Facts, state: &CredentialState) -> Access {
    let has_access_token = facts
        .tokens
        .as_ref()
        .is_some_and(|tokens| tokens.access.is_some());
    match state {
        CredentialState::SigningIn(from) => by_state(facts, from),
        CredentialState::Active => open(Uploads::Send, true),
        CredentialState::Offline(_) => open(Uploads::Queue, true),
        CredentialState::OutcomeUnknown(_) => open(Uploads::Queue, has_access_token),
        CredentialState::VaultUnavailable(_) => {
            let sends = facts.access_in_memory && offline(facts).is_none();
            let uploads = if sends { Uploads::Send } else { Uploads::Queue };
            open(uploads, facts.access_in_memory)
        }
        CredentialState::NeedsSignIn(_) => open(Uploads::Queue, false),
        CredentialState::GraceExpired(sign_in) => locked(Uploads::Queue, sign_in.is_none()),
        CredentialState::SignedOut | CredentialState::Blocked => locked(Uploads::Kept, false),
    }
}

const fn open(uploads: Uploads, calls: bool) -> Access {
    Access {
        ride: Riding::Everything,
        licensed_library: Library::Open,
        uploads,
        calls,
    }
}

const fn locked(uploads: Uploads, calls: bool) -> Access {
    Access {
        ride: Riding::OwnFiles,
        licensed_library: Library::Locked,
        uploads,
        calls,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::super::rider::Rider;
    use super::*;
    use crate::time::Millis;

    #[test]
    fn a_ride_that_never_ends_keeps_open_what_it_began_with_and_lets_nothing_else_begin() {
        let mut rider = Rider::signed_in().at(Millis::days(14));
        rider.does(&Event::RideBegan);
        for (past, open) in [
            (Millis::ZERO, true),
            (Millis(1), false),
            (Millis::days(365), false),
        ] {
            let rider = rider.clone().at(Millis::days(14).plus(past));
            assert_eq!(rider.access().licensed_library, Library::Open);
            let begin = access_to_begin(&rider.facts, &rider.now);
            assert_eq!(begin.licensed_library == Library::Open, open, "{past:?}");
            assert_eq!(begin.ride == Riding::Everything, open, "{past:?}");
        }
    }
}
