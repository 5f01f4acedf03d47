//! Refreshing: lock, re-read, intend, send, save. Whoever asked may go away; the refresh goes on.

use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::definitive::{
    BodyEnd, HttpFacts, Tls, TokenOutcome, classify_token_answer, no_token_answer,
};
use freewheel_policy::session::{self, Action, Condemned, Event, Facts, Principal, SignedTimes};
use freewheel_policy::time::{Millis, Now, WallMs};
use freewheel_policy::transport::{TransportFailure, Trouble};
use freewheel_policy::{Fingerprint, Generation};
use freewheel_protocol::oauth::{OAuthError, TokenAnswer};
use secrecy::ExposeSecret as _;

use super::issuer::{Issuer, Unproved};
use super::record::Record;
use super::saving::{Unsaved, fingerprint};
use super::session::{Session, Way, account_id, read_facts, stored_facts};
use super::tokens::TokenSet;
use crate::jwt::JwtError;
use crate::lease::{Lease, LeaseKind};
use crate::remote::{Reply, ServerAddress, issuer as remote};
use crate::store::{Store, StoreError, StoredSession};

/// How long another process's refresh is waited for.
const OTHER_PROCESS: Duration = Duration::from_secs(30);

/// How long new tokens wait for the issuer's keys before they are saved. Until then they can be lost.
const KEYS: Duration = Duration::from_secs(2);

