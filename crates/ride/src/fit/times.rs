//! FIT's own seconds.

use jiff::Timestamp;
use rustyfit::profile::typedef::DateTime;

/// Turns moments into FIT times, which start at the end of 1989 and mean "since power on" below
/// [`DateTime::MIN`] (1998). A computer whose clock is that wrong gets its whole ride moved forward.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    shift: i64,
}

impl Times {
    pub(super) fn from_start(start: Timestamp) -> Self {
        let earliest = DateTime::MIN.unix_timestamp().unwrap_or_default();
        Self {
            shift: (earliest - start.as_second()).max(0),
        }
    }

    pub(super) fn of(self, at: Timestamp) -> DateTime {
        // Whole seconds, rounded down also before 1970.
        let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
        DateTime::from_unix_timestamp(second + self.shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_fit_began_is_moved_and_any_other_is_kept() {
        for (unix, expected) in [
            (1_700_000_000, 1_700_000_000),
            (0, 899_501_056),
            (-5, 899_501_056),
        ] {
            let start = Timestamp::from_second(unix).unwrap();
            let times = Times::from_start(start);
            assert_eq!(times.of(start).unix_timestamp(), Some(expected));
        }
    }
}
