//! The grace clock: how long the licensed library stays open without contact.
//!
//! The question "how long ago was the last authenticated contact?" has to be answered offline, by a
//! computer whose wall clock may be wrong or may be moved on purpose.
//!
//! # The rule
//!
//! **Elapsed** is the larger of two measures:
//!
//! 1. **Proved**: what the boot clock counted. In the run of the machine in which the contact was made,
//!    that is all there is to it, and the wall clock is ignored. In a later run it is what the mark
//!    remembers, plus the uptime since the mark was saved.
//! 2. **Told**: what the wall clock says now, less what it said at the contact. It is needed for the
//!    time in which the machine was off, and is used only across restarts.
//!
//! **The mark** is the high-water mark of elapsed time, saved every few minutes and at launch.
//! *A told reading that would end the grace is believed as long as it lasts, and never remembered;
//! every other reading is remembered at once; proved time is always remembered.*
//!
//! From this follows what the two demands on it need, which pull in opposite directions:
//! - *Turning the clock back gains nothing*: elapsed never falls below what was remembered, and goes
//!   on with uptime. The clock is then suspect until it catches up or a contact is made.
//! - *A jump forward is not latched*: 60 days ahead and back again is open again, with what was left
//!   before the jump, because the reading in between ended the grace and so was not remembered.
//!
//! A clock that was already wrong at the contact is known to have been wrong, since the server told
//! the time too. Such a clock may have been put right since, or not. Both readings are considered,
//! and the shorter one that does not contradict what is proved is told. Once a reading shows that a
//! clock that was ahead is so no more ([`Mark::put_right`]), only the server's time counts for this
//! contact: otherwise days later the same clock could pass for one that is still ahead.
//!
//! # What it cannot tell
//!
//! - A jump forward by less than what is left, across a restart and back again, costs that much grace
//!   until the next contact.
//! - Time in which the machine was off is hidden by as much as the clock was set back meanwhile, unless
//!   that contradicts what was seen before. Uptime always counts.
//! - The same holds for a clock that was ahead at the contact, if it is put right and the app is not
//!   started before as much time has passed as it was ahead; and for one that was behind, if the machine
//!   is off for longer than it was behind: it may have been put right meanwhile.

use serde::{Deserialize, Serialize};

use crate::time::{Millis, Now, WallMs};

/// The longest grace: 14 days, the last millisecond included.
pub const GRACE: Millis = Millis::days(14);
/// How far the wall clock may lag behind without being suspect.
pub const TOLERANCE: Millis = Millis::mins(5);
/// How often the high-water mark is worth saving.
pub const MARK_EVERY: Millis = Millis::mins(5);
/// From this many days left on, the screen asks for a connection.
pub const NUDGE_DAYS: u32 = 4;

/// The last authenticated contact. It is stored authenticated with the vault's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The server's time.
    pub server: WallMs,
    /// Both clocks of this computer at that moment.
    pub at: Now,
    /// The grace that the server asked for in the token; only a shorter one counts.
    #[serde(default)]
    pub offline_grace: Option<Millis>,
}

impl Anchor {
    /// How long this contact carries.
    #[must_use]
    pub fn limit(&self) -> Millis {
        limit(self.offline_grace)
    }
}

/// The high-water mark: how much of the grace is known to be used up, and when that was saved.
///
/// It belongs to one anchor and is dropped with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Elapsed since the anchor.
    pub elapsed: Millis,
    /// When it was saved.
    pub at: Now,
    /// The machine was restarted since the contact: its boot clock no longer tells how long ago that was.
    #[serde(default)]
    pub restarted: bool,
    /// The wall clock was ahead at the contact, and has since been seen not to be: what it said then no longer counts.
    #[serde(default)]
    pub put_right: bool,
}

/// What the grace clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraceState {
    /// Open or over.
    pub standing: Standing,
    /// Elapsed since the last authenticated contact, as far as is known.
    pub elapsed: Millis,
    /// The wall clock is behind what is known to have passed: only uptime counts, and the athlete is
    /// asked to check the clock.
    pub clock_suspect: bool,
    /// It is over, and only the wall clock says so: the boot clock has not counted as much.
    pub over_by_date: bool,
}

/// Whether the grace is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Still open.
    Open {
        /// What is left; zero in the last millisecond.
        left: Millis,
    },
    /// Over.
    Expired {
        /// For how long it has been over.
        since: Millis,
    },
}

impl GraceState {
    /// Whether licensed content is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.standing {
            Standing::Open { .. } => true,
            Standing::Expired { .. } => false,
        }
    }

    /// Days left, a part of a day counted as one; 0 once it is over.
    #[must_use]
    pub fn days_left(&self) -> u32 {
        match self.standing {
            Standing::Open { left } => days_left(left),
            Standing::Expired { .. } => 0,
        }
    }
}

/// The grace that counts: the server may shorten the 14 days, never lengthen them.
#[must_use]
pub fn limit(offline_grace: Option<Millis>) -> Millis {
    offline_grace.map_or(GRACE, |asked| asked.min(GRACE))
}

