//! A boot clock for systems on which the program's own counter stands still while the computer sleeps.
//!
//! Whether it did is told by the wall clock, which goes on: when that has gone ahead of the counter by more than
//! [`NAP`], the computer slept, or its clock was moved, and the time from then on counts as another run of the machine.
//! So the grace clock asks the wall clock for what passed in between, as it does across restarts
//! ([`freewheel_policy::grace`]).

use std::sync::{Mutex, PoisonError};

use freewheel_policy::time::{BootId, BootMs, Millis, Now, WallMs};

use super::made_up;

/// How far the wall clock may go ahead of the counter within a run. Clocks that are put right by less are no sleep.
const NAP: Millis = Millis::mins(1);

/// Counts in runs.
#[derive(Debug)]
pub(super) struct Counter(Mutex<Option<Run>>);

#[derive(Debug)]
struct Run {
    id: BootId,
    /// What the counter said at its beginning.
    began: Millis,
    /// The wall clock when the counter said 0, by the reading of this run in which that was the earliest.
    zero: WallMs,
}

impl Counter {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// One reading. `read` reads the wall clock and the counter, once.
    pub(super) fn now(&self, read: impl FnOnce() -> (WallMs, Millis)) -> Now {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, counted) = read(); // Under the lock, so that readings come in order.
        let zero = wall.minus(counted);
        let slept = |run: &Run| zero > run.zero.plus(NAP);
        let run = match current.take() {
            Some(run) if !slept(&run) => Run {
                zero: run.zero.min(zero),
                ..run
            },
            Some(_) | None => Run {
                id: made_up(),
                began: counted,
                zero,
            },
        };
        let run = current.insert(run);
        Now {
            wall,
            boot: BootMs(counted.less(run.began).0),
            boot_id: run.id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use freewheel_policy::grace::{self, Anchor, GRACE, Mark};
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_767_592_800_000;

    /// A computer with an honest wall clock whose counter stands still in sleep.
    struct Computer {
        counter: Counter,
        wall: WallMs,
        counted: Millis,
    }

    impl Computer {
        fn new() -> Self {
            Self {
                counter: Counter::new(),
                wall: WallMs(NOON),
                counted: Millis(7),
            }
        }

        fn runs(&mut self, span: Millis) {
            self.wall = self.wall.plus(span);
            self.counted = self.counted.plus(span);
        }

        fn sleeps(&mut self, span: Millis) {
            self.wall = self.wall.plus(span);
        }

        fn now(&self) -> Now {
            self.counter.now(|| (self.wall, self.counted))
        }
    }

    #[test]
    fn sleep_ends_a_run_and_nothing_else_does() {
        let mut computer = Computer::new();
        let began = computer.now();
        computer.runs(Millis::days(3));
        let later = computer.now();
        assert_eq!(later.uptime_since(&began), Some(Millis::days(3)));
        computer.sleeps(NAP);
        let nap = computer.now();
        assert_eq!(nap.uptime_since(&later), Some(Millis::ZERO));
        computer.sleeps(Millis(1));
        let slept = computer.now();
        assert_eq!(slept.uptime_since(&nap), None);
        assert_eq!(slept.boot, BootMs(0));
    }

    #[test]
    fn a_clock_that_is_turned_back_does_not_hide_the_next_sleep() {
        let mut computer = Computer::new();
        let began = computer.now();
        computer.wall = computer.wall.minus(Millis::days(30));
        let back = computer.now();
        assert_eq!(back.uptime_since(&began), Some(Millis::ZERO));
        computer.sleeps(Millis::hours(1));
        assert_eq!(computer.now().uptime_since(&back), None);
    }

    proptest! {
        /// An app that is left open for weeks: the library closes in time, and never early.
        #[test]
        fn the_two_weeks_are_counted_through_any_sleep(
            story in prop::collection::vec((0..200_000_u64, 0..200_000_000_u64, 0..3_u8), 1..60),
        ) {
            let mut computer = Computer::new();
            let anchor = Anchor { server: computer.wall, at: computer.now(), offline_grace: None };
            let mut mark: Option<Mark> = None;
            for (short, long, kind) in story {
                match kind {
                    0 => computer.runs(Millis(long)),
                    1 => computer.sleeps(Millis(long)),
                    _ => computer.sleeps(Millis(short)),
                }
                let now = computer.now();
                let real = computer.wall.since(anchor.server).unwrap_or_default();
                let state = grace::check(&anchor, mark.as_ref(), &now, GRACE);
                prop_assert!(state.elapsed <= real, "never early");
                prop_assert!(state.elapsed.plus(NAP) >= real, "{:?} of {real:?}", state.elapsed);
                prop_assert!(!state.clock_suspect);
                mark = Some(grace::mark(&anchor, mark.as_ref(), &now, GRACE));
            }
        }
    }
}
