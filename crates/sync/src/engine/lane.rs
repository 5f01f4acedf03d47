//! A lane: waits until its plan is due, makes one attempt, obeys `policy::lane` about the next.

use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::backoff::Policy;
use freewheel_policy::lane::{
    Conditions, Lane, LaneOutcome, LanePlan, PlanReason, may_leave, next_due, policy_for, spread,
};
use freewheel_policy::reach::{Observation, Reach};
use freewheel_policy::session::{self, Event, VaultCondition};
use freewheel_policy::time::{Millis, WallMs};
use freewheel_policy::transport::Trouble;
use freewheel_policy::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::core::Core;
use super::session::{NoBearer, Way};
use super::wake::LANES;
use crate::lease::nudge::{self, NudgeKind};
use crate::remote::call::CallError;
use crate::store::StoreError;

/// A wait is never trusted for longer than this: suspending stops the timer, and a clock may be moved.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// A lane without a token is woken by the session. Should that ever fail, it looks after the longest backoff.
const ASLEEP: u32 = u32::MAX;

/// What is stored of a lane.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct LaneState {
    /// When it tries next; none before its first attempt.
    pub(crate) plan: Option<LanePlan>,
    /// Failures in a row.
    pub(crate) attempt: u32,
    /// The last attempt that succeeded, Unix ms.
    pub(crate) last_success: Option<i64>,
    /// Whether it waits for the session lane to get a token.
    #[serde(default)]
    pub(crate) waits_for_session: bool,
    /// An attempt is under way, or was when the program ended.
    #[serde(default)]
    pub(crate) at_work: bool,
}

/// How one attempt of a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// There was nothing to do; nobody was asked.
    Nothing,
    /// The service answered as the protocol says, and all that was due is done.
    Done,
    /// As `Done`, and there is more.
    More,
    /// There is no token to send along.
    NoBearer(NoBearer),
    /// The service did not accept the token, or the account is closed. The session has been told.
    Refused(Verdict),
    /// This computer could not read or store what the attempt is about.
    Unstored,
    /// Could not ask.
    Failed {
        /// What happened.
        trouble: Trouble,
        /// How long the service asks to wait.
        retry_after: Option<Millis>,
    },
}

impl Core {
    /// Runs a lane until the engine ends.
    pub(super) async fn run_lane(self: Arc<Self>, lane: Lane) {
        let wake = self.wakes.of(lane);
        wake.ring(LaneOutcome::Ready);
        // What an earlier program was asked for is not remembered: its athlete does not wait any more.
        let mut asked = false;
        loop {
            let gate = wake.gate.lock().await;
            if let Some(reason) = wake.take() {
                asked |= reason == LaneOutcome::SyncNow;
                self.replan(lane, reason, policy_for(reason)).await;
            }
            let wait = self.wait(lane).await;
            if wait == Some(Millis::ZERO) {
                let policy = self.policy_of_plan(lane).await;
                let attempt = self.attempt(lane, policy, std::mem::take(&mut asked));
                let settled = attempt.await != Attempt::Unstored;
                drop(gate);
                if !settled {
                    // A plan that cannot be stored would be due again at once.
                    tokio::select! {
                        () = wake.bell.notified() => {}
                        () = tokio::time::sleep(LOOK_AGAIN) => {}
                    }
                }
                continue;
            }
            drop(gate);
            let wait = wait.map_or(LOOK_AGAIN, |w| Duration::from_millis(w.0).min(LOOK_AGAIN));
            tokio::select! {
                () = wake.bell.notified() => {}
                () = tokio::time::sleep(wait) => self.look(lane).await,
            }
        }
    }

    /// How long the lane waits: its plan, or what comes due before it while it is idle: an entry for the rides and
    /// edits lanes, the tokens' half-life for the session lane.
    async fn wait(&self, lane: Lane) -> Option<Millis> {
        let now = self.clock().now().wall;
        let state = self.lane_state(lane).await;
        let planned = state.plan.and_then(|plan| plan.wait(now));
        let held = state
            .plan
            .is_none_or(|plan| plan.reason != PlanReason::Idle);
        if held {
            return planned;
        }
        let due = match lane {
            Lane::Rides => self
                .next_ride_due()
                .await
                .map(|due| WallMs(due).since(now).unwrap_or_default()),
            Lane::Session => {
                let facts = self.session.facts().unwrap_or_default();
                session::refresh_due(&facts, &self.clock().now())
            }
            Lane::Edits => self
                .next_edit_due()
                .await
                .map(|due| WallMs(due).since(now).unwrap_or_default()),
            Lane::Library | Lane::Status => None,
        };
        [planned, due].into_iter().flatten().min()
    }

