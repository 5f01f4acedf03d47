//! Saving new tokens, and keeping those in memory that cannot be saved.

use std::sync::Arc;

use freewheel_policy::definitive::TokenOutcome;
use freewheel_policy::session::{Caller, Event, Facts, Principal, SavedTokens};
use freewheel_policy::time::{Millis, Now};
use freewheel_policy::{Fingerprint, Generation, WallMs};
use secrecy::{ExposeSecret as _, SecretString};

use super::record::{KeyAtHand, Record, Sealed};
use super::refresh::Granted;
use super::session::{Session, Way};
use super::tokens::TokenSet;
use crate::lease::{Lease, LeaseKind};
use crate::remote::issuer::UNTOLD_LIFE;
use crate::store::{Store, StoreError};
use crate::vault::{VaultError, VaultKey};

/// The life of an access token that can be renewed and whose life is not told.
const UNTOLD: Millis = Millis::mins(5);

/// New tokens that are in memory only. They are the only ones that count: the stored ones were spent for them.
#[derive(Clone)]
pub(super) struct Unsaved {
    /// Whose they are, as in [`super::session::account_id`].
    pub(super) account: String,
    /// The stored generation that they follow.
    pub(super) follows: Generation,
    pub(super) saved: SavedTokens,
    pub(super) tokens: Arc<TokenSet>,
    /// When they came: from then on the grace counts, whenever they are saved.
    pub(super) came: Now,
    /// The last contact that was made with them: the server's time, and this computer's.
    pub(super) contact: Option<(WallMs, Now)>,
    /// Held while they are unsaved, so that no other process spends what they were got for.
    pub(super) lease: Option<Arc<Lease>>,
}

impl Unsaved {
    /// Tokens as they came. Without a new refresh token the old one goes on (RFC 6749 §6).
    pub(super) fn new(
        account: String,
        principal: Principal,
        follows: Generation,
        old: Option<&SecretString>,
        granted: Granted,
        lease: Option<Arc<Lease>>,
    ) -> Self {
        let refresh = granted.answer.refresh_token.map(SecretString::from);
        let tokens = TokenSet {
            generation: follows.next(),
            access: granted.answer.access_token.into(),
            refresh: refresh.or_else(|| old.cloned()).unwrap_or_default(),
            vouched: true,
            principal: Some(principal),
        };
        let unrenewable = tokens.refresh.expose_secret().is_empty();
        let saved = SavedTokens {
            generation: tokens.generation,
            // Given with the key.
            fingerprint: Fingerprint::default(),
            server_time: granted.server_time,
            access_life: life(granted.answer.expires_in, unrenewable),
            refresh_until: None,
            offline_grace: granted.offline_grace,
            unrenewable,
        };
        Self {
            account,
            follows,
            saved,
            tokens: Arc::new(tokens),
            came: granted.came,
            contact: None,
            lease,
        }
    }

    /// The same, to follow another stored generation.
    pub(super) fn following(self, follows: Generation) -> Self {
        let generation = follows.next();
        let tokens = TokenSet {
            generation,
            access: self.tokens.access.clone(),
            refresh: self.tokens.refresh.clone(),
            vouched: true,
            principal: self.tokens.principal.clone(),
        };
        Self {
            follows,
            saved: SavedTokens {
                generation,
                ..self.saved
            },
            tokens: Arc::new(tokens),
            ..self
        }
    }

    /// The same, named with a key.
    pub(super) fn named(self, key: &VaultKey) -> Self {
        let saved = SavedTokens {
            fingerprint: fingerprint(key, &self.tokens),
            ..self.saved
        };
        Self { saved, ..self }
    }

    /// Tells of them by `event`, as of when they came, and of the last contact that was made with them. That they are noted
    /// or saved later is no contact, and takes none back.
    fn tell(&self, record: &mut Record<'_>, event: &Event) {
        record.apply_at(event, &self.came);
        if let (Some((server_time, at)), Some(principal)) = (&self.contact, &self.tokens.principal)
        {
            let caller = Caller {
                generation: self.tokens.generation,
                principal: principal.clone(),
            };
            let contact = Event::Contact {
                server_time: *server_time,
                caller: Some(caller),
            };
            record.apply_at(&contact, at);
        }
    }

    /// What is at hand once they are sealed with `key`.
    pub(super) fn hand(&self, key: &VaultKey) -> KeyAtHand {
        KeyAtHand {
            account: self.account.clone(),
            key: key.clone(),
            generation: self.tokens.generation,
            sealed: Sealed::Vouched,
        }
    }
}

