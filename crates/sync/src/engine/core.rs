//! What the lanes, the session and the handle share.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use freewheel_policy::budget::Budget;
use freewheel_policy::lane::Lane;
use freewheel_policy::reach::Reach;
use freewheel_policy::session::{SystemNetwork, VaultCondition, recheck_is_possible};
use freewheel_policy::time::WallMs;
use freewheel_policy::{backoff, grace};
use tokio::sync::{Notify, watch};

use super::issuer::{Issuer, service_address};
use super::lane::{Attempt, LaneState};
use super::refresh::Refreshed;
use super::revoking::Revoking;
use super::session::{Bearer, Session, Way, account_id, read_facts};
use super::sign_in::SignInSlot;
use super::wake::Wakes;
use crate::clock::SharedClock;
use crate::entropy::Entropy;
use crate::lease::Lease;
use crate::network::NetworkProbe;
use crate::remote::call::Api;
use crate::remote::{Http, ServerAddress};
use crate::store::{RIDE_KIND, Store, StoreError};
use crate::view::{NetworkFact, SyncView};

/// The inside of an engine.
pub(crate) struct Core {
    pub(super) session: Arc<Session>,
    pub(super) issuer: Arc<Issuer>,
    pub(super) wakes: Arc<Wakes>,
    pub(super) view: watch::Sender<SyncView>,
    pub(super) sign_in: SignInSlot,
    pub(super) revoking: Revoking,
    /// Held while this process is the profile's syncer.
    pub(super) lease: Mutex<Option<Lease>>,
    /// Rung when the view should be composed again.
    pub(super) view_bell: Notify,
    pub(super) network: Arc<dyn NetworkProbe>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// Guards what several lanes read, change and write: the budget, and what is known of the service.
    pub(super) ledger: tokio::sync::Mutex<()>,
    /// Syncs that somebody waits for, one at a time, and how many were begun.
    pub(super) passing: tokio::sync::Mutex<()>,
    pub(super) passes: AtomicU64,
    busy: [AtomicU32; 2],
    /// One HTTP client per server, so that connections are used again.
    api: Mutex<Option<Api>>,
}

/// Marks a lane as busy until dropped.
pub(super) struct Busy<'a>(Option<&'a AtomicU32>, &'a Notify);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        self.1.notify_one();
    }
}

impl Core {
    pub(super) fn new(
        session: Arc<Session>,
        issuer: Arc<Issuer>,
        wakes: Arc<Wakes>,
        network: Arc<dyn NetworkProbe>,
        entropy: Arc<dyn Entropy>,
        view: SyncView,
    ) -> Self {
        Self {
            session,
            issuer,
            wakes,
            view: watch::Sender::new(view),
            sign_in: SignInSlot::default(),
            revoking: Revoking::default(),
            lease: Mutex::new(None),
            view_bell: Notify::new(),
            network,
            entropy,
            ledger: tokio::sync::Mutex::new(()),
            passing: tokio::sync::Mutex::new(()),
            passes: AtomicU64::new(0),
            busy: [AtomicU32::new(0), AtomicU32::new(0)],
            api: Mutex::new(None),
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.session.store
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.session.clock
    }

    pub(super) fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    /// Asks for the view to be composed again, soon.
    pub(super) fn refresh_view(&self) {
        self.view_bell.notify_one();
    }

    pub(super) fn busy(&self, lane: Lane) -> Busy<'_> {
        let count = match lane {
            Lane::Library => self.busy.first(),
            Lane::Rides | Lane::Edits => self.busy.get(1),
            Lane::Session | Lane::Status => None,
        };
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.refresh_view();
        Busy(count, &self.view_bell)
    }

    /// Whether the library is being pulled, and whether rides or edits are being sent.
    pub(super) fn business(&self) -> (bool, bool) {
        let busy = |index: usize| {
            self.busy
                .get(index)
                .is_some_and(|count| count.load(Ordering::Relaxed) > 0)
        };
        (busy(0), busy(1))
    }

