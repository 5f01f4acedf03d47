//! Slows down the guessing of passwords and of the codes that devices show.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use tokio::sync::Semaphore;

use crate::store::athlete;

/// So many wrong passwords for one name within [`WINDOW_SECONDS`] are taken.
const PASSWORDS: usize = 5;
/// So many wrong user codes from one place.
const USER_CODES: usize = 10;
/// So many of everybody together, for whoever guesses from many places: with a hundred devices waiting, a quarter of an
/// hour of guessing at this pace finds one with a probability below one in a hundred thousand (RFC 8628 §5.1).
const USER_CODES_OF_ALL: usize = 100;
/// So many devices ask for their codes from one place: a household, or a school behind one address.
const DEVICES: usize = 60;
/// So many of everybody together; each is a row in the database for a while.
const DEVICES_OF_ALL: usize = 600;
const WINDOW_SECONDS: i64 = 60;
/// So many passwords are checked at a time: each check takes 19 MiB.
const AT_A_TIME: usize = 4;

/// What is throttled.
pub(crate) struct Throttle {
    /// Wrong passwords, by name as the database knows it.
    pub(crate) passwords: Guesses,
    /// Wrong user codes.
    pub(crate) user_codes: Places,
    /// Devices that ask for their codes.
    pub(crate) devices: Places,
    /// Take a permit before checking a password.
    pub(crate) slots: Semaphore,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            passwords: Guesses::at_most(PASSWORDS),
            user_codes: Places::at_most(USER_CODES, USER_CODES_OF_ALL),
            devices: Places::at_most(DEVICES, DEVICES_OF_ALL),
            slots: Semaphore::new(AT_A_TIME),
        }
    }
}

/// Counts by the place that requests come from, and all together: a stranger does not shut the door for everybody.
pub(crate) struct Places {
    of_one: Guesses,
    of_all: Guesses,
}

/// The one name in the count of all.
const ALL: &str = "";

impl Places {
    fn at_most(of_one: usize, of_all: usize) -> Self {
        Self {
            of_one: Guesses::at_most(of_one),
            of_all: Guesses::at_most(of_all),
        }
    }

    /// As [`Guesses::admit`].
    pub(crate) fn admit(&self, place: &str, now: i64) -> Result<(), i64> {
        self.of_one.admit(place, now)?;
        self.of_all
            .admit(ALL, now)
            .inspect_err(|_| self.of_one.take_back(place, now))
    }

    /// As [`Guesses::take_back`].
    pub(crate) fn take_back(&self, place: &str, then: i64) {
        self.of_one.take_back(place, then);
        self.of_all.take_back(ALL, then);
    }
}

/// Where a request comes from: what the proxy before this server, which listens on the loopback address only, says last
/// in `X-Forwarded-For`; empty when it says nothing. Of an IPv6 address the first half counts: the rest is the client's
/// to choose (RFC 4291 §2.5.4).
pub(crate) fn place(headers: &HeaderMap) -> String {
    let last = headers.get_all("x-forwarded-for").iter().next_back();
    let address = last
        .and_then(|value| value.to_str().ok())
        .and_then(|list| list.rsplit(',').next())
        .and_then(|address| address.trim().parse().ok());
    match address {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => (address.to_bits() >> 64).to_string(),
        },
        None => String::new(),
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
    fn one_place_has_its_share_and_all_places_have_theirs() {
        let places = Places::at_most(2, 3);
        assert_eq!(places.admit("a", 0), Ok(()));
        assert_eq!(places.admit("a", 0), Ok(()));
        assert_eq!(places.admit("a", 5), Err(55));
        assert_eq!(places.admit("b", 5), Ok(()));
        assert_eq!(places.admit("b", 5), Err(55), "all of them are used up");
        places.take_back("b", 5);
        assert_eq!(places.admit("c", 6), Ok(()));
        assert_eq!(places.admit("b", 60), Ok(()));
    }

    #[test]
    fn a_place_is_what_the_nearest_proxy_saw() {
        for (lines, expected) in [
            (&[][..], ""),
            (&["junk"][..], ""),
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["198.51.100.7, 192.0.2.1"][..], "192.0.2.1"),
            (&["198.51.100.7", "192.0.2.1"][..], "192.0.2.1"),
            (&["::ffff:192.0.2.1"][..], "192.0.2.1"),
        ] {
            assert_eq!(place(&said(lines)), expected, "{lines:?}");
        }
        let [one, other, elsewhere] = ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:1::1"]
            .map(|address| place(&said(&[address])));
        assert_eq!(one, other);
        assert_ne!(one, elsewhere);
    }

    fn said(lines: &[&str]) -> HeaderMap {
        let line = |line: &&str| ("x-forwarded-for".parse().unwrap(), line.parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            let name: axum::http::HeaderName = name;
            headers.append(name, value);
        }
        headers
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
