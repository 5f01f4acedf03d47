//! When a lane tries next: backoff, budget and reach put together, so that the engine only obeys.
//!
//! Each lane has its own plan, and no lane's plan depends on another's. All that they share is the
//! budget of attempts per origin.

use serde::{Deserialize, Serialize};

use crate::backoff::{Policy, curve, delay};
use crate::budget::{self, Budget};
use crate::grace::TOLERANCE;
use crate::reach::{Reach, Return};
use crate::time::{Millis, WallMs};
use crate::verdict::Verdict;

/// A kind of work that goes its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Refreshing tokens.
    Session,
    /// Pulling workouts, plan and profile.
    Library,
    /// Sending rides.
    Rides,
    /// Sending edits.
    Edits,
    /// Asking how the service is.
    Status,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 5] = [
        Self::Session,
        Self::Library,
        Self::Rides,
        Self::Edits,
        Self::Status,
    ];

    /// How often a lane with nothing to do looks whether that is still so; `None`: it is told.
    #[must_use]
    pub const fn idle(self) -> Option<Millis> {
        match self {
            Self::Library => Some(Millis::mins(15)),
            Self::Rides => Some(Millis::hours(6)), // Compares the server's list with its own.
            Self::Status => Some(Millis::mins(10)),
            Self::Session | Self::Edits => None,
        }
    }
}

/// What a plan is made after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneOutcome {
    /// The lane did what there was to do.
    Done,
    /// One piece is done and there is more, or there is new work.
    More,
    /// An attempt failed.
    Failed {
        /// How it was judged. For the session lane: `Retry` or `RetryAfter`.
        verdict: Verdict,
        /// Failures in a row, this one included.
        attempt: u32,
    },
    /// The athlete asked: "Sync now".
    SyncNow,
    /// The network or the service came back.
    Returned(Return),
    /// The session may be used again, or the app started.
    Ready,
}

/// What else a plan depends on.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// What is known of the way to the service.
    pub reach: &'a Reach,
    /// The attempts that are left for this origin.
    pub budget: &'a Budget,
    /// For whom the attempt is made.
    pub policy: Policy,
    /// [`crate::session::Access::calls`]; the session lane is not asked for it.
    pub calls: bool,
    /// In `[0, 1)`, another one for each plan.
    pub seed: f64,
}

/// When a lane tries next, and why then. Plans are stored and survive restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanePlan {
    /// When it was made.
    pub made: WallMs,
    /// When to try; `None`: not before something happens.
    pub due: Option<WallMs>,
    /// Why.
    pub reason: PlanReason,
    /// For whom, should nothing more urgent wait by then.
    #[serde(default)]
    pub policy: Policy,
}

/// Why a lane tries when it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanReason {
    /// There is work, and nothing against it.
    Work,
    /// The athlete asked.
    SyncNow,
    /// Something came back; spread a little.
    Returned,
    /// Nothing to do; a look now and then.
    Idle,
    /// After a failure.
    Backoff,
    /// The service said when.
    RetryAfter,
    /// The attempts for this hour are used up.
    Budget,
    /// The system says that there is no network; its return wakes the lane.
    NoNetwork,
    /// There is nothing to call with; the session wakes the lane.
    NoSession,
}

impl PlanReason {
    /// Whether the attempt takes a token from the budget. What the service asked for does not, nor
    /// does what the athlete asked for.
    #[must_use]
    pub const fn spends(self) -> bool {
        match self {
            Self::SyncNow | Self::RetryAfter => false,
            Self::Work
            | Self::Returned
            | Self::Idle
            | Self::Backoff
            | Self::Budget
            | Self::NoNetwork
            | Self::NoSession => true,
        }
    }
}

/// For whom an attempt is made that follows from what woke the lane.
#[must_use]
pub const fn policy_for(woken: LaneOutcome) -> Policy {
    match woken {
        LaneOutcome::SyncNow | LaneOutcome::Returned(_) => Policy::Waiting,
        LaneOutcome::More | LaneOutcome::Ready | LaneOutcome::Failed { .. } => Policy::Background,
        LaneOutcome::Done => Policy::Unhurried,
    }
}

impl LanePlan {
    /// For whom the planned attempt is made; `wanted`: something waits for what it would bring.
    #[must_use]
    pub const fn policy(&self, wanted: bool) -> Policy {
        match self.policy {
            Policy::Unhurried if wanted => Policy::Background,
            policy => policy,
        }
    }

    /// Whether this plan stands although `woken` happened. What the service or the budget holds back stays held
    /// back; a mere start of the program does not cut a backoff short, a new ride or something that returned does.
    #[must_use]
    pub fn outlasts(&self, woken: LaneOutcome, now: WallMs) -> bool {
        if self.wait(now).is_none() {
            return false; // It waits for something to happen, and something has.
        }
        match woken {
            LaneOutcome::SyncNow | LaneOutcome::Done | LaneOutcome::Failed { .. } => false,
            LaneOutcome::Ready => self.reason != PlanReason::Idle,
            LaneOutcome::More | LaneOutcome::Returned(_) => match self.reason {
                PlanReason::RetryAfter | PlanReason::Budget | PlanReason::SyncNow => true,
                // What is new goes with everything else that goes within the spread.
                PlanReason::Returned => woken == LaneOutcome::More,
                PlanReason::Work
                | PlanReason::Idle
                | PlanReason::Backoff
                | PlanReason::NoNetwork
                | PlanReason::NoSession => false,
            },
        }
    }

