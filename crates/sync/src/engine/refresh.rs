//! Refreshing: lock, re-read, intend, send, save. Whoever asked may go away; the refresh goes on.

use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::definitive::{
    BodyEnd, HttpFacts, Tls, TokenOutcome, classify_token_answer, no_token_answer,
};
use freewheel_policy::session::{Account, Action, Condemned, Event, Facts, SavedTokens};
use freewheel_policy::time::{Millis, WallMs};
use freewheel_policy::transport::{TransportFailure, Trouble};
use freewheel_policy::{Fingerprint, Generation};
use freewheel_protocol::oauth::{OAuthError, TokenAnswer};
use secrecy::ExposeSecret as _;

use super::issuer::{Issuer, Unproved};
use super::session::{Session, Unsaved, account_id, read_facts};
use super::tokens::TokenSet;
use crate::jwt::JwtError;
use crate::lease::{Lease, LeaseKind};
use crate::remote::{Reply, ServerAddress, issuer as remote};
use crate::store::{Store, StoreError};
use crate::vault::{VaultError, VaultKey};

/// How long another process's refresh is waited for.
const OTHER_PROCESS: Duration = Duration::from_secs(30);

/// How a refresh ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// There are fresh tokens, from here or from another process.
    Fresh,
    /// Nothing was sent: nobody is signed in, or the vault does not answer.
    NotPossible,
    /// The issuer refused, definitively; the facts say what follows.
    Refused,
    /// The issuer could not be asked.
    Trouble {
        /// What happened.
        trouble: Trouble,
        /// How long the issuer asks to wait.
        retry_after: Option<Millis>,
    },
}

