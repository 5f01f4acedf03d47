//! Rides: who may ride what, and where the samples go.

use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::lane::{Lane, LaneOutcome};
use freewheel_policy::session::{self, Event, Facts, OpenRide, VaultCondition};
use freewheel_ride::journal::Journal;
use freewheel_ride::view::RideSaved;
use freewheel_ride::{
    Options, RideHandle, RidePlan, RideSession, SimulatedTrainer, finish_recorded, recover,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::Engine;
use super::session::Session;
use crate::error::EngineError;
use crate::lease::nudge::NudgeKind;
use crate::lease::{Lease, LeaseError, LeaseKind};
use crate::store::{RideJournal, StoreError};

/// What the athlete wants to ride.
#[derive(Debug, Clone, PartialEq)]
pub struct RideRequest {
    /// The workout; none for a free ride.
    pub workout_id: Option<String>,
    /// The plan item that it fulfils.
    pub plan_item_id: Option<String>,
    /// How many times faster than life; 1 for legs.
    pub speed: f64,
    /// Start at once instead of waiting for the athlete.
    pub autostart: bool,
}

impl Engine {
    /// Gets a ride ready on the simulated trainer. Nothing here needs the network, the keyring or the service.
    ///
    /// # Errors
    /// The workout is unknown, or is licensed and the library is locked.
    pub async fn start_ride(&self, request: RideRequest) -> Result<RideHandle, EngineError> {
        self.core.session.end_dead_ride().await;
        let (name, workout) = match &request.workout_id {
            None => ("Free ride".to_owned(), None),
            Some(id) => {
                let found = self.workout(id).await?;
                if !found.rideable {
                    // What is on the screen may be a minute older than the end of the grace.
                    let facts = self.core.session.facts()?;
                    let words = session::view(&facts, &self.core.clock().now()).words;
                    let reason = format!("{}. {}", words.headline, words.detail);
                    return Err(EngineError::LibraryLocked(reason));
                }
                (found.workout.name.clone(), Some(found.workout))
            }
        };
        let now = self.core.clock().now().wall;
        let plan = RidePlan {
            id: self.core.entropy().uuid(now),
            name,
            workout,
            workout_id: request.workout_id,
            plan_item_id: request.plan_item_id,
            ftp_watts: self.ftp().await,
        };
        // Two rides at once are the athlete's business; neither is hindered.
        let alone = self.ride_lease().await.unwrap_or_default();
        let journal = self.journal(alone)?;
        self.session_event(Event::RideBegan).await;
        let trainer = Box::new(SimulatedTrainer::new(self.core.entropy().next_u64()));
        let options = self.options(request.speed, request.autostart);
        Ok(RideSession::start(plan, trainer, journal, options))
    }

    /// Continues a ride that a death left open: its owner may always, whatever has become of the library, and after
    /// signing out too. It opens the library no further than it is.
    ///
    /// # Errors
    /// There is no such ride of this profile's owner or of nobody's, or a ride is under way in another process.
    pub async fn resume_ride(
        &self,
        id: Uuid,
        speed: f64,
        autostart: bool,
    ) -> Result<RideHandle, EngineError> {
        self.is_mine(id).await?;
        self.core.session.end_dead_ride().await;
        let journal = self.journal(self.nobody_rides().await?)?;
        let reader = Arc::clone(&journal);
        let ride = tokio::task::spawn_blocking(move || recover(reader.as_ref(), id)).await;
        let ride = ride.map_err(|_| StoreError::Stopped)??;
        self.session_event(Event::RideBegan).await;
        let trainer = Box::new(SimulatedTrainer::new(self.core.entropy().next_u64()));
        Ok(RideSession::resume(
            ride,
            trainer,
            journal,
            self.options(speed, autostart),
        ))
    }

    /// Finishes and queues a ride that a death left open.
    ///
    /// # Errors
    /// There is no such ride, it is under way in another process, or it could not be made durable; it stays open.
    pub async fn finish_unfinished(&self, id: Uuid) -> Result<RideSaved, EngineError> {
        self.is_mine(id).await?;
        let journal = self.journal(self.nobody_rides().await?)?;
        let saved =
            tokio::task::spawn_blocking(move || finish_recorded(journal.as_ref(), id)).await;
        let saved = saved.map_err(|_| StoreError::Stopped)??;
        self.ride_finished();
        Ok(saved)
    }

    /// As [`Engine::ride_ended`], without waiting.
    pub fn ride_finished(&self) {
        let engine = self.clone();
        tokio::spawn(async move { engine.ride_ended().await });
    }

    /// A ride ended, or was left open: what it began with no longer holds, and the rides lane looks at once. Returns when
    /// the session knows, so that a program may end right after.
    pub async fn ride_ended(&self) {
        self.session_event(Event::RideEnded).await;
        self.core.wakes.of(Lane::Rides).ring(LaneOutcome::More);
        self.tell_others(NudgeKind::Work);
        self.core.refresh_view();
    }

    /// A ride is its owner's. One that nobody owned when it began is anybody's.
    async fn is_mine(&self, id: Uuid) -> Result<(), EngineError> {
        let me = self.account()?;
        let owner = self
            .store()
            .run(move |store| store.ride_account(id))
            .await?;
        if owner.is_none() || owner == me {
            Ok(())
        } else {
            Err(StoreError::RideUnknown(id).into())
        }
    }

    async fn session_event(&self, event: Event) {
        // A fact that cannot be stored is no reason not to ride.
        if let Err(error) = self.core.session.apply(event).await {
            tracing::warn!(%error, "the ride could not be noted in the session");
        }
    }

    /// An open ride may be another process's, which still writes to it. A lock file that cannot be used at all hinders
    /// nobody.
    async fn nobody_rides(&self) -> Result<Option<Lease>, EngineError> {
        match self.ride_lease().await {
            Ok(None) => Err(EngineError::RideElsewhere),
            Ok(lease) => Ok(lease),
            Err(error) => {
                tracing::warn!(%error, "it is not known whether a ride is under way elsewhere");
                Ok(None)
            }
        }
    }

    /// The lease of the one who rides, if nobody else does. Others look for a moment whether it is held; that is waited
    /// out.
    async fn ride_lease(&self) -> Result<Option<Lease>, LeaseError> {
        const A_LOOK: Duration = Duration::from_millis(200);
        let lease = Lease::acquire(self.home(), LeaseKind::Ride);
        tokio::time::timeout(A_LOOK, lease)
            .await
            .map_or(Ok(None), |lease| lease.map(Some))
    }

    fn journal(&self, lease: Option<Lease>) -> Result<Arc<dyn Journal>, StoreError> {
        let journal = RideJournal::new(self.store().clone(), self.rider()?);
        Ok(Arc::new(journal.holding(lease)))
    }

    fn options(&self, speed: f64, autostart: bool) -> Options {
        let clock = Arc::clone(self.core.clock());
        let now = move || Timestamp::from_millisecond(clock.now().wall.0).unwrap_or_default();
        Options {
            speed,
            autostart,
            ..Options::new(now)
        }
    }
}

impl Session {
    /// This process puts the profile right; `left` if a ride in it has not ended.
    pub(super) async fn launched(
        &self,
        vault: VaultCondition,
        left: bool,
    ) -> Result<(), StoreError> {
        let home = self.store.home().clone();
        // Looked at in the transaction: whoever begins a ride has the lease before the session hears of it.
        let launched = move || {
            let ride = match Lease::is_held(&home, LeaseKind::Ride) {
                Ok(true) => OpenRide::UnderWay,
                Ok(false) | Err(_) if left => OpenRide::Left,
                Ok(false) | Err(_) => OpenRide::None,
            };
            Event::Launched { vault, ride }
        };
        self.apply_if(launched, |_| true).await.map(drop)
    }

    /// What a ride began with holds until it ends, and no longer than the process that rides: that one has the lease.
    pub(super) async fn end_dead_ride(&self) {
        let home = self.store.home().clone();
        let dead = move |facts: &Facts| {
            facts.riding.is_some() && Lease::is_held(&home, LeaseKind::Ride).is_ok_and(|held| !held)
        };
        if !self.facts().is_ok_and(|facts| facts.riding.is_some()) {
            return;
        }
        if let Err(error) = self.apply_if(|| Event::RideEnded, dead).await {
            tracing::warn!(%error, "the end of a ride could not be noted in the session");
        }
    }
}