/// How a refresh ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// There are fresh tokens, from here or from another process.
    Fresh,
    /// Nothing was sent: nobody is signed in, the vault does not answer, or there is no refresh token.
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
        let Some(lease) = self.renewal_lease().await else {
            return Ok(Refreshed::NotPossible);
        };
        // Re-read under the lock: whoever had it may have refreshed.
        let Some(mut stored) = self.store.run(Store::session).await? else {
            return Ok(Refreshed::NotPossible);
        };
        if asked_for.is_some_and(|generation| stored.generation > generation) {
            self.wake_lanes();
            return Ok(Refreshed::Fresh);
        }
        self.notice_put_back(&stored);
        if self.unsaved().is_some() {
            // The stored token was spent for these: it is never sent again while they are unsaved.
            if let Err(error) = self.save_unsaved_alone(Way::Asking).await {
                tracing::warn!(%error, "the tokens are still unsaved");
            }
            return Ok(Refreshed::Fresh);
        }
        let mut facts = read_facts(&stored);
        if facts.unsaved.is_some() {
            // Whoever has unsaved tokens has the lease: they died with their process, or were saved since.
            self.note_lost().await?;
            let Some(now) = self.store.run(Store::session).await? else {
                return Ok(Refreshed::NotPossible);
            };
            (facts, stored) = (read_facts(&now), now);
        }
        if facts.signed_out {
            return Ok(Refreshed::NotPossible);
        }
        if matches!(facts.condemned, Some(Condemned::Token { .. })) {
            return Ok(Refreshed::Refused);
        }
        let Some(account) = account_id(&facts) else {
            return Ok(Refreshed::NotPossible);
        };
        let Ok(tokens) = self.unsealed(&stored, &facts).await else {
            return Ok(Refreshed::NotPossible);
        };
        let Some(athlete) = self.principal_of(&tokens, &facts).await else {
            return Ok(Refreshed::NotPossible);
        };
        if tokens.refresh.expose_secret().is_empty() {
            return Ok(Refreshed::NotPossible); // There is nothing to ask with.
        }
        let Ok(key) = self.key(&account, tokens.generation).await else {
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
            if !self.intend(generation, &fingerprint).await? {
                return self.overtaken(generation).await;
            }
            let resource = athlete.service.as_deref();
            let (http, metadata) = (&known.http, &known.metadata);
            let reply = remote::refresh(http, metadata, &tokens.refresh, resource).await;
            if reply.as_ref().is_ok_and(|reply| reply.is_misplaced()) {
                issuer.renew(&address).await;
            }
            // What cannot be read in the new access token goes on as the last one said.
            let grace = facts.anchor.as_ref().and_then(|a| a.offline_grace);
            let came = self.clock.now();
            let asked = Asked {
                issuer,
                address: &address,
                athlete: &athlete,
                grace,
                came,
            };
            let judged = self.judge(&asked, reply, generation);
            let (outcome, granted) = judged.await?;
            if let Some(granted) = granted
                && outcome == TokenOutcome::Granted
            {
                let usable = !granted.answer.access_token.is_empty();
                let (old, lease) = (&tokens.refresh, Some(Arc::clone(&lease)));
                let (account, athlete) = (account.clone(), athlete.clone());
                let new = Unsaved::new(account, athlete, generation, Some(old), granted, lease);
                self.save(&key, new).await?;
                if usable {
                    return Ok(Refreshed::Fresh);
                }
                let trouble = Trouble::Unproven;
                self.apply(Event::CallFailed(trouble)).await?;
                return Ok(Refreshed::Trouble {
                    trouble,
                    retry_after: None,
                });
            }
            let actions = self.apply(Event::TokenAnswer(outcome.clone())).await?;
            if !actions
                .iter()
                .any(|action| matches!(action, Action::RetryRefreshAtOnce { .. }))
            {
                return Ok(ended(outcome));
            }
        }
    }

    /// Writes down that a token is about to be spent, and returns whether it may be: it is the stored one, and policy
    /// lets it be spent. Both are found out in the transaction that writes it, so nothing comes in between.
    async fn intend(
        &self,
        generation: Generation,
        fingerprint: &Fingerprint,
    ) -> Result<bool, StoreError> {
        let (clock, hand) = (Arc::clone(&self.clock), self.at_hand());
        let intended = Event::RefreshIntended {
            generation,
            fingerprint: fingerprint.clone(),
        };
        let change = move |store: &Store| {
            store.change_session(|change| {
                let now = clock.now();
                let mut record = Record::open(change, &now, hand.as_ref())?;
                let stored = record.generation() == generation;
                if !stored || !session::may_be_spent(record.facts(), generation) {
                    return Ok(false);
                }
                record.examine();
                record.apply(&intended);
                record.close()?;
                Ok(true)
            })
        };
        self.store.run(change).await
    }

    /// The token that was to be spent is not the one that counts any more.
    async fn overtaken(&self, sent: Generation) -> Result<Refreshed, StoreError> {
        let stored = self.store.run(Store::session).await?;
        let newer = |stored: &StoredSession| {
            let facts = read_facts(stored);
            Generation(stored.generation) > sent && !facts.signed_out
        };
        if stored.as_ref().is_some_and(newer) {
            self.wake_lanes();
            return Ok(Refreshed::Fresh);
        }
        Ok(Refreshed::NotPossible)
    }

    /// Notes that there is no refresh token, where a version before this one did not.
    pub(super) async fn note_unrenewable(&self, tokens: &TokenSet) {
        if !tokens.refresh.expose_secret().is_empty() {
            return;
        }
        let generation = tokens.generation;
        let known = self.store.run(stored_facts).await.unwrap_or_default();
        let untold = known.tokens.is_some_and(|stored| !stored.unrenewable);
        if untold && let Err(error) = self.apply(Event::NoRefreshToken { generation }).await {
            tracing::warn!(%error, "it could not be noted that the tokens cannot be renewed");
        }
    }

    /// One renewal or sign-in at a time, across processes. Whoever holds unsaved tokens holds it until they are saved.
    pub(super) async fn renewal_lease(&self) -> Option<Arc<Lease>> {
        if let Some(lease) = self.unsaved().and_then(|unsaved| unsaved.lease) {
            return Some(lease);
        }
        let waiting = Lease::acquire(self.store.home(), LeaseKind::Refresh);
        match tokio::time::timeout(OTHER_PROCESS, waiting).await {
            Ok(Ok(lease)) => Some(Arc::new(lease)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the lease for renewing tokens cannot be had");
                None
            }
            Err(_) => None,
        }
    }

    /// Judges an answer of the token endpoint; with new tokens when there are any.
    async fn judge(
        &self,
        asked: &Asked<'_>,
        reply: Result<Reply, TransportFailure>,
        sent: Generation,
    ) -> Result<(TokenOutcome, Option<Granted>), StoreError> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(failure) => return Ok((no_token_answer(failure), None)),
        };
        let granted = granted(asked, &reply).await;
        let stored = match self.store.run(Store::session).await {
            Ok(stored) => stored.map_or(Generation::default(), |stored| {
                Generation(stored.generation)
            }),
            // The old token is spent: these are kept in memory until something can be stored.
            Err(error) if granted.is_some() => {
                tracing::error!(%error, "the session could not be read; new tokens are kept");
                sent
            }
            Err(error) => return Err(error),
        };
        let facts = http_facts(asked.address, &reply, granted.is_some(), sent, stored);
        Ok((classify_token_answer(&facts), granted))
    }
}

