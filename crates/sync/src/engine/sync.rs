//! A sync that somebody waits for.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use freewheel_policy::backoff::Policy;
use freewheel_policy::lane::{Lane, LaneOutcome, PlanReason};
use freewheel_policy::verdict::Verdict;
use tokio::time::Instant;

use super::Engine;
use super::compose;
use super::core::Core;
use super::lane::Attempt;
use super::session::NoBearer;
use super::wake::LANES;
use crate::error::EngineError;
use crate::lease::nudge::{self, NudgeKind};
use crate::lease::{Lease, LeaseKind};
use crate::view::{SessionView, SyncReport, SyncView};

/// How long another process is given to sync before the answer is what the store says.
const OTHER_PROCESS: Duration = Duration::from_secs(20);

impl Engine {
    /// Syncs now and tells what came of it. Every lane tries at once; what fails is tried again, by its plan, until
    /// `wait` is over. When another process is the syncer, it is asked instead. Being offline is no error.
    ///
    /// # Errors
    /// The store could not be read or written.
    pub async fn sync(&self, wait: Duration) -> Result<SyncReport, EngineError> {
        let before = self.view_now();
        let started = self.core.clock().now().wall.0;
        let delivered_before = self.delivered().await?;
        if self.core.holds_lease() {
            self.pass(wait).await;
        } else if let Ok(Some(lease)) = Lease::try_acquire(&self.home, LeaseKind::Syncer) {
            // Nobody runs the lanes here: whoever does may have the lease afterwards, also when nobody waits any more.
            let _afterwards = Afterwards(&self.core);
            self.core.take_lease(lease).await;
            self.pass(wait).await;
        } else {
            self.ask_the_syncer(started, wait.max(OTHER_PROCESS))
                .await?;
        }
        // What there was to ask for has been asked.
        self.tell_others(NudgeKind::Changed);
        let view = self.compose_now().await?;
        let delivered = self.delivered().await?.since(delivered_before);
        Ok(report(&before, &view, delivered, started))
    }

    /// One pass over all lanes, and more while `wait` lasts.
    async fn pass(&self, wait: Duration) {
        let end = Instant::now() + wait;
        let mut reason = LaneOutcome::SyncNow;
        loop {
            self.shared_pass(reason).await;
            let Some(next) = self.next_attempt(end).await else {
                return;
            };
            tokio::time::sleep(next).await;
            reason = LaneOutcome::Ready;
        }
    }

    /// Whoever asks while a pass is under way shares the next one with all who asked meanwhile.
    async fn shared_pass(&self, reason: LaneOutcome) {
        let begun = self.core.passes.load(Ordering::Relaxed);
        let _one_at_a_time = self.core.passing.lock().await;
        if self.core.passes.load(Ordering::Relaxed) > begun {
            return;
        }
        self.core.passes.fetch_add(1, Ordering::Relaxed);
        self.attempt_all(reason).await;
        for lane in LANES {
            self.core.wakes.of(lane).look();
        }
    }

    /// The session goes first: the others may need its token. Then each lane for itself, and once more for those whose
    /// token was not accepted.
    async fn attempt_all(&self, reason: LaneOutcome) {
        let lanes = [Lane::Library, Lane::Rides, Lane::Edits];
        attempt_until_settled(&self.core, Lane::Session, reason).await;
        let [library, rides, edits] =
            lanes.map(|lane| attempt_until_settled(&self.core, lane, reason));
        let asked = reason == LaneOutcome::SyncNow;
        let revocations = self.core.tell_revocations(asked);
        let (library, rides, edits, _) = tokio::join!(library, rides, edits, revocations);
        let again = lanes
            .into_iter()
            .zip([library, rides, edits])
            .filter(|(_, attempt)| wants_token(*attempt));
        let again: Vec<Lane> = again.map(|(lane, _)| lane).collect();
        if again.is_empty() {
            // What was said about a ride follows it.
            if rides == Attempt::Done && self.core.an_edit_is_due().await {
                attempt_until_settled(&self.core, Lane::Edits, reason).await;
            }
            // The edits lane rings when somebody else was faster.
            if self.core.wakes.of(Lane::Library).take().is_some() {
                attempt_until_settled(&self.core, Lane::Library, reason).await;
            }
            return;
        }
        if attempt_until_settled(&self.core, Lane::Session, reason).await == Attempt::Done {
            for lane in again {
                attempt_until_settled(&self.core, lane, reason).await;
            }
        }
    }

    /// How long until something that waits is due, if that is before `end`.
    async fn next_attempt(&self, end: Instant) -> Option<Duration> {
        let view = self.compose_now().await.ok()?;
        let due = view.data.next_try.filter(|_| view.data.waiting > 0)?;
        let now = self.core.clock().now().wall.0;
        let wait = Duration::from_millis(u64::try_from(due.saturating_sub(now)).unwrap_or(0));
        (Instant::now() + wait < end).then_some(wait)
    }