    /// The API of the service that the token is for.
    pub(super) fn api(&self, bearer: &Bearer) -> Option<Api> {
        let address = bearer.service_address()?;
        let mut api = self
            .api
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(api) = api.as_ref()
            && *api.address() == address
        {
            return Some(api.clone());
        }
        let http = Http::new(address.is_loopback());
        let http = http
            .inspect_err(|error| tracing::error!(%error, "no HTTP client"))
            .ok()?;
        *api = Some(Api::new(http, address));
        api.clone()
    }

    pub(super) fn system_network(&self) -> SystemNetwork {
        match self.network.state() {
            NetworkFact::Up => SystemNetwork::Up,
            NetworkFact::Down => SystemNetwork::Down,
            NetworkFact::Unknown => SystemNetwork::Unknown,
        }
    }

    /// One attempt of the session lane: a refresh, if one is wanted. `asked`: by the athlete, just now.
    pub(super) async fn attempt_session(&self, asked: bool) -> Attempt {
        let now = self.clock().now();
        let way = if asked { Way::Asking } else { Way::Quietly };
        // The facts may not know of them: perhaps nothing could be written.
        if self.session.unsaved().is_some() {
            return match self.session.save_unsaved(way).await {
                Ok(()) => Attempt::Nothing,
                Err(error) => {
                    tracing::warn!(%error, "the tokens are still unsaved");
                    Attempt::Unstored
                }
            };
        }
        if let Err(error) = self.session.give_up_lost_tokens().await {
            tracing::warn!(%error, "the session could not be read or written");
            return Attempt::Unstored;
        }
        let Ok(facts) = self.session.facts() else {
            return Attempt::Nothing;
        };
        if facts.vault != VaultCondition::Ready {
            self.probe_vault(way).await;
            return Attempt::Nothing;
        }
        if asked && recheck_is_possible(&facts) {
            self.session.wish_recheck();
        }
        let wanted = freewheel_policy::session::refresh_wanted(&facts, &now).is_some();
        if !self.session.takes_recheck() && !wanted {
            return Attempt::Nothing;
        }
        match self.session.refresh(&self.issuer).await {
            Refreshed::Fresh | Refreshed::Refused => Attempt::Done,
            Refreshed::NotPossible => Attempt::Unstored,
            Refreshed::Trouble {
                trouble,
                retry_after,
            } => Attempt::Failed {
                trouble,
                retry_after,
            },
        }
    }

    /// Asks the vault for the account's key, without a request to anybody; the session is told of a change.
    pub(super) async fn probe_vault(&self, way: Way) {
        let stored = self.store().run(Store::session).await;
        let stored = stored.unwrap_or_else(|error| {
            tracing::warn!(%error, "the sealed tokens could not be read");
            None
        });
        if let Some(stored) = stored {
            let facts = read_facts(&stored);
            let kept = stored.sealed.is_some() || facts.tokens.is_some();
            if kept
                && !facts.signed_out
                && let Err(error) = self.session.unsealed_by(&stored, &facts, way).await
            {
                tracing::info!(code = error.code(), "the vault does not give the key");
            }
        }
        // It tells where the key was found.
        self.refresh_view();
    }

