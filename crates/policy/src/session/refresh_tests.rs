//! When a refresh is wanted, when it will be, and what forbids it.

use super::rider::{LOST, Rider, T0, intended, later, launched, tokens, transient};
use super::*;
use crate::time::Millis;
use crate::token::{Fingerprint, Generation};

/// What it does to the facts.
type Hindrance = fn(&mut Facts);

/// Minutes after the sign-in; its access token lives for ten.
fn at_minute(minute: u64) -> Rider {
    Rider::signed_in().at(Millis::mins(minute))
}

#[test]
fn only_the_stored_token_is_spent_while_it_stands() {
    let hindrances: [(&str, Hindrance); 5] = [
        ("signed out", |facts| facts.signed_out = true),
        ("condemned", |facts| {
            facts.condemned = Some(Condemned::Token {
                generation: Generation(1),
                reply_lost: false,
            });
        }),
        ("spent already", |facts| facts.unsaved = Some(Generation(2))),
        ("none", |facts| {
            facts.tokens.as_mut().unwrap().unrenewable = true
        }),
        ("newer ones are stored", |facts| {
            facts.tokens.as_mut().unwrap().generation = Generation(2);
        }),
    ];
    for (name, hinder) in hindrances {
        let mut rider = Rider::signed_in();
        hinder(&mut rider.facts);
        assert!(!may_be_spent(&rider.facts, Generation(1)), "{name}");
        let before = rider.facts.clone();
        rider.does(&intended(1));
        assert_eq!(rider.facts, before, "{name}");
    }
    let mut rider = Rider::signed_in();
    // A block is asked about with the token.
    rider.facts.condemned = Some(Condemned::Account);
    assert!(may_be_spent(&rider.facts, Generation(1)));
    rider.does(&intended(1));
    assert_eq!(rider.facts.intent.unwrap().attempts, 1);
}

#[test]
fn each_hindrance_alone_forbids_a_refresh() {
    let hindrances: [(&str, Hindrance); 6] = [
        ("no token", |facts| facts.tokens = None),
        ("signed out", |facts| facts.signed_out = true),
        ("condemned", |facts| {
            facts.condemned = Some(Condemned::Token {
                generation: Generation(1),
                reply_lost: false,
            });
        }),
        ("newer tokens wait to be saved", |facts| {
            facts.unsaved = Some(Generation(2));
        }),
        ("no network", |facts| facts.network = SystemNetwork::Down),
        ("no key", |facts| facts.vault = VaultCondition::Locked),
    ];
    let rider = at_minute(9);
    let half = Some(RefreshReason::HalfLife);
    assert_eq!(refresh_wanted(&rider.facts, &rider.now), half);
    for (name, hinder) in hindrances {
        let mut rider = at_minute(9);
        hinder(&mut rider.facts);
        assert_eq!(refresh_wanted(&rider.facts, &rider.now), None, "{name}");
        assert_eq!(refresh_due(&rider.facts, &rider.now), None, "{name}");
    }
}

#[test]
fn a_refresh_is_due_between_50_and_60_percent_of_the_tokens_life_at_a_moment_of_its_own() {
    let spread = Millis::mins(1).part(Fingerprint("fp1".into()).seed());
    let due = Millis::mins(5).plus(spread);
    assert!(spread > Millis::ZERO && spread < Millis::mins(1));
    let mut rider = Rider::signed_in();
    assert_eq!(refresh_due(&rider.facts, &rider.now), Some(due));
    rider = rider.at(Millis::mins(1));
    let left = due.less(Millis::mins(1));
    assert_eq!(refresh_due(&rider.facts, &rider.now), Some(left));
    rider = rider.at(due.less(Millis(1)));
    assert_eq!(refresh_wanted(&rider.facts, &rider.now), None);
    assert_eq!(refresh_due(&rider.facts, &rider.now), Some(Millis(1)));
    rider = rider.at(due);
    let half = Some(RefreshReason::HalfLife);
    assert_eq!(refresh_wanted(&rider.facts, &rider.now), half);
    assert_eq!(refresh_due(&rider.facts, &rider.now), Some(Millis::ZERO));
}

