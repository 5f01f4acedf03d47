//! Times as plain numbers that never panic, whatever a clock says.
//!
//! There are two clocks. The wall clock tells the date and can be wrong or be moved. The boot clock
//! counts from the start of the machine, goes on while it is suspended, and cannot be moved, but means
//! nothing after a restart. All arithmetic saturates.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A length of time in milliseconds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `n` seconds.
    #[must_use]
    pub const fn secs(n: u64) -> Self {
        Self(n.saturating_mul(1_000))
    }

    /// `n` minutes.
    #[must_use]
    pub const fn mins(n: u64) -> Self {
        Self::secs(n.saturating_mul(60))
    }

    /// `n` hours.
    #[must_use]
    pub const fn hours(n: u64) -> Self {
        Self::mins(n.saturating_mul(60))
    }

    /// `n` days of 24 hours.
    #[must_use]
    pub const fn days(n: u64) -> Self {
        Self::hours(n.saturating_mul(24))
    }

    /// The sum, at most [`u64::MAX`] ms.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }

    /// The difference, at least zero.
    #[must_use]
    pub const fn less(self, less: Self) -> Self {
        Self(self.0.saturating_sub(less.0))
    }

    /// The part of this length that `seed` in `[0, 1)` picks; a seed outside is brought inside.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast to an integer saturates, and jitter needs no exact milliseconds"
    )]
    pub fn part(self, seed: f64) -> Self {
        let seed = if seed.is_finite() {
            seed.clamp(0.0, 1.0)
        } else {
            0.0
        };
        Self((self.0 as f64 * seed) as u64)
    }
}

/// A moment on the wall clock: milliseconds since 1970-01-01 UTC, negative before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WallMs(pub i64);

impl WallMs {
    /// This moment and `span` more.
    #[must_use]
    pub const fn plus(self, span: Millis) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }

    /// This moment and `span` less.
    #[must_use]
    pub const fn minus(self, span: Millis) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }

    /// The time since `earlier`; `None` when `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Option<Millis> {
        if self.0 < earlier.0 {
            None
        } else {
            Some(Millis(self.0.abs_diff(earlier.0)))
        }
    }
}

/// Milliseconds since the machine was started, time in suspension included.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BootMs(pub u64);

/// By how much of the boot clock two readings of one run may be written down in the wrong order.
const REORDERED: Millis = Millis::mins(1);

/// Tells one run of the machine from another.
///
/// Two readings of the boot clock can be compared only when their boot ids are equal. An adapter on a
/// system without boot ids makes one up that never comes again, and counts [`BootMs`] from there; it
/// makes up another when its counter may have stood still.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub String);

impl From<&str> for BootId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One reading of both clocks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Now {
    /// The wall clock.
    pub wall: WallMs,
    /// The boot clock.
    pub boot: BootMs,
    /// The run of the machine that `boot` belongs to.
    pub boot_id: BootId,
}

impl Now {
    /// What the boot clock counted since `earlier`; `None` when it cannot tell, which is when the
    /// machine was restarted in between.
    ///
    /// A boot clock never runs back, but readings can be written down in another order than they were taken in, by
    /// threads or processes that wait for each other. Within one run such a reading counts as taken at `earlier`. One
    /// that is further back than that is of another run, whatever its id: ids are not the machine's own everywhere, and
    /// a virtual machine that is put back keeps the one that it had.
    #[must_use]
    pub fn uptime_since(&self, earlier: &Self) -> Option<Millis> {
        let reordered = self.boot.0.saturating_add(REORDERED.0) >= earlier.boot.0;
        let same_run = self.boot_id == earlier.boot_id && reordered;
        same_run.then(|| Millis(self.boot.0.saturating_sub(earlier.boot.0)))
    }

    /// What the boot clock counted since `earlier`, at the least: in another run of the machine, all of that run. Where
    /// it went back under the same id, nothing: some of it may be older than `earlier`.
    #[must_use]
    pub fn ran_since(&self, earlier: &Self) -> Millis {
        match self.uptime_since(earlier) {
            Some(uptime) => uptime,
            None if self.boot_id == earlier.boot_id => Millis::ZERO,
            None => Millis(self.boot.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_the_extremes() {
        let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX].map(WallMs);
        let spans = [0, 1, u64::MAX].map(Millis);
        for a in ends {
            for b in ends {
                assert_eq!(a.since(b).is_some(), a >= b);
            }
            for span in spans {
                assert!(a.plus(span) >= a);
                assert!(a.minus(span) <= a);
            }
        }
        assert_eq!(
            WallMs(i64::MAX).since(WallMs(i64::MIN)),
            Some(Millis(u64::MAX))
        );
        assert_eq!(Millis::days(u64::MAX), Millis(u64::MAX));
        assert_eq!(Millis(1).less(Millis(2)), Millis::ZERO);
    }

    #[test]
    fn the_boot_clock_compares_only_within_one_run_of_the_machine() {
        let at = |boot, id: &str| Now {
            wall: WallMs(0),
            boot: BootMs(boot),
            boot_id: id.into(),
        };
        assert_eq!(at(9, "a").uptime_since(&at(4, "a")), Some(Millis(5)));
        assert_eq!(at(9, "b").uptime_since(&at(4, "a")), None);
        assert_eq!(
            at(3, "a").uptime_since(&at(4, "a")),
            Some(Millis::ZERO),
            "readings that were written down in the wrong order are no restart"
        );
        for (back, known) in [(60_000, Some(Millis::ZERO)), (60_001, None)] {
            let earlier = at(100_000, "a");
            assert_eq!(at(100_000 - back, "a").uptime_since(&earlier), known);
        }
        assert_eq!(at(9, "a").ran_since(&at(4, "a")), Millis(5));
        assert_eq!(at(9, "b").ran_since(&at(4, "a")), Millis(9));
        assert_eq!(at(9, "a").ran_since(&at(70_000, "a")), Millis::ZERO);
    }

    #[test]
    fn a_boot_id_is_shown_as_it_is() {
        assert_eq!(BootId::from("run-7").to_string(), "run-7");
    }

    #[test]
    fn a_part_stays_inside_whatever_the_seed() {
        let cases = [
            (0.0, 0),
            (0.5, 50),
            (0.999, 99),
            (-1.0, 0),
            (7.0, 100),
            (f64::NAN, 0),
        ];
        for (seed, want) in cases {
            assert_eq!(Millis(100).part(seed), Millis(want), "seed {seed}");
        }
        assert_eq!(Millis(u64::MAX).part(f64::INFINITY), Millis::ZERO);
    }
}
