//! Tokens without a refresh token: what there is lasts as long as the access token, and nobody is asked for more.

use proptest::prelude::*;

use super::contact::has_run_out;
use super::rider::{
    LOST, Rider, T0, athlete, blocked, contact, intended, launched, refused, tokens,
};
use super::story::{Beat, cases, trouble};
use super::*;
use crate::definitive::Refusal;
use crate::time::{BootId, BootMs, Millis, Now, WallMs};
use crate::token::Generation;
use crate::transport::Trouble;

const LIFE: Millis = Millis::hours(2);
const OVER: CredentialState = CredentialState::NeedsSignIn(SignInCause::CannotRenew);
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn given(generation: u64, server_time: WallMs) -> Event {
    Event::TokensSaved(SavedTokens {
        access_life: LIFE,
        refresh_until: None,
        unrenewable: true,
        ..tokens(generation, server_time)
    })
}

/// Signed in at T0, with tokens that cannot be renewed.
fn signed_in() -> Rider {
    let mut rider = Rider::signed_in();
    rider.does(&given(2, T0));
    rider
}

/// The wall clock is moved.
fn moved(mut rider: Rider, by: i64) -> Rider {
    rider.now.wall = WallMs(rider.now.wall.0 + by);
    rider
}

/// The computer is off for a moment, and the wall clock tells something else when it is on again.
fn started_with(rider: Rider, moved_by: i64) -> Rider {
    let mut rider = moved(rider, moved_by).restarted();
    rider.does(&launched(VaultCondition::Ready));
    rider
}

fn unauthorized() -> Event {
    Event::ApiUnauthorized {
        generation: Generation(2),
    }
}

#[test]
fn they_serve_to_the_last_moment_of_their_life_and_none_longer() {
    let margin = Millis::secs(20);
    let before = LIFE.less(Millis(1));
    for (span, state) in [
        (Millis::ZERO, CredentialState::Active),
        (Millis::mins(65), CredentialState::Active),
        (before, CredentialState::Active),
        (LIFE, OVER),
        (Millis::days(13), OVER),
        (
            Millis::days(15),
            CredentialState::GraceExpired(Some(SignInCause::CannotRenew)),
        ),
    ] {
        let mut rider = signed_in().at(span);
        let active = state == CredentialState::Active;
        assert_eq!(rider.state(), state, "{span:?}");
        let usable = access_token_usable(&rider.facts, &rider.now, margin);
        assert_eq!(usable, active, "{span:?}");
        assert_eq!(rider.does(&Event::Tick), [], "{span:?}");
        assert_eq!(refresh_wanted(&rider.facts, &rider.now), None);
        assert_eq!(refresh_due(&rider.facts, &rider.now), None);
        assert_eq!(rider.does(&launched(VaultCondition::Ready)), []);
        assert_eq!(rider.state(), state, "{span:?}: asking changes nothing");
    }
}

#[test]
fn once_they_are_over_the_library_stays_open_and_uploads_wait_for_a_sign_in() {
    let mut rider = signed_in().at(LIFE);
    let queues = Access {
        ride: Riding::Everything,
        licensed_library: Library::Open,
        uploads: Uploads::Queue,
        calls: false,
    };
    assert_eq!(rider.access(), queues);
    let words = view(&rider.facts, &rider.now).words;
    assert_eq!(words.headline, "Please sign in again");
    assert!(words.detail.contains("cannot be renewed"), "{words:?}");
    assert_eq!(words.action, Some(ActionLabel::SignIn));
    rider.does(&Event::SignInStarted);
    let account = athlete("a");
    rider.does(&Event::SignInCompleted { account });
    assert_eq!(
        rider.does(&given(3, T0.plus(LIFE))),
        [Action::WakeLanes],
        "the queue drains"
    );
    assert_eq!(rider.state(), CredentialState::Active);
    assert_eq!(rider.access().uploads, Uploads::Send);
}

