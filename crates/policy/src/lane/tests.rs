use proptest::prelude::*;

use super::*;
use crate::budget::CAPACITY;
use crate::reach::{Observation, Return, SystemNetwork};
use crate::time::Now;
use crate::transport::{TransportFailure, Trouble};
use crate::verdict::ParkReason;

const T0: WallMs = WallMs(1_767_592_800_000);

fn down(loopback: bool) -> Reach {
    let observation = Observation::Network(SystemNetwork::Down);
    Reach::new(loopback).observe(observation, &Now::default()).0
}

fn plan(lane: Lane, outcome: LaneOutcome, reach: &Reach, calls: bool, seed: f64) -> LanePlan {
    let budget = Budget::full(T0);
    let policy = Policy::Background;
    next_due(
        lane,
        outcome,
        T0,
        &Conditions {
            reach,
            budget: &budget,
            policy,
            calls,
            seed,
        },
    )
}

fn drained() -> Budget {
    let spend = |budget: Budget, _| budget.spend(T0).unwrap();
    let empty = (0..CAPACITY).fold(Budget::full(T0), spend);
    assert_eq!(empty.attempts(T0), 0);
    empty
}

fn failed(verdict: Verdict, attempt: u32) -> LaneOutcome {
    LaneOutcome::Failed { verdict, attempt }
}

/// A clock that is put right, or tokens that are younger than a clock said.
#[test]
fn only_a_lane_that_waits_for_something_to_call_with_waits_in_vain_and_only_when_there_is() {
    let (up, no_network) = (Reach::new(false), down(false));
    let session = plan(Lane::Rides, LaneOutcome::Ready, &up, false, 0.5);
    assert!(session.waits_in_vain(true));
    assert!(!session.waits_in_vain(false));
    let network = plan(Lane::Rides, LaneOutcome::Ready, &no_network, true, 0.5);
    let idle = plan(Lane::Edits, LaneOutcome::Done, &up, true, 0.5);
    let work = plan(Lane::Rides, LaneOutcome::Ready, &up, true, 0.5);
    for other in [network, idle, work] {
        assert!(!other.waits_in_vain(true), "{other:?}");
    }
}

#[test]
fn each_outcome_has_its_wait_and_its_reason() {
    use LaneOutcome::*;
    use PlanReason as R;
    let up = Reach::new(false);
    let minute = Verdict::RetryAfter(Millis::mins(1));
    let parked = Verdict::Parked(ParkReason::TooLarge);
    #[rustfmt::skip]
    let cases = [
        (Lane::Library, Done,                         Some(Millis::mins(15)),  R::Idle),
        (Lane::Edits,   Done,                         None,                    R::Idle),
        (Lane::Session, Done,                         None,                    R::Idle),
        (Lane::Rides,   More,                         Some(Millis::ZERO),      R::Work),
        (Lane::Rides,   Ready,                        Some(Millis::ZERO),      R::Work),
        (Lane::Rides,   SyncNow,                      Some(Millis::ZERO),      R::SyncNow),
        (Lane::Rides,   Returned(Return::Network),    Some(Millis::secs(1)),   R::Returned),
        (Lane::Edits,   Returned(Return::Network),    Some(Millis::secs(1)),   R::Returned),
        (Lane::Session, Returned(Return::Network),    Some(Millis::secs(1)),   R::Returned),
        (Lane::Library, Returned(Return::Network),    Some(Millis::secs(30)),  R::Returned),
        (Lane::Status,  Returned(Return::Network),    Some(Millis::secs(30)),  R::Returned),
        (Lane::Rides,   Returned(Return::Service),    Some(Millis::secs(30)),  R::Returned),
        (Lane::Rides,   failed(Verdict::Retry, 4),    Some(Millis::secs(4)),   R::Backoff),
        (Lane::Rides,   failed(minute, 1),            Some(Millis::secs(90)),  R::RetryAfter),
        (Lane::Rides,   failed(Verdict::NeedsAuth, 3),Some(Millis::secs(4)),   R::Backoff),
        (Lane::Rides,   failed(Verdict::Blocked, 1),  None,                    R::NoSession),
        (Lane::Rides,   failed(parked, 1),            Some(Millis::ZERO),      R::Work),
        (Lane::Edits,   failed(Verdict::Conflict, 1), Some(Millis::ZERO),      R::Work),
    ];
    for (lane, outcome, wait, reason) in cases {
        let plan = plan(lane, outcome, &up, true, 0.5);
        assert_eq!(
            (plan.wait(T0), plan.reason),
            (wait, reason),
            "{lane:?} {outcome:?}"
        );
    }
}

