//! A profile that lives through events, and the events that tests tell of most.

use super::*;
use crate::definitive::{Refusal, TokenOutcome};
use crate::time::{BootId, BootMs, Millis, Now, WallMs};
use crate::token::{Fingerprint, Generation};
use crate::transport::{Sent, TransportFailure, Trouble};

pub(super) const T0: WallMs = WallMs(1_767_592_800_000);
pub(super) const LOST: Trouble =
    Trouble::Transport(TransportFailure::Timeout { sent: Sent::After });
pub(super) const DNS: Trouble = Trouble::Transport(TransportFailure::Dns);

/// A profile that lives through events.
#[derive(Clone)]
pub(super) struct Rider {
    pub(super) facts: Facts,
    pub(super) now: Now,
}

pub(super) fn later(span: Millis) -> Now {
    Now {
        wall: T0.plus(span),
        boot: BootMs(span.0),
        boot_id: BootId("run".into()),
    }
}

pub(super) fn athlete(subject: &str) -> Account {
    Account {
        issuer: "https://rides.example".into(),
        subject: subject.into(),
        name: "A".into(),
        service: None,
    }
}

pub(super) fn tokens(generation: u64, server_time: WallMs) -> SavedTokens {
    SavedTokens {
        generation: Generation(generation),
        fingerprint: Fingerprint(format!("fp{generation}")),
        server_time,
        access_life: Millis::mins(10),
        refresh_until: Some(server_time.plus(Millis::days(30))),
        offline_grace: None,
        unrenewable: false,
    }
}

pub(super) fn transient(trouble: Trouble) -> Event {
    Event::TokenAnswer(TokenOutcome::Transient {
        trouble,
        retry_after: None,
    })
}

pub(super) fn refused(refusal: Refusal) -> Event {
    Event::TokenAnswer(TokenOutcome::Definitive(refusal))
}

pub(super) fn intended(generation: u64) -> Event {
    Event::RefreshIntended {
        generation: Generation(generation),
        fingerprint: Fingerprint(format!("fp{generation}")),
    }
}

/// The API said so to a call with this set's access token.
pub(super) fn blocked(generation: u64) -> Event {
    Event::AccountBlocked {
        generation: Generation(generation),
    }
}

/// The service answered a call with this set's access token.
pub(super) fn contact(generation: u64, server_time: WallMs) -> Event {
    Event::Contact {
        server_time,
        caller: Some(Caller {
            generation: Generation(generation),
            principal: athlete("a").principal(),
        }),
    }
}

pub(super) fn launched(vault: VaultCondition) -> Event {
    Event::Launched {
        vault,
        ride: OpenRide::None,
    }
}

impl Rider {
    pub(super) fn new() -> Self {
        Self {
            facts: Facts::default(),
            now: later(Millis::ZERO),
        }
    }

    pub(super) fn signed_in() -> Self {
        let mut rider = Self::new();
        rider.does(&Event::SignInStarted);
        rider.does(&Event::SignInCompleted {
            account: athlete("a"),
        });
        rider.does(&Event::TokensSaved(tokens(1, T0)));
        rider
    }

    pub(super) fn does(&mut self, event: &Event) -> Vec<Action> {
        let (facts, actions) = step(&self.facts, event, &self.now);
        self.facts = facts;
        actions
    }

    pub(super) fn at(mut self, span: Millis) -> Self {
        self.now = later(span);
        self
    }

    pub(super) fn restarted(mut self) -> Self {
        self.now.boot_id = BootId(format!("{}+", self.now.boot_id));
        self.now.boot = BootMs(0);
        self
    }

    pub(super) fn state(&self) -> CredentialState {
        state(&self.facts, &self.now)
    }

    pub(super) fn access(&self) -> Access {
        access(&self.facts, &self.now)
    }
}
