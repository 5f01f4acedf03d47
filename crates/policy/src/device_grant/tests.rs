use proptest::prelude::*;

use super::*;
use crate::definitive::{BodyEnd, Tls};
use crate::time::{BootMs, WallMs};
use crate::token::Generation;
use crate::transport::{Sent, TransportFailure};

const PENDING: DeviceAnswer = DeviceAnswer::Pending;
const SLOW: DeviceAnswer = DeviceAnswer::SlowDown;
const TIME_OUT: DeviceAnswer = DeviceAnswer::Trouble {
    trouble: Trouble::Transport(TransportFailure::Timeout { sent: Sent::After }),
    retry_after: None,
};
const BUSY: DeviceAnswer = DeviceAnswer::Trouble {
    trouble: Trouble::Busy,
    retry_after: Some(Millis::secs(42)),
};
const UNKNOWN_CODE: DeviceAnswer = DeviceAnswer::Refused(Refusal::InvalidGrant);

fn at(ms: u64) -> Now {
    Now {
        wall: WallMs(0),
        boot: BootMs(7_000 + ms),
        boot_id: "run".into(),
    }
}

fn begun(interval: Option<u64>) -> DeviceGrant {
    DeviceGrant::begun(&at(0), Millis::mins(10), interval.map(Millis::secs))
}

/// Name, the issuer's interval, its answers, the waits in seconds.
type Case = (
    &'static str,
    Option<u64>,
    &'static [DeviceAnswer],
    &'static [u64],
);

/// The waits, in seconds, before the first poll and after each of these answers.
fn waits(interval: Option<u64>, answers: &[DeviceAnswer]) -> Vec<u64> {
    let (mut grant, mut now, mut waits) = (begun(interval), 0, vec![]);
    for answer in answers.iter().map(Some).chain([None]) {
        let Poll::Wait(wait) = grant.next(&at(now)) else {
            panic!("no wait");
        };
        waits.push(wait.0 / 1_000);
        now += wait.0;
        assert_eq!(grant.next(&at(now)), Poll::Now);
        if let Some(answer) = answer {
            grant = grant.answered(*answer, &at(now)).unwrap();
        }
    }
    waits
}

#[test]
fn polls_keep_the_interval_slow_down_lasts_and_trouble_doubles_until_an_answer() {
    #[rustfmt::skip]
    let cases: [Case; 9] = [
        ("5 s by default",        None,      &[PENDING, PENDING],                 &[5, 5, 5]),
        ("the issuer's interval", Some(2),   &[PENDING],                          &[2, 2]),
        ("never under a second",  Some(0),   &[PENDING],                          &[1, 1]),
        ("slow_down lasts",       None,      &[SLOW, PENDING, SLOW, PENDING],     &[5, 10, 10, 15, 15]),
        ("time-outs double",      None,      &[TIME_OUT, TIME_OUT, PENDING],      &[5, 10, 20, 5]),
        ("up to a minute",        None,      &[TIME_OUT; 5],                      &[5, 10, 20, 40, 60, 60]),
        ("a long interval stays", Some(90),  &[TIME_OUT, PENDING],                &[90, 90, 90]),
        ("trouble, then slower",  None,      &[TIME_OUT, SLOW, TIME_OUT],         &[5, 10, 10, 20]),
        ("Retry-After",           None,      &[BUSY, PENDING],                    &[5, 42, 5]),
    ];
    for (name, interval, answers, want) in cases {
        assert_eq!(waits(interval, answers), want, "{name}");
    }
}

#[test]
fn each_answer_that_ends_it_says_how() {
    let refused = DeviceAnswer::Refused;
    let cases = [
        (DeviceAnswer::Granted, End::Granted),
        (refused(Refusal::AccessDenied), End::Denied),
        (refused(Refusal::ExpiredToken), End::Expired),
        (
            refused(Refusal::AccountBlocked),
            End::Refused(Refusal::AccountBlocked),
        ),
        (
            refused(Refusal::InvalidClient),
            End::Refused(Refusal::InvalidClient),
        ),
    ];
    for (answer, end) in cases {
        assert_eq!(begun(None).answered(answer, &at(5_000)), Err(end));
    }
}

/// Row 62: a code that one of two servers does not know.
#[test]
fn an_unknown_code_is_believed_at_the_third_time_in_a_row() {
    let after = |answers: &[DeviceAnswer]| {
        let start = Ok(begun(None));
        answers.iter().fold(start, |grant, answer| {
            grant.and_then(|grant| grant.answered(*answer, &at(1)))
        })
    };
    assert!(after(&[UNKNOWN_CODE, UNKNOWN_CODE]).is_ok());
    let end = Err(End::Refused(Refusal::InvalidGrant));
    assert_eq!(after(&[UNKNOWN_CODE, UNKNOWN_CODE, UNKNOWN_CODE]), end);
    let known = [
        UNKNOWN_CODE,
        UNKNOWN_CODE,
        PENDING,
        UNKNOWN_CODE,
        UNKNOWN_CODE,
    ];
    assert!(after(&known).is_ok(), "the issuer knows it after all");
    let unheard = [UNKNOWN_CODE, UNKNOWN_CODE, TIME_OUT, UNKNOWN_CODE];
    assert_eq!(after(&unheard), end, "a time-out says nothing of the code");
}

