use std::collections::BTreeMap;

use super::*;

fn answer(status: u16, body: Body) -> HttpOutcome {
    HttpOutcome::Answer(Answer {
        status,
        body,
        redirected: false,
        retry_after: None,
    })
}

fn problem(code: &str) -> Body {
    Body::Problem(code.to_owned())
}

fn bodies() -> Vec<Body> {
    let codes = [
        "too-large",
        "ride-unreadable",
        "ride-conflict",
        "edit-conflict",
        "account-blocked",
        "invalid-token",
        "digest-mismatch",
        "not-found",
        "rate-limited",
        "never-heard-of",
    ];
    let mut bodies = vec![
        Body::Protocol,
        Body::Json,
        Body::Html,
        Body::Empty,
        Body::Cut,
        Body::Other,
    ];
    bodies.extend(codes.map(problem));
    bodies
}

/// Every status with every body, less what the table expects, must be [`Verdict::Retry`].
#[test]
fn the_whole_table_of_statuses_and_bodies() {
    let mut table = BTreeMap::new();
    for status in 200..=299 {
        table.insert(
            (status, format!("{:?}", Body::Protocol)),
            Verdict::Delivered,
        );
    }
    for body in bodies() {
        if body != Body::Html && body != Body::Cut {
            table.insert((401, format!("{body:?}")), Verdict::NeedsAuth);
        }
    }
    let definite = [
        (413, "too-large", Verdict::Parked(ParkReason::TooLarge)),
        (
            422,
            "ride-unreadable",
            Verdict::Parked(ParkReason::RideUnreadable),
        ),
        (
            409,
            "ride-conflict",
            Verdict::Parked(ParkReason::RideConflict),
        ),
        (409, "edit-conflict", Verdict::Conflict),
        (403, "account-blocked", Verdict::Blocked),
    ];
    for (status, code, verdict) in definite {
        table.insert((status, format!("{:?}", problem(code))), verdict);
    }
    for status in 100..=599 {
        for body in bodies() {
            let key = (status, format!("{body:?}"));
            let want = table.remove(&key).unwrap_or(Verdict::Retry);
            assert_eq!(verdict(&answer(status, body)), want, "{key:?}");
        }
    }
    assert!(table.is_empty(), "not reached: {table:?}");
}

#[test]
fn a_redirected_answer_is_never_believed() {
    for status in 100..=599 {
        for body in bodies() {
            let outcome = HttpOutcome::Answer(Answer {
                status,
                body,
                redirected: true,
                retry_after: Some(Millis(1)),
            });
            assert_eq!(verdict(&outcome), Verdict::Retry);
            assert_eq!(trouble(&outcome), Some(Trouble::Redirected));
        }
    }
}

#[test]
fn retry_after_is_honoured_on_429_and_503_only() {
    let retry_after = Some(Millis::secs(7));
    for status in 100..=599 {
        for body in bodies() {
            let outcome = HttpOutcome::Answer(Answer {
                status,
                body,
                redirected: false,
                retry_after,
            });
            let waits = verdict(&outcome) == Verdict::RetryAfter(Millis::secs(7));
            assert_eq!(waits, status == 429 || status == 503, "{outcome:?}");
        }
    }
}

#[test]
fn no_transport_failure_delivers_or_parks() {
    use crate::transport::{Sent, TlsCause};
    use TransportFailure::*;
    let failures = [
        NoNetwork,
        Dns,
        Unreachable,
        Refused,
        Reset,
        Cut,
        Garbled,
        ProxyAuth,
        Timeout { sent: Sent::Before },
        Timeout { sent: Sent::After },
        Tls {
            cause: TlsCause::UnknownIssuer,
        },
    ];
    for failure in failures {
        let outcome = HttpOutcome::Failed(failure);
        assert_eq!(verdict(&outcome), Verdict::Retry);
        assert_eq!(trouble(&outcome), Some(Trouble::Transport(failure)));
    }
}

#[test]
fn trouble_is_named_for_what_it_is() {
    let cases = [
        (answer(200, Body::Protocol), None),
        (answer(304, Body::Empty), None),
        (answer(401, problem("invalid-token")), None),
        (answer(409, problem("ride-conflict")), None),
        (answer(200, Body::Html), Some(Trouble::Foreign)),
        (answer(403, Body::Html), Some(Trouble::Foreign)),
        (answer(302, Body::Empty), Some(Trouble::Redirected)),
        (
            answer(200, Body::Cut),
            Some(Trouble::Transport(TransportFailure::Cut)),
        ),
        (answer(200, Body::Json), Some(Trouble::Unreadable)),
        (answer(204, Body::Empty), Some(Trouble::Empty)),
        (answer(404, Body::Json), Some(Trouble::Status(404))),
        (
            answer(407, Body::Html),
            Some(Trouble::Transport(TransportFailure::ProxyAuth)),
        ),
        (answer(429, Body::Html), Some(Trouble::Busy)),
        (answer(503, problem("unavailable")), Some(Trouble::Busy)),
        (answer(520, Body::Html), Some(Trouble::Status(520))),
    ];
    for (outcome, want) in cases {
        assert_eq!(trouble(&outcome), want, "{outcome:?}");
    }
}

#[test]
fn what_is_delivered_had_no_trouble() {
    for status in 100..=599 {
        for body in bodies() {
            let outcome = answer(status, body);
            if verdict(&outcome) == Verdict::Delivered {
                assert_eq!(trouble(&outcome), None);
            }
        }
    }
}

#[test]
fn every_reason_for_parking_has_its_own_words() {
    use ParkReason::*;
    let all = [TooLarge, RideUnreadable, RideConflict];
    let words: std::collections::BTreeSet<&str> = all.into_iter().map(ParkReason::words).collect();
    assert_eq!(words.len(), all.len());
    assert!(words.iter().all(|words| words.ends_with('.')), "{words:?}");
}
