//! A lane, as in `engine/lane.rs`: waits until its plan is due, makes one attempt, obeys `policy::lane` about the next.

use freewheel_policy::backoff::Policy;
use freewheel_policy::lane::{Lane, LaneOutcome, PlanReason, may_leave, policy_for, spread};
use freewheel_policy::reach::Observation;
use freewheel_policy::time::Millis;
use freewheel_policy::verdict::{Verdict, trouble};

use super::client::{Bell, Client, Ended, LANES, Place, UnderWay, at, wall};
use super::tokens::{Tokens, clocks};
use super::{Variant, event, rides};
use crate::fleet::errand::Errand;
use crate::fleet::server::Fate;
use crate::fleet::world::World;

/// A lane without a token is woken by the session. Should that ever fail, it looks after the longest backoff.
const ASLEEP: u32 = u32::MAX;

/// One client has the word.
pub(super) struct Turn<'a> {
    pub(super) id: u32,
    pub(super) variant: Variant,
    pub(super) client: &'a mut Client,
    pub(super) tokens: &'a mut Tokens,
    pub(super) world: &'a mut World,
}

impl Turn<'_> {
    /// A lane's timer rang, or its bell.
    pub(super) fn rung(&mut self, place: Place) {
        let row = self.client.lane(place);
        if row.under_way.is_none() && row.timer == Some(self.world.now()) {
            self.run(place);
        }
    }

    /// A ride was finished: an entry that is due at once.
    pub(super) fn ride_ended(&mut self) {
        self.client.add_entry(self.world.now());
        self.ring(Place::Rides, Bell::More);
    }

    /// The answer to a lane's request is here.
    pub(super) fn answered(&mut self, place: Place) {
        let Some(work) = self.client.lane_mut(place).under_way.take() else {
            return;
        };
        let ended = match work.errand {
            Errand::Token => Some(self.token_answered(work.fate)),
            Errand::Library => {
                let outcome = work.fate.outcome();
                Some(match trouble(&outcome) {
                    None => Ended::Done,
                    Some(_) => rides::failed(work.fate, &outcome),
                })
            }
            Errand::Ride => self.ride_answered(work),
            Errand::Confirm => Some(self.confirmed(work.fate)),
        };
        if let Some(ended) = ended {
            self.settle(place, ended, work.policy, work.spends);
            self.run(place);
        }
    }

    /// Runs a lane until it waits for its timer or for an answer.
    pub(super) fn run(&mut self, place: Place) {
        while self.client.lane(place).under_way.is_none() {
            if let Some(bell) = self.client.lane_mut(place).bell.take() {
                self.replan(place, bell.outcome());
            }
            let wait = self.wait(place);
            if wait != Some(Millis::ZERO) {
                let now = wall(self.world.now());
                let timer = wait.map(|wait| at(now.plus(wait)));
                self.client.lane_mut(place).timer = timer;
                if let Some(timer) = timer.filter(|timer| *timer < self.world.scenario.end()) {
                    self.world
                        .calendar
                        .note(timer, event(self.id, place, false));
                }
                return;
            }
            let policy = self.policy_of_plan(place);
            self.attempt(place, policy);
        }
    }

    /// Takes in what the lane `by` observed, and wakes the other lanes when something came back with it.
    pub(super) fn observe(&mut self, observation: Observation, by: Option<Place>) {
        let now = clocks(wall(self.world.now()));
        let (reach, returned) = self.client.reach.observe(observation, &now);
        self.client.reach = reach;
        if let Some(what) = returned {
            for place in LANES.into_iter().filter(|place| Some(*place) != by) {
                self.ring(place, what.into());
            }
            if by == Some(Place::Rides) {
                let spread = spread(Lane::Rides, what).part(self.spread_seed());
                self.client.make_rides_due(at(now.wall.plus(spread)));
            }
        }
    }

    /// Sends a request and notes when its answer comes.
    pub(super) fn send(&mut self, place: Place, work: UnderWay) {
        let reply = self.world.send();
        let row = self.client.lane_mut(place);
        row.under_way = Some(UnderWay {
            fate: reply.fate,
            ..work
        });
        self.world
            .calendar
            .note(reply.at, event(self.id, place, true));
    }

    /// Whether there is an access token to send along.
    pub(super) fn has_bearer(&mut self) -> bool {
        self.tokens.usable(&self.client.token, self.world.now())
    }

    /// How long the lane waits: its plan, or what comes due before it while it is idle.
    fn wait(&self, place: Place) -> Option<Millis> {
        let now = wall(self.world.now());
        let plan = self.client.lane(place).plan;
        let planned = plan.and_then(|plan| plan.wait(now));
        if plan.is_none_or(|plan| plan.reason != PlanReason::Idle) {
            return planned;
        }
        let due = match place {
            Place::Rides => self.client.next_ride_due(),
            Place::Session => Some(self.client.token.renew),
            Place::Library => None,
        };
        let due = due.map(|due| wall(due).since(now).unwrap_or_default());
        [planned, due].into_iter().flatten().min()
    }

    /// Makes one attempt and plans the next.
    fn attempt(&mut self, place: Place, policy: Policy) {
        let before = self.client.lane(place);
        if !may_leave(&self.client.reach, false) {
            let plan = self.plan(place, LaneOutcome::Ready, policy);
            self.client.lane_mut(place).plan = Some(plan);
            return;
        }
        let spends = before.plan.is_none_or(|plan| plan.reason.spends());
        self.begin(place, spends);
        let work = |errand| UnderWay {
            policy,
            spends,
            errand,
            fate: Fate::Served,
            entry: 0,
            not_taken: 0,
            ended: Ended::Nothing,
        };
        let ended = match place {
            Place::Session if self.client.token.renew > self.world.now() => Some(Ended::Nothing),
            Place::Session => {
                self.send(place, work(Errand::Token));
                None
            }
            Place::Library if !self.has_bearer() => Some(Ended::NoBearer),
            Place::Library => {
                self.send(place, work(Errand::Library));
                None
            }
            Place::Rides => self.deliver(spends, policy),
        };
        if let Some(ended) = ended {
            self.settle(place, ended, policy, spends);
        }
    }

    /// Spends the attempt's token. (The engine also notes the attempt as failed, lest a death in the middle be a free
    /// try; nobody dies here.)
    fn begin(&mut self, place: Place, spends: bool) {
        if spends && let Ok(spent) = self.client.budget.spend(wall(self.world.now())) {
            self.client.budget = spent;
        }
        self.client.lane_mut(place).waits_for_session = false;
    }

    fn settle(&mut self, place: Place, ended: Ended, policy: Policy, spends: bool) {
        let before = self.client.lane(place).attempt;
        let failures = before.saturating_add(1);
        let failed = |verdict, attempt| LaneOutcome::Failed { verdict, attempt };
        let (outcome, failures) = match ended {
            Ended::Nothing => (LaneOutcome::Done, before),
            Ended::Done => (LaneOutcome::Done, 0),
            Ended::NoBearer => (failed(Verdict::NeedsAuth, ASLEEP), before),
            Ended::Failed { retry_after, .. } => {
                let after = |seconds: u32| Verdict::RetryAfter(Millis::secs(seconds.into()));
                let verdict = retry_after.map_or(Verdict::Retry, after);
                (failed(verdict, failures), failures)
            }
        };
        let costs = matches!(
            ended,
            Ended::Failed {
                retry_after: None,
                ..
            }
        );
        if spends && !costs {
            self.client.budget = self.client.budget.refund(wall(self.world.now()));
        }
        match ended {
            Ended::Failed { trouble, .. } => {
                self.observe(Observation::Failed(trouble), Some(place))
            }
            Ended::Done => self.observe(Observation::Answered, Some(place)),
            Ended::Nothing | Ended::NoBearer => {}
        }
        let plan = self.plan(place, outcome, policy);
        let row = self.client.lane_mut(place);
        row.plan = Some(plan);
        row.attempt = failures;
        row.waits_for_session = ended == Ended::NoBearer;
        if ended == Ended::NoBearer && place != Place::Session {
            self.ring(
                Place::Session,
                match policy {
                    Policy::Waiting | Policy::Background => Bell::More,
                    Policy::Unhurried => Bell::Ready,
                },
            );
        }
    }

    /// Wakes a lane. Of several reasons at once the most urgent counts.
    fn ring(&mut self, place: Place, bell: Bell) {
        let now = self.world.now();
        let row = self.client.lane_mut(place);
        row.bell = row.bell.max(Some(bell));
        if row.under_way.is_none() {
            row.timer = Some(now);
            self.world.calendar.note(now, event(self.id, place, false));
        }
    }

    /// Plans again because something happened.
    fn replan(&mut self, place: Place, reason: LaneOutcome) {
        let policy = policy_for(reason);
        let plan = self.plan(place, reason, policy);
        let now = wall(self.world.now());
        if place == Place::Rides && matches!(reason, LaneOutcome::Returned(_)) {
            self.client.make_rides_due(at(plan.due.unwrap_or(now)));
        }
        let row = self.client.lane_mut(place);
        let served = reason == LaneOutcome::Ready && row.waits_for_session;
        let keep = row.plan.is_some_and(|old| {
            let sooner = old.due.is_some() && old.due <= plan.due;
            !served && (old.outlasts(reason, now) || sooner)
        });
        if !keep {
            row.plan = Some(plan);
            row.waits_for_session = false;
        }
    }

    /// Of a renewal. New tokens wake the lanes that wait for them before the session lane has settled its attempt, so
    /// they are off before anybody says that the service is back.
    fn token_answered(&mut self, fate: Fate) -> Ended {
        let outcome = fate.outcome();
        if trouble(&outcome).is_some() {
            return rides::failed(fate, &outcome);
        }
        self.client.token = self.tokens.granted(self.world);
        for place in [Place::Library, Place::Rides] {
            self.ring(place, Bell::Ready);
            self.run(place);
        }
        Ended::Done
    }
}