    /// When the next ride is due. A time that no backoff could have set is left over from a clock that was ahead: such
    /// rides are due now.
    pub(super) async fn next_ride_due(&self) -> Option<i64> {
        let account = account_id(&self.session.facts().ok()?)?;
        let now = self.clock().now().wall;
        let latest = now.plus(backoff::CAP).plus(grace::TOLERANCE).0;
        let due = self.store().run(move |store| {
            let due = store.next_due(RIDE_KIND, &account)?;
            if due.is_some_and(|due| due > latest) {
                store.make_due_by(RIDE_KIND, &account, now.0)?;
                return Ok(Some(now.0));
            }
            Ok(due)
        });
        match due.await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "the outbox could not be read");
                None
            }
        }
    }

    /// Rides that wait for a later try are tried at `by`.
    pub(super) async fn make_rides_due(&self, by: WallMs) {
        let Ok(Some(account)) = self.session.facts().map(|facts| account_id(&facts)) else {
            return;
        };
        let due = self
            .store()
            .run(move |store| store.make_due_by(RIDE_KIND, &account, by.0));
        if let Err(error) = due.await {
            tracing::warn!(%error, "the rides that wait could not be made due");
        }
    }

    pub(super) async fn lane_state(&self, lane: Lane) -> LaneState {
        self.stored(lane_name(lane)).await.unwrap_or_default()
    }

    pub(super) async fn put_lane_state(
        &self,
        lane: Lane,
        state: LaneState,
    ) -> Result<(), StoreError> {
        self.store()
            .run(move |store| {
                store.put_lane_state(lane_name(lane), &serde_json::to_string(&state)?)
            })
            .await
    }

    pub(super) async fn reach(&self) -> Reach {
        let address = self.address();
        let loopback = address.as_ref().is_some_and(ServerAddress::is_loopback);
        let stored: Option<Reach> = self.stored(&reach_name(address.as_ref())).await;
        stored.unwrap_or_else(|| Reach::new(loopback))
    }

    pub(super) async fn put_reach(&self, reach: &Reach) -> Result<(), StoreError> {
        let (name, state) = (
            reach_name(self.address().as_ref()),
            serde_json::to_string(reach)?,
        );
        self.store()
            .run(move |store| store.put_lane_state(&name, &state))
            .await
    }

    pub(super) async fn budget(&self) -> Budget {
        self.budget_at(&self.origin()).await
    }

    /// An attempt costs a token. The plan has seen to it that there was one.
    pub(super) async fn spend(&self) -> Result<(), StoreError> {
        self.spend_at(&self.origin()).await.map(drop)
    }

    /// The attempt cost nothing after all.
    pub(super) async fn refund(&self) -> Result<(), StoreError> {
        self.refund_at(&self.origin()).await
    }

    /// Takes a token for an attempt at `origin`. Returns whether there was one.
    pub(super) async fn spend_at(&self, origin: &str) -> Result<bool, StoreError> {
        let _one_at_a_time = self.ledger.lock().await;
        let budget = self.budget_at(origin).await;
        match budget.spend(self.clock().now().wall) {
            Ok(budget) => self.put_budget(origin, &budget).await.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// The attempt at `origin` cost nothing after all.
    pub(super) async fn refund_at(&self, origin: &str) -> Result<(), StoreError> {
        let _one_at_a_time = self.ledger.lock().await;
        let budget = self.budget_at(origin).await;
        let budget = budget.refund(self.clock().now().wall);
        self.put_budget(origin, &budget).await
    }

    async fn budget_at(&self, origin: &str) -> Budget {
        let origin = origin.to_owned();
        let stored = self
            .store()
            .run(move |store| store.budget(&origin))
            .await
            .ok()
            .flatten();
        let budget = stored.and_then(|text| serde_json::from_str(&text).ok());
        budget.unwrap_or_else(|| Budget::full(self.clock().now().wall))
    }

    async fn put_budget(&self, origin: &str, budget: &Budget) -> Result<(), StoreError> {
        let (origin, state) = (origin.to_owned(), serde_json::to_string(budget)?);
        self.store()
            .run(move |store| store.put_budget(&origin, &state))
            .await
    }

    fn address(&self) -> Option<ServerAddress> {
        service_address(&self.session.facts().ok()?)
    }

    fn origin(&self) -> String {
        self.address()
            .map_or_else(|| "none".to_owned(), |address| address.origin())
    }

    async fn stored<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        let name = name.to_owned();
        let text = self
            .store()
            .run(move |store| store.lane_state(&name))
            .await
            .ok()
            .flatten()?;
        serde_json::from_str(&text).ok()
    }
}

/// Where a lane's state is stored.
pub(super) fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Session => "session",
        Lane::Library => "library",
        Lane::Rides => "rides",
        Lane::Edits => "edits",
        Lane::Status => "status",
    }
}

/// Where it is stored what is known of the way to a server.
pub(super) fn reach_name(address: Option<&ServerAddress>) -> String {
    format!(
        "reach {}",
        address.map_or_else(|| "none".to_owned(), ServerAddress::origin)
    )
}
