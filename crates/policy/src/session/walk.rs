//! Walks through all facts that can be reached, and notes by state what each event leads to.
//!
//! Two facts that differ in nothing that decides a state count as one: the walk ends because of that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;

use super::rider::{DNS, LOST, T0, athlete, contact, intended, launched, refused, transient};
use super::*;
use crate::definitive::{Refusal, TokenOutcome};
use crate::grace::Anchor;
use crate::time::{BootMs, Millis, Now};
use crate::token::Generation;

const STORED: Generation = Generation(1);

const FRESH: AccessLife = AccessLife {
    from: T0,
    life: Millis::mins(10),
};
const OVER: AccessLife = AccessLife {
    from: T0.minus(Millis::days(1)),
    ..FRESH
};

/// One thing that happens.
pub(super) enum Happens {
    Event(Event),
    /// More than 14 days pass.
    Fortnight,
    /// So much passes that an access token is over that cannot be renewed.
    TokenEnds,
    /// A clock told so, and is put right.
    ClockPutRight,
}

/// What happened, in the words of the code, and how to make it happen to these facts.
pub(super) type Cause = (&'static str, fn(&Facts) -> Happens);

pub(super) const CAUSES: &[Cause] = &[
    ("(15 days pass)", |_| Happens::Fortnight),
    ("(unrenewable tokens run out)", |_| Happens::TokenEnds),
    ("(a clock that told so is put right)", |_| {
        Happens::ClockPutRight
    }),
    ("Launched(vault ready)", |_| {
        Happens::Event(launched(VaultCondition::Ready))
    }),
    ("Launched(vault locked)", |_| {
        Happens::Event(launched(VaultCondition::Locked))
    }),
    ("Launched(credential missing)", |_| {
        Happens::Event(launched(VaultCondition::Missing))
    }),
    ("Tick", |_| Happens::Event(Event::Tick)),
    ("SignInStarted", |_| Happens::Event(Event::SignInStarted)),
    ("SignInCancelled", |_| {
        Happens::Event(Event::SignInCancelled)
    }),
    ("SignInCompleted(the owner)", |_| {
        Happens::Event(Event::SignInCompleted {
            account: athlete("a"),
        })
    }),
    ("SignInCompleted(another)", |facts| {
        let subject = if facts.account.is_some() { "b" } else { "a" };
        let account = athlete(subject);
        Happens::Event(Event::SignInCompleted { account })
    }),
    ("WrongAccount", |_| Happens::Event(Event::WrongAccount)),
    ("SignOut", |_| Happens::Event(Event::SignOut)),
    ("RefreshIntended", |_| Happens::Event(intended(STORED.0))),
    ("TokenAnswer(granted)", |_| {
        Happens::Event(Event::TokenAnswer(TokenOutcome::Granted))
    }),
    ("TokenAnswer(superseded)", |_| {
        Happens::Event(Event::TokenAnswer(TokenOutcome::Superseded))
    }),
    ("TokenAnswer(transient: no reply sent)", |_| {
        Happens::Event(transient(DNS))
    }),
    ("TokenAnswer(transient: reply lost)", |_| {
        Happens::Event(transient(LOST))
    }),
    ("TokenAnswer(definitive: invalid_grant)", |_| {
        Happens::Event(refused(Refusal::InvalidGrant))
    }),
    ("TokenAnswer(definitive: account_blocked)", |_| {
        Happens::Event(refused(Refusal::AccountBlocked))
    }),
    ("TokenAnswer(definitive: invalid_client)", |_| {
        Happens::Event(refused(Refusal::InvalidClient))
    }),
    ("TokensSaved", |_| {
        Happens::Event(Event::TokensSaved(next_tokens()))
    }),
    ("TokensSaved(no refresh token)", |_| {
        Happens::Event(Event::TokensSaved(SavedTokens {
            unrenewable: true,
            ..next_tokens()
        }))
    }),
    ("SaveFailed", |_| {
        Happens::Event(Event::SaveFailed(next_tokens()))
    }),
    ("Contact", |facts| {
        let generation = facts.unsaved.unwrap_or(STORED);
        Happens::Event(contact(generation.0, T0))
    }),
    ("CallFailed", |_| Happens::Event(Event::CallFailed(DNS))),
    ("ApiUnauthorized", |facts| {
        let generation = facts.unsaved.unwrap_or(STORED);
        Happens::Event(Event::ApiUnauthorized { generation })
    }),
    ("AccountBlocked", |facts| {
        let generation = facts.unsaved.unwrap_or(STORED);
        Happens::Event(Event::AccountBlocked { generation })
    }),
    ("VaultChanged(ready)", |_| {
        Happens::Event(Event::VaultChanged(VaultCondition::Ready))
    }),
    ("VaultChanged(locked)", |_| {
        Happens::Event(Event::VaultChanged(VaultCondition::Locked))
    }),
    ("VaultChanged(credential missing)", |_| {
        Happens::Event(Event::VaultChanged(VaultCondition::Missing))
    }),
    ("NetworkChanged(up)", |_| {
        Happens::Event(Event::NetworkChanged(SystemNetwork::Up))
    }),
    ("NetworkChanged(down)", |_| {
        Happens::Event(Event::NetworkChanged(SystemNetwork::Down))
    }),
    ("RideBegan", |_| Happens::Event(Event::RideBegan)),
    ("RideEnded", |_| Happens::Event(Event::RideEnded)),
    ("AnchorForged", |_| Happens::Event(Event::AnchorForged)),
    ("AnchorRestored", |_| {
        let anchor = anchor(now());
        Happens::Event(Event::AnchorRestored { anchor, mark: None })
    }),
    ("AccountRestored", |_| {
        let principal = athlete("a").principal();
        Happens::Event(Event::AccountRestored { principal })
    }),
    ("UnsavedLost", |_| Happens::Event(Event::UnsavedLost)),
    ("NoRefreshToken", |_| {
        let generation = STORED;
        Happens::Event(Event::NoRefreshToken { generation })
    }),
];

/// All events happen now; what is older is so much older that it counts as old.
fn now() -> Now {
    Now {
        wall: T0,
        boot: BootMs(Millis::days(100).0),
        boot_id: "run".into(),
    }
}

fn long_ago() -> Now {
    Now {
        wall: T0.minus(Millis::days(15)),
        boot: BootMs(Millis::days(85).0),
        boot_id: "run".into(),
    }
}

fn next_tokens() -> SavedTokens {
    super::rider::tokens(STORED.next().0, T0)
}

fn after(facts: &Facts, happens: &Happens) -> Facts {
    let next = match happens {
        Happens::Event(event) => step(facts, event, &now()).0,
        Happens::Fortnight => {
            let mut facts = facts.clone();
            facts.anchor = facts.anchor.map(|_| anchor(long_ago()));
            facts
        }
        Happens::TokenEnds => living(facts, OVER),
        Happens::ClockPutRight => living(facts, FRESH),
    };
    plain(next)
}

/// The same with another life of the access token.
fn living(facts: &Facts, life: AccessLife) -> Facts {
    let mut facts = facts.clone();
    if let Some(tokens) = &mut facts.tokens {
        tokens.access = Some(life);
    }
    facts
}

fn anchor(at: Now) -> Anchor {
    Anchor {
        server: at.wall,
        at,
        offline_grace: None,
    }
}

/// The facts with all that decides no state made alike.
fn plain(mut facts: Facts) -> Facts {
    facts.arriving = facts.arriving.map(|_| athlete("a"));
    facts.account = facts.account.map(|_| athlete("a"));
    facts.unsaved = facts.unsaved.map(|_| STORED.next());
    facts.mark = None;
    facts.trouble = facts.trouble.map(|_| DNS);
    if facts.network == SystemNetwork::Unknown {
        facts.network = SystemNetwork::Up;
    }
    facts.unauthorized = None;
    facts.asked = None;
    facts.riding = None;
    facts.wrong_account = false;
    facts.access_in_memory = false;
    facts.tokens = facts.tokens.map(|tokens| TokenFacts {
        generation: STORED,
        fingerprint: "fp1".into(),
        access: Some(if tokens.unrenewable && tokens.access == Some(OVER) {
            OVER
        } else {
            FRESH
        }),
        refresh_until: None,
        unrenewable: tokens.unrenewable,
    });
    facts.condemned = facts.condemned.map(|condemned| match condemned {
        Condemned::Token { .. } => Condemned::Token {
            generation: STORED,
            reply_lost: false,
        },
        Condemned::Account => Condemned::Account,
    });
    if let Some(intent) = &mut facts.intent {
        (intent.sent, intent.attempts, intent.repeated) = (now(), 1, false);
    }
    facts
}

/// All that is left to differ. What is not named here decides no state, or goes with what is.
fn key(facts: &Facts) -> impl Ord + use<> {
    let present = [
        facts.account.is_some(),
        facts.arriving.is_some(),
        facts.signed_out,
        facts.signing_in,
        facts.tokens.is_some(),
        facts.unsaved.is_some(),
        facts.trouble.is_some(),
    ];
    let grace = grace(facts, &now()).map(|grace| grace.is_open());
    let doubt = facts.intent.as_ref().map(|intent| intent.doubt);
    let condemned = facts.condemned.map(|c| c == Condemned::Account);
    let tokens = facts.tokens.as_ref();
    let tokens = tokens.map(|tokens| (tokens.unrenewable, tokens.access == Some(OVER)));
    (
        present,
        tokens,
        grace,
        doubt,
        condemned,
        facts.vault as u8,
        facts.network as u8,
    )
}

/// From each state, what each cause leads to.
pub(super) type Table = BTreeMap<&'static str, BTreeMap<usize, BTreeSet<&'static str>>>;

pub(super) fn walk() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(walked)
}

