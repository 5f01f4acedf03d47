//! Who comes and who goes: keeping what a sign-in brought, and signing out.

use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::session::{Account, Action, Event};
use freewheel_policy::time::Millis;
use freewheel_policy::{Generation, session};

use super::core::{Core, lane_name};
use super::lane::LaneState;
use super::record::Record;
use super::refresh::Granted;
use super::rides_lane::CONFIRMED_AT;
use super::saving::Unsaved;
use super::session::{Session, account_id, condition};
use super::wake::LANES;
use crate::error::EngineError;
use crate::sign_in::SignInError;
use crate::store::{NewRevocation, SessionChange, Store, StoreError};
use crate::vault::{VaultError, VaultKey, account_entry};

/// How long the athlete waits at a sign-out for the issuer to be told.
const MOMENT: Duration = Duration::from_millis(Millis::secs(3).0);

/// How an arrival ended that was not in vain.
enum Arrived {
    /// The athlete is signed in.
    In,
    /// The profile belongs to somebody else.
    WrongAccount,
    /// Somebody changed the tokens meanwhile: seal again for the generation after that.
    Overtaken,
}

impl Core {
    /// Takes in what a sign-in brought. Tokens whose key cannot be kept stay in memory and are saved later.
    pub(super) async fn arrive(
        &self,
        account: Account,
        granted: Granted,
    ) -> Result<String, SignInError> {
        let session = &self.session;
        let name = account.name.clone();
        let id = account_entry(&account.issuer, &account.subject);
        // A renewal of older tokens that ended in between would make these count as the older ones. Without the lease
        // the generation still tells.
        let _no_renewal = session.refreshing.lock().await;
        let lease = session.renewal_lease().await;
        let facts = session.facts().map_err(not_saved)?;
        let event = Event::SignInCompleted {
            account: account.clone(),
        };
        let (_, actions) = session::step(&facts, &event, &session.clock.now());
        if actions.contains(&Action::DiscardNewTokens) {
            session.apply(event).await.map_err(not_saved)?;
            return Err(SignInError::WrongAccount { name });
        }
        let key = session.vault.create_key(&id).await;
        let principal = account.principal();
        let mut new = Unsaved::new(id, principal, Generation::default(), None, granted, lease);
        loop {
            let stored = self.store().run(Store::session).await.map_err(not_saved)?;
            new = new.following(Generation(stored.map_or(0, |stored| stored.generation)));
            match session.take_in(&account, &new, key.as_ref()).await? {
                Arrived::In => return Ok(name),
                Arrived::WrongAccount => return Err(SignInError::WrongAccount { name }),
                Arrived::Overtaken => {}
            }
        }
    }

    /// Local first: nothing here needs the network. The issuer is told now if it can be, and later if not.
    pub(super) async fn sign_out(self: &Arc<Self>) -> Result<(), EngineError> {
        self.cancel_sign_in().await;
        let (clock, unsaved) = (Arc::clone(self.clock()), self.session.unsaved());
        let change = move |store: &Store| {
            let actions = store.change_session(|change| {
                let now = clock.now();
                let mut record = Record::open(change, &now, None)?;
                let (before, generation) = (record.facts().clone(), record.generation());
                let Some(issuer) = before
                    .account
                    .as_ref()
                    .map(|account| account.issuer.as_str())
                else {
                    return Ok(Vec::new());
                };
                if before.signed_out {
                    return Ok(Vec::new());
                }
                let account = account_id(&before).unwrap_or_default();
                change.queue_revocation(&NewRevocation {
                    account: &account,
                    issuer,
                    generation: generation.0,
                    sealed: record.sealed(),
                    due: now.wall.0,
                })?;
                let actions = record.apply(&Event::SignOut);
                record.close()?;
                // A refresh that is still under way cannot bring tokens back.
                change.put_tokens(generation.next().0, None)?;
                Ok(actions)
            })?;
            store.switch_account(None)?;
            Ok(actions)
        };
        let facts = self.session.facts()?;
        let actions = self.store().run(change).await?;
        self.session.obey(&actions);
        self.refresh_view();
        let core = Arc::clone(self);
        // A one-shot program would end before the issuer is told; the athlete waits a moment at the most.
        let telling = tokio::spawn(async move {
            if let Some(unsaved) = unsaved {
                core.tell_from_memory(&facts, &unsaved.tokens).await;
            }
            core.tell_revocations(true).await;
        });
        if tokio::time::timeout(MOMENT, telling).await.is_err() {
            tracing::info!(
                "the issuer could not be told of the sign-out in time; it is told later"
            );
        }
        self.revoking.ring(false);
        Ok(())
    }
}

