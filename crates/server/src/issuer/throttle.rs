//! Slows down the guessing of passwords.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;

/// So many wrong passwords for one name within [`WINDOW_SECONDS`] are taken.
const ALLOWED: usize = 5;
const WINDOW_SECONDS: i64 = 60;
/// So many passwords are checked at a time: each check takes 19 MiB.
const AT_A_TIME: usize = 4;

/// Counts wrong passwords by name, in memory.
pub(crate) struct Throttle {
    wrong: Mutex<BTreeMap<String, Vec<i64>>>,
    /// Take a permit before checking a password.
    pub(crate) slots: Semaphore,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            wrong: Mutex::default(),
            slots: Semaphore::new(AT_A_TIME),
        }
    }
}

impl Throttle {
    /// Seconds to wait before the next try for `name`; `None` when it may be tried now.
    pub(crate) fn wait(&self, name: &str, now: i64) -> Option<i64> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|_, times| {
            times.retain(|time| now - time < WINDOW_SECONDS);
            !times.is_empty()
        });
        let times = wrong.get(&name.to_lowercase())?;
        let oldest = times.first().filter(|_| times.len() >= ALLOWED)?;
        Some(oldest + WINDOW_SECONDS - now)
    }

    /// Notes a wrong password.
    pub(crate) fn note_wrong(&self, name: &str, now: i64) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.entry(name.to_lowercase()).or_default().push(now);
    }

    /// Forgets the wrong ones after the right one.
    pub(crate) fn forget(&self, name: &str) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.remove(&name.to_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_try_within_a_minute_waits_until_the_first_is_a_minute_old() {
        let throttle = Throttle::default();
        for second in 0..5 {
            assert_eq!(throttle.wait("demo", second), None);
            throttle.note_wrong("Demo", second);
        }
        assert_eq!(throttle.wait("demo", 10), Some(50));
        assert_eq!(throttle.wait("other", 10), None);
        assert_eq!(throttle.wait("demo", 60), None);
        throttle.note_wrong("demo", 60);
        assert_eq!(throttle.wait("demo", 60), Some(1));
        throttle.forget("DEMO");
        assert_eq!(throttle.wait("demo", 60), None);
    }
}
