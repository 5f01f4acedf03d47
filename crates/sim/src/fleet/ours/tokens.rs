//! Access tokens: when another is wanted, and how long one is sent, as `freewheel_policy::session` has it.

use std::fmt::Write as _;

use freewheel_policy::grace::Anchor;
use freewheel_policy::session::{
    AccessLife, Facts, TokenFacts, VaultCondition, access_token_usable, refresh_due,
};
use freewheel_policy::time::{BootMs, Millis, Now, WallMs};
use freewheel_policy::{Fingerprint, Generation};

use super::client::wall;
use crate::fleet::calendar::Ms;
use crate::fleet::errand::{TOKEN_LIFE, TOKEN_MARGIN};
use crate::fleet::world::World;

/// The session of whoever is asked about: a million of them differ in nothing but their tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    facts: Facts,
}

/// The token of one client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// When it was granted.
    granted: WallMs,
    /// When another is wanted.
    pub(super) renew: Ms,
}

impl Tokens {
    pub(super) fn new() -> Self {
        let tokens = TokenFacts {
            generation: Generation(1),
            fingerprint: Fingerprint::default(),
            access: None,
            refresh_until: None,
            unrenewable: false,
        };
        let facts = Facts {
            tokens: Some(tokens),
            vault: VaultCondition::Ready,
            ..Facts::default()
        };
        Self { facts }
    }

    /// A token that is granted now.
    pub(super) fn granted(&mut self, world: &mut World) -> Token {
        let granted = wall(world.now());
        let half = self.half_life(granted, world);
        Token {
            granted,
            renew: world.now().saturating_add(half),
        }
    }

    /// A token of any age at which no other is wanted yet.
    pub(super) fn of_any_age(&mut self, world: &mut World) -> Token {
        let half = self.half_life(wall(world.now()), world);
        let renew = world.moment(0, half);
        Token {
            granted: wall(world.now()).minus(Millis((half - renew).into())),
            renew,
        }
    }

    /// Whether it can be sent along now.
    pub(super) fn usable(&mut self, token: &Token, now: Ms) -> bool {
        self.take(token.granted);
        let margin = Millis(TOKEN_MARGIN.into());
        access_token_usable(&self.facts, &clocks(wall(now)), margin)
    }

    /// How long until another is wanted for a token that was granted at `at`, in ms.
    fn half_life(&mut self, at: WallMs, world: &mut World) -> Ms {
        if let Some(tokens) = &mut self.facts.tokens {
            // The digest of a random token is random.
            let name = &mut tokens.fingerprint.0;
            name.clear();
            let _ = write!(name, "{:016x}", world.number());
        }
        self.take(at);
        let due = refresh_due(&self.facts, &clocks(at));
        let due = due.unwrap_or(Millis(TOKEN_LIFE.into()));
        Ms::try_from(due.0).unwrap_or(TOKEN_LIFE)
    }

    fn take(&mut self, granted: WallMs) {
        if let Some(tokens) = &mut self.facts.tokens {
            tokens.access = Some(AccessLife {
                from: granted,
                life: Millis(TOKEN_LIFE.into()),
            });
        }
        self.facts.anchor = Some(Anchor {
            server: granted,
            at: clocks(granted),
            offline_grace: None,
        });
    }
}

/// Both clocks of a client: they agree.
pub(super) fn clocks(at: WallMs) -> Now {
    Now {
        wall: at,
        boot: BootMs(u64::try_from(at.0).unwrap_or(0)),
        ..Now::default()
    }
}