#[test]
fn a_token_of_a_moments_life_is_kept_for_five_seconds() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::TokensSaved(SavedTokens {
        access_life: Millis(1),
        ..tokens(2, T0)
    }));
    let due = refresh_due(&rider.facts, &rider.now);
    assert_eq!(due, Some(Millis::secs(5)));
}

#[test]
fn without_an_access_token_a_refresh_is_wanted_at_once_and_the_reason_is_told() {
    let mut rider = Rider::signed_in();
    if let Some(tokens) = &mut rider.facts.tokens {
        tokens.access = None;
    }
    let half = Some(RefreshReason::HalfLife);
    assert_eq!(refresh_wanted(&rider.facts, &rider.now), half);
    let mut refused = Rider::signed_in();
    refused.does(&Event::ApiUnauthorized {
        generation: Generation(1),
    });
    let unauthorized = Some(RefreshReason::Unauthorized);
    assert_eq!(refresh_wanted(&refused.facts, &refused.now), unauthorized);
    refused.facts.anchor = None;
    let grace = Some(RefreshReason::AfterGrace);
    assert_eq!(refresh_wanted(&refused.facts, &refused.now), grace);
}

#[test]
fn while_one_is_under_way_none_is_wanted_for_two_minutes() {
    let mut rider = at_minute(6);
    rider.does(&intended(1));
    assert_eq!(
        refresh_due(&rider.facts, &rider.now),
        None,
        "its end is an event"
    );
    let unknown = Some(RefreshReason::OutcomeUnknown);
    for (ms, wanted) in [(0, None), (119_999, None), (120_000, unknown)] {
        let now = later(Millis::mins(6).plus(Millis(ms)));
        assert_eq!(refresh_wanted(&rider.facts, &now), wanted, "{ms} ms");
    }
    let mut early = Rider::signed_in();
    early.does(&intended(1));
    assert_eq!(refresh_due(&early.facts, &early.now), None);
}

#[test]
fn a_lost_reply_is_not_repeated_at_once_without_a_way_to_the_issuer() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    rider.does(&Event::NetworkChanged(SystemNetwork::Down));
    assert_eq!(rider.does(&transient(LOST)), []);
    let unknown = CredentialState::OutcomeUnknown(Generation(1));
    assert_eq!(rider.state(), unknown);
    let again = Action::Refresh {
        reason: RefreshReason::OutcomeUnknown,
    };
    let up = Event::NetworkChanged(SystemNetwork::Up);
    assert_eq!(rider.does(&up), [again]);
}

#[test]
fn a_launch_with_a_locked_vault_sends_no_open_refresh() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    assert_eq!(rider.does(&launched(VaultCondition::Locked)), []);
}

#[test]
fn an_intent_is_of_one_token_and_another_token_begins_another() {
    let intend = |generation, fingerprint: &str| Event::RefreshIntended {
        generation: Generation(generation),
        fingerprint: fingerprint.into(),
    };
    let cases = [
        ("the same again", intend(1, "fp1"), 2, Doubt::Lost),
        (
            "the same token of the next set",
            intend(2, "fp1"),
            1,
            Doubt::None,
        ),
        (
            "another token of the same set",
            intend(1, "fp2"),
            1,
            Doubt::None,
        ),
        ("another token", intend(2, "fp2"), 1, Doubt::None),
    ];
    for (name, event, attempts, doubt) in cases {
        let mut rider = Rider::signed_in();
        rider.does(&intended(1));
        rider.does(&transient(LOST));
        if let Event::RefreshIntended { generation, .. } = &event {
            rider.facts.tokens.as_mut().unwrap().generation = *generation;
        }
        rider.does(&event);
        let intent = rider.facts.intent.unwrap();
        assert_eq!((intent.attempts, intent.doubt), (attempts, doubt), "{name}");
    }
}