fn walked() -> Table {
    let mut table = Table::new();
    let mut seen = BTreeSet::new();
    let mut open = VecDeque::from([plain(Facts::default())]);
    while let Some(facts) = open.pop_front() {
        if !seen.insert(key(&facts)) {
            continue;
        }
        let before = state(&facts, &now());
        for (index, (_, happens)) in CAUSES.iter().enumerate() {
            let next = after(&facts, &happens(&facts));
            let row = table.entry(name(&before)).or_default();
            row.entry(index)
                .or_default()
                .insert(relative(&before, &state(&next, &now())));
            if !seen.contains(&key(&next)) {
                open.push_back(next);
            }
        }
    }
    assert!(
        seen.len() > 500,
        "only {} facts: the walk is not one",
        seen.len()
    );
    table
}

const fn name(state: &CredentialState) -> &'static str {
    match state {
        CredentialState::SignedOut => "SignedOut",
        CredentialState::SigningIn(_) => "SigningIn(from)",
        CredentialState::Active => "Active",
        CredentialState::Offline(_) => "Offline",
        CredentialState::OutcomeUnknown(_) => "OutcomeUnknown",
        CredentialState::VaultUnavailable(_) => "VaultUnavailable",
        CredentialState::NeedsSignIn(_) => "NeedsSignIn",
        CredentialState::GraceExpired(_) => "GraceExpired",
        CredentialState::Blocked => "Blocked",
    }
}

/// The name of `after`, or "from" when a sign-in ended where it began.
fn relative(before: &CredentialState, after: &CredentialState) -> &'static str {
    match before {
        CredentialState::SigningIn(from) if name(from) == name(after) => "from",
        _ => name(after),
    }
}