    /// Makes one attempt and plans the next; `asked`: the athlete did, just now. Whoever calls it holds the lane's gate.
    pub(super) async fn attempt(&self, lane: Lane, policy: Policy, asked: bool) -> Attempt {
        self.observe_network().await;
        let before = self.lane_state(lane).await;
        if !may_leave(&self.reach().await, asked) {
            return self.stay(lane, before, policy).await;
        }
        let spends = before.plan.is_none_or(|plan| plan.reason.spends());
        if let Err(error) = self.begin(lane, before, policy, spends).await {
            tracing::warn!(%error, ?lane, "the lane's attempt could not be noted; it is not made");
            return Attempt::Unstored;
        }
        let attempt = {
            let _busy = self.busy(lane);
            match lane {
                Lane::Session => self.attempt_session(asked).await,
                Lane::Library => self.attempt_library().await,
                Lane::Rides => {
                    self.attempt_rides(before.attempt.saturating_add(1), policy)
                        .await
                }
                Lane::Edits => {
                    self.attempt_edits(before.attempt.saturating_add(1), policy)
                        .await
                }
                Lane::Status => Attempt::Nothing,
            }
        };
        let settled = self.settle(lane, before, attempt, policy, spends).await;
        self.refresh_view();
        if attempt != Attempt::Nothing
            && let Err(error) = nudge::send(self.store().home(), NudgeKind::Changed)
        {
            tracing::debug!(%error, "other processes could not be told of the attempt");
        }
        match settled {
            Ok(()) => attempt,
            Err(error) => {
                tracing::warn!(%error, ?lane, "the lane's plan could not be stored");
                Attempt::Unstored
            }
        }
    }

    /// No attempt: the lane waits for the network, whatever it had planned.
    async fn stay(&self, lane: Lane, before: LaneState, policy: Policy) -> Attempt {
        let state = LaneState {
            plan: Some(self.plan(lane, LaneOutcome::Ready, policy).await),
            at_work: false,
            ..before
        };
        let stored = self.put_lane_state(lane, state).await;
        self.refresh_view();
        match stored {
            Ok(()) => Attempt::Nothing,
            Err(error) => {
                tracing::warn!(%error, ?lane, "the lane's plan could not be stored");
                Attempt::Unstored
            }
        }
    }

    /// Notes the attempt as if it had failed, and spends its token: should the program end in the middle, the next
    /// start waits its turn instead of trying at once.
    async fn begin(
        &self,
        lane: Lane,
        before: LaneState,
        policy: Policy,
        spends: bool,
    ) -> Result<(), StoreError> {
        if spends {
            self.spend().await?;
        }
        let attempt = before.attempt.saturating_add(1);
        let failed = LaneOutcome::Failed {
            verdict: Verdict::Retry,
            attempt,
        };
        let state = LaneState {
            plan: Some(self.plan(lane, failed, policy).await),
            attempt,
            waits_for_session: false,
            at_work: true,
            ..before
        };
        self.put_lane_state(lane, state).await
    }