#[test]
fn only_what_time_or_a_network_cures_does_not_wait_for_the_athlete() {
    use CredentialState as S;
    let over = SignInCause::CannotRenew;
    let waits = [
        S::SignedOut,
        S::NeedsSignIn(over),
        S::GraceExpired(Some(over)),
        S::Blocked,
    ];
    let goes_on = [
        S::Active,
        S::Offline(LOST),
        S::OutcomeUnknown(Generation(1)),
        S::VaultUnavailable(VaultCause::Locked),
        S::GraceExpired(None),
    ];
    for (states, waits) in [(&waits[..], true), (&goes_on[..], false)] {
        for state in states {
            assert_eq!(state.waits_for_the_athlete(), waits, "{state:?}");
            let signing_in = S::SigningIn(Box::new(state.clone()));
            assert_eq!(signing_in.waits_for_the_athlete(), waits, "{state:?}");
        }
    }
}

#[test]
fn tokens_that_can_be_renewed_are_never_over_by_the_clock() {
    let rider = Rider::signed_in().at(Millis::days(13));
    assert_eq!(rider.state(), CredentialState::Active);
    assert!(!has_run_out(&rider.facts, &rider.now));
}

#[test]
fn any_number_of_401s_takes_no_token_away_and_the_next_answer_ends_them() {
    let mut rider = signed_in();
    for minutes in [1, 2, 17, 65, 119] {
        rider = rider.at(Millis::mins(minutes));
        for _ in 0..3 {
            assert_eq!(rider.does(&unauthorized()), [], "minute {minutes}");
        }
        let refused = CredentialState::Offline(Trouble::AccessRefused);
        assert_eq!(rider.state(), refused);
        assert!(rider.access().calls, "it is tried again, with a backoff");
        assert!(access_token_usable(&rider.facts, &rider.now, Millis::ZERO));
        let server_time = T0.plus(Millis::mins(minutes));
        rider.does(&contact(2, server_time));
        assert_eq!(rider.state(), CredentialState::Active, "minute {minutes}");
        assert_eq!(rider.facts.unauthorized, None);
    }
}

/// Should the service have ended them, nothing but a sign-in helps: it is offered, and not demanded.
#[test]
fn a_401_offers_a_sign_in_only_where_nothing_else_can_help() {
    let mut rider = signed_in();
    rider.does(&unauthorized());
    let words = view(&rider.facts, &rider.now).words;
    assert_eq!(words.headline, "Working offline");
    assert!(words.detail.contains("tried again by itself"), "{words:?}");
    assert_eq!(
        (words.action, words.nudge),
        (Some(ActionLabel::SignIn), false)
    );
    rider.does(&Event::CallFailed(LOST));
    let words = view(&rider.facts, &rider.now).words;
    assert_eq!(words.action, Some(ActionLabel::SyncNow), "{words:?}");

    let mut renewable = Rider::signed_in();
    renewable.does(&Event::CallFailed(Trouble::AccessRefused));
    let words = view(&renewable.facts, &renewable.now).words;
    assert_eq!(words.action, Some(ActionLabel::SyncNow), "{words:?}");
    assert!(!words.detail.contains("sign in"), "{words:?}");

    // A clock that is behind may hide that they are over.
    let mut rider = started_with(signed_in().at(Millis::mins(5)), -30 * DAY);
    rider.does(&unauthorized());
    let words = view(&rider.facts, &rider.now).words;
    assert_eq!(words.action, Some(ActionLabel::CheckClock), "{words:?}");
}

#[test]
fn a_clock_that_is_moved_while_the_computer_runs_changes_nothing() {
    for by in [-400 * DAY, -DAY, DAY, 400 * DAY] {
        let rider = moved(signed_in().at(LIFE.less(Millis(1))), by);
        assert_eq!(rider.state(), CredentialState::Active, "{by}");
        let rider = moved(signed_in().at(LIFE), by);
        assert_eq!(rider.state(), OVER, "{by}");
    }
}

#[test]
fn a_clock_that_went_forward_and_back_leaves_no_trace() {
    for ahead in [3 * 60 * MINUTE, DAY, 60 * DAY] {
        let mut rider = started_with(signed_in().at(Millis::mins(5)), ahead);
        let within = ahead < 14 * DAY;
        let over = CredentialState::GraceExpired(Some(SignInCause::CannotRenew));
        let over = if within { OVER } else { over };
        assert_eq!(rider.state(), over, "{ahead}: as long as it is told");
        for _ in 0..3 {
            rider.now.boot = BootMs(rider.now.boot.0 + Millis::mins(6).0);
            rider.now.wall = rider.now.wall.plus(Millis::mins(6));
            rider.does(&Event::Tick);
        }
        assert_eq!(rider.state(), over, "{ahead}");
        let here = moved(rider.clone(), -ahead);
        assert_eq!(here.state(), CredentialState::Active, "{ahead}: put right");
        assert!(here.access().calls);
        let later = started_with(rider.clone(), -ahead);
        assert_eq!(
            later.state(),
            CredentialState::Active,
            "{ahead}: at a start"
        );
    }
}

