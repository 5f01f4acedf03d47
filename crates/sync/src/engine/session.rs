//! The session's shell: holds the tokens, feeds events to `policy::session`, and stores what it says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use freewheel_policy::lane::{Lane, LaneOutcome};
use freewheel_policy::session::{
    self, Action, Event, Facts, RefreshReason, SavedTokens, VaultCondition,
};
use freewheel_policy::time::{Millis, Now};
use freewheel_policy::{Generation, WallMs};

use super::tokens::TokenSet;
use super::wake::Wakes;
use secrecy::SecretString;

use crate::clock::SharedClock;
use crate::store::{Store, StoreError, StoredSession};
use crate::vault::{Vault, VaultError, VaultKey, account_entry};

/// The session of this profile, as this process knows it.
pub(crate) struct Session {
    pub(super) store: Store,
    pub(super) vault: Vault,
    pub(super) clock: SharedClock,
    /// Tokens that were unsealed or just granted.
    tokens: Mutex<Option<Arc<TokenSet>>>,
    /// One refresh at a time in this process.
    pub(super) refreshing: tokio::sync::Mutex<()>,
    /// Tokens that could not be saved.
    unsaved: Mutex<Option<Unsaved>>,
    /// A blocked account is to be asked about once more.
    recheck: AtomicBool,
    /// The lanes' bells.
    wakes: Arc<Wakes>,
}

/// New tokens that are in memory only. They are the only ones that count: the stored ones were spent for them.
#[derive(Clone)]
pub(super) struct Unsaved {
    /// Whose they are, as in [`account_id`].
    pub(super) account: String,
    /// The stored generation that they follow.
    pub(super) follows: Generation,
    pub(super) saved: SavedTokens,
    pub(super) tokens: Arc<TokenSet>,
}

/// The token that a lane sends along.
#[derive(Clone)]
pub(crate) struct Bearer(pub(super) Arc<TokenSet>);

/// Whether the keyring may ask the athlete for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It may: the app was just opened, or the athlete wants something.
    Asking,
    /// It may not.
    Quietly,
}

/// Why there is no token to send along now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoBearer {
    /// The account, the verdicts on it, or the vault do not allow calls; an event will wake the lanes.
    NotAllowed,
    /// The access token is used up; the session lane gets another.
    WaitsForRefresh,
}

/// A token with less than this left is not sent any more: 20 s, or a quarter of a short life, so that a refresh is
/// always wanted before the margin is reached.
fn margin(facts: &Facts) -> Millis {
    let life = facts.tokens.as_ref().and_then(|tokens| tokens.access);
    life.map_or(Millis::ZERO, |access| {
        Millis(access.life.0 / 4).min(Millis::secs(20))
    })
}

impl Bearer {
    /// What goes into the `Authorization` header.
    pub(crate) fn token(&self) -> &SecretString {
        &self.0.access
    }

    /// Which set it is of.
    pub(crate) fn generation(&self) -> Generation {
        self.0.generation
    }
}

impl Session {
    pub(crate) fn new(store: Store, vault: Vault, clock: SharedClock, wakes: Arc<Wakes>) -> Self {
        Self {
            store,
            vault,
            clock,
            tokens: Mutex::new(None),
            refreshing: tokio::sync::Mutex::new(()),
            unsaved: Mutex::new(None),
            recheck: AtomicBool::new(false),
            wakes,
        }
    }

    /// The facts as they are stored now.
    pub(crate) fn facts(&self) -> Result<Facts, StoreError> {
        Ok(self
            .store
            .session()?
            .as_ref()
            .map_or_else(Facts::default, read_facts))
    }