    /// Whether the lane waits for something to call with although there is something, as `calls` says
    /// ([`crate::session::Access::calls`]). A clock that is put right gives back what it took, and no event tells.
    #[must_use]
    pub fn waits_in_vain(&self, calls: bool) -> bool {
        calls && self.reason == PlanReason::NoSession
    }

    /// Whether it is time. A clock that was turned back past the making of the plan cannot tell how much
    /// longer to wait, so the time has come.
    #[must_use]
    pub fn is_due(&self, now: WallMs) -> bool {
        self.wait(now) == Some(Millis::ZERO)
    }

    /// How long to wait from `now`; `None`: for something to happen.
    #[must_use]
    pub fn wait(&self, now: WallMs) -> Option<Millis> {
        let due = self.due?;
        let turned_back = now < self.made.minus(TOLERANCE);
        Some(if turned_back {
            Millis::ZERO
        } else {
            due.since(now).unwrap_or_default()
        })
    }
}

/// Whether an attempt may leave now, whatever plan it follows: while the system says that there is no network, only what
/// the athlete just asked for goes, as the system may be wrong about its links. A plan may have been made, or left behind
/// by a program that was killed, while there was a network.
#[must_use]
pub fn may_leave(reach: &Reach, asked: bool) -> bool {
    asked || reach.may_try()
}

/// Plans a lane's next attempt.
#[must_use]
pub fn next_due(
    lane: Lane,
    outcome: LaneOutcome,
    now: WallMs,
    conditions: &Conditions<'_>,
) -> LanePlan {
    let plan = |wait: Option<Millis>, reason| LanePlan {
        made: now,
        due: wait.map(|wait| now.plus(wait)),
        reason,
        policy: policy_after(outcome, conditions.policy),
    };
    if lane != Lane::Session && lane != Lane::Status && !conditions.calls {
        return plan(None, PlanReason::NoSession);
    }
    if outcome == LaneOutcome::SyncNow {
        return plan(Some(Millis::ZERO), PlanReason::SyncNow); // The system may be wrong about its links.
    }
    if !conditions.reach.may_try() {
        return plan(None, PlanReason::NoNetwork);
    }
    let (wait, reason) = wish(lane, outcome, conditions);
    let affordable = conditions.budget.next(now).since(now).unwrap_or_default();
    match wait {
        Some(wait) if reason.spends() && affordable > wait => {
            let spread = budget::SPREAD.part(conditions.seed);
            plan(Some(affordable.plus(spread)), PlanReason::Budget)
        }
        Some(_) | None => plan(wait, reason),
    }
}

/// For whom the next attempt is. Whoever asked has seen the answer, so a failure leaves nobody waiting.
const fn policy_after(outcome: LaneOutcome, policy: Policy) -> Policy {
    match outcome {
        LaneOutcome::Failed { .. } => match policy {
            Policy::Unhurried => Policy::Unhurried,
            Policy::Waiting | Policy::Background => Policy::Background,
        },
        woken => policy_for(woken),
    }
}

/// What the lane would do if attempts cost nothing.
fn wish(
    lane: Lane,
    outcome: LaneOutcome,
    conditions: &Conditions<'_>,
) -> (Option<Millis>, PlanReason) {
    let Conditions { policy, seed, .. } = *conditions;
    match outcome {
        LaneOutcome::Done => (idle(lane, seed), PlanReason::Idle),
        LaneOutcome::More | LaneOutcome::Ready => (Some(Millis::ZERO), PlanReason::Work),
        LaneOutcome::SyncNow => (Some(Millis::ZERO), PlanReason::SyncNow),
        LaneOutcome::Returned(what) => (Some(spread(lane, what).part(seed)), PlanReason::Returned),
        LaneOutcome::Failed { verdict, attempt } => match verdict {
            Verdict::Retry => (
                Some(delay(policy, attempt, None, seed)),
                PlanReason::Backoff,
            ),
            Verdict::RetryAfter(floor) => (
                Some(delay(policy, attempt, Some(floor), seed)),
                PlanReason::RetryAfter,
            ),
            // The session wakes the lane as soon as there is a fresh token; should there be none, the
            // full backoff (a jittered one could be next to nothing) keeps the lane alive.
            Verdict::NeedsAuth => (Some(curve(policy, attempt)), PlanReason::Backoff),
            Verdict::Blocked => (None, PlanReason::NoSession),
            // Parked entries and delivered ones are out of the way, and a conflict is pulled and rebased.
            Verdict::Delivered | Verdict::Parked(_) | Verdict::Conflict => {
                (Some(Millis::ZERO), PlanReason::Work)
            }
        },
    }
}

/// Over how long a lane's first attempts are spread when something came back. With a network of its own back, an
/// athlete's ride is off at once; what only looks for news is not: a whole region may be coming back.
#[must_use]
pub const fn spread(lane: Lane, what: Return) -> Millis {
    match (what, lane) {
        (Return::Network, Lane::Library | Lane::Status) => Return::Service.spread(),
        (Return::Network | Return::Service, _) => what.spread(),
    }
}

/// Nine to eleven tenths of the lane's own interval.
fn idle(lane: Lane, seed: f64) -> Option<Millis> {
    let interval = lane.idle()?;
    Some(
        interval
            .less(Millis(interval.0 / 10))
            .plus(Millis(interval.0 / 5).part(seed)),
    )
}

#[cfg(test)]
mod tests;
