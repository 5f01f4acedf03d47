//! The two weeks, to the millisecond: what is open when, and what moves the end.

use super::rider::{Rider, T0, contact, launched, tokens};
use super::*;
use crate::grace::Anchor;
use crate::time::{Millis, WallMs};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// A rider whose computer was on, or asleep, for so long.
fn after(span: Millis) -> Rider {
    Rider::signed_in().at(span)
}

/// The same, and it was switched off and on just before.
fn after_a_restart(span: Millis) -> Rider {
    let mut rider = after(span).restarted();
    rider.does(&launched(VaultCondition::Ready));
    rider
}

fn is_open(rider: &Rider) -> bool {
    let access = rider.access();
    assert_eq!(
        access.ride == Riding::Everything,
        access.licensed_library == Library::Open
    );
    access.licensed_library == Library::Open
}

#[test]
fn the_library_is_open_up_to_and_at_14_days_and_closed_a_millisecond_later() {
    let fortnight = Millis::days(14);
    let cases = [
        ("13 d 23:59:59", fortnight.less(Millis::secs(1)), true),
        ("14 d", fortnight, true),
        ("14 d + 1 ms", fortnight.plus(Millis(1)), false),
        ("14 d + 1 s", fortnight.plus(Millis::secs(1)), false),
    ];
    for (name, span, open) in cases {
        for mut rider in [after(span), after_a_restart(span)] {
            assert_eq!(is_open(&rider), open, "{name}");
            let over = matches!(rider.state(), CredentialState::GraceExpired(None));
            assert_eq!(!over, open, "{name}");
            rider.does(&Event::Tick);
            assert_eq!(is_open(&rider), open, "{name}: looking changes nothing");
            rider.does(&contact(1, T0.plus(span)));
            assert!(is_open(&rider), "{name}: one contact opens it");
        }
    }
}

#[test]
fn the_server_may_shorten_the_two_weeks_and_never_lengthen_them() {
    #[rustfmt::skip]
    let cases = [
        (Some(Millis::days(2)),   Millis::days(2)),
        (Some(Millis::ZERO),      Millis::ZERO),
        (Some(Millis::days(14)),  Millis::days(14)),
        (Some(Millis::days(365)), Millis::days(14)),
        (None,                    Millis::days(14)),
    ];
    for (asked, limit) in cases {
        let mut rider = Rider::signed_in();
        rider.does(&Event::TokensSaved(SavedTokens {
            offline_grace: asked,
            ..tokens(2, T0)
        }));
        rider.does(&contact(2, T0));
        let rider = rider.at(limit);
        assert!(is_open(&rider), "{asked:?}");
        let rider = rider.at(limit.plus(Millis(1)));
        assert!(
            !is_open(&rider),
            "{asked:?}: a contact without a token keeps what the token asked for"
        );
        let limit = rider.facts.anchor.as_ref().map(Anchor::limit);
        assert!(limit <= Some(Millis::days(14)));
    }
}

#[test]
fn a_ride_begun_at_13_d_23_50_keeps_all_until_it_ends_at_14_d_01_00() {
    let begins = Millis::days(13)
        .plus(Millis::hours(23))
        .plus(Millis::mins(50));
    let mut rider = after(begins);
    rider.does(&Event::RideBegan);
    for minutes in [0, 9, 10, 11, 69, 70] {
        rider = rider.at(begins.plus(Millis::mins(minutes)));
        rider.does(&Event::Tick);
        assert!(is_open(&rider), "{minutes} minutes into the ride");
        let over = matches!(rider.state(), CredentialState::GraceExpired(None));
        assert_eq!(
            over,
            minutes > 10,
            "{minutes}: the state tells the truth meanwhile"
        );
    }
    rider.does(&Event::RideEnded);
    assert!(!is_open(&rider));
    rider.does(&Event::RideBegan);
    assert_eq!(
        rider.access().ride,
        Riding::OwnFiles,
        "own files and free rides stay"
    );
}

/// The clock moves by so many days; nothing else happens to the computer, or it is started again.
fn moved(mut rider: Rider, days: i64, restart: bool) -> Rider {
    rider.now.wall = WallMs(rider.now.wall.0 + days * DAY);
    if restart {
        rider = rider.restarted();
        rider.does(&launched(VaultCondition::Ready));
    }
    rider.does(&Event::Tick);
    rider
}

#[test]
fn thirty_days_back_gain_nothing_and_are_told() {
    for restart in [false, true] {
        let mut rider = after(Millis::days(13));
        rider.does(&Event::Tick);
        let rider = moved(rider, -30, restart);
        let seen = view(&rider.facts, &rider.now);
        assert_eq!((seen.days_left, seen.clock_suspect), (Some(1), true));
        let mut rider = rider;
        rider.does(&Event::NetworkChanged(SystemNetwork::Down));
        assert_eq!(
            view(&rider.facts, &rider.now).words.action,
            Some(ActionLabel::CheckClock)
        );
        rider.now.boot.0 += Millis::days(1).0;
        assert!(is_open(&rider), "a day of uptime is left");
        rider.now.boot.0 += 1;
        assert!(!is_open(&rider), "and no more");
    }
}

#[test]
fn sixty_days_ahead_and_back_lock_only_meanwhile_also_across_restarts() {
    for (there, back) in [(true, true), (true, false)] {
        let rider = moved(after(Millis::days(3)), 60, there);
        assert!(!is_open(&rider), "meanwhile");
        assert!(matches!(rider.state(), CredentialState::GraceExpired(None)));
        let rider = moved(rider, -60, back);
        assert!(is_open(&rider), "afterwards");
        let seen = view(&rider.facts, &rider.now);
        assert_eq!((seen.days_left, seen.clock_suspect), (Some(11), false));
    }
    let rider = moved(after(Millis::days(3)), 60, false);
    assert!(
        is_open(&rider),
        "within one run of the computer the wall clock is not asked at all"
    );
}

#[test]
fn a_clock_that_fell_back_to_1970_locks_nobody_out() {
    for restart in [false, true] {
        let mut rider = after(Millis::days(5));
        rider.does(&Event::Tick);
        rider.now.wall = WallMs(0);
        if restart {
            rider = rider.restarted();
            rider.does(&launched(VaultCondition::Ready));
        }
        assert!(is_open(&rider));
        let seen = view(&rider.facts, &rider.now);
        assert_eq!((seen.days_left, seen.clock_suspect), (Some(9), true));
    }
}

#[test]
fn a_week_asleep_is_a_week() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::Tick);
    let rider = rider.at(Millis::days(7)); // Both clocks went on, and nobody ticked.
    assert_eq!(view(&rider.facts, &rider.now).days_left, Some(7));
}
