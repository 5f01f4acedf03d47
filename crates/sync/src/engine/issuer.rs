//! What is known of the account's issuer: metadata and keys, cached in the store so that they are at hand offline.

use freewheel_policy::time::{Millis, WallMs};
use freewheel_policy::transport::Trouble;
use freewheel_protocol::oauth::IssuerMetadata;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::clock::SharedClock;
use crate::jwt;
use crate::remote::issuer::{self as remote, IssuerError};
use crate::remote::{Http, ServerAddress};
use crate::store::Store;

/// Where the cached form lies among the lanes' states.
const KEY: &str = "issuer";
/// Keys are fetched again because of a token that does not verify at most this often.
const REFETCH: Millis = Millis::mins(5);
/// Metadata older than this is asked for again when the issuer answers.
const OLD: Millis = Millis::days(1);

/// The issuer of the profile's account.
pub(crate) struct Issuer {
    store: Store,
    clock: SharedClock,
    cached: Mutex<Option<Cached>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Cached {
    address: String,
    metadata: IssuerMetadata,
    /// When the metadata was fetched, Unix ms.
    #[serde(default)]
    at: i64,
    keys: Option<JwkSet>,
    keys_at: i64,
}

/// Everything needed to talk to the issuer.
pub(crate) struct Known {
    pub(crate) http: Http,
    pub(crate) metadata: IssuerMetadata,
}

impl Issuer {
    pub(crate) fn new(store: Store, clock: SharedClock) -> Self {
        Self {
            store,
            clock,
            cached: Mutex::new(None),
        }
    }

    /// Metadata, from the cache or the network.
    pub(crate) async fn known(&self, address: &ServerAddress) -> Result<Known, Trouble> {
        let http = http(address)?;
        let mut cached = self.cached.lock().await;
        let metadata = match self.recall(&mut cached, address).await {
            Some(known) => known.metadata,
            None => {
                let metadata = remote::metadata(&http, address).await.map_err(trouble)?;
                self.remember(&mut cached, self.fetched(address, &metadata))
                    .await;
                metadata
            }
        };
        Ok(Known { http, metadata })
    }

    /// Metadata straight from the network, remembered: for a sign-in, where the athlete names the server.
    pub(crate) async fn ask(&self, address: &ServerAddress) -> Result<Known, IssuerError> {
        let http = http(address).map_err(IssuerError::Trouble)?;
        let metadata = remote::metadata(&http, address).await?;
        let mut cached = self.cached.lock().await;
        self.remember(&mut cached, self.fetched(address, &metadata))
            .await;
        Ok(Known { http, metadata })
    }

    /// Asks for the metadata again when it is older than a day: the issuer is there.
    pub(crate) async fn renew_if_old(&self, address: &ServerAddress) {
        let known = self.recall(&mut *self.cached.lock().await, address).await;
        let now = self.clock.now().wall;
        let young = |at| now.since(at).is_some_and(|age| age < OLD);
        if known.is_some_and(|known| !young(WallMs(known.at))) {
            self.renew(address).await;
        }
    }

    /// Asks for the metadata again; what is known stays when there is no answer.
    pub(crate) async fn renew(&self, address: &ServerAddress) {
        let Ok(http) = http(address) else { return };
        let fresh = match remote::metadata(&http, address).await {
            Ok(fresh) => fresh,
            Err(error) => {
                tracing::debug!(%error, "the issuer's metadata could not be renewed");
                return;
            }
        };
        let mut cached = self.cached.lock().await;
        let known = self.recall(&mut cached, address).await;
        let known = known.filter(|known| known.metadata.jwks_uri == fresh.jwks_uri);
        let (keys, keys_at) = known.map_or((None, 0), |known| (known.keys, known.keys_at));
        let renewed = Cached {
            keys,
            keys_at,
            ..self.fetched(address, &fresh)
        };
        self.remember(&mut cached, renewed).await;
    }

    /// The keys and the algorithms that count; `fresh` asks the issuer again, within the limit.
    pub(crate) async fn keys(
        &self,
        address: &ServerAddress,
        fresh: bool,
    ) -> Result<(JwkSet, Vec<Algorithm>), Trouble> {
        let known = self.known(address).await?;
        let mut cached = self.cached.lock().await;
        let algorithms =
            jwt::pinned_algorithms(&known.metadata.id_token_signing_alg_values_supported);
        let now = self.clock.now().wall;
        let recalled = self.recall(&mut cached, address).await;
        if let Some(recalled) = &recalled
            && let Some(keys) = recalled.keys.clone()
        {
            let age = now.since(WallMs(recalled.keys_at));
            if !fresh || age.is_some_and(|age| age < REFETCH) {
                return Ok((keys, algorithms));
            }
        }
        let keys = remote::keys(&known.http, &known.metadata)
            .await
            .map_err(trouble)?;
        let with_keys = Cached {
            keys: Some(keys.clone()),
            keys_at: now.0,
            ..recalled.unwrap_or_else(|| self.fetched(address, &known.metadata))
        };
        self.remember(&mut cached, with_keys).await;
        Ok((keys, algorithms))
    }

    async fn recall(&self, cached: &mut Option<Cached>, address: &ServerAddress) -> Option<Cached> {
        if cached.is_none() {
            let stored = self
                .store
                .run(|store| store.lane_state(KEY))
                .await
                .ok()
                .flatten();
            *cached = stored.and_then(|stored| serde_json::from_str(&stored).ok());
        }
        cached
            .clone()
            .filter(|cached| cached.address == address.as_str())
    }

    /// Metadata as it just came, without keys.
    fn fetched(&self, address: &ServerAddress, metadata: &IssuerMetadata) -> Cached {
        Cached {
            address: address.as_str().to_owned(),
            metadata: metadata.clone(),
            at: self.clock.now().wall.0,
            keys: None,
            keys_at: 0,
        }
    }

    async fn remember(&self, cached: &mut Option<Cached>, known: Cached) {
        *cached = Some(known.clone());
        let stored = self
            .store
            .run(move |store| store.put_lane_state(KEY, &serde_json::to_string(&known)?));
        if let Err(error) = stored.await {
            tracing::warn!(%error, "the issuer's metadata could not be cached");
        }
    }
}

fn http(address: &ServerAddress) -> Result<Http, Trouble> {
    Http::new(address.is_loopback()).map_err(|error| {
        tracing::error!(%error, "no HTTP client");
        Trouble::Unverified
    })
}

fn trouble(error: IssuerError) -> Trouble {
    match error {
        IssuerError::Trouble(trouble) => trouble,
        IssuerError::NotThisIssuer => Trouble::Foreign,
    }
}
