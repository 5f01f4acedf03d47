//! Whose the tokens are, and where they may be sent: as it was sealed with them, whatever the facts say.
//!
//! The facts are plain text in a file. Whoever edits where the service is would have tokens sent there, and answers from
//! there lengthen the grace. What is sealed only this app can have written.

use freewheel_policy::session::{Account, Caller, Event, Facts, Principal};

use super::session::{Bearer, Session};
use super::tokens::TokenSet;
use crate::remote::ServerAddress;
use crate::store::Store;
use crate::vault::VaultKey;

impl Bearer {
    /// Where the service is that the token is for.
    pub(super) fn service_address(&self) -> Option<ServerAddress> {
        ServerAddress::parse(self.principal.service()).ok()
    }

    /// Whose call one with this token is.
    pub(super) fn caller(&self) -> Caller {
        Caller {
            generation: self.generation(),
            principal: self.principal.clone(),
        }
    }
}

impl Session {
    /// Whose these tokens are. Facts that say otherwise are put right; none when they are of nobody.
    pub(super) async fn principal_of(&self, tokens: &TokenSet, facts: &Facts) -> Option<Principal> {
        let told = facts.account.as_ref().map(Account::principal);
        let Some(sealed) = tokens.principal.clone() else {
            return told;
        };
        if told.as_ref() != Some(&sealed) {
            tracing::error!(
                "where the service is was changed; what was sealed with the tokens counts"
            );
            let restored = Event::AccountRestored {
                principal: sealed.clone(),
            };
            let generation = tokens.generation;
            // Somebody who signed in meanwhile has other tokens.
            let theirs = move |facts: &Facts| {
                facts
                    .unsaved
                    .or(facts.tokens.as_ref().map(|tokens| tokens.generation))
                    == Some(generation)
            };
            if let Err(error) = self.apply_if(move || restored.clone(), theirs).await {
                tracing::warn!(%error, "where the service is could not be put right");
            }
        }
        Some(sealed)
    }

    /// Tokens of a version before this one do not say whose they are. What the facts say is believed once: sealed again,
    /// the tokens say it themselves.
    pub(super) async fn named(
        &self,
        tokens: TokenSet,
        facts: &Facts,
        key: &VaultKey,
        (account, sealed): (&str, &[u8]),
    ) -> TokenSet {
        if tokens.principal.is_some() {
            return tokens;
        }
        let principal = facts.account.as_ref().map(Account::principal);
        let tokens = TokenSet {
            principal,
            ..tokens
        };
        // Where nothing is vouched for yet, that is done with it (see `record`).
        if !tokens.vouched {
            return tokens;
        }
        match tokens.seal(key, account) {
            Ok(again) => self.seal_again(&tokens, sealed.to_vec(), again).await,
            Err(error) => tracing::warn!(code = error.code(), "tokens could not be sealed again"),
        }
        tokens
    }

    async fn seal_again(&self, tokens: &TokenSet, before: Vec<u8>, again: Vec<u8>) {
        let generation = tokens.generation.0;
        let change = move |store: &Store| {
            store.change_session(|change| {
                let stored = change.stored()?;
                let same = stored.is_some_and(|stored| {
                    stored.generation == generation && stored.sealed.as_deref() == Some(&before[..])
                });
                if same {
                    change.put_tokens(generation, Some(&again))?;
                }
                Ok(())
            })
        };
        if let Err(error) = self.store.run(change).await {
            tracing::warn!(%error, "tokens that were sealed again could not be stored");
        }
    }
}
