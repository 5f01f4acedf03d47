//! A blocked account is asked about by itself, seldom, and until it is open again.

use proptest::prelude::*;

use super::rider::{
    DNS, LOST, Rider, T0, blocked, intended, later, launched, refused, tokens, transient,
};
use super::*;
use crate::definitive::Refusal;
use crate::time::Millis;
use crate::transport::Trouble;

/// The longest time between two questions, as long as there is a way to the issuer: an hour and a fifth.
const LONGEST: u64 = 72;

fn blocked_rider() -> Rider {
    let mut rider = Rider::signed_in();
    rider.does(&blocked(1));
    assert_eq!(rider.state(), CredentialState::Blocked);
    rider
}

/// Tokens that come to the disk late are the same that the service has blocked since.
#[test]
fn saving_tokens_late_lifts_no_block_and_newer_tokens_do() {
    use CredentialState::{Active, Blocked, VaultUnavailable};
    let not_saved = VaultUnavailable(VaultCause::NotSaved);
    let late = [
        Event::SaveFailed(tokens(2, T0)),
        Event::TokensSaved(tokens(2, T0)),
        Event::SaveFailed(tokens(3, T0)),
        Event::TokensSaved(tokens(3, T0)),
    ];
    let states = [Blocked, Blocked, not_saved.clone(), Active];
    for (event, state) in late.iter().zip(states) {
        let mut rider = Rider::signed_in();
        rider.does(&Event::SaveFailed(tokens(2, T0)));
        assert_eq!(rider.state(), not_saved);
        rider.does(&blocked(2));
        assert_eq!(rider.state(), Blocked);
        rider.does(event);
        assert_eq!(rider.state(), state, "{event:?}");
    }
}

/// The engine's part: a question that is wanted is sent, and answered like this.
fn asks(rider: &mut Rider, answer: &Event) -> bool {
    if refresh_wanted(&rider.facts, &rider.now) != Some(RefreshReason::Recheck) {
        return false;
    }
    rider.does(&intended(1));
    rider.does(answer);
    true
}

/// What does not end a block.
fn answers() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(refused(Refusal::AccountBlocked)),
        Just(refused(Refusal::InvalidGrant)),
        Just(refused(Refusal::InvalidClient)),
        Just(transient(DNS)),
        Just(transient(LOST)),
        Just(transient(Trouble::Busy)),
        Just(transient(Trouble::Foreign)),
    ]
}

/// What happens meanwhile.
fn meanwhile() -> impl Strategy<Value = Event> {
    use SystemNetwork::{Down, Unknown, Up};
    use VaultCondition::{Locked, Ready};
    prop_oneof![
        8 => Just(Event::Tick),
        1 => prop_oneof![Just(Up), Just(Down), Just(Unknown)].prop_map(Event::NetworkChanged),
        1 => prop_oneof![Just(Ready), Just(Locked)].prop_map(Event::VaultChanged),
        1 => Just(Event::CallFailed(DNS)),
        1 => Just(blocked(1)),
        1 => Just(Event::RideBegan),
        1 => Just(Event::RideEnded),
    ]
}

#[test]
fn it_is_asked_about_an_hour_after_the_last_question_and_the_lane_knows_when() {
    let mut rider = blocked_rider();
    assert!(
        asks(&mut rider, &refused(Refusal::AccountBlocked)),
        "nobody has asked before"
    );
    let due = refresh_due(&rider.facts, &rider.now).unwrap();
    assert!(
        due >= Millis::hours(1) && due <= Millis::mins(LONGEST),
        "{due:?}"
    );
    for (after, wanted) in [
        (due.less(Millis(1)), None),
        (due, Some(RefreshReason::Recheck)),
    ] {
        let rider = rider.clone().at(after);
        assert_eq!(refresh_wanted(&rider.facts, &rider.now), wanted);
        assert_eq!(refresh_due(&rider.facts, &rider.now), Some(due.less(after)));
    }
    let mut rider = rider.at(due);
    assert!(asks(&mut rider, &transient(DNS)), "it cannot be asked");
    assert!(
        !asks(&mut rider, &transient(DNS)),
        "and is not asked again at once"
    );
    let mut rider = rider.at(due.plus(due));
    assert!(asks(&mut rider, &Event::TokensSaved(tokens(2, T0))));
    assert_eq!(rider.state(), CredentialState::Active, "it is open again");
    assert_ne!(
        refresh_wanted(&rider.facts, &rider.now),
        Some(RefreshReason::Recheck)
    );
}

#[test]
fn it_is_not_asked_about_where_that_cannot_help() {
    type Hindrance = fn(&mut Facts);
    let hindrances: [(&str, Hindrance); 6] = [
        ("signed out", |facts| facts.signed_out = true),
        ("no network", |facts| facts.network = SystemNetwork::Down),
        ("no key", |facts| facts.vault = VaultCondition::Locked),
        ("no tokens", |facts| facts.tokens = None),
        ("not saved", |facts| {
            facts.unsaved = Some(crate::token::Generation(2))
        }),
        ("not renewable", |facts| {
            facts.tokens.as_mut().unwrap().unrenewable = true
        }),
    ];
    for (name, hinder) in hindrances {
        let mut rider = blocked_rider();
        hinder(&mut rider.facts);
        assert_eq!(refresh_wanted(&rider.facts, &rider.now), None, "{name}");
        assert_eq!(refresh_due(&rider.facts, &rider.now), None, "{name}");
    }
}

#[test]
fn computers_do_not_ask_at_the_same_time() {
    let due = |fingerprint: &str| {
        let mut rider = blocked_rider();
        rider.facts.tokens.as_mut().unwrap().fingerprint = fingerprint.into();
        rider.facts.asked = Some(rider.now.clone());
        refresh_due(&rider.facts, &rider.now).unwrap()
    };
    assert_ne!(due("a"), due("b"));
}

proptest! {
    /// Two days of minutes.
    #[test]
    fn requests_are_bounded_and_never_end(
        minutes in prop::collection::vec((meanwhile(), answers()), 60..2_880),
        calm in any::<bool>(), launches in prop::collection::btree_set(0..2_880_usize, 0..4),
    ) {
        let mut rider = blocked_rider();
        let (mut questions, mut launched_times, mut last) = (0_u64, 0_u64, 0_u64);
        for (minute, (event, answer)) in minutes.iter().enumerate() {
            rider.now = later(Millis::mins(minute as u64));
            if launches.contains(&minute) && !calm {
                launched_times += 1;
                rider.does(&launched(VaultCondition::Ready));
            }
            rider.does(if calm { &Event::Tick } else { event });
            if asks(&mut rider, answer) {
                questions += 1;
                last = minute as u64;
            }
            prop_assert_eq!(rider.state(), CredentialState::Blocked);
            if calm {
                prop_assert!(minute as u64 - last <= LONGEST, "it is still asked about");
            }
        }
        let hours = minutes.len() as u64 / 60;
        prop_assert!(questions <= hours + 1 + launched_times, "{questions} in {hours} h");
    }
}
