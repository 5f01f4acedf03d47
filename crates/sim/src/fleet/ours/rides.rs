//! The rides lane, as in `engine/rides_lane.rs`: sends what is due, one entry after the other, and compares lists.

use freewheel_policy::backoff::{self, Policy};
use freewheel_policy::verdict::{HttpOutcome, Verdict, trouble, verdict};

use super::client::{Ended, Entry, Place, UnderWay, at};
use super::lanes::Turn;
use crate::fleet::errand::{CONFIRM_EVERY, Errand};
use crate::fleet::server::Fate;

/// So many entries in a row that the service does not take mean that it is not about the entries.
const IN_A_ROW: u8 = 3;

impl Turn<'_> {
    /// Begins to deliver; tells how the attempt ended if it sends nothing.
    pub(super) fn deliver(&mut self, spends: bool, policy: Policy) -> Option<Ended> {
        let now = self.world.now();
        let due = self.client.next_ride_due().is_some_and(|due| due <= now);
        if !due && !self.confirmation_is_due() {
            return Some(Ended::Nothing);
        }
        if !self.has_bearer() {
            return Some(Ended::NoBearer);
        }
        self.send_next_ride(UnderWay {
            policy,
            spends,
            errand: Errand::Ride,
            fate: Fate::Served,
            entry: 0,
            not_taken: 0,
            ended: Ended::Nothing,
        })
    }

    /// What follows from the answer to a ride: the next one, or the attempt's end.
    pub(super) fn ride_answered(&mut self, mut work: UnderWay) -> Option<Ended> {
        let attempts = match self.client.entry(work.entry) {
            Entry::Waiting { attempts, .. } => attempts,
            Entry::Free | Entry::Delivered => 0,
        };
        let outcome = work.fate.outcome();
        match verdict(&outcome) {
            Verdict::Delivered => {
                self.client.put_entry(work.entry, Entry::Delivered);
                self.world.tally.delivery(self.world.now());
                (work.ended, work.not_taken) = (Ended::Done, 0);
            }
            Verdict::Retry | Verdict::RetryAfter(_) | Verdict::Conflict => {
                let failed = failed(work.fate, &outcome);
                if let Some(stopped) = self.not_taken(&mut work, attempts, failed) {
                    return Some(stopped);
                }
            }
            // This server has no such answers.
            Verdict::NeedsAuth | Verdict::Blocked | Verdict::Parked(_) => {}
        }
        self.send_next_ride(work)
    }

    /// The comparison was answered.
    pub(super) fn confirmed(&mut self, fate: Fate) -> Ended {
        let outcome = fate.outcome();
        if trouble(&outcome).is_some() {
            return failed(fate, &outcome);
        }
        self.client.confirm = self.world.now().saturating_add(CONFIRM_EVERY);
        Ended::Done
    }

    fn not_taken(&mut self, work: &mut UnderWay, attempts: u32, failed: Ended) -> Option<Ended> {
        let now = self.world.now();
        let retry_after = work.fate.retry_after();
        let spent = attempts + u32::from(retry_after.is_none());
        let answered = matches!(work.fate.outcome(), HttpOutcome::Answer(_));
        if !answered || retry_after.is_some() {
            // The way to the service is the cause: the lane's plan says when, for all entries alike.
            let entry = Entry::Waiting {
                due: now,
                attempts: spent,
            };
            self.client.put_entry(work.entry, entry);
            return Some(failed);
        }
        let lane_attempt = self.client.lane(Place::Rides).attempt.saturating_add(1);
        let failures = (attempts + 1).max(lane_attempt.min(2));
        let seed = self.backoff_seed();
        let wait = backoff::delay(work.policy, failures, None, seed);
        let entry = Entry::Waiting {
            due: at(super::client::wall(now).plus(wait)),
            attempts: spent,
        };
        self.client.put_entry(work.entry, entry);
        work.not_taken += 1;
        if work.not_taken >= IN_A_ROW {
            return Some(failed);
        }
        // Alone, it says as much about the service as about the entry.
        if work.ended == Ended::Nothing {
            work.ended = failed;
        }
        None
    }

    /// Sends the entry that is longest due; when there is none, compares lists if that is due, or ends.
    fn send_next_ride(&mut self, mut work: UnderWay) -> Option<Ended> {
        if let Some(entry) = self.client.longest_due(self.world.now()) {
            work.entry = entry;
            work.errand = Errand::Ride;
        } else if self.confirmation_is_due() && !matches!(work.ended, Ended::Failed { .. }) {
            work.errand = Errand::Confirm;
        } else {
            return Some(work.ended);
        }
        self.send(Place::Rides, work);
        None
    }

    fn confirmation_is_due(&self) -> bool {
        self.client.confirm <= self.world.now()
    }
}

/// A request that brought nothing.
pub(super) fn failed(fate: Fate, outcome: &HttpOutcome) -> Ended {
    Ended::Failed {
        trouble: trouble(outcome).unwrap_or(freewheel_policy::transport::Trouble::Unreadable),
        retry_after: fate.retry_after(),
    }
}