impl Session {
    /// Refreshes the tokens once. Calls while one is under way wait for it and share its outcome; a caller that
    /// goes away does not stop it.
    pub(crate) async fn refresh(self: &Arc<Self>, issuer: &Arc<Issuer>) -> Refreshed {
        let before = self
            .store
            .run(Store::session)
            .await
            .ok()
            .flatten()
            .map(|s| s.generation);
        let session = Arc::clone(self);
        let issuer = Arc::clone(issuer);
        let refresh = tokio::spawn(async move {
            let single_flight = session.refreshing.lock().await;
            let refreshed = session.refresh_alone(&issuer, before).await;
            drop(single_flight);
            if matches!(refreshed, Ok(Refreshed::Fresh))
                && let Ok(facts) = session.facts()
                && let Some(address) = address(&facts)
            {
                // Nobody waits for it.
                tokio::spawn(async move { issuer.renew_if_old(&address).await });
            }
            refreshed
        });
        match refresh.await {
            Ok(Ok(refreshed)) => refreshed,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the refresh could not be recorded");
                Refreshed::NotPossible
            }
            Err(_) => Refreshed::NotPossible,
        }
    }

    async fn refresh_alone(
        &self,
        issuer: &Issuer,
        asked_for: Option<u64>,
    ) -> Result<Refreshed, StoreError> {
        let home = self.store.home().clone();
        let waiting = Lease::acquire(&home, LeaseKind::Refresh);
        let Ok(Ok(_lease)) = tokio::time::timeout(OTHER_PROCESS, waiting).await else {
            return Ok(Refreshed::NotPossible);
        };
        // Re-read under the lock: whoever had it may have refreshed.
        let Some(stored) = self.store.run(Store::session).await? else {
            return Ok(Refreshed::NotPossible);
        };
        if asked_for.is_some_and(|generation| stored.generation > generation) {
            self.wake_lanes();
            return Ok(Refreshed::Fresh);
        }
        if self.unsaved().is_some() {
            // The stored token was spent for these: it is never sent again while they are unsaved.
            self.save_unsaved().await?;
            return Ok(Refreshed::Fresh);
        }
        let facts = read_facts(&stored);
        if facts.signed_out {
            return Ok(Refreshed::NotPossible);
        }
        if matches!(facts.condemned, Some(Condemned::Token { .. })) {
            return Ok(Refreshed::Refused);
        }
        let (Some(account), Some(athlete)) = (account_id(&facts), facts.account.as_ref()) else {
            return Ok(Refreshed::NotPossible);
        };
        let Ok(tokens) = self.unsealed(&stored, &facts).await else {
            return Ok(Refreshed::NotPossible);
        };
        let Ok(key) = self.key(&account).await else {
            return Ok(Refreshed::NotPossible);
        };
        let Some(address) = address(&facts) else {
            return Ok(Refreshed::NotPossible);
        };
        let known = match issuer.known(&address).await {
            Ok(known) => known,
            Err(trouble) => {
                self.apply(Event::CallFailed(trouble)).await?;
                return Ok(Refreshed::Trouble {
                    trouble,
                    retry_after: None,
                });
            }
        };
        let fingerprint = fingerprint(&key, &tokens);
        loop {
            let generation = tokens.generation;
            self.apply(Event::RefreshIntended {
                generation,
                fingerprint: fingerprint.clone(),
            })
            .await?;
            let resource = athlete.service.as_deref();
            let (http, metadata) = (&known.http, &known.metadata);
            let reply = remote::refresh(http, metadata, &tokens.refresh, resource).await;
            if reply.as_ref().is_ok_and(|reply| reply.is_misplaced()) {
                issuer.renew(&address).await;
            }
            let judged = self.judge(issuer, &address, athlete, reply, generation);
            let (outcome, granted) = judged.await?;
            let actions = self.apply(Event::TokenAnswer(outcome.clone())).await?;
            if let Some(granted) = granted
                && outcome == TokenOutcome::Granted
            {
                let usable = !granted.answer.access_token.is_empty();
                self.save(&key, &account, &tokens, granted).await?;
                if usable {
                    return Ok(Refreshed::Fresh);
                }
                let trouble = Trouble::Unreadable;
                self.apply(Event::CallFailed(trouble)).await?;
                return Ok(Refreshed::Trouble {
                    trouble,
                    retry_after: None,
                });
            }
            if !actions
                .iter()
                .any(|action| matches!(action, Action::RetryRefreshAtOnce { .. }))
            {
                return Ok(ended(outcome));
            }
        }
    }

    /// Judges an answer of the token endpoint; with new tokens when there are any.
    async fn judge(
        &self,
        issuer: &Issuer,
        address: &ServerAddress,
        athlete: &Account,
        reply: Result<Reply, TransportFailure>,
        sent: Generation,
    ) -> Result<(TokenOutcome, Option<Granted>), StoreError> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(failure) => return Ok((no_token_answer(failure), None)),
        };
        let granted = granted(issuer, address, athlete, &reply).await;
        let stored = self.store.run(Store::session).await?;
        let stored = stored.map_or(Generation::default(), |stored| {
            Generation(stored.generation)
        });
        let facts = http_facts(address, &reply, granted.is_some(), sent, stored);
        Ok((classify_token_answer(&facts), granted))
    }

    /// Seals and stores new tokens. A store that fails leaves them in memory, where they work until the program ends.
    pub(super) async fn save(
        &self,
        key: &VaultKey,
        account: &str,
        old: &TokenSet,
        granted: Granted,
    ) -> Result<(), StoreError> {
        let stored_generation = old.generation;
        let tokens = Arc::new(TokenSet {
            generation: stored_generation.next(),
            access: granted.answer.access_token.into(),
            // RFC 6749 §6: without a new refresh token the old one goes on.
            refresh: granted
                .answer
                .refresh_token
                .map_or_else(|| old.refresh.clone(), Into::into),
        });
        let saved = SavedTokens {
            generation: tokens.generation,
            fingerprint: fingerprint(key, &tokens),
            server_time: granted.date.unwrap_or_else(|| self.clock.now().wall),
            access_life: Millis::secs(granted.answer.expires_in),
            refresh_until: None,
            offline_grace: granted.offline_grace.map(Millis::secs),
        };
        self.keep(Arc::clone(&tokens));
        let sealed = tokens.seal(key, account);
        let stored = match sealed {
            Ok(sealed) => {
                self.store_tokens(stored_generation, saved.clone(), sealed)
                    .await
            }
            Err(error) => Err(StoreError::Invalid(error.to_string())),
        };
        match stored {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "new tokens could not be saved");
                self.set_unsaved(Some(Unsaved {
                    account: account.to_owned(),
                    follows: stored_generation,
                    saved: saved.clone(),
                    tokens,
                }));
                self.apply(Event::SaveFailed(saved)).await.map(drop)
            }
        }
    }

    /// Tries again to save tokens that are in memory only.
    pub(crate) async fn save_unsaved(&self) -> Result<(), StoreError> {
        let Some(unsaved) = self.unsaved() else {
            return Ok(());
        };
        let unready = |error: VaultError| StoreError::Invalid(error.to_string());
        let key = self.key(&unsaved.account).await.map_err(unready)?;
        let sealed = unsaved.tokens.seal(&key, &unsaved.account);
        let sealed = sealed.map_err(unready)?;
        self.store_tokens(unsaved.follows, unsaved.saved, sealed)
            .await?;
        self.set_unsaved(None);
        Ok(())
    }

    /// Commits tokens, their generation and the facts in one transaction.
    pub(super) async fn store_tokens(
        &self,
        expected: Generation,
        saved: SavedTokens,
        sealed: Vec<u8>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let generation = saved.generation.0;
        let event = Event::TokensSaved(saved);
        let committed = self
            .store
            .run(move |store| {
                store.commit_tokens(expected.0, generation, &sealed, |stored| {
                    let before = stored.map_or_else(Facts::default, read_facts);
                    let (after, _) = freewheel_policy::session::step(&before, &event, &now);
                    serde_json::to_string(&after)
                })
            })
            .await?;
        if !committed {
            // Another process was faster; its tokens are newer than ours.
            self.forget(|_| true);
        }
        self.wake_lanes();
        Ok(())
    }
}