    async fn settle(
        &self,
        lane: Lane,
        before: LaneState,
        attempt: Attempt,
        policy: Policy,
        spends: bool,
    ) -> Result<(), StoreError> {
        let now = self.clock().now();
        let failures = before.attempt.saturating_add(1);
        let (outcome, failures) = match attempt {
            Attempt::Nothing => (LaneOutcome::Done, before.attempt),
            Attempt::Done => (LaneOutcome::Done, 0),
            Attempt::More => (LaneOutcome::More, 0),
            Attempt::NoBearer(_) => (
                LaneOutcome::Failed {
                    verdict: Verdict::NeedsAuth,
                    attempt: ASLEEP,
                },
                before.attempt,
            ),
            Attempt::Refused(verdict) => (
                LaneOutcome::Failed {
                    verdict,
                    attempt: failures,
                },
                failures,
            ),
            Attempt::Unstored => (
                LaneOutcome::Failed {
                    verdict: Verdict::Retry,
                    attempt: failures,
                },
                failures,
            ),
            Attempt::Failed { retry_after, .. } => {
                let verdict = retry_after.map_or(Verdict::Retry, Verdict::RetryAfter);
                (
                    LaneOutcome::Failed {
                        verdict,
                        attempt: failures,
                    },
                    failures,
                )
            }
        };
        let answered = matches!(attempt, Attempt::Done | Attempt::More | Attempt::Refused(_));
        // What the service was not asked for, answered, or put off, costs nothing.
        let costs = matches!(
            attempt,
            Attempt::Failed {
                retry_after: None,
                ..
            }
        );
        if spends && !costs {
            self.refund().await?;
        }
        if let Attempt::Failed { trouble, .. } = attempt {
            self.session.apply(Event::CallFailed(trouble)).await?;
            self.observe(Observation::Failed(trouble), Some(lane)).await;
        } else if answered {
            self.observe(Observation::Answered, Some(lane)).await;
        }
        let state = LaneState {
            plan: Some(self.plan(lane, outcome, policy).await),
            attempt: failures,
            last_success: if matches!(attempt, Attempt::Done | Attempt::More) {
                Some(now.wall.0)
            } else {
                before.last_success
            },
            waits_for_session: matches!(
                attempt,
                Attempt::NoBearer(_) | Attempt::Refused(Verdict::NeedsAuth)
            ),
            at_work: false,
        };
        self.put_lane_state(lane, state).await?;
        if attempt == Attempt::NoBearer(NoBearer::WaitsForRefresh) && lane != Lane::Session {
            self.wakes.of(Lane::Session).ring(match policy {
                Policy::Waiting | Policy::Background => LaneOutcome::More,
                Policy::Unhurried => LaneOutcome::Ready,
            });
        }
        Ok(())
    }

    /// Plans again because something happened.
    pub(super) async fn replan(&self, lane: Lane, reason: LaneOutcome, policy: Policy) {
        self.observe_network().await;
        if reason == LaneOutcome::SyncNow {
            self.make_due(lane, self.clock().now().wall).await;
        }
        let state = self.lane_state(lane).await;
        let plan = self.plan(lane, reason, policy).await;
        let now = self.clock().now().wall;
        if matches!(reason, LaneOutcome::Returned(_)) {
            self.make_due(lane, plan.due.unwrap_or(now)).await;
        }
        let served = reason == LaneOutcome::Ready && state.waits_for_session;
        let keep = state.plan.is_some_and(|old| {
            let sooner = old.due.is_some() && old.due <= plan.due && reason != LaneOutcome::SyncNow;
            !served && (old.outlasts(reason, now) || sooner)
        });
        if !keep {
            let state = LaneState {
                plan: Some(plan),
                waits_for_session: false,
                at_work: false,
                ..state
            };
            if let Err(error) = self.put_lane_state(lane, state).await {
                tracing::warn!(%error, ?lane, "the lane's plan could not be stored");
            }
        }
        self.refresh_view();
    }

    /// What waits in a lane for a later try is tried at `by`.
    async fn make_due(&self, lane: Lane, by: WallMs) {
        match lane {
            Lane::Rides => self.make_rides_due(by).await,
            Lane::Edits => self.make_edits_due(by).await,
            Lane::Session | Lane::Library | Lane::Status => {}
        }
    }

    async fn plan(&self, lane: Lane, outcome: LaneOutcome, policy: Policy) -> LanePlan {
        let (reach, budget) = (self.reach().await, self.budget().await);
        let facts = self.session.facts().unwrap_or_default();
        let now = self.clock().now(); // Not before the facts: they may be of this moment.
        let calls = session::access(&facts, &now).calls;
        let seed = self.entropy().unit();
        let conditions = Conditions {
            reach: &reach,
            budget: &budget,
            policy,
            calls,
            seed,
        };
        next_due(lane, outcome, now.wall, &conditions)
    }

