//! Who comes and who goes: keeping what a sign-in brought, and signing out.

use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::session::{Account, Action, Event, Facts};
use freewheel_policy::time::Millis;

use super::core::{Core, lane_name};
use super::lane::LaneState;
use super::refresh::Granted;
use super::session::account_id;
use super::tokens::TokenSet;
use super::wake::LANES;
use crate::error::EngineError;
use crate::remote::issuer as remote;
use crate::sign_in::SignInError;
use crate::store::StoreError;
use crate::vault::account_entry;

impl Core {
    /// Saves what a sign-in brought.
    pub(super) async fn arrive(
        &self,
        account: Account,
        granted: Granted,
    ) -> Result<String, SignInError> {
        let stored_failed = |error: StoreError| SignInError::NotSaved {
            cause: error.to_string(),
        };
        let name = account.name.clone();
        let id = account_entry(&account.issuer, &account.subject);
        let event = Event::SignInCompleted {
            account: account.clone(),
        };
        let mut actions = self
            .session
            .apply(event.clone())
            .await
            .map_err(stored_failed)?;
        if actions
            .iter()
            .any(|action| matches!(action, Action::OpenProfile { .. }))
        {
            self.open_profile().await.map_err(stored_failed)?;
            actions = self.session.apply(event).await.map_err(stored_failed)?;
        }
        if actions.contains(&Action::DiscardNewTokens) {
            return Err(SignInError::WrongAccount { name });
        }
        // A renewal of older tokens that ended in between would make these count as the older ones.
        let _no_renewal = self.session.refreshing.lock().await;
        let key = self.session.vault.create_key(&id).await;
        let key = key.map_err(|error| SignInError::NotSaved {
            cause: error.to_string(),
        })?;
        let stored = self
            .store()
            .run(crate::store::Store::session)
            .await
            .map_err(stored_failed)?;
        let refresh = granted.answer.refresh_token.clone().unwrap_or_default();
        let before = TokenSet {
            generation: freewheel_policy::Generation(stored.map_or(0, |stored| stored.generation)),
            access: String::new().into(),
            refresh: refresh.into(),
        };
        if let Err(error) = self.session.save(&key, &id, &before, granted).await {
            // Nothing is known of these tokens but in memory: the athlete signs in again.
            self.session.set_unsaved(None);
            return Err(stored_failed(error));
        }
        Ok(name)
    }

    /// Another athlete signs in after the last one signed out: the session starts afresh. Rides and queue entries
    /// carry their owner's account and stay sealed with it.
    async fn open_profile(&self) -> Result<(), StoreError> {
        self.store()
            .run(|store| {
                super::rides_lane::confirm_again(store)?;
                for lane in LANES {
                    store.put_lane_state(
                        lane_name(lane),
                        &serde_json::to_string(&LaneState::default())?,
                    )?;
                }
                store.update_facts(|stored| {
                    let old = stored.map_or_else(Facts::default, super::session::read_facts);
                    let fresh = Facts {
                        network: old.network,
                        signing_in: true,
                        ..Facts::default()
                    };
                    serde_json::to_string(&fresh).ok()
                })
            })
            .await
    }

    /// Local first: nothing here needs the network. The issuer is told when it can be reached at once.
    pub(super) async fn sign_out(self: &Arc<Self>) -> Result<(), EngineError> {
        self.cancel_sign_in().await;
        let stored = self.store().run(crate::store::Store::session).await?;
        let Some(stored) = stored else { return Ok(()) };
        let facts = super::session::read_facts(&stored);
        let tokens = match account_id(&facts) {
            Some(_) => self.session.unsealed(&stored, &facts).await.ok(),
            None => None,
        };
        self.session.apply(Event::SignOut).await?;
        let after = serde_json::to_string(&self.session.facts()?).map_err(StoreError::from)?;
        let generation = stored.generation.saturating_add(1);
        self.store()
            .run(move |store| {
                store.clear_tokens(generation, &after)?;
                store.switch_account(None).map(drop)
            })
            .await?;
        self.refresh_view();
        if let (Some(tokens), Some(address)) = (tokens, super::refresh::address(&facts)) {
            let core = Arc::clone(self);
            let revocation = tokio::spawn(async move {
                if let Ok(known) = core.issuer.known(&address).await {
                    let told = remote::revoke(&known.http, &known.metadata, &tokens.refresh).await;
                    tracing::info!(told = told.is_ok(), "the issuer was told of the sign-out");
                }
            });
            // A one-shot program would end before the issuer is told; the athlete waits a moment at the most.
            let moment = Duration::from_millis(Millis::secs(3).0);
            if tokio::time::timeout(moment, revocation).await.is_err() {
                tracing::info!("the issuer could not be told of the sign-out in time");
            }
        }
        Ok(())
    }
}
