//! A retry budget per origin: a token bucket that survives restarts.
//!
//! Backoff bounds the attempts of one lane; the budget bounds all lanes together. Every attempt takes
//! one token; an attempt that reached the service gives it back, so a working service costs nothing.
//! In any 24 hours without success there are at most `CAPACITY + 24 × PER_HOUR` = 144 attempts.

use serde::{Deserialize, Serialize};

use crate::time::{Millis, WallMs};

/// Attempts that may be made at once after a quiet time.
pub const CAPACITY: u64 = 24;
/// Attempts gained per hour.
pub const PER_HOUR: u64 = 5;

/// One token, as the time that it takes to gain it.
const COST: Millis = Millis(Millis::hours(1).0 / PER_HOUR);
const FULL: Millis = Millis(COST.0 * CAPACITY);
/// Over how long an attempt that waited for a token is spread. Many clients whose buckets something emptied in the same
/// second gain their tokens in the same second, too.
pub const SPREAD: Millis = Millis(COST.0 / 2);

/// The state of the bucket, as stored per origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What is in it, as the time that it took to gain.
    credit: Millis,
    /// When that was so.
    at: WallMs,
}

impl Budget {
    /// A full bucket.
    #[must_use]
    pub const fn full(now: WallMs) -> Self {
        Self {
            credit: FULL,
            at: now,
        }
    }

    /// How many attempts may be made at once.
    #[must_use]
    pub fn attempts(&self, now: WallMs) -> u64 {
        self.at(now).credit.0 / COST.0
    }

    /// When the next attempt may be made: `now`, or later when the bucket is empty.
    #[must_use]
    pub fn next(&self, now: WallMs) -> WallMs {
        now.plus(COST.less(self.at(now).credit))
    }

    /// Takes one token for an attempt, or says when there will be one.
    ///
    /// # Errors
    /// The bucket is empty until the given time.
    pub fn spend(&self, now: WallMs) -> Result<Self, Empty> {
        let filled = self.at(now);
        if filled.credit < COST {
            return Err(Empty {
                until: self.next(now),
            });
        }
        Ok(Self {
            credit: filled.credit.less(COST),
            at: now,
        })
    }

    /// Gives a token back: the attempt reached the service.
    #[must_use]
    pub fn refund(&self, now: WallMs) -> Self {
        let filled = self.at(now);
        Self {
            credit: filled.credit.plus(COST).min(FULL),
            at: now,
        }
    }

    /// The bucket as it is `now`. A clock that was turned back gains and costs nothing.
    fn at(&self, now: WallMs) -> Self {
        let gained = now.since(self.at).unwrap_or_default();
        Self {
            credit: self.credit.plus(gained).min(FULL),
            at: now,
        }
    }
}

/// There is no token left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the retry budget is used up")]
pub struct Empty {
    /// When there will be one.
    pub until: WallMs,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T0: WallMs = WallMs(1_767_592_800_000);

    fn drained() -> Budget {
        (0..CAPACITY).fold(Budget::full(T0), |budget, _| budget.spend(T0).unwrap())
    }

    #[test]
    fn a_full_bucket_serves_its_capacity_and_then_one_attempt_per_twelve_minutes() {
        let empty = drained();
        let until = T0.plus(Millis::mins(12));
        assert_eq!(empty.spend(T0), Err(Empty { until }));
        assert_eq!(empty.next(T0), until);
        let early = until.minus(Millis(1));
        assert_eq!(empty.spend(early), Err(Empty { until }));
        let spent = empty.spend(until).unwrap();
        assert_eq!(spent.attempts(until), 0);
    }

    #[test]
    fn success_costs_nothing() {
        let budget = (0..1_000).fold(Budget::full(T0), |budget, _| {
            budget.spend(T0).unwrap().refund(T0)
        });
        assert_eq!(budget, Budget::full(T0));
    }

    #[test]
    fn a_clock_that_moves_neither_fills_nor_locks_the_bucket() {
        let back = T0.minus(Millis::days(30));
        assert_eq!(drained().attempts(back), 0);
        assert_eq!(drained().next(back), back.plus(Millis::mins(12)));
        let ahead = T0.plus(Millis::days(365));
        assert_eq!(drained().attempts(ahead), CAPACITY, "no more than full");
        let _ = (
            drained().next(WallMs(i64::MAX)),
            drained().next(WallMs(i64::MIN)),
        );
    }

    proptest! {
        #[test]
        fn no_greedy_client_makes_more_than_150_attempts_in_a_day(
            waits in prop::collection::vec(0..3_600_000_u64, 1..400)
        ) {
            let end = T0.plus(Millis::hours(24));
            let (mut budget, mut now, mut attempts) = (Budget::full(T0), T0, 0);
            for wait in waits.iter().cycle().take(5_000) {
                while let Ok(spent) = budget.spend(now) {
                    budget = spent;
                    attempts += 1;
                    prop_assert!(attempts <= 150, "{attempts}");
                }
                now = now.plus(Millis(*wait));
                if now > end {
                    break;
                }
            }
        }
    }
}
