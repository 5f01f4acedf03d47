//! What `policy` is asked, and with which seeds.

use freewheel_policy::backoff::Policy;
use freewheel_policy::lane::{Conditions, LaneOutcome, LanePlan, next_due};

use super::Variant;
use super::client::{Place, wall};
use super::lanes::Turn;

impl Turn<'_> {
    /// The lane's next plan: the decision of `policy`.
    pub(super) fn plan(&mut self, place: Place, outcome: LaneOutcome, policy: Policy) -> LanePlan {
        let seed = match outcome {
            LaneOutcome::Failed { .. } => self.backoff_seed(),
            LaneOutcome::Returned(_) => self.spread_seed(),
            LaneOutcome::Done | LaneOutcome::More | LaneOutcome::SyncNow | LaneOutcome::Ready => {
                self.world.unit()
            }
        };
        let conditions = Conditions {
            reach: &self.client.reach,
            budget: &self.client.budget,
            policy,
            calls: true,
            seed,
        };
        next_due(place.lane(), outcome, wall(self.world.now()), &conditions)
    }

    /// For whom the attempt is made that the lane has planned.
    pub(super) fn policy_of_plan(&self, place: Place) -> Policy {
        let wanted = match place {
            Place::Session | Place::Rides => self.client.next_ride_due().is_some(),
            Place::Library => false, // Everybody has one.
        };
        let plan = self.client.lane(place).plan;
        plan.map_or_else(Policy::default, |plan| plan.policy(wanted))
    }

    /// The seed of a backoff.
    pub(super) fn backoff_seed(&mut self) -> f64 {
        let seed = self.world.unit();
        if self.variant == Variant::NoJitter {
            1.0
        } else {
            seed
        }
    }

    /// The seed of a spread.
    pub(super) fn spread_seed(&mut self) -> f64 {
        let seed = self.world.unit();
        if self.variant == Variant::NoSpread {
            0.0
        } else {
            seed
        }
    }
}