#[test]
fn without_a_network_nothing_is_tried_except_what_the_athlete_asks_for() {
    let outcomes = [
        LaneOutcome::Done,
        LaneOutcome::More,
        failed(Verdict::Retry, 1),
    ];
    for lane in Lane::ALL {
        for outcome in outcomes {
            let offline = plan(lane, outcome, &down(false), true, 0.5);
            assert_eq!((offline.due, offline.reason), (None, PlanReason::NoNetwork));
            let loopback = plan(lane, outcome, &down(true), true, 0.5);
            assert_ne!(loopback.reason, PlanReason::NoNetwork);
        }
        assert!(plan(lane, LaneOutcome::SyncNow, &down(false), true, 0.5).is_due(T0));
    }
}

#[test]
fn without_a_session_only_the_session_and_status_lanes_go() {
    for lane in Lane::ALL {
        let reason = plan(lane, LaneOutcome::More, &Reach::new(false), false, 0.5).reason;
        let goes = matches!(lane, Lane::Session | Lane::Status);
        assert_eq!(
            reason,
            if goes {
                PlanReason::Work
            } else {
                PlanReason::NoSession
            },
            "{lane:?}"
        );
    }
}

#[test]
fn an_empty_budget_delays_retries_but_neither_sync_now_nor_retry_after() {
    let budget = drained();
    let reach = Reach::new(false);
    let conditions = Conditions {
        reach: &reach,
        budget: &budget,
        policy: Policy::Waiting,
        calls: true,
        seed: 0.0,
    };
    let waits = |outcome| next_due(Lane::Rides, outcome, T0, &conditions).wait(T0);
    assert_eq!(waits(failed(Verdict::Retry, 1)), Some(Millis::mins(12)));
    assert_eq!(
        waits(failed(Verdict::RetryAfter(Millis(5)), 1)),
        Some(Millis(5))
    );
    assert_eq!(waits(LaneOutcome::SyncNow), Some(Millis::ZERO));
}

#[test]
fn a_wait_that_the_budget_allows_to_the_moment_keeps_its_own_reason() {
    let budget = drained();
    let reach = Reach::new(false);
    // The longest backoff is 15 minutes; the next attempt is gained in 12, and those who wait for it come within 6 more.
    for (seed, minutes, reason) in [
        (0.0, 12, PlanReason::Budget),
        (0.5, 15, PlanReason::Budget),
        (0.8, 12, PlanReason::Backoff),
        (1.0, 15, PlanReason::Backoff),
    ] {
        let conditions = Conditions {
            reach: &reach,
            budget: &budget,
            policy: Policy::Background,
            calls: true,
            seed,
        };
        let plan = next_due(Lane::Rides, failed(Verdict::Retry, 99), T0, &conditions);
        assert_eq!(plan.wait(T0), Some(Millis::mins(minutes)), "{seed}");
        assert_eq!(plan.reason, reason, "{seed}");
    }
}

#[test]
fn what_nothing_waits_for_is_unhurried_until_something_does() {
    use LaneOutcome::*;
    use Policy::*;
    let failed = failed(Verdict::Retry, 1);
    #[rustfmt::skip]
    let cases = [
        // What happened, for whom it was, for whom the next attempt is.
        (Done,                      Waiting,    Unhurried),
        (Done,                      Background, Unhurried),
        (failed,                    Unhurried,  Unhurried),
        (failed,                    Background, Background),
        (failed,                    Waiting,    Background),
        (More,                      Unhurried,  Background),
        (Ready,                     Unhurried,  Background),
        (SyncNow,                   Unhurried,  Waiting),
        (Returned(Return::Network), Unhurried,  Waiting),
        (Returned(Return::Service), Unhurried,  Waiting),
    ];
    let (reach, budget) = (Reach::new(false), Budget::full(T0));
    for (outcome, policy, next) in cases {
        let conditions = Conditions {
            reach: &reach,
            budget: &budget,
            policy,
            calls: true,
            seed: 0.5,
        };
        let plan = next_due(Lane::Library, outcome, T0, &conditions);
        assert_eq!(plan.policy(false), next, "{outcome:?} {policy:?}");
        let wanted = if next == Unhurried { Background } else { next };
        assert_eq!(plan.policy(true), wanted, "{outcome:?} {policy:?}");
        if outcome != failed {
            assert_eq!(plan.policy(false), policy_for(outcome), "{outcome:?}");
        }
    }
}

/// Plans of a version that did not tell them apart.
#[test]
fn a_plan_that_does_not_say_for_whom_it_is_was_made_in_the_background() {
    let text = r#"{"made":1767592800000,"due":null,"reason":"idle"}"#;
    let plan: LanePlan = serde_json::from_str(text).unwrap();
    assert_eq!(plan.policy(false), Policy::Background);
}