/// Whether the grace is open `now`. The bound is inclusive: open at exactly `limit`, closed 1 ms later.
#[must_use]
pub fn check(anchor: &Anchor, mark: Option<&Mark>, now: &Now, limit: Millis) -> GraceState {
    let reading = read(anchor, mark, now);
    let limit = limit.min(GRACE);
    let standing = if reading.elapsed <= limit {
        Standing::Open {
            left: limit.less(reading.elapsed),
        }
    } else {
        Standing::Expired {
            since: reading.elapsed.less(limit),
        }
    };
    GraceState {
        standing,
        elapsed: reading.elapsed,
        clock_suspect: reading.suspect,
        over_by_date: reading.proved <= limit && reading.elapsed > limit,
    }
}

/// The high-water mark to save `now` (the rule is told at the top of this module).
#[must_use]
pub fn mark(anchor: &Anchor, mark: Option<&Mark>, now: &Now, limit: Millis) -> Mark {
    let reading = read(anchor, mark, now);
    let elapsed = if reading.elapsed <= limit.min(GRACE) {
        reading.elapsed
    } else {
        reading.proved
    };
    Mark {
        elapsed,
        at: now.clone(),
        restarted: reading.restarted,
        put_right: reading.put_right,
    }
}

/// Whether it is time to save the mark again.
#[must_use]
pub fn mark_is_due(mark: Option<&Mark>, now: &Now) -> bool {
    mark.and_then(|mark| now.uptime_since(&mark.at))
        .is_none_or(|uptime| uptime >= MARK_EVERY)
}

/// The server's time by our reckoning: what it told at the contact, and what has elapsed since.
#[must_use]
pub fn server_time(anchor: &Anchor, mark: Option<&Mark>, now: &Now) -> WallMs {
    anchor.server.plus(read(anchor, mark, now).elapsed)
}

/// Days in `left`, a part of a day counted as one.
#[must_use]
pub fn days_left(left: Millis) -> u32 {
    u32::try_from(left.0.div_ceil(Millis::days(1).0)).unwrap_or(u32::MAX)
}

struct Reading {
    /// What the boot clock vouches for.
    proved: Millis,
    /// The larger of what is proved and what the wall clock tells.
    elapsed: Millis,
    suspect: bool,
    /// As [`Mark::restarted`].
    restarted: bool,
    /// As [`Mark::put_right`].
    put_right: bool,
}

fn read(anchor: &Anchor, mark: Option<&Mark>, now: &Now) -> Reading {
    let same_run = same_run(anchor, mark, now);
    let proved = same_run.unwrap_or_else(|| proved_across_restarts(anchor, mark, now));
    let put_right = mark.is_some_and(|mark| mark.put_right) || is_put_right(anchor, proved, now);
    let told = told(anchor, put_right, proved, now.wall);
    let elapsed = match (same_run, told) {
        (Some(uptime), _) => uptime,
        (None, Some(told)) => told.max(proved),
        (None, None) => proved,
    };
    Reading {
        proved,
        elapsed,
        suspect: told.is_none(),
        restarted: same_run.is_none(),
        put_right,
    }
}

/// The uptime since the contact, if the machine was not restarted in between.
fn same_run(anchor: &Anchor, mark: Option<&Mark>, now: &Now) -> Option<Millis> {
    let unbroken = mark.is_none_or(|mark| !mark.restarted && now.uptime_since(&mark.at).is_some());
    now.uptime_since(&anchor.at).filter(|_| unbroken)
}

/// What was remembered and the uptime since; without a mark, at least this run of the machine.
fn proved_across_restarts(anchor: &Anchor, mark: Option<&Mark>, now: &Now) -> Millis {
    mark.map_or_else(
        || now.ran_since(&anchor.at),
        |mark| mark.elapsed.plus(now.ran_since(&mark.at)),
    )
}

/// The shortest time that the wall clock can mean; `None` when it contradicts what is proved.
fn told(anchor: &Anchor, put_right: bool, proved: Millis, wall: WallMs) -> Option<Millis> {
    let as_it_was = (!put_right).then_some(anchor.at.wall);
    as_it_was
        .into_iter()
        .chain([anchor.server])
        .filter(|start| fits(*start, proved, wall))
        .map(|start| wall.since(start).unwrap_or(Millis::ZERO))
        .min()
}

/// Whether a clock that was ahead at the contact is so no more: it fits the server's time, and not what it said itself.
fn is_put_right(anchor: &Anchor, proved: Millis, now: &Now) -> bool {
    let was_ahead = anchor.at.wall > anchor.server.plus(TOLERANCE);
    was_ahead && fits(anchor.server, proved, now.wall) && !fits(anchor.at.wall, proved, now.wall)
}

/// Whether a clock that said `start` at the contact can say `wall` now.
fn fits(start: WallMs, proved: Millis, wall: WallMs) -> bool {
    wall >= start.plus(proved).minus(TOLERANCE)
}

#[cfg(test)]
mod tests;
