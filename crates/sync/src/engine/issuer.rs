//! What is known of the account's issuer: metadata and keys, cached in the store so that they are at hand offline.

use freewheel_policy::session::Facts;
use freewheel_policy::time::{Millis, WallMs};
use freewheel_policy::transport::Trouble;
use freewheel_protocol::oauth::{AUDIENCE, CLIENT_ID, IssuerMetadata};
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::clock::SharedClock;
use crate::jwt::{self, Audience, Claims, Expected, JwtError};
use crate::remote::issuer::{self as remote, IssuerError};
use crate::remote::{Http, ServerAddress, metadata, resource};
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
    /// When the keys were fetched, Unix ms.
    keys_at: i64,
    /// When they were last asked for again because of a token, Unix ms; whether or not there was an answer.
    #[serde(default)]
    keys_asked_at: i64,
}

/// Keys in hand.
struct Held {
    keys: JwkSet,
    at: i64,
    /// The issuer's name, as it writes it itself.
    issuer: String,
    algorithms: Vec<jsonwebtoken::Algorithm>,
}

/// Everything needed to talk to the issuer.
pub(crate) struct Known {
    pub(crate) http: Http,
    pub(crate) metadata: IssuerMetadata,
}

/// Who signs in for a server.
pub(crate) struct Provider {
    pub(crate) known: Known,
    /// Where the issuer is.
    pub(crate) address: ServerAddress,
    /// The service's name, where it is not its own issuer: tokens are asked for it (RFC 8707).
    pub(crate) service: Option<String>,
}

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unproved {
    /// There are no keys to check it with, and none could be fetched.
    NoKeys(Trouble),
    /// What is wrong with it.
    Token(JwtError),
}