#[test]
fn the_code_ends_with_its_life_asleep_or_awake_and_with_a_restart() {
    let grant = begun(None);
    let life = Millis::mins(10).0;
    assert_eq!(grant.next(&at(2_000)), Poll::Wait(Millis::secs(3)));
    assert_eq!(grant.next(&at(5_000)), Poll::Now);
    assert_eq!(grant.next(&at(life - 1)), Poll::Now);
    assert_eq!(grant.next(&at(life)), Poll::Ended(End::Expired));
    assert_eq!(grant.next(&at(u64::MAX / 2)), Poll::Ended(End::Expired));
    let late = grant.answered(PENDING, &at(life - 2_000)).unwrap();
    assert_eq!(
        late.next(&at(life - 2_000)),
        Poll::Wait(Millis::secs(2)),
        "the end is told when it comes, not an interval later"
    );
    let restarted = Now {
        boot_id: "another".into(),
        ..at(0)
    };
    assert_eq!(grant.next(&restarted), Poll::Ended(End::Expired));
    assert_eq!(grant.answered(PENDING, &restarted), Err(End::Expired));
    assert_eq!(
        grant.answered(DeviceAnswer::Granted, &restarted),
        Err(End::Granted),
        "tokens that came are tokens"
    );
}

fn http(status: u16, error: Option<&str>) -> HttpFacts {
    HttpFacts {
        status,
        content_type: Some("application/json".into()),
        body: BodyEnd::Complete,
        redirected: false,
        tls: Tls::Verified,
        oauth_error: error.map(str::to_owned),
        tokens: error.is_none(),
        retry_after: None,
        sent: Generation(0),
        stored: Generation(0),
    }
}

#[test]
fn only_the_genuine_issuer_is_believed() {
    let trouble = |trouble| DeviceAnswer::Trouble {
        trouble,
        retry_after: None,
    };
    let pending = || http(400, Some("authorization_pending"));
    let html = Some("text/html".to_owned());
    let denied = DeviceAnswer::Refused(Refusal::AccessDenied);
    let cases = [
        ("tokens", http(200, None), DeviceAnswer::Granted),
        ("pending", pending(), PENDING),
        (
            "pending, 401",
            http(401, Some("authorization_pending")),
            PENDING,
        ),
        ("slow down", http(400, Some("slow_down")), SLOW),
        ("no", http(400, Some("access_denied")), denied),
        (
            "later",
            http(400, Some("temporarily_unavailable")),
            trouble(Trouble::Busy),
        ),
        (
            "a 429 is no slow_down",
            http(429, Some("slow_down")),
            trouble(Trouble::Busy),
        ),
        (
            "a 503 is not pending",
            http(503, Some("authorization_pending")),
            trouble(Trouble::Busy),
        ),
        (
            "a 200 is not pending",
            http(200, Some("slow_down")),
            trouble(Trouble::Unreadable),
        ),
        (
            "unknown",
            http(400, Some("never_heard_of")),
            trouble(Trouble::Status(400)),
        ),
        (
            "a portal",
            HttpFacts {
                content_type: html,
                ..pending()
            },
            trouble(Trouble::Foreign),
        ),
        (
            "a portal that says slow down",
            HttpFacts {
                content_type: Some("text/html".into()),
                ..http(400, Some("slow_down"))
            },
            trouble(Trouble::Foreign),
        ),
        (
            "unverified",
            HttpFacts {
                tls: Tls::Unverified,
                ..http(400, Some("access_denied"))
            },
            trouble(Trouble::Unverified),
        ),
        (
            "a generation that cannot be",
            HttpFacts {
                stored: Generation(9),
                ..http(400, Some("access_denied"))
            },
            UNKNOWN_CODE,
        ),
    ];
    for (name, facts, want) in cases {
        assert_eq!(classify_device_answer(&facts), want, "{name}");
    }
    assert_eq!(
        no_device_answer(TransportFailure::Dns),
        trouble(Trouble::Transport(TransportFailure::Dns))
    );
}

fn answer() -> impl Strategy<Value = DeviceAnswer> {
    let retry_after = prop::option::of((0..100_000_u64).prop_map(Millis));
    prop_oneof![
        4 => Just(PENDING),
        2 => Just(SLOW),
        2 => retry_after.prop_map(|retry_after| DeviceAnswer::Trouble { trouble: Trouble::Busy, retry_after }),
        1 => Just(TIME_OUT),
        1 => Just(UNKNOWN_CODE),
    ]
}

proptest! {
    #[test]
    fn no_two_polls_are_closer_than_the_interval_and_none_comes_after_the_end(
        interval in prop::option::of(0..30_u64),
        life in 0..3_600_u64,
        answers in prop::collection::vec((answer(), 0..20_000_u64), 0..60),
    ) {
        let mut grant = DeviceGrant::begun(&at(0), Millis::secs(life), interval.map(Millis::secs));
        let mut least = interval.map_or(5_000, |secs| (secs * 1_000).max(1_000));
        let (mut now, mut last) = (0, 0);
        for (answer, lag) in answers {
            if let Poll::Wait(wait) = grant.next(&at(now)) {
                prop_assert!(wait > Millis::ZERO);
                now += wait.0;
            }
            prop_assert!(!matches!(grant.next(&at(now)), Poll::Wait(_)), "the wait was told whole");
            if grant.next(&at(now)) == Poll::Ended(End::Expired) {
                prop_assert!(now >= life * 1_000, "it ended before its time");
                break;
            }
            prop_assert!(now < life * 1_000, "it asks with a dead code");
            prop_assert!(now - last >= least, "{now} - {last} < {least}");
            last = now;
            now += lag; // The answer takes its time, or never comes.
            if answer == SLOW {
                least += 5_000;
            }
            match grant.answered(answer, &at(now)) {
                Ok(next) => grant = next,
                Err(end) => {
                    prop_assert_eq!(end, End::Refused(Refusal::InvalidGrant));
                    break;
                }
            }
        }
    }
}