    /// Asks the process that holds the lease, and waits until its lanes have tried.
    async fn ask_the_syncer(&self, started: i64, wait: Duration) -> Result<(), EngineError> {
        let nudges = nudge::watch(&self.home);
        if let Err(error) = nudge::send(&self.home, NudgeKind::Sync) {
            tracing::warn!(%error, "the process that syncs could not be asked");
            return Ok(());
        }
        let Ok(mut nudges) = nudges else {
            return Ok(());
        };
        let end = Instant::now() + wait;
        while !self.tried_since(started).await {
            // The syncer tells when something changed; the timer covers one that has nothing to tell.
            let patience = (Instant::now() + Duration::from_secs(1)).min(end);
            tokio::select! {
                Some(_) = nudges.recv() => {}
                () = tokio::time::sleep_until(patience) => if patience == end { break },
            }
        }
        Ok(())
    }

    /// Whether the syncer has planned every lane again since `started`, and none of them is at work.
    async fn tried_since(&self, started: i64) -> bool {
        for lane in LANES {
            let state = self.core.lane_state(lane).await;
            let planned = state.plan.is_some_and(|plan| {
                plan.made.0 >= started && plan.reason != PlanReason::SyncNow && !state.at_work
            });
            if !planned {
                return false;
            }
        }
        true
    }

    async fn compose_now(&self) -> Result<SyncView, EngineError> {
        let (local, now) = (self.core.local(), self.core.clock().now());
        Ok(self
            .store()
            .run(move |store| compose::compose(store, local, &now))
            .await?)
    }

    async fn delivered(&self) -> Result<Deliveries, EngineError> {
        let Some(account) = self.account()? else {
            return Ok(Deliveries::default());
        };
        let counts = self.store().run(move |store| {
            Ok(Deliveries {
                rides: store.counts(&account)?.delivered,
                edits: store.edit_counts(&account)?.delivered,
            })
        });
        Ok(counts.await?)
    }
}

/// Lets the lease go when dropped.
struct Afterwards<'a>(&'a Core);

impl Drop for Afterwards<'_> {
    fn drop(&mut self) {
        self.0.release_lease();
    }
}

async fn attempt_until_settled(core: &Arc<Core>, lane: Lane, reason: LaneOutcome) -> Attempt {
    /// A lane that keeps finding more to do is left to its plan after so many attempts.
    const AT_MOST: usize = 100;
    let asked = reason == LaneOutcome::SyncNow;
    let _gate = core.wakes.of(lane).gate.lock().await;
    core.replan(lane, reason, Policy::Waiting).await;
    let mut attempt = Attempt::More;
    for _ in 0..AT_MOST {
        attempt = core.attempt(lane, Policy::Waiting, asked).await;
        if attempt != Attempt::More {
            break;
        }
    }
    attempt
}

/// Whether the attempt came to nothing for want of a token that a refresh may bring.
fn wants_token(attempt: Attempt) -> bool {
    matches!(
        attempt,
        Attempt::Refused(Verdict::NeedsAuth) | Attempt::NoBearer(NoBearer::WaitsForRefresh)
    )
}

/// What keeps the lanes from their work, for whoever just asked: the session's state, or else what the service is like.
fn in_the_way(session: &SessionView, service: Option<String>) -> Vec<String> {
    match session.state.as_str() {
        "signed_out" => vec!["Nobody is signed in; nothing was sent.".to_owned()],
        "offline" if service.is_some() => service.into_iter().collect(),
        _ if session.headline.is_empty() => service.into_iter().collect(),
        _ => {
            let headline = format!("{}.", session.headline);
            let said = [headline, session.detail.clone()];
            said.into_iter().filter(|words| !words.is_empty()).collect()
        }
    }
}

/// How many rides and edits the service has.
#[derive(Debug, Clone, Copy, Default)]
struct Deliveries {
    rides: u32,
    edits: u32,
}

impl Deliveries {
    fn since(self, before: Self) -> Self {
        Self {
            rides: self.rides.saturating_sub(before.rides),
            edits: self.edits.saturating_sub(before.edits),
        }
    }
}

fn report(before: &SyncView, view: &SyncView, delivered: Deliveries, started: i64) -> SyncReport {
    let reached = view.data.last_success.is_some_and(|at| at >= started)
        || (view.service.state == crate::view::ServiceState::Reachable
            && before.service.state == crate::view::ServiceState::Reachable);
    let cause = view.service.cause.clone().filter(|_| !reached);
    let mut words = in_the_way(&view.session, cause);
    for (count, one) in [(delivered.rides, "ride"), (delivered.edits, "change")] {
        match count {
            0 => {}
            1 => words.push(format!("1 {one} was delivered.")),
            count => words.push(format!("{count} {one}s were delivered.")),
        }
    }
    words.push(format!("{}.", view.data.words));
    SyncReport {
        reached,
        words: words.join(" "),
        delivered: delivered.rides,
        waiting: view.data.waiting,
        parked: view.data.parked,
        workouts: view.library.workouts,
        next_try: view.data.next_try,
        session: view.session.state.clone(),
        network: view.network,
    }
}
