//! What is known of the account's issuer: metadata and keys, cached in the store so that they are at hand offline.

use freewheel_policy::time::Millis;
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
                self.remember(&mut cached, address, &metadata, None).await;
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
        self.remember(&mut cached, address, &metadata, None).await;
        Ok(Known { http, metadata })
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
        if let Some(cached) = self.recall(&mut cached, address).await
            && let Some(keys) = cached.keys
        {
            let age = now.since(freewheel_policy::WallMs(cached.keys_at));
            if !fresh || age.is_some_and(|age| age < REFETCH) {
                return Ok((keys, algorithms));
            }
        }
        let keys = remote::keys(&known.http, &known.metadata)
            .await
            .map_err(trouble)?;
        self.remember(&mut cached, address, &known.metadata, Some(keys.clone()))
            .await;
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

    async fn remember(
        &self,
        cached: &mut Option<Cached>,
        address: &ServerAddress,
        metadata: &IssuerMetadata,
        keys: Option<JwkSet>,
    ) {
        let known = Cached {
            address: address.as_str().to_owned(),
            metadata: metadata.clone(),
            keys_at: if keys.is_some() {
                self.clock.now().wall.0
            } else {
                0
            },
            keys,
        };
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