    /// Applies an event to the stored facts, in one transaction across processes, and journals it.
    /// Wishes that need no answer (waking, dropping a token) are fulfilled here; all are returned.
    pub(crate) async fn apply(&self, event: Event) -> Result<Vec<Action>, StoreError> {
        let now = self.clock.now();
        let actions = self
            .store
            .run(move |store| apply(store, &event, &now))
            .await?;
        for action in &actions {
            match action {
                Action::WakeLanes => self.wake_lanes(),
                Action::Refresh { reason } => {
                    if *reason == RefreshReason::Recheck {
                        self.wish_recheck();
                    }
                    self.wakes.of(Lane::Session).ring(LaneOutcome::Ready);
                }
                Action::SaveTokens => {
                    self.wakes.of(Lane::Session).ring(LaneOutcome::Ready);
                }
                Action::DropAccessToken { generation } => {
                    self.forget(|tokens| tokens.generation == *generation);
                }
                Action::ForgetTokens => {
                    self.set_unsaved(None);
                    self.forget(|_| true);
                }
                Action::DiscardNewTokens => self.forget(|_| true),
                // They are unsealed from the store when they are next needed.
                Action::RereadTokens => {
                    self.forget(|_| true);
                    self.wake_lanes();
                }
                Action::RetryRefreshAtOnce { .. }
                | Action::OpenProfile { .. }
                | Action::RevokeRemotely { .. } => {}
            }
        }
        Ok(actions)
    }

    /// Tells of an authenticated answer; skipped while it would change nothing worth storing.
    pub(crate) async fn contact(&self, date: Option<WallMs>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let server_time = date.unwrap_or(now.wall);
        let facts = self.store.run(stored_facts).await?;
        if session::contact_matters(&facts, server_time, &now) {
            self.apply(Event::Contact { server_time }).await?;
        }
        Ok(())
    }

    /// A blocked account is asked about once more.
    pub(super) fn wish_recheck(&self) {
        self.recheck.store(true, Ordering::Relaxed);
    }

    /// Whether a recheck was wished; once per wish.
    pub(super) fn takes_recheck(&self) -> bool {
        self.recheck.swap(false, Ordering::Relaxed)
    }

    /// The token to send along, from memory or unsealed.
    pub(crate) async fn bearer(&self) -> Result<Bearer, NoBearer> {
        let stored = self.store.run(Store::session).await.ok().flatten();
        let stored = stored.ok_or(NoBearer::NotAllowed)?;
        let facts = read_facts(&stored);
        let now = self.clock.now();
        if !session::access(&facts, &now).calls {
            return Err(NoBearer::NotAllowed);
        }
        if let Some(unsaved) = self.unsaved()
            && unsaved.follows == Generation(stored.generation)
            && account_id(&facts).as_ref() == Some(&unsaved.account)
        {
            return Ok(Bearer(unsaved.tokens));
        }
        if !session::access_token_usable(&facts, &now, margin(&facts)) {
            return Err(NoBearer::WaitsForRefresh);
        }
        match self.unsealed(&stored, &facts).await {
            Ok(tokens) => Ok(Bearer(tokens)),
            Err(_) => Err(NoBearer::NotAllowed),
        }
    }

    /// The stored tokens, from memory when it holds the same generation.
    pub(super) async fn unsealed(
        &self,
        stored: &StoredSession,
        facts: &Facts,
    ) -> Result<Arc<TokenSet>, VaultError> {
        self.unsealed_by(stored, facts, Way::Asking).await
    }

    /// The same; whether the athlete may be asked for a password is the caller's choice.
    pub(super) async fn unsealed_by(
        &self,
        stored: &StoredSession,
        facts: &Facts,
        way: Way,
    ) -> Result<Arc<TokenSet>, VaultError> {
        let generation = Generation(stored.generation);
        if let Some(live) = self.live()
            && live.generation == generation
        {
            return Ok(live);
        }
        let result = self.unseal(stored, facts, generation, way).await;
        let condition = match &result {
            Ok(_) => VaultCondition::Ready,
            Err(error) => condition(error),
        };
        if facts.vault != condition
            && let Err(error) = self.apply(Event::VaultChanged(condition)).await
        {
            tracing::warn!(%error, "the vault's condition could not be stored");
        }
        let tokens = Arc::new(result?);
        self.keep(Arc::clone(&tokens));
        Ok(tokens)
    }