/// Why tokens could not be saved.
#[derive(Debug, thiserror::Error)]
pub(super) enum SaveError {
    /// The key could not be had or kept.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The disk did not take them.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Session {
    /// Seals and stores the tokens that a refresh brought. A store that fails leaves them in memory, where they work
    /// until the program ends.
    pub(super) async fn save(&self, key: &VaultKey, new: Unsaved) -> Result<(), StoreError> {
        let new = new.named(key);
        self.keep(Arc::clone(&new.tokens));
        match self.commit(key, new.clone(), true).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "new tokens could not be saved");
                let saved = new.saved.clone();
                self.set_unsaved(Some(new));
                self.apply(Event::TokenAnswer(TokenOutcome::Granted))
                    .await?;
                self.apply(Event::SaveFailed(saved)).await.map(drop)
            }
        }
    }

    /// Tries again to save tokens that are in memory only; whether the athlete may be asked for a password is the
    /// caller's choice. Waits for a renewal or a sign-in that is under way: what they read stays as it is until they end.
    pub(super) async fn save_unsaved(&self, way: Way) -> Result<(), SaveError> {
        let _alone = self.refreshing.lock().await;
        self.save_unsaved_alone(way).await
    }

    /// The same, for whoever holds [`Session::refreshing`].
    pub(super) async fn save_unsaved_alone(&self, way: Way) -> Result<(), SaveError> {
        let Some(unsaved) = self.unsaved() else {
            return Ok(());
        };
        let account = unsaved.account.as_str();
        let key = match (self.at_hand(), way) {
            (Some(hand), _)
                if hand.account == account
                    && [unsaved.follows, unsaved.tokens.generation].contains(&hand.generation) =>
            {
                Ok(hand.key)
            }
            (_, Way::Asking) => self.vault.create_key(account).await,
            (_, Way::Quietly) => self.vault.create_key_without_asking(account).await,
        };
        let saved = match key {
            Ok(key) => self.commit(&key, unsaved.clone().named(&key), false).await,
            Err(error) => Err(error.into()),
        };
        if saved.is_err() {
            self.note_unsaved(&unsaved).await;
            return saved;
        }
        self.set_unsaved(None);
        Ok(())
    }

    /// Unsaved tokens of a process that has ended are lost; one that lives has the lease.
    pub(super) async fn give_up_lost_tokens(&self) -> Result<(), StoreError> {
        if self.facts()?.unsaved.is_none() {
            return Ok(());
        }
        if let Ok(Some(_lease)) = Lease::try_acquire(self.store.home(), LeaseKind::Refresh) {
            self.note_lost().await?;
        }
        Ok(())
    }

    /// Notes that unsaved tokens are lost, if there are any still. The caller holds the lease that whoever has them holds.
    pub(super) async fn note_lost(&self) -> Result<(), StoreError> {
        let lost = |facts: &Facts| facts.unsaved.is_some();
        self.apply_if(|| Event::UnsavedLost, lost).await.map(drop)
    }

    /// Another process that started meanwhile may have taken them for lost.
    async fn note_unsaved(&self, unsaved: &Unsaved) {
        if !self.facts().is_ok_and(|facts| facts.unsaved.is_none()) {
            return;
        }
        let (clock, hand) = (Arc::clone(&self.clock), self.at_hand());
        let unsaved = unsaved.clone();
        let change = move |store: &Store| {
            store.change_session(|change| {
                let now = clock.now();
                let mut record = Record::open(change, &now, hand.as_ref())?;
                if record.facts().unsaved.is_some() {
                    return Ok(());
                }
                record.examine();
                unsaved.tell(&mut record, &Event::SaveFailed(unsaved.saved.clone()));
                record.apply(&Event::Tick);
                record.close()
            })
        };
        match self.store.run(change).await {
            Ok(()) => self.wake_lanes(),
            Err(error) => {
                tracing::debug!(%error, "it could not be noted that tokens are unsaved");
            }
        }
    }

    /// Commits tokens, their generation, the facts and what vouches for them in one transaction. `answered`: they come
    /// straight from a refresh.
    async fn commit(&self, key: &VaultKey, new: Unsaved, answered: bool) -> Result<(), SaveError> {
        let sealed = new.tokens.seal(key, &new.account)?;
        let (clock, after) = (Arc::clone(&self.clock), new.hand(key));
        // A key that is had only now has seen nothing of what is stored.
        let known = self.at_hand();
        let before =
            known.filter(|hand| hand.account == new.account && hand.generation == new.follows);
        let hand = before.clone().unwrap_or_else(|| after.clone());
        let newest = new.clone();
        let change = move |store: &Store| {
            store.change_session(|change| {
                let now = clock.now();
                let mut record = Record::open(change, &now, Some(&hand))?;
                if record.generation() != new.follows {
                    return Ok(false);
                }
                if before.is_some() {
                    record.examine();
                }
                if answered {
                    record.apply(&Event::TokenAnswer(TokenOutcome::Granted));
                }
                let generation = new.saved.generation;
                new.tell(&mut record, &Event::TokensSaved(new.saved.clone()));
                if !answered {
                    record.apply(&Event::Tick); // What has elapsed since they came is remembered at once.
                }
                record.close()?;
                change.put_tokens(generation.0, Some(&sealed))?;
                Ok(true)
            })
        };
        if self.store.run(change).await? {
            self.take_in_hand(after);
            self.remember_newest(newest);
        } else {
            // Another process was faster; its tokens are newer than ours.
            self.forget(|_| true);
        }
        self.wake_lanes();
        Ok(())
    }
}

/// The life of an access token. Where it is not told, one that can be renewed is renewed soon; any other may have no end,
/// and serves until the service refuses it.
fn life(told: u64, unrenewable: bool) -> Millis {
    match told {
        UNTOLD_LIFE if !unrenewable => UNTOLD,
        told => Millis::secs(told),
    }
}

/// Names a refresh token without telling it.
pub(super) fn fingerprint(key: &VaultKey, tokens: &TokenSet) -> Fingerprint {
    Fingerprint(key.fingerprint(tokens.refresh.expose_secret().as_bytes()))
}