#[test]
fn what_wakes_a_lane_cuts_only_those_plans_short_that_it_may() {
    use PlanReason::*;
    let all = [
        Work, SyncNow, Returned, Idle, Backoff, RetryAfter, Budget, NoNetwork, NoSession,
    ];
    let network = LaneOutcome::Returned(Return::Network);
    #[rustfmt::skip]
    let cases: [(LaneOutcome, &[PlanReason]); 6] = [
        (LaneOutcome::SyncNow,       &[]),
        (LaneOutcome::Done,          &[]),
        (failed(Verdict::Retry, 1),  &[]),
        (LaneOutcome::Ready,         &[Work, SyncNow, Returned, Backoff, RetryAfter, Budget, NoNetwork, NoSession]),
        (LaneOutcome::More,          &[SyncNow, Returned, RetryAfter, Budget]),
        (network,                    &[SyncNow, RetryAfter, Budget]),
    ];
    for (woken, outlast) in cases {
        for reason in all {
            let plan = LanePlan {
                made: T0,
                due: Some(T0.plus(Millis::mins(1))),
                reason,
                policy: Policy::Background,
            };
            assert_eq!(
                plan.outlasts(woken, T0),
                outlast.contains(&reason),
                "{woken:?} {reason:?}"
            );
            let waits = LanePlan { due: None, ..plan };
            assert!(!waits.outlasts(woken, T0), "it waited for just that");
        }
    }
}

#[test]
fn a_plan_survives_a_clock_that_is_turned_back() {
    let plan = plan(
        Lane::Library,
        LaneOutcome::Done,
        &Reach::new(false),
        true,
        0.5,
    );
    let cases = [
        (T0, Some(Millis::mins(15))),
        (T0.minus(Millis::mins(4)), Some(Millis::mins(19))),
        (T0.minus(Millis::mins(5)), Some(Millis::mins(20))),
        (
            T0.minus(Millis::mins(5)).minus(Millis(1)),
            Some(Millis::ZERO),
        ),
        (T0.minus(Millis::days(30)), Some(Millis::ZERO)),
        (T0.plus(Millis::days(30)), Some(Millis::ZERO)),
        (WallMs(i64::MIN), Some(Millis::ZERO)),
    ];
    for (now, wait) in cases {
        assert_eq!(plan.wait(now), wait, "{now:?}");
        assert_eq!(plan.is_due(now), wait == Some(Millis::ZERO));
    }
}

/// Lets all lanes live through a day as the engine runs them; returns the number of attempts.
fn a_day(reach: &Reach, seeds: &[f64]) -> u32 {
    let end = T0.plus(Millis::hours(24));
    let (mut budget, mut attempts) = (Budget::full(T0), 0);
    let mut seeds = seeds.iter().copied().cycle();
    let mut next = |lane, outcome, now, budget: &Budget| {
        let seed = seeds.next().unwrap();
        let policy = Policy::Background;
        next_due(
            lane,
            outcome,
            now,
            &Conditions {
                reach,
                budget,
                policy,
                calls: true,
                seed,
            },
        )
    };
    let mut lanes: Vec<(Lane, u32, LanePlan)> = Lane::ALL
        .map(|lane| (lane, 0, next(lane, LaneOutcome::Ready, T0, &budget)))
        .into();
    // Far more often than any sound plan lets a lane wake in a day; an unsound one ends here.
    for _ in 0..20_000 {
        let Some((lane, failures, plan)) = lanes
            .iter_mut()
            .filter(|lane| lane.2.due.is_some())
            .min_by_key(|lane| lane.2.due)
        else {
            return attempts;
        };
        let now = plan.due.unwrap();
        if now > end {
            return attempts;
        }
        if let Ok(spent) = budget.spend(now) {
            budget = spent;
            attempts += 1;
            *failures += 1;
        }
        *plan = next(*lane, failed(Verdict::Retry, *failures), now, &budget);
    }
    panic!("the lanes never come to the end of the day");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_day_without_a_server_takes_at_most_150_attempts_over_all_lanes(
        seeds in prop::collection::vec(0.0..1.0_f64, 1..50)
    ) {
        let dead = Trouble::Transport(TransportFailure::Refused);
        let reach = Reach::new(false).observe(Observation::Failed(dead), &Now::default()).0;
        let attempts = a_day(&reach, &seeds);
        prop_assert!(attempts <= 150, "{attempts}");
        prop_assert!(attempts >= 24, "{attempts}: the service's return must be noticed");
        prop_assert_eq!(a_day(&down(false), &seeds), 0);
    }
}

#[test]
fn without_a_network_only_what_was_asked_for_leaves() {
    let (up, none, own) = (Reach::new(false), down(false), down(true));
    for (reach, asked, leaves) in [
        (&up, false, true),
        (&none, false, false),
        (&none, true, true),
        (&own, false, true),
    ] {
        assert_eq!(may_leave(reach, asked), leaves, "{reach:?}, asked: {asked}");
    }
}