    async fn unseal(
        &self,
        stored: &StoredSession,
        facts: &Facts,
        generation: Generation,
        way: Way,
    ) -> Result<TokenSet, VaultError> {
        let account = account_id(facts).ok_or(VaultError::Missing)?;
        let sealed = stored.sealed.as_ref().ok_or(VaultError::Missing)?;
        let key = match way {
            Way::Asking => self.key(&account).await?,
            Way::Quietly => self.vault.key_without_asking(&account).await?,
        };
        TokenSet::open(&key, &account, generation, sealed).map_err(|_| VaultError::Missing)
    }

    /// The account's key.
    pub(super) async fn key(&self, account: &str) -> Result<VaultKey, VaultError> {
        self.vault.key(account).await
    }

    /// The lanes may call the service again.
    pub(super) fn wake_lanes(&self) {
        for lane in [Lane::Library, Lane::Rides] {
            self.wakes.of(lane).ring(LaneOutcome::Ready);
        }
    }

    /// The tokens that could not be saved yet.
    pub(super) fn unsaved(&self) -> Option<Unsaved> {
        self.unsaved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_unsaved(&self, unsaved: Option<Unsaved>) {
        *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = unsaved;
    }

    pub(super) fn keep(&self, tokens: Arc<TokenSet>) {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens);
    }

    pub(super) fn live(&self) -> Option<Arc<TokenSet>> {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn forget(&self, which: impl FnOnce(&TokenSet) -> bool) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.as_deref().is_some_and(which) {
            *tokens = None;
        }
    }
}

/// The account's id in store, vault and seals; none when nobody ever signed in.
pub(crate) fn account_id(facts: &Facts) -> Option<String> {
    let account = facts.account.as_ref()?;
    Some(account_entry(&account.issuer, &account.subject))
}

/// The facts of a stored session. What cannot be read counts as unknown: the athlete signs in again, and nothing
/// else is lost.
pub(crate) fn read_facts(stored: &StoredSession) -> Facts {
    serde_json::from_str(&stored.facts).unwrap_or_else(|error| {
        tracing::error!(%error, "the stored session could not be read");
        Facts::default()
    })
}

pub(crate) fn stored_facts(store: &Store) -> Result<Facts, StoreError> {
    Ok(store
        .session()?
        .as_ref()
        .map_or_else(Facts::default, read_facts))
}

fn apply(store: &Store, event: &Event, now: &Now) -> Result<Vec<Action>, StoreError> {
    let mut record = None;
    let mut wished = Vec::new();
    store.update_facts(|stored| {
        let before = stored.map_or_else(Facts::default, read_facts);
        let (after, actions) = session::step(&before, event, now);
        wished = actions;
        let changed = after != before;
        if changed || *event != Event::Tick {
            record = Some((name(&before, now), name(&after, now)));
        }
        changed
            .then(|| serde_json::to_string(&after))
            .and_then(Result::ok)
    })?;
    if let Some((before, after)) = record
        && (*event != Event::Tick || before != after)
    {
        let event = serde_json::to_string(event)?;
        store.append_auth_event(now.wall.0, &event, &before, &after)?;
    }
    Ok(wished)
}

fn name(facts: &Facts, now: &Now) -> String {
    session::state(facts, now).name().to_owned()
}

/// What the vault's answer means for the session.
pub(super) fn condition(error: &VaultError) -> VaultCondition {
    match error {
        VaultError::Missing => VaultCondition::Missing,
        VaultError::Locked => VaultCondition::Locked,
        VaultError::Absent(_) => VaultCondition::Absent,
        VaultError::Denied(_) => VaultCondition::Denied,
        VaultError::TimedOut => VaultCondition::TimedOut,
        // The list of vault errors may grow; whatever is new is a failure of the vault.
        _ => VaultCondition::Failed,
    }
}