/// New tokens, and what is known of them.
pub(super) struct Granted {
    pub(super) answer: TokenAnswer,
    /// The server's time at the answer, as [`session::time_of_tokens`] has it.
    pub(super) server_time: WallMs,
    pub(super) offline_grace: Option<Millis>,
    /// When the answer came, by this computer's clocks.
    pub(super) came: Now,
}

/// Whom a renewal asked, and for whom.
struct Asked<'a> {
    issuer: &'a Issuer,
    address: &'a ServerAddress,
    athlete: &'a Principal,
    /// What the last access token said of the grace.
    grace: Option<Millis>,
    /// When the answer came.
    came: Now,
}

/// What an access token says, if it is believed.
struct Believed {
    grace: Option<Millis>,
    signed: Option<SignedTimes>,
}

/// The server of the account.
pub(super) fn address(facts: &Facts) -> Option<ServerAddress> {
    ServerAddress::parse(&facts.account.as_ref()?.issuer).ok()
}

/// New tokens, if the reply is a valid token answer of the issuer that is about this athlete.
async fn granted(asked: &Asked<'_>, reply: &Reply) -> Option<Granted> {
    let mut answer = remote::tokens(reply)?;
    let believed = match verified(asked, &answer.access_token, reply.date).await? {
        Ok(believed) => believed,
        Err(error) => {
            tracing::warn!(cause = error.words(), "an access token was not believed");
            // It is never sent. The refresh token that came with it is the only one that still counts, and is kept.
            answer.refresh_token.as_ref()?;
            answer.access_token.clear();
            answer.expires_in = 0;
            asked.as_before()
        }
    };
    Some(Granted {
        answer,
        server_time: session::time_of_tokens(reply.date, believed.signed, asked.came.wall),
        offline_grace: believed.grace,
        came: asked.came.clone(),
    })
}

impl Asked<'_> {
    /// A token that cannot be read changes nothing, and tells no time.
    fn as_before(&self) -> Believed {
        Believed {
            grace: self.grace,
            signed: None,
        }
    }
}

/// What a verified access token says, and what the last one did where it cannot be verified; nothing when the token is
/// another athlete's.
///
/// Keys that could not be fetched do not cost the session: the answer came straight from the issuer over a verified
/// connection, which OpenID Connect Core §3.1.3.7 (6) accepts in place of the signature.
async fn verified(
    asked: &Asked<'_>,
    token: &str,
    date: Option<WallMs>,
) -> Option<Result<Believed, Unproved>> {
    let service = asked.athlete.service.as_deref();
    let claims = asked
        .issuer
        .access_claims(asked.address, service, token, date);
    let Ok(claims) = tokio::time::timeout(KEYS, claims).await else {
        tracing::warn!("the issuer's keys did not come in time");
        return Some(Ok(asked.as_before()));
    };
    match claims {
        Ok(claims) if claims.sub != asked.athlete.subject => {
            tracing::error!("the issuer gave tokens of another athlete; they are not used");
            None
        }
        Ok(claims) => Some(Ok(Believed {
            grace: claims.offline_grace.map(Millis::secs),
            signed: claims.signed_times(),
        })),
        Err(Unproved::NoKeys(_) | Unproved::Token(JwtError::Opaque)) => Some(Ok(asked.as_before())),
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
    let error = reply.object::<OAuthError>();
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