    /// For whom the attempt is made that the lane has planned.
    async fn policy_of_plan(&self, lane: Lane) -> Policy {
        let state = self.lane_state(lane).await;
        let wanted = match lane {
            Lane::Session => {
                self.next_ride_due().await.is_some() || self.next_edit_due().await.is_some()
            }
            Lane::Rides => self.next_ride_due().await.is_some(),
            Lane::Edits => self.next_edit_due().await.is_some(),
            Lane::Library => state.last_success.is_none(),
            Lane::Status => false,
        };
        state
            .plan
            .map_or_else(Policy::default, |plan| plan.policy(wanted))
    }

    /// What is done about once a minute while a lane waits.
    async fn look(&self, lane: Lane) {
        if lane != Lane::Session {
            return;
        }
        if let Err(error) = self.session.apply(Event::Tick).await {
            tracing::warn!(%error, "the session could not be ticked");
        }
        // Nobody tells when a keyring is unlocked, or when a disk has room again.
        if self.session.unsaved().is_some()
            && let Err(error) = self.session.save_unsaved(Way::Quietly).await
        {
            tracing::debug!(%error, "the tokens are still unsaved");
        }
        if let Ok(facts) = self.session.facts()
            && facts.vault != VaultCondition::Ready
        {
            self.probe_vault(Way::Quietly).await;
        }
        self.observe_network().await;
        self.wake_who_waits_in_vain().await;
        self.refresh_view();
    }

    /// Time alone, or a clock that is put right, may have given the lanes something to call with.
    async fn wake_who_waits_in_vain(&self) {
        let facts = self.session.facts().unwrap_or_default();
        let calls = session::access(&facts, &self.clock().now()).calls;
        for lane in [Lane::Library, Lane::Rides, Lane::Edits] {
            let plan = self.lane_state(lane).await.plan;
            if plan.is_some_and(|plan| plan.waits_in_vain(calls)) {
                self.wakes.of(lane).ring(LaneOutcome::Ready);
            }
        }
    }

    /// Takes in what the lane `by` observed, and wakes the other lanes when something came back with it. The rides and
    /// edits that wait for a later try go within the spread, also those of the lane that noticed.
    async fn observe(&self, observation: Observation, by: Option<Lane>) {
        let now = self.clock().now();
        let _one_at_a_time = self.ledger.lock().await;
        let (reach, returned) = self.reach().await.observe(observation, &now);
        if let Err(error) = self.put_reach(&reach).await {
            tracing::warn!(%error, "what is known of the service could not be stored");
        }
        if let Some(what) = returned {
            self.revoking.ring(false);
            for lane in LANES.into_iter().filter(|lane| Some(*lane) != by) {
                self.wakes.of(lane).ring(LaneOutcome::Returned(what));
            }
            if let Some(by) = by {
                let spread = spread(by, what).part(self.entropy().unit());
                self.make_due(by, now.wall.plus(spread)).await;
            }
        }
    }

    /// Asks the system for its links; no packet is sent.
    pub(super) async fn observe_network(&self) {
        let reach: Reach = self.reach().await;
        let system = if reach.loopback {
            session::SystemNetwork::Up
        } else {
            self.system_network()
        };
        if reach.network() != system {
            self.observe(Observation::Network(system), None).await;
        }
        let known = self.session.facts().map(|facts| facts.network);
        if known.is_ok_and(|known| known != system)
            && let Err(error) = self.session.apply(Event::NetworkChanged(system)).await
        {
            tracing::warn!(%error, "the network's state could not be stored");
        }
    }

    /// Tells the session about a call that brought nothing, and the lane how it ended.
    pub(super) async fn call_failed(
        &self,
        error: CallError,
        generation: freewheel_policy::Generation,
    ) -> Attempt {
        let (event, attempt) = match error {
            CallError::Unauthorized => (
                Some(Event::ApiUnauthorized { generation }),
                Attempt::Refused(Verdict::NeedsAuth),
            ),
            CallError::Blocked => (
                Some(Event::AccountBlocked { generation }),
                Attempt::Refused(Verdict::Blocked),
            ),
            CallError::Trouble {
                trouble,
                retry_after,
            } => (
                None,
                Attempt::Failed {
                    trouble,
                    retry_after,
                },
            ),
        };
        if let Some(event) = event
            && let Err(error) = self.session.apply(event).await
        {
            tracing::warn!(%error, "the session could not be told");
        }
        attempt
    }
}
