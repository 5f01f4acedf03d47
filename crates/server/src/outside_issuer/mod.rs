//! Access tokens of an issuer that is not this server: JWTs, verified against the keys that it publishes
//! (RFC 9068, OpenID Connect Discovery 1.0).
//!
//! The keys are kept, so that a silent issuer locks nobody out. They are fetched again when a token names a key that is
//! not among them, or has a wrong signature, or when they are an hour old, and then nobody waits for it; never more often
//! than every half minute. A token that would need a question before that is not refused: the answer is "later".

mod check;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use freewheel_protocol::oauth::{IssuerMetadata, METADATA_PATH};
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

pub(crate) use self::check::OutsideClaims;
use self::check::{Doubt, check, pinned};
use crate::address;

/// The least time between two requests to the issuer, in seconds.
const PAUSE_SECONDS: i64 = 30;
/// Keys as old as this are fetched again, so that one that the issuer took back does not count for ever.
const FRESH_SECONDS: i64 = 3600;
/// No metadata and no key set comes near this, in bytes.
const MAX_DOCUMENT: usize = 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);

/// The issuer whose access tokens the API takes instead of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideIssuer {
    /// Its identifier, exactly as its metadata spells it.
    pub url: String,
    /// The audience that its tokens for this API carry.
    pub audience: String,
}

/// Why a token does not open the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It is not good.
    Token(&'static str),
    /// The issuer cannot be asked now for the key that it needs: nothing is known about the token. Try again after so
    /// many seconds.
    CannotAsk(i64),
}

/// What the issuer publishes.
struct Known {
    algorithms: Vec<Algorithm>,
    keys: JwkSet,
    at: i64,
}

/// What came of asking the issuer for its keys.
enum Asked {
    /// It answered just now.
    Now,
    /// It did not answer, or was asked a moment ago; the next question may go out after so many seconds.
    NotNow(i64),
}

/// When the issuer was asked last, held while it is asked.
type LastAsked<'a> = tokio::sync::MutexGuard<'a, Option<i64>>;

/// Verifies access tokens of one issuer.
pub(crate) struct Verifier {
    issuer: OutsideIssuer,
    http: reqwest::Client,
    known: Mutex<Option<Arc<Known>>>,
    /// When the issuer was asked last (Unix seconds). Held while it is asked: the others wait for the same answer.
    asking: tokio::sync::Mutex<Option<i64>>,
}

impl Verifier {
    pub(crate) fn new(issuer: OutsideIssuer) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("freewheel-server/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT);
        let loopback = Url::parse(&issuer.url).is_ok_and(|url| address::is_loopback(&url));
        let builder = if loopback {
            builder.no_proxy()
        } else {
            builder
        };
        Ok(Self {
            issuer,
            http: builder.build()?,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    pub(crate) fn issuer(&self) -> &OutsideIssuer {
        &self.issuer
    }

    /// The claims of an access token of this issuer for this audience. `now` in Unix seconds.
    pub(crate) async fn verify(
        self: &Arc<Self>,
        token: &str,
        now: i64,
    ) -> Result<OutsideClaims, Closed> {
        let known = match self.known() {
            Some(known) => {
                if !(0..FRESH_SECONDS).contains(&(now - known.at)) {
                    self.ask_beside(now);
                }
                // Old keys are better than none, and an issuer that hangs holds nobody up.
                known
            }
            None => {
                let asked = self.ask(now).await;
                self.known().ok_or(match asked {
                    Asked::NotNow(seconds) => Closed::CannotAsk(seconds),
                    Asked::Now => Closed::CannotAsk(PAUSE_SECONDS),
                })?
            }
        };
        match check(token, &known, &self.issuer, now) {
            Ok(claims) => Ok(claims),
            Err(Doubt::Final(reason)) => Err(Closed::Token(reason)),
            Err(Doubt::Keys(_)) => self.verify_with_newer_keys(token, now).await,
        }
    }

    async fn verify_with_newer_keys(&self, token: &str, now: i64) -> Result<OutsideClaims, Closed> {
        let asked = self.ask(now).await;
        let known = self.known().ok_or(Closed::CannotAsk(PAUSE_SECONDS))?;
        check(token, &known, &self.issuer, now).map_err(|doubt| match (doubt, asked) {
            (Doubt::Keys(_), Asked::NotNow(seconds)) => Closed::CannotAsk(seconds),
            (Doubt::Keys(reason) | Doubt::Final(reason), _) => Closed::Token(reason),
        })
    }

    fn known(&self) -> Option<Arc<Known>> {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The same, unless somebody asks already; nobody waits for it.
    fn ask_beside(self: &Arc<Self>, now: i64) {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(last) = this.asking.try_lock() {
                this.ask_with(last, now).await;
            }
        });
    }

    /// Asks the issuer for its keys, unless it was asked a moment ago.
    async fn ask(&self, now: i64) -> Asked {
        let last = self.asking.lock().await;
        self.ask_with(last, now).await
    }

    async fn ask_with(&self, mut last: LastAsked<'_>, now: i64) -> Asked {
        if let Some(since) = last.map(|at| now - at)
            && (0..PAUSE_SECONDS).contains(&since)
        {
            return Asked::NotNow(PAUSE_SECONDS - since);
        }
        *last = Some(now);
        match self.fetch(now).await {
            Ok(known) => {
                let mut place = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                *place = Some(Arc::new(known));
                Asked::Now
            }
            Err(reason) => {
                tracing::warn!(
                    issuer = self.issuer.url,
                    reason,
                    "the issuer's keys were not had"
                );
                Asked::NotNow(PAUSE_SECONDS)
            }
        }
    }

    async fn fetch(&self, now: i64) -> Result<Known, String> {
        let metadata = format!("{}{METADATA_PATH}", self.issuer.url.trim_end_matches('/'));
        let metadata: IssuerMetadata = self.document(&metadata).await?;
        if metadata.issuer != self.issuer.url {
            return Err(format!(
                "its metadata says that it is {}; give that with --issuer if it is the right one",
                metadata.issuer
            ));
        }
        let set: KeySet = self.document(&metadata.jwks_uri).await?;
        Ok(Known {
            algorithms: pinned(&metadata.id_token_signing_alg_values_supported),
            keys: set.readable(),
            at: now,
        })
    }

    async fn document<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let tell = |error: &dyn std::fmt::Display| format!("{url}: {error}");
        let address = Url::parse(url).map_err(|error| tell(&error))?;
        if !address::is_safe(&address) {
            return Err(tell(&"will not be asked in clear"));
        }
        let request = self.http.get(address).header("accept", "application/json");
        let mut answer = request.send().await.map_err(|error| tell(&error))?;
        if !answer.status().is_success() {
            return Err(tell(&answer.status()));
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| tell(&error))? {
            body.extend_from_slice(&part);
            if body.len() > MAX_DOCUMENT {
                return Err(tell(&"the answer does not end"));
            }
        }
        serde_json::from_slice(&body).map_err(|error| tell(&error))
    }
}

/// A key set as it came: keys of kinds that we do not know stand beside the others.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl KeySet {
    fn readable(self) -> JwkSet {
        let keys = self.keys.into_iter();
        JwkSet {
            keys: keys
                .filter_map(|key| serde_json::from_value(key).ok())
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_cannot_be_read_do_not_hide_the_others() {
        let good = serde_json::json!({"kty": "EC", "crv": "P-256", "kid": "good",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let odd = serde_json::json!({"kty": "EC", "kid": 7});
        let set = KeySet {
            keys: vec![odd, good],
        }
        .readable();
        assert_eq!(set.keys.len(), 1);
        assert!(set.find("good").is_some());
    }
}