#[test]
fn unsaved_tokens_serve_whatever_became_of_the_stored_ones() {
    let mut rider = signed_in().at(LIFE);
    rider.does(&Event::SignInStarted);
    let account = athlete("a");
    rider.does(&Event::SignInCompleted { account });
    let Event::TokensSaved(new) = given(3, T0.plus(LIFE)) else {
        unreachable!()
    };
    rider.does(&Event::SaveFailed(new));
    let not_saved = CredentialState::VaultUnavailable(VaultCause::NotSaved);
    assert_eq!(rider.state(), not_saved);
    assert_eq!(rider.does(&Event::UnsavedLost), []);
    assert_eq!(rider.state(), OVER, "they ended with the process");
}

/// What a version before the fact wrote.
#[test]
fn older_facts_and_events_are_read_and_the_fact_is_found_out() {
    let mut written = serde_json::to_value(&signed_in().facts).unwrap();
    let stored = written["tokens"].as_object_mut().unwrap();
    assert_eq!(stored.remove("unrenewable"), Some(true.into()));
    let mut rider = signed_in().at(Millis::mins(90));
    rider.facts = serde_json::from_value(written).unwrap();
    let half = Some(RefreshReason::HalfLife);
    assert_eq!(refresh_wanted(&rider.facts, &rider.now), half);
    rider.does(&intended(2));
    let (older, stored) = (Generation(1), Generation(2));
    rider.does(&Event::NoRefreshToken { generation: older });
    assert!(rider.facts.intent.is_some(), "of another set");
    assert_eq!(
        rider.does(&Event::NoRefreshToken { generation: stored }),
        []
    );
    assert_eq!(rider.facts.intent, None, "nothing was sent");
    assert_eq!(refresh_wanted(&rider.facts, &rider.now), None);
    assert_eq!(rider.state(), CredentialState::Active);
    assert_eq!(rider.at(LIFE).state(), OVER);

    let mut event = serde_json::to_value(given(2, T0)).unwrap();
    let saved = event["tokens_saved"].as_object_mut().unwrap();
    assert_eq!(saved.remove("unrenewable"), Some(true.into()));
    let Event::TokensSaved(saved) = serde_json::from_value(event).unwrap() else {
        unreachable!()
    };
    assert!(!saved.unrenewable);
}

#[test]
fn an_access_token_that_an_older_version_dropped_is_over_and_one_without_a_contact_may_not_be() {
    let mut dropped = signed_in();
    if let Some(tokens) = &mut dropped.facts.tokens {
        tokens.access = None;
    }
    assert_eq!(dropped.state(), OVER);
    let mut forged = signed_in().at(Millis::days(1));
    forged.does(&Event::AnchorForged);
    assert_eq!(forged.state(), CredentialState::GraceExpired(None));
    assert!(forged.access().calls, "an answer can tell");
    assert!(access_token_usable(
        &forged.facts,
        &forged.now,
        Millis::ZERO
    ));
    forged.does(&contact(2, T0));
    assert_eq!(forged.state(), CredentialState::Active);
}

#[test]
fn nothing_is_spent_so_nothing_is_condemned_or_asked_about_again() {
    let mut rider = signed_in();
    rider.does(&intended(2));
    assert_eq!(rider.facts.intent, None);
    rider.does(&refused(Refusal::InvalidGrant));
    assert_eq!(rider.state(), CredentialState::Active);
    rider.does(&blocked(2));
    assert!(!recheck_is_possible(&rider.facts));
    assert_eq!(rider.does(&launched(VaultCondition::Ready)), []);
    assert_eq!(rider.state(), CredentialState::Blocked);
    let mut renewable = Rider::signed_in();
    assert!(!recheck_is_possible(&renewable.facts), "nobody is blocked");
    renewable.does(&blocked(1));
    assert!(recheck_is_possible(&renewable.facts));
    renewable.does(&Event::SignOut);
    renewable.facts.condemned = Some(Condemned::Account);
    assert!(
        !recheck_is_possible(&renewable.facts),
        "nobody is signed in"
    );
}

