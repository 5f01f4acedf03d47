//! Slows down the guessing of passwords and of the codes that devices show.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::store::athlete;

/// So many wrong passwords for one name within [`WINDOW_SECONDS`] are taken.
const PASSWORDS: usize = 5;
/// So many wrong user codes of everybody together: with a hundred devices waiting, a quarter of an hour of guessing at
/// this pace finds one with a probability below one in a million (RFC 8628 §5.1).
const USER_CODES: usize = 10;
const WINDOW_SECONDS: i64 = 60;
/// So many passwords are checked at a time: each check takes 19 MiB.
const AT_A_TIME: usize = 4;

/// What is throttled.
pub(crate) struct Throttle {
    /// Wrong passwords, by name as the database knows it.
    pub(crate) passwords: Guesses,
    /// Wrong user codes.
    pub(crate) user_codes: Guesses,
    /// Take a permit before checking a password.
    pub(crate) slots: Semaphore,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            passwords: Guesses::at_most(PASSWORDS),
            user_codes: Guesses::at_most(USER_CODES),
            slots: Semaphore::new(AT_A_TIME),
        }
    }
}

/// Counts wrong guesses by name, in memory.
pub(crate) struct Guesses {
    allowed: usize,
    wrong: Mutex<BTreeMap<String, Vec<i64>>>,
}

impl Guesses {
    fn at_most(allowed: usize) -> Self {
        Self {
            allowed,
            wrong: Mutex::default(),
        }
    }

    /// Admits a try for `name`, and counts it as wrong until it turns out otherwise: many tries at the same moment
    /// must not all pass before the first of them is found wrong. Else tells how many seconds to wait.
    pub(crate) fn admit(&self, name: &str, now: i64) -> Result<(), i64> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|_, times| {
            times.retain(|time| now - time < WINDOW_SECONDS);
            !times.is_empty()
        });
        let times = wrong.entry(athlete::normal(name)).or_default();
        match times.first() {
            Some(oldest) if times.len() >= self.allowed => Err(oldest + WINDOW_SECONDS - now),
            Some(_) | None => {
                times.push(now);
                Ok(())
            }
        }
    }

    /// Takes back a try that was admitted at `then` and was no wrong guess.
    pub(crate) fn take_back(&self, name: &str, then: i64) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = wrong.get_mut(&athlete::normal(name))
            && let Some(place) = times.iter().position(|time| *time == then)
        {
            times.remove(place);
        }
    }

    /// Forgets the wrong ones after the right one.
    pub(crate) fn forget(&self, name: &str) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.remove(&athlete::normal(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_try_within_a_minute_waits_until_the_first_is_a_minute_old() {
        let throttle = Throttle::default().passwords;
        for second in 0..5 {
            assert_eq!(throttle.admit("Demo", second), Ok(()));
        }
        assert_eq!(throttle.admit("demo", 10), Err(50));
        assert_eq!(throttle.admit("other", 10), Ok(()));
        assert_eq!(throttle.admit("demo", 60), Ok(()));
        assert_eq!(throttle.admit("demo", 60), Err(1));
        throttle.forget("DEMO");
        assert_eq!(throttle.admit("demo", 60), Ok(()));
    }

    #[test]
    fn every_spelling_of_one_name_counts_for_the_same_athlete() {
        let throttle = Throttle::default().passwords;
        for name in ["demo", " demo", "demo  ", "\tDEMO", "Demo\n"] {
            assert_eq!(throttle.admit(name, 0), Ok(()), "{name:?}");
        }
        assert_eq!(throttle.admit("demo   ", 0), Err(60));
    }

    #[test]
    fn a_try_that_told_nothing_is_not_held_against_the_name() {
        let throttle = Throttle::default().passwords;
        for _ in 0..20 {
            assert_eq!(throttle.admit("demo", 7), Ok(()));
            throttle.take_back("demo", 7);
        }
    }
}