/// New tokens, and what is known of them.
pub(super) struct Granted {
    pub(super) answer: TokenAnswer,
    pub(super) date: Option<WallMs>,
    pub(super) offline_grace: Option<u64>,
}

/// The server of the account.
pub(super) fn address(facts: &Facts) -> Option<ServerAddress> {
    ServerAddress::parse(&facts.account.as_ref()?.issuer).ok()
}

/// New tokens, if the reply is a valid token answer of the issuer that is about this athlete.
async fn granted(
    issuer: &Issuer,
    address: &ServerAddress,
    athlete: &Account,
    reply: &Reply,
) -> Option<Granted> {
    let mut answer = remote::tokens(reply)?;
    let token = &answer.access_token;
    let believed = verified(issuer, address, athlete, token, reply.date).await?;
    let offline_grace = match believed {
        Ok(offline_grace) => offline_grace,
        Err(error) => {
            tracing::warn!(cause = error.words(), "an access token was not believed");
            // It is never sent. The refresh token that came with it is the only one that still counts, and is kept.
            answer.refresh_token.as_ref()?;
            answer.access_token.clear();
            answer.expires_in = 0;
            None
        }
    };
    Some(Granted {
        answer,
        date: reply.date,
        offline_grace,
    })
}

/// The grace that a verified access token asks for; nothing when the token is another athlete's.
///
/// Keys that could not be fetched do not cost the session: the answer came straight from the issuer over a verified
/// connection, which OpenID Connect Core §3.1.3.7 (6) accepts in place of the signature.
async fn verified(
    issuer: &Issuer,
    address: &ServerAddress,
    athlete: &Account,
    token: &str,
    date: Option<WallMs>,
) -> Option<Result<Option<u64>, Unproved>> {
    let claims = issuer.access_claims(address, athlete.service(), token, date);
    match claims.await {
        Ok(claims) if claims.sub != athlete.subject => {
            tracing::error!("the issuer gave tokens of another athlete; they are not used");
            None
        }
        Ok(claims) => Some(Ok(claims.offline_grace)),
        Err(Unproved::NoKeys(_) | Unproved::Token(JwtError::Opaque)) => Some(Ok(None)),
        Err(error) => Some(Err(error)),
    }
}

pub(super) fn http_facts(
    address: &ServerAddress,
    reply: &Reply,
    tokens: bool,
    sent: Generation,
    stored: Generation,
) -> HttpFacts {
    let error = serde_json::from_slice::<OAuthError>(&reply.body).ok();
    HttpFacts {
        status: reply.status,
        content_type: reply.media_type.clone(),
        body: match (reply.complete, reply.body.is_empty()) {
            (false, _) => BodyEnd::Cut,
            (true, true) => BodyEnd::Empty,
            (true, false) => BodyEnd::Complete,
        },
        redirected: reply.is_redirect(),
        tls: if address.is_loopback() {
            Tls::Loopback
        } else {
            Tls::Verified
        },
        oauth_error: error.map(|error| error.error.as_str().to_owned()),
        tokens,
        retry_after: reply.retry_after,
        sent,
        stored,
    }
}

fn fingerprint(key: &VaultKey, tokens: &TokenSet) -> Fingerprint {
    Fingerprint(key.fingerprint(tokens.refresh.expose_secret().as_bytes()))
}

fn ended(outcome: TokenOutcome) -> Refreshed {
    match outcome {
        TokenOutcome::Granted | TokenOutcome::Superseded => Refreshed::Fresh,
        TokenOutcome::Definitive(_) => Refreshed::Refused,
        TokenOutcome::Transient {
            trouble,
            retry_after,
        } => Refreshed::Trouble {
            trouble,
            retry_after,
        },
    }
}