/// What happens to a session that is neither renewed nor ended by its athlete; the vault may be in any condition but
/// lack the key. A contact is at the server's real time.
fn beats(contacts: u32) -> impl Strategy<Value = Vec<Beat>> {
    use SystemNetwork::*;
    use VaultCondition::*;
    let vault = prop_oneof![3 => Just(Ready), 1 => Just(Locked), 1 => Just(TimedOut)];
    let event = prop_oneof![
        4 => Just(Event::Tick),
        1 => vault.clone().prop_map(launched),
        1 => vault.prop_map(Event::VaultChanged),
        1 => trouble().prop_map(Event::CallFailed),
        2 => Just(unauthorized()),
        1 => prop_oneof![Just(Up), Just(Down), Just(Unknown)].prop_map(Event::NetworkChanged),
        1 => Just(Event::RideBegan),
        1 => Just(Event::RideEnded),
        contacts => Just(contact(2, T0)),
    ];
    let uptime = prop_oneof![4 => 0..600_000_u64, 1 => 0..4 * 3_600_000_u64];
    let moves = prop_oneof![2 => Just(0), 1 => -40 * DAY..40 * DAY, 1 => -60 * MINUTE..60 * MINUTE];
    let restarts = prop_oneof![3 => Just(false), 1 => Just(true)];
    prop::collection::vec((event, uptime, moves, restarts), 0..40)
}

/// Lives through the beats, and shows each moment as it is and as it would be with the clock put right: in this run of
/// the machine, and in the next. With it the real time since the sign-in, in ms.
fn live(
    beats: &[Beat],
    mut check: impl FnMut(&Facts, [Now; 2], u64) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let (mut rider, mut real) = (signed_in(), 0);
    for (event, uptime, by, restarts) in beats {
        if *restarts {
            rider = rider.restarted();
        }
        real += uptime;
        rider.now.boot = BootMs(rider.now.boot.0 + uptime);
        rider.now.wall = rider.now.wall.plus(Millis(*uptime));
        rider = moved(rider, *by);
        let event = match event {
            Event::Contact { .. } => contact(2, T0.plus(Millis(real))),
            other => other.clone(),
        };
        let actions = rider.does(&event);
        let renews = actions.iter().any(|action| *action != Action::WakeLanes);
        prop_assert!(!renews, "{event:?}: {actions:?}");
        let here = Now {
            wall: T0.plus(Millis(real)),
            ..rider.now.clone()
        };
        let next = Now {
            boot: BootMs(0),
            boot_id: BootId("the next".into()),
            ..here.clone()
        };
        check(&rider.facts, [here, next], real)?;
    }
    Ok(())
}

/// Whether a sign-in is asked for because they are over.
fn asks(facts: &Facts, now: &Now) -> bool {
    let over = CredentialState::GraceExpired(Some(SignInCause::CannotRenew));
    [OVER, over].contains(&state(facts, now))
}

proptest! {
    #![proptest_config(cases(256))]

    /// Wherever the clock went and however often: once it is right, what is told of the tokens is right.
    #[test]
    fn with_the_clock_put_right_they_are_over_exactly_when_their_life_is(beats in beats(0)) {
        live(&beats, |facts, right, real| {
            for now in right {
                prop_assert_eq!(asks(facts, &now), real >= LIFE.0, "{} ms, {:?}", real, now);
            }
            Ok(())
        })?;
    }

    /// A contact with a wrong clock leaves two readings of it, of which the kinder one counts.
    #[test]
    fn with_the_clock_put_right_nobody_is_asked_before_their_life_is_over(beats in beats(2)) {
        live(&beats, |facts, right, real| {
            for now in right {
                prop_assert!(real >= LIFE.0 || !asks(facts, &now), "{} ms, {:?}", real, now);
            }
            Ok(())
        })?;
    }
}
