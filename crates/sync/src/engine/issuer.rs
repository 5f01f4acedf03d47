//! What is known of the account's issuer: metadata and keys, cached in the store so that they are at hand offline.
//!
//! Where a refresh token is sent stands in there. So what is read from the store counts only if the account's key
//! authenticates it, as with the grace (`record`), and if it passes the checks that it passed when it came. Without the
//! key nothing is renewed anyway. An issuer that is not the stored account's is remembered in memory alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use freewheel_policy::session::Facts;
use freewheel_policy::time::{Millis, WallMs};
use freewheel_policy::transport::Trouble;
use freewheel_protocol::oauth::{AUDIENCE, CLIENT_ID, IssuerMetadata};
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::record::KeyAtHand;
use super::refresh::address;
use super::session::{Session, account_id, stored_facts};
use crate::clock::SharedClock;
use crate::jwt::{self, Audience, Claims, Expected, JwtError};
use crate::remote::issuer::{self as remote, IssuerError};
use crate::remote::{Http, ServerAddress, metadata, resource};
use crate::store::Store;

/// Where the cached form lies among the lanes' states.
const KEY: &str = "issuer";
/// What the MAC of the cached form is over, before the account and the text.
const PURPOSE: &[u8] = b"freewheel issuer 1\n";
/// Keys are fetched again because of a token that does not verify at most this often.
const REFETCH: Millis = Millis::mins(5);
/// Metadata older than this is asked for again when the issuer answers.
const OLD: Millis = Millis::days(1);

type Memory = BTreeMap<String, Cached>;

/// The issuer of the profile's account.
pub(crate) struct Issuer {
    session: Arc<Session>,
    clock: SharedClock,
    /// By address.
    cached: Mutex<Memory>,
}

/// The cached form, and the MAC that the account's key makes of it.
#[derive(Serialize, Deserialize)]
struct Authenticated {
    text: String,
    mac: Vec<u8>,
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
    /// It is in the store.
    #[serde(skip)]
    stored: bool,
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
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self {
            clock: Arc::clone(&session.clock),
            session,
            cached: Mutex::default(),
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

    /// Who signs in for the server that the athlete names, straight from the network, and remembered in memory
    /// ([`Issuer::keep`]). A service may name
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

    /// What an access token says that is for the issuer's own API, or for `service`. At `date`, the server's time, it
    /// must be valid.
    pub(crate) async fn access_claims(
        &self,
        address: &ServerAddress,
        service: Option<&str>,
        token: &str,
        date: Option<WallMs>,
    ) -> Result<Claims, Unproved> {
        // Named by its address (RFC 8707 §2), the issuer's own API also by the API's own name. A service that only names
        // the issuer (RFC 9728) would otherwise be sent what is good there.
        let bare = service.unwrap_or(address.as_str()).trim_end_matches('/');
        let slashed = format!("{bare}/");
        let names = [bare, &slashed, AUDIENCE];
        let names = names.get(..if service.is_some() { 2 } else { 3 });
        let audience = Audience::Api(names.unwrap_or_default());
        let claims = self.claims(address, token, audience).await?;
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
        let age = |known: &Cached| (known.keys_at, known.keys_asked_at);
        let mut recalled = self.recall(&mut cached, address).await?;
        if let Some(stored) = self.stored(address).await
            && age(&stored) > age(&recalled)
        {
            cached.insert(address.as_str().to_owned(), stored.clone());
            recalled = stored;
        }
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
        cached: &mut Memory,
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

    /// Keeps what a sign-in learned of its issuer, now that the account is this profile's.
    pub(crate) async fn keep(&self, address: &ServerAddress) {
        let mut cached = self.cached.lock().await;
        self.recall(&mut cached, address).await;
    }

    /// What is known of the issuer: from memory, or else from the store.
    async fn recall(&self, cached: &mut Memory, address: &ServerAddress) -> Option<Cached> {
        if let Some(known) = cached.get(address.as_str()).cloned() {
            if !known.stored {
                self.remember(cached, known.clone()).await;
            }
            return Some(known);
        }
        let stored = self.stored(address).await?;
        cached.insert(address.as_str().to_owned(), stored.clone());
        Some(stored)
    }

    /// What the store knows of the issuer, if it is what this app wrote.
    async fn stored(&self, address: &ServerAddress) -> Option<Cached> {
        let hand = self.session.at_hand()?;
        let store = &self.session.store;
        let stored = store.run(|store| store.lane_state(KEY)).await.ok()??;
        let cached = believed(&stored, &hand, address);
        if cached.is_none() {
            tracing::info!("what is stored of an issuer does not count; it is asked for again");
        }
        cached
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
            stored: false,
        }
    }

    /// Metadata as it just came, with the keys that are known already, if they are still at the same place.
    async fn with_known_keys(
        &self,
        cached: &mut Memory,
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

    /// In memory; and in the store too, if it is the stored account's issuer and the key is at hand.
    async fn remember(&self, cached: &mut Memory, known: Cached) {
        let (name, hand) = (known.address.clone(), self.session.at_hand());
        let stored = match hand {
            Some(hand) => self.write(&known, hand).await,
            None => false,
        };
        cached.insert(name, Cached { stored, ..known });
    }

    /// Whether it was written down.
    async fn write(&self, known: &Cached, hand: KeyAtHand) -> bool {
        let Ok(text) = serde_json::to_string(known) else {
            return false;
        };
        let of = known.address.clone();
        let write = move |store: &Store| {
            let facts = stored_facts(store)?;
            let issuer = address(&facts).is_some_and(|address| address.as_str() == of);
            if !issuer || account_id(&facts).as_ref() != Some(&hand.account) {
                return Ok(false);
            }
            let mac = hand.key.mac(&authenticated(&hand.account, &text)).to_vec();
            let form = serde_json::to_string(&Authenticated { text, mac })?;
            store.put_lane_state(KEY, &form).map(|()| true)
        };
        let written = self.session.store.run(write).await;
        written.unwrap_or_else(|error| {
            tracing::warn!(%error, "the issuer's metadata could not be cached");
            false
        })
    }
}

/// A stored form that the key authenticates, of this issuer, and sound.
fn believed(stored: &str, hand: &KeyAtHand, address: &ServerAddress) -> Option<Cached> {
    let Authenticated { text, mac } = serde_json::from_str(stored).ok()?;
    if !hand.key.has_mac(&authenticated(&hand.account, &text), &mac) {
        return None;
    }
    let cached: Cached = serde_json::from_str(&text).ok()?;
    let metadata = serde_json::to_value(&cached.metadata).ok()?;
    let metadata = metadata::check(metadata, address).ok()?;
    (cached.address == address.as_str()).then_some(Cached {
        metadata,
        stored: true,
        ..cached
    })
}

fn authenticated(account: &str, text: &str) -> Vec<u8> {
    [PURPOSE, account.as_bytes(), b"\n", text.as_bytes()].concat()
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
