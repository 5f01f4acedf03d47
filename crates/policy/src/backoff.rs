//! How long to wait before the next attempt.
//!
//! The curve is that of the `backoff` crate's `ExponentialBackoff`, its own randomisation off and no
//! end to its patience. The crate reads a clock and a random source of its own while doing so; with
//! these settings neither has any influence on the curve. Full jitter is laid over it here, from a
//! seed: any part of the curve's value, so that clients that failed together do not return together.
//!
//! This is the only file that names the crate.

use std::time::Duration;

use ::backoff::ExponentialBackoffBuilder;
use ::backoff::backoff::Backoff;
use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// The curve's first value.
pub const FIRST: Millis = Millis::secs(1);
/// The curve's first value while nothing waits for the attempt.
pub const UNHURRIED_FIRST: Millis = Millis::mins(4);
/// The curve's last value while nobody waits.
pub const CAP: Millis = Millis::mins(15);
/// The curve's last value while the athlete waits.
pub const WAITING_CAP: Millis = Millis::secs(30);
/// Over how long those are spread at least whom the service told when to come; see [`delay`].
pub const TOLD_SPREAD: Millis = Millis::mins(1);
/// The longest `Retry-After` that is believed.
pub const RETRY_AFTER_CAP: Millis = Millis::hours(24);

/// Doublings beyond this change nothing: the cap is reached long before.
const LAST_STEP: u32 = 16;

/// For whom the attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The athlete looks at the screen: "Sync now", or the network just came back.
    Waiting,
    /// Nobody waits, and something does: a ride to deliver, say.
    #[default]
    Background,
    /// Nothing waits: a look whether something is new, a token renewed well before its end.
    Unhurried,
}

impl Policy {
    const fn cap(self) -> Millis {
        match self {
            Self::Waiting => WAITING_CAP,
            Self::Background | Self::Unhurried => CAP,
        }
    }

    const fn first(self) -> Millis {
        match self {
            Self::Waiting | Self::Background => FIRST,
            Self::Unhurried => UNHURRIED_FIRST,
        }
    }
}

/// The wait before the next attempt, after `attempt` failures in a row (0 counts as 1).
///
/// `retry_after` is a floor, and is itself never jittered below; `seed` is in `[0, 1)`.
///
/// Whoever is told when to come is told so together with everybody else, and a service that announces the end of its
/// work tells all of them the same moment. So the jitter is laid on top of the floor, over an eighth of it or a minute
/// at least, up to the policy's cap.
#[must_use]
pub fn delay(policy: Policy, attempt: u32, retry_after: Option<Millis>, seed: f64) -> Millis {
    let curve = curve(policy, attempt);
    let Some(told) = retry_after else {
        return curve.part(seed);
    };
    let floor = told.min(RETRY_AFTER_CAP);
    let spread = TOLD_SPREAD.max(Millis(floor.0 / 8)).min(policy.cap());
    floor.plus(curve.max(spread).part(seed))
}

/// The longest wait after `attempt` failures in a row: 1 s, 2 s, 4 s, … up to the policy's cap.
#[must_use]
pub fn curve(policy: Policy, attempt: u32) -> Millis {
    let mut steps = ExponentialBackoffBuilder::new()
        .with_initial_interval(Duration::from_millis(policy.first().0))
        .with_multiplier(2.0)
        .with_max_interval(Duration::from_millis(policy.cap().0))
        .with_randomization_factor(0.0)
        .with_max_elapsed_time(None)
        .build();
    let steps_taken = attempt.clamp(1, LAST_STEP);
    let value = (0..steps_taken).filter_map(|_| steps.next_backoff()).last();
    value.map_or(policy.cap(), |value| {
        Millis(u64::try_from(value.as_millis()).unwrap_or(u64::MAX)).min(policy.cap())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_curve_doubles_from_its_first_value_to_its_cap() {
        let background = [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
        let waiting = [1, 1, 2, 4, 8, 16, 30, 30];
        let unhurried = [240, 240, 480, 900, 900];
        for (policy, seconds) in [
            (Policy::Background, &background[..]),
            (Policy::Waiting, &waiting[..]),
            (Policy::Unhurried, &unhurried[..]),
        ] {
            for (attempt, secs) in (0..).zip(seconds) {
                assert_eq!(
                    curve(policy, attempt),
                    Millis::secs(*secs),
                    "{policy:?} {attempt}"
                );
            }
        }
        assert_eq!(curve(Policy::Background, u32::MAX), CAP);
    }

    #[test]
    fn jitter_takes_any_part_of_the_curve_and_lies_on_top_of_retry_after() {
        let minute = Some(Millis::mins(1));
        let hours = Some(Millis::hours(1));
        let cases = [
            (1, None, 0.0, Millis::ZERO),
            (1, None, 0.5, Millis(500)),
            (4, None, 0.25, Millis::secs(2)),
            // A minute at least, an eighth of what was told, or the curve, whichever is the longest.
            (4, minute, 0.0, Millis::mins(1)),
            (4, minute, 0.25, Millis::secs(75)),
            (30, minute, 0.5, Millis::secs(60 + 450)),
            (1, hours, 0.5, Millis::secs(3_600 + 225)),
            (1, Some(Millis::days(400)), 0.0, RETRY_AFTER_CAP),
            (
                1,
                Some(Millis::days(400)),
                0.5,
                RETRY_AFTER_CAP.plus(Millis::secs(450)),
            ),
        ];
        for (attempt, retry_after, seed, want) in cases {
            assert_eq!(delay(Policy::Background, attempt, retry_after, seed), want);
        }
    }

    proptest! {
        #[test]
        fn delays_stay_between_the_floor_and_the_curve(
            attempt in any::<u32>(), seed in 0.0..1.0_f64, floor in 0..2_000_000_u64,
        ) {
            for policy in [Policy::Waiting, Policy::Background, Policy::Unhurried] {
                prop_assert!(delay(policy, attempt, None, seed) <= curve(policy, attempt));
                let wait = delay(policy, attempt, Some(Millis(floor)), seed);
                prop_assert!(wait.0 >= floor);
                let most = curve(policy, attempt).max(TOLD_SPREAD).max(Millis(floor / 8));
                prop_assert!(wait <= Millis(floor).plus(most.min(policy.cap())));
                prop_assert_eq!(wait, delay(policy, attempt, Some(Millis(floor)), seed));
            }
        }
    }
}