impl Unproved {
    /// The cause as a sentence.
    pub(crate) fn words(self) -> String {
        match self {
            Self::NoKeys(trouble) => trouble.words().to_owned(),
            Self::Token(error) => error.to_string(),
        }
    }
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
                let metadata = metadata::fetch(&http, address).await.map_err(trouble)?;
                self.remember(&mut cached, self.fetched(address, &metadata))
                    .await;
                metadata
            }
        };
        Ok(Known { http, metadata })
    }

    /// Metadata straight from the network, not remembered: of an issuer that is not the present account's.
    pub(crate) async fn stranger(&self, address: &ServerAddress) -> Result<Known, Trouble> {
        let http = http(address)?;
        let metadata = metadata::fetch(&http, address).await.map_err(trouble)?;
        Ok(Known { http, metadata })
    }

    /// Who signs in for the server that the athlete names, straight from the network, and remembered. A service may name
    /// another server for that (RFC 9728); one that does not is its own issuer.
    pub(crate) async fn discover(&self, server: &ServerAddress) -> Result<Provider, IssuerError> {
        let http = http(server).map_err(IssuerError::Trouble)?;
        let own = metadata::fetch(&http, server);
        let (delegation, own) = tokio::join!(resource::delegation(&http, server), own);
        let (known, address, service) = match delegation {
            Some(resource::Delegation { issuer, resource }) => {
                let http = self::http(&issuer).map_err(IssuerError::Trouble)?;
                let metadata = metadata::fetch(&http, &issuer).await?;
                (Known { http, metadata }, issuer, Some(resource))
            }
            None => {
                let metadata = own?;
                (Known { http, metadata }, server.clone(), None)
            }
        };
        let mut cached = self.cached.lock().await;
        let fetched = self.with_known_keys(&mut cached, &address, &known.metadata);
        // The athlete is here and waits: keys that do not fit may be asked for again at once.
        let fetched = Cached {
            keys_at: 0,
            keys_asked_at: 0,
            ..fetched.await
        };
        self.remember(&mut cached, fetched).await;
        Ok(Provider {
            known,
            address,
            service,
        })
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
        let fresh = match metadata::fetch(&http, address).await {
            Ok(fresh) => fresh,
            Err(error) => {
                tracing::debug!(%error, "the issuer's metadata could not be renewed");
                return;
            }
        };
        let mut cached = self.cached.lock().await;
        let renewed = self.with_known_keys(&mut cached, address, &fresh).await;
        self.remember(&mut cached, renewed).await;
    }

    /// The verified claims of a token for `audience`. Keys that do not fit are fetched once more, within the limit.
    pub(crate) async fn claims(
        &self,
        address: &ServerAddress,
        token: &str,
        audience: Audience<'_>,
    ) -> Result<Claims, Unproved> {
        let verify = |held: &Held| {
            let expected = Expected {
                issuer: &held.issuer,
                algorithms: &held.algorithms,
                audience,
            };
            jwt::verify(token, &held.keys, expected)
        };
        let held = self.keys(address).await.map_err(Unproved::NoKeys)?;
        let error = match verify(&held) {
            Ok(claims) => return Ok(claims),
            Err(error) => error,
        };
        if !error.may_be_stale_keys() {
            return Err(Unproved::Token(error));
        }
        match self.newer_keys(address, held.at).await {
            Some(newer) => verify(&newer).map_err(Unproved::Token),
            None => Err(Unproved::Token(error)),
        }
    }

    /// Who an ID token says signed in.
    pub(crate) async fn id_claims(
        &self,
        address: &ServerAddress,
        token: &str,
    ) -> Result<Claims, Unproved> {
        self.claims(address, token, Audience::Client(CLIENT_ID))
            .await
    }

    /// What an access token for `service` says. At `date`, the server's time, it must be valid.
    pub(crate) async fn access_claims(
        &self,
        address: &ServerAddress,
        service: &str,
        token: &str,
        date: Option<WallMs>,
    ) -> Result<Claims, Unproved> {
        // Named by the API's own name, or by its address (RFC 8707 §2).
        let bare = service.trim_end_matches('/');
        let slashed = format!("{bare}/");
        let names = [AUDIENCE, bare, &slashed];
        let claims = self.claims(address, token, Audience::Api(&names)).await?;
        jwt::check_access_times(&claims, date).map_err(Unproved::Token)?;
        Ok(claims)
    }

    /// The keys, from the cache or the network.
    async fn keys(&self, address: &ServerAddress) -> Result<Held, Trouble> {
        let known = self.known(address).await?;
        let mut cached = self.cached.lock().await;
        let recalled = self.recall(&mut cached, address).await;
        let recalled = recalled.unwrap_or_else(|| self.fetched(address, &known.metadata));
        if let Some(held) = recalled.held() {
            return Ok(held);
        }
        self.fetch_keys(&mut cached, &known, recalled).await
    }

    /// Keys that are newer than those fetched at `than`, Unix ms: another process may have fetched them; else the
    /// issuer is asked, unless that was done a short while ago.
    async fn newer_keys(&self, address: &ServerAddress, than: i64) -> Option<Held> {
        let known = self.known(address).await.ok()?;
        let mut cached = self.cached.lock().await;
        *cached = None;
        let mut recalled = self.recall(&mut cached, address).await?;
        if recalled.keys_at > than {
            return recalled.held();
        }
        let now = self.clock.now().wall;
        let recent = |at| now.since(WallMs(at)).is_some_and(|age| age < REFETCH);
        if recent(recalled.keys_at) || recent(recalled.keys_asked_at) {
            return None;
        }
        recalled.keys_asked_at = now.0;
        // Noted before it is done, so that a death in between is no free try.
        self.remember(&mut cached, recalled.clone()).await;
        let fetched = self.fetch_keys(&mut cached, &known, recalled).await;
        fetched
            .inspect_err(|trouble| tracing::info!(?trouble, "the issuer's keys did not come"))
            .ok()
    }

    async fn fetch_keys(
        &self,
        cached: &mut Option<Cached>,
        known: &Known,
        old: Cached,
    ) -> Result<Held, Trouble> {
        let keys = remote::keys(&known.http, &known.metadata).await?;
        let with_keys = Cached {
            keys: Some(keys),
            keys_at: self.clock.now().wall.0,
            ..old
        };
        let held = with_keys.held().ok_or(Trouble::Unreadable)?;
        self.remember(cached, with_keys).await;
        Ok(held)
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
            keys_asked_at: 0,
        }
    }

    /// Metadata as it just came, with the keys that are known already, if they are still at the same place.
    async fn with_known_keys(
        &self,
        cached: &mut Option<Cached>,
        address: &ServerAddress,
        metadata: &IssuerMetadata,
    ) -> Cached {
        let fetched = self.fetched(address, metadata);
        let known = self.recall(cached, address).await;
        match known.filter(|known| known.metadata.jwks_uri == metadata.jwks_uri) {
            Some(known) => Cached {
                keys: known.keys,
                keys_at: known.keys_at,
                keys_asked_at: known.keys_asked_at,
                ..fetched
            },
            None => fetched,
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
        IssuerError::NoMetadata => Trouble::Status(404),
        IssuerError::Metadata(_) => Trouble::Foreign,
    }
}

impl Cached {
    fn held(&self) -> Option<Held> {
        Some(Held {
            keys: self.keys.clone()?,
            at: self.keys_at,
            issuer: self.metadata.issuer.clone(),
            algorithms: metadata::algorithms(&self.metadata),
        })
    }
}

/// Where the account's service is: the API, which need not be the issuer.
pub(super) fn service_address(facts: &Facts) -> Option<ServerAddress> {
    ServerAddress::parse(facts.account.as_ref()?.service()).ok()
}
