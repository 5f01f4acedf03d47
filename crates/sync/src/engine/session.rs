//! The session's shell: holds the tokens, feeds events to `policy::session`, and stores what it says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use freewheel_policy::lane::{Lane, LaneOutcome};
use freewheel_policy::session::{
    self, Action, Event, Facts, Principal, RefreshReason, VaultCondition,
};
use freewheel_policy::time::{Millis, Now};
use freewheel_policy::{Generation, WallMs};

use super::record::{KeyAtHand, Record, Sealed};
use super::saving::Unsaved;
use super::tokens::TokenSet;
use super::wake::Wakes;
use secrecy::SecretString;

use crate::clock::SharedClock;
use crate::store::{Store, StoreError, StoredSession};
use crate::vault::{Vault, VaultError, VaultKey, VaultKind, account_entry};

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
    /// The tokens that this process saved last.
    pub(super) newest: Mutex<Option<Unsaved>>,
    /// The key that opened or sealed the stored tokens last.
    at_hand: Mutex<Option<KeyAtHand>>,
    /// A blocked account is to be asked about once more.
    recheck: AtomicBool,
    /// The lanes' bells.
    pub(super) wakes: Arc<Wakes>,
}

/// The token that a lane sends along.
#[derive(Clone)]
pub(crate) struct Bearer {
    tokens: Arc<TokenSet>,
    /// Whose it is, and where it may be sent.
    pub(super) principal: Principal,
}

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
        &self.tokens.access
    }

    /// Which set it is of.
    pub(crate) fn generation(&self) -> Generation {
        self.tokens.generation
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
            newest: Mutex::new(None),
            at_hand: Mutex::new(None),
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

    /// Applies an event to the stored facts and journals it, in one transaction across processes.
    /// Wishes that need no answer (waking, dropping a token) are fulfilled here; all are returned.
    pub(crate) async fn apply(&self, event: Event) -> Result<Vec<Action>, StoreError> {
        self.apply_if(move || event.clone(), |_| true).await
    }

    /// The same, if the facts in the transaction want it; which event it is, is found out there too. The clock is read there too, so that changes are as old as
    /// their order says.
    pub(super) async fn apply_if(
        &self,
        event: impl Fn() -> Event + Send + 'static,
        wanted: impl Fn(&Facts) -> bool + Send + 'static,
    ) -> Result<Vec<Action>, StoreError> {
        let (clock, hand) = (Arc::clone(&self.clock), self.at_hand());
        let change = move |store: &Store| {
            store.change_session(|change| {
                let now = clock.now();
                let mut record = Record::open(change, &now, hand.as_ref())?;
                if !wanted(record.facts()) {
                    return Ok(vec![]);
                }
                record.examine();
                let actions = record.apply(&event());
                record.close()?;
                Ok(actions)
            })
        };
        let actions = self.store.run(change).await?;
        self.obey(&actions);
        Ok(actions)
    }

    /// Tells of the vault's condition, if that is not what is stored.
    async fn note_vault(&self, condition: VaultCondition) {
        let known = self.store.run(stored_facts).await;
        if known.is_ok_and(|facts| facts.vault == condition) {
            return;
        }
        let changes = move |facts: &Facts| facts.vault != condition;
        let noted = self.apply_if(move || Event::VaultChanged(condition), changes);
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the vault's condition could not be stored");
        }
    }

    /// The tokens of a stored generation, when memory has them.
    fn live_of(&self, generation: Generation) -> Option<Arc<TokenSet>> {
        self.live().filter(|live| live.generation == generation)
    }

    /// Fulfils the wishes that need no answer.
    pub(super) fn obey(&self, actions: &[Action]) {
        for action in actions {
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
                    self.forget_newest();
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
    }

    /// Tells of an authenticated answer to a call with `bearer`; skipped while it would change nothing worth storing.
    pub(crate) async fn contact(
        &self,
        bearer: &Bearer,
        date: Option<WallMs>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let server_time = date.unwrap_or(now.wall);
        self.note_contact(bearer.generation(), server_time, &now);
        let facts = self.store.run(stored_facts).await?;
        if session::contact_matters(&facts, server_time, &now) {
            let caller = Some(bearer.caller());
            let contact = Event::Contact {
                server_time,
                caller,
            };
            self.apply(contact).await?;
        }
        Ok(())
    }

    /// Tokens that are not saved yet bring the last contact that was made with them.
    fn note_contact(&self, generation: Generation, server_time: WallMs, at: &Now) {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unsaved) = unsaved.as_mut()
            && unsaved.tokens.generation == generation
        {
            unsaved.contact = Some((server_time, at.clone()));
        }
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
        self.bearer_if(|_| true).await
    }

    /// The same, and none but this account's: another athlete may have signed in since the caller looked.
    pub(crate) async fn bearer_of(&self, account: &str) -> Result<Bearer, NoBearer> {
        self.bearer_if(|facts| account_id(facts).as_deref() == Some(account))
            .await
    }

    async fn bearer_if(&self, fits: impl Fn(&Facts) -> bool + Send) -> Result<Bearer, NoBearer> {
        let stored = self.store.run(Store::session).await.ok().flatten();
        let stored = stored.ok_or(NoBearer::NotAllowed)?;
        let facts = read_facts(&stored);
        if !fits(&facts) {
            return Err(NoBearer::NotAllowed);
        }
        let now = self.clock.now();
        if !session::access(&facts, &now).calls {
            return Err(NoBearer::NotAllowed);
        }
        self.notice_put_back(&stored);
        if let Some(unsaved) = self.unsaved()
            && unsaved.follows == Generation(stored.generation)
            && account_id(&facts).as_ref() == Some(&unsaved.account)
        {
            return self.bearer_with(unsaved.tokens, &facts).await;
        }
        if !session::access_token_usable(&facts, &now, margin(&facts)) {
            return Err(NoBearer::WaitsForRefresh);
        }
        match self.unsealed(&stored, &facts).await {
            Ok(tokens) => self.bearer_with(tokens, &facts).await,
            Err(_) => Err(NoBearer::NotAllowed),
        }
    }

    async fn bearer_with(&self, tokens: Arc<TokenSet>, facts: &Facts) -> Result<Bearer, NoBearer> {
        let principal = self.principal_of(&tokens, facts).await;
        let principal = principal.ok_or(NoBearer::NotAllowed)?;
        Ok(Bearer { tokens, principal })
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
        if let Some(live) = self.live_of(generation) {
            // Another process may have told of a vault that gave it nothing. The key of these is here.
            let here = |hand: KeyAtHand| hand.generation == generation;
            if facts.vault != VaultCondition::Ready && self.at_hand().is_some_and(here) {
                self.note_vault(VaultCondition::Ready).await;
            }
            return Ok(live);
        }
        let result = self.unseal(stored, facts, generation, way).await;
        if result.is_err()
            && let Some(live) = self.live_of(generation)
        {
            return Ok(live); // Somebody else here had the key meanwhile.
        }
        self.note_vault(match &result {
            Ok(_) => VaultCondition::Ready,
            Err(error) => condition(error),
        })
        .await;
        let tokens = Arc::new(result?);
        self.keep(Arc::clone(&tokens));
        self.note_unrenewable(&tokens).await;
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
        let Some(sealed) = &stored.sealed else {
            self.examine_without_tokens(account, stored, facts, way)
                .await?;
            return Err(VaultError::Missing);
        };
        if let Some(hand) = self.at_hand()
            && (hand.account == account && hand.generation == generation)
            && let Ok(tokens) = TokenSet::open(&hand.key, &account, generation, sealed)
        {
            return Ok(self
                .named(tokens, facts, &hand.key, (&account, sealed))
                .await);
        }
        let key = self.key_by(&account, stored, way).await?;
        let opened = match TokenSet::open(&key, &account, generation, sealed) {
            Ok(tokens) => Ok(self.named(tokens, facts, &key, (&account, sealed)).await),
            Err(error) => Err(error),
        };
        let sealed = match &opened {
            Ok(tokens) if tokens.vouched => Sealed::Vouched,
            Ok(tokens) => Sealed::Before {
                again: tokens.seal(&key, &account)?,
            },
            Err(_) => Sealed::Closed,
        };
        let hand = KeyAtHand {
            account,
            key,
            generation,
            sealed,
        };
        if let Err(error) = self.examine(hand).await {
            tracing::warn!(%error, "the grace could not be checked");
        }
        Ok(opened?)
    }

    /// Tokens that are known of and are gone may have been taken out by hand. The key tells of the grace without them.
    async fn examine_without_tokens(
        &self,
        account: String,
        stored: &StoredSession,
        facts: &Facts,
        way: Way,
    ) -> Result<(), VaultError> {
        if facts.tokens.is_none() {
            return Ok(());
        }
        let key = self.key_by(&account, stored, way).await?;
        let hand = KeyAtHand {
            account,
            key,
            generation: Generation(stored.generation),
            sealed: Sealed::Closed,
        };
        if let Err(error) = self.examine(hand).await {
            tracing::warn!(%error, "the grace could not be checked");
        }
        Ok(())
    }

    /// A key that was in the key file never was in a keyring, which need not be asked.
    async fn key_by(
        &self,
        account: &str,
        stored: &StoredSession,
        way: Way,
    ) -> Result<VaultKey, VaultError> {
        if is_in_key_file(stored) {
            return self.vault.key_in_file(account);
        }
        match way {
            Way::Asking => self.vault.key(account).await,
            Way::Quietly => self.vault.key_without_asking(account).await,
        }
    }

    /// Checks the stored grace with a key that was just had, and keeps it at hand if it opens the tokens.
    pub(super) async fn examine(&self, hand: KeyAtHand) -> Result<(), StoreError> {
        // Unsaved tokens bring their own; what is stored was left behind for them.
        if self.unsaved().is_none() {
            let (clock, hand) = (Arc::clone(&self.clock), hand.clone());
            let change = move |store: &Store| {
                store.change_session(|change| {
                    let now = clock.now();
                    let mut record = Record::open(change, &now, Some(&hand))?;
                    record.examine();
                    record.close()
                })
            };
            self.store.run(change).await?;
        }
        match hand.sealed {
            Sealed::Closed => {}
            Sealed::Vouched | Sealed::Before { .. } => self.take_in_hand(KeyAtHand {
                sealed: Sealed::Vouched,
                ..hand
            }),
        }
        Ok(())
    }

    /// The account's key for the stored tokens of a generation: the one at hand, else the vault's.
    pub(super) async fn key(
        &self,
        account: &str,
        generation: Generation,
    ) -> Result<VaultKey, VaultError> {
        match self.at_hand() {
            Some(hand) if hand.account == account && hand.generation == generation => Ok(hand.key),
            Some(_) | None => self.vault.key(account).await,
        }
    }

    /// The key that opened or sealed the stored tokens last.
    pub(super) fn at_hand(&self) -> Option<KeyAtHand> {
        self.at_hand
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn take_in_hand(&self, hand: KeyAtHand) {
        *self.at_hand.lock().unwrap_or_else(PoisonError::into_inner) = Some(hand);
    }

    /// Where the tokens are kept, in a word: `keyring`, `key_file`, `memory` or `none`.
    pub(super) fn kept_in(&self) -> &'static str {
        if self.unsaved().is_some() {
            return "memory";
        }
        match self.vault.kind() {
            kind @ (VaultKind::Keyring | VaultKind::KeyFile) => kind.as_str(),
            VaultKind::Unknown => "none",
        }
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

/// The facts of a stored session, as far as they can be read.
pub(crate) fn read_facts(stored: &StoredSession) -> Facts {
    super::facts::read(stored).facts
}

/// Whether the key of the stored tokens was put into the key file.
pub(super) fn is_in_key_file(stored: &StoredSession) -> bool {
    stored.key_place.as_deref() == Some(VaultKind::KeyFile.as_str())
}

pub(crate) fn stored_facts(store: &Store) -> Result<Facts, StoreError> {
    Ok(store
        .session()?
        .as_ref()
        .map_or_else(Facts::default, read_facts))
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
