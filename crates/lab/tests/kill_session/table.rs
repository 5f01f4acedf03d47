//! What became of the sessions, counted by point and outcome.

use std::collections::BTreeMap;

use crate::point::{At, Flow, Point, Spot, When};

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Active with the tokens of before: the kill came before the issuer acted.
    Untouched,
    /// Active with tokens that were saved before the kill.
    Saved,
    /// Active, although the tokens that the issuer had made were lost: it took the old one again.
    Repaired,
    /// A first sign-in that had not come to its end: signed out, and signing in works.
    SignedOut,
    /// Needs a sign-in and says why: the strict issuer had made new tokens, they were lost with the client, and it says
    /// itself that the old token came twice.
    ReplyLost,
    /// Lost although it could have been saved, or told as something that it is not.
    Wrong,
}

/// A point that was taken.
pub struct Taken {
    /// How far the client had come, in words.
    pub phase: String,
    /// Whether the client still ran when it was killed.
    pub hit: bool,
    pub fate: Fate,
    /// What was seen, for a fate that is wrong.
    pub seen: String,
}

/// The counts.
#[derive(Default)]
pub struct Table {
    counts: BTreeMap<(At, Flow, bool, String), BTreeMap<Fate, u64>>,
    wrong: Vec<String>,
    missed: u64,
    by_time: u64,
    all: u64,
}

impl Table {
    pub fn count(&mut self, point: Point, taken: Taken) {
        let moment = matches!(point.when, When::Moment(..));
        self.all += 1;
        if !moment {
            self.by_time += 1;
            self.missed += u64::from(!taken.hit);
        }
        if taken.fate == Fate::Wrong {
            self.wrong.push(format!("{point:?}: {}", taken.seen));
        }
        let row = (point.at, point.flow, moment, taken.phase);
        *self
            .counts
            .entry(row)
            .or_default()
            .entry(taken.fate)
            .or_default() += 1;
    }

    pub fn print(&self) {
        println!(
            "{:<7} {:<12} {:<7} {:<22} {:>6}  outcomes",
            "issuer", "in", "by", "killed", "points"
        );
        for ((at, flow, moment, phase), fates) in &self.counts {
            let by = if *moment { "moment" } else { "time" };
            let points: u64 = fates.values().sum();
            let fates: Vec<String> = fates
                .iter()
                .map(|(fate, count)| format!("{fate:?} {count}"))
                .collect();
            println!(
                "{:<7} {:<12} {by:<7} {phase:<22} {points:>6}  {}",
                format!("{at:?}"),
                format!("{flow:?}"),
                fates.join(", ")
            );
        }
        println!(
            "{} points; {} of the {} placed by time came after the client had ended its work",
            self.all, self.missed, self.by_time
        );
    }

    /// How many points were in `flow` at a phase of this name.
    fn points_at(&self, renewal: bool, moment: bool, phase: &str) -> u64 {
        let rows = self
            .counts
            .iter()
            .filter(|((_, flow, by_moment, name), _)| {
                (*flow == Flow::Renewal) == renewal && *by_moment == moment && name == phase
            });
        rows.flat_map(|(_, fates)| fates.values()).sum()
    }

    /// No session was lost, and the kills came everywhere.
    pub fn check(&self) {
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        for (renewal, spot) in [
            (true, Spot::Asked),
            (true, Spot::AskedLate),
            (true, Spot::Issuing),
            (true, Spot::Answered),
            (true, Spot::Saving),
            (false, Spot::Browsing),
            (false, Spot::Asked),
            (false, Spot::Issuing),
            (false, Spot::Answered),
            (false, Spot::Saving),
        ] {
            let points = self.points_at(renewal, true, &format!("{spot:?}"));
            assert!(points > 0, "no kill at {spot:?}, renewal: {renewal}");
        }
        assert!(self.missed * 2 < self.by_time, "{} missed", self.missed);
        // The moment while the issuer is asked is short; `Spot::Issuing` is for it.
        for renewal in [true, false] {
            for phase in [BEFORE, ANSWERED] {
                let points = self.points_at(renewal, false, phase);
                assert!(
                    self.all < MANY || points > 0,
                    "no kill by time {phase}, renewal: {renewal}"
                );
            }
        }
    }
}

/// So many points meet the other phases by time too.
const MANY: u64 = 500;

/// Nothing was asked for tokens yet.
pub const BEFORE: &str = "before asking";
/// The issuer was being asked.
pub const ASKED: &str = "while asked";
/// The answer was there.
pub const ANSWERED: &str = "after the answer";
/// All was done.
pub const ENDED: &str = "after the end";