impl Session {
    /// Makes the athlete who signed in this profile's, in one transaction with the tokens. Where the tokens cannot be
    /// saved, the facts say so and the tokens stay in memory.
    async fn take_in(
        &self,
        account: &Account,
        new: &Unsaved,
        key: Result<&VaultKey, &VaultError>,
    ) -> Result<Arrived, SignInError> {
        let cause = match key {
            Ok(key) => match self
                .take_in_sealed(account, new.clone().named(key), key)
                .await
            {
                Ok(arrived) => return Ok(arrived),
                Err(cause) => cause,
            },
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            cause,
            "the tokens of the sign-in stay in memory until they can be saved"
        );
        let (clock, account) = (Arc::clone(&self.clock), account.clone());
        let failed = Event::SaveFailed(new.saved.clone());
        let (follows, came) = (new.follows, new.came.clone());
        let vault = key.err().map(condition);
        let change = move |store: &Store| {
            store.change_session(|change| {
                let now = clock.now();
                let mut record = Record::open(change, &now, None)?;
                let arrived = come_in(change, &mut record, &account, follows)?;
                if let Arrived::In = arrived {
                    record.apply_at(&failed, &came);
                    if let Some(vault) = vault {
                        record.apply(&Event::VaultChanged(vault));
                    }
                }
                record.close()?;
                Ok(arrived)
            })
        };
        // Nothing could be written at all: of these tokens nothing is known but in memory, and the athlete signs in again.
        let arrived = self
            .store
            .run(change)
            .await
            .map_err(|_| SignInError::NotSaved { cause })?;
        if let Arrived::In = arrived {
            self.keep(Arc::clone(&new.tokens));
            self.set_unsaved(Some(new.clone()));
            self.wake_lanes();
        }
        Ok(arrived)
    }

    async fn take_in_sealed(
        &self,
        account: &Account,
        new: Unsaved,
        key: &VaultKey,
    ) -> Result<Arrived, String> {
        let sealed = new.tokens.seal(key, &new.account);
        let sealed = sealed.map_err(|error| error.to_string())?;
        let (clock, account) = (Arc::clone(&self.clock), account.clone());
        let hand = new.hand(key);
        let (tokens, follows, after) = (Arc::clone(&new.tokens), new.follows, hand.clone());
        let (saved, came) = (Event::TokensSaved(new.saved.clone()), new.came.clone());
        let generation = new.saved.generation.0;
        let change = move |store: &Store| {
            store.change_session(|change| {
                let now = clock.now();
                let mut record = Record::open(change, &now, Some(&hand))?;
                let arrived = come_in(change, &mut record, &account, follows)?;
                if let Arrived::In = arrived {
                    record.apply_at(&saved, &came);
                    record.close()?;
                    change.put_tokens(generation, Some(&sealed))?;
                } else {
                    record.close()?;
                }
                Ok(arrived)
            })
        };
        let arrived = self.store.run(change).await;
        let arrived = arrived.map_err(|error| error.to_string())?;
        if let Arrived::In = arrived {
            self.set_unsaved(None);
            self.keep(tokens);
            self.take_in_hand(after);
            self.wake_lanes();
        }
        Ok(arrived)
    }
}

/// Opens the profile for the athlete who signed in. Another athlete than the last one, who signed out, starts afresh:
/// rides and queue entries carry their owner's account and stay with it.
fn come_in(
    change: &SessionChange<'_>,
    record: &mut Record<'_>,
    account: &Account,
    follows: Generation,
) -> Result<Arrived, StoreError> {
    if record.generation() != follows {
        return Ok(Arrived::Overtaken);
    }
    let event = Event::SignInCompleted {
        account: account.clone(),
    };
    let mut actions = record.apply(&event);
    let another = |action: &Action| matches!(action, Action::OpenProfile { .. });
    if actions.iter().any(another) {
        // The server's list of rides is compared with ours at the next chance: it is another athlete's.
        change.put_lane_state(CONFIRMED_AT, "")?;
        let fresh = serde_json::to_string(&LaneState::default())?;
        for lane in LANES {
            change.put_lane_state(lane_name(lane), &fresh)?;
        }
        record.start_afresh();
        actions = record.apply(&event);
    }
    if actions.contains(&Action::DiscardNewTokens) {
        return Ok(Arrived::WrongAccount);
    }
    Ok(Arrived::In)
}

fn not_saved(error: StoreError) -> SignInError {
    SignInError::NotSaved {
        cause: error.to_string(),
    }
}
