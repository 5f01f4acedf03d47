//! The server as a whole: its parts, its settings, its routes.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use freewheel_protocol::rides::MAX_RIDE_BYTES;
use jiff::SignedDuration;
use rusqlite::Connection;
use tower_http::compression::CompressionLayer;

use crate::clock::{Clock, SystemClock};
use crate::issuer::keys::{self, KeyCache, KeyError, Keys};
use crate::issuer::throttle::Throttle;
use crate::library::{Library, LibraryError};
use crate::metrics::{self, Answers};
use crate::outside_issuer::{OutsideIssuer, Verifier};
use crate::problem::Failure;
use crate::store::{Store, StoreError};
use crate::{api, demo, envelope, issuer, page, problem, status};

/// The server's settings.
#[derive(Clone)]
pub struct Options {
    /// The URL by which clients reach the server, without a slash at the end: the issuer of its tokens.
    pub public_url: String,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Life of an access token.
    pub access_token_life: SignedDuration,
    /// How long a refresh token lives without being used.
    pub refresh_token_life: SignedDuration,
    /// So many computers stay signed in to one account: the next sign-in ends the oldest. `None`: any number.
    pub max_sessions: Option<NonZeroU32>,
    /// Life of the codes of a device that waits for its athlete's word.
    pub device_code_life: SignedDuration,
    /// The least time between two questions of such a device.
    pub device_interval: SignedDuration,
    /// Another issuer, whose access tokens the API takes. Then this server issues none.
    pub issuer: Option<OutsideIssuer>,
    /// A shorter offline grace than the client's own, told in the access token.
    pub offline_grace: Option<SignedDuration>,
    /// The workouts to publish.
    pub library: Library,
    /// Whether the athlete demo/demo and their plan are made.
    pub dev: bool,
}

impl Options {
    /// The settings of a server that clients reach by `public_url`: system clock, access tokens of
    /// 15 minutes, refresh tokens of 30 days, any number of sessions, device codes of 15 minutes to be asked about
    /// every 5 seconds, the built-in library.
    #[must_use]
    pub fn at(public_url: &str) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            clock: Arc::new(SystemClock),
            access_token_life: SignedDuration::from_mins(15),
            refresh_token_life: SignedDuration::from_hours(30 * 24),
            max_sessions: None,
            device_code_life: SignedDuration::from_mins(15),
            device_interval: SignedDuration::from_secs(5),
            issuer: None,
            offline_grace: None,
            library: Library::BuiltIn,
            dev: false,
        }
    }
}

/// The server could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key that signs tokens.
    #[error("cannot use the signing key: {0}")]
    Key(#[from] KeyError),
    /// No HTTP client: no usable TLS on this computer.
    #[error("cannot ask another issuer: {0}")]
    Http(#[from] reqwest::Error),
    /// The library.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

/// A running server's parts. Clones share them.
#[derive(Clone)]
pub struct Server {
    parts: Arc<Parts>,
}

struct Parts {
    options: Options,
    store: Arc<Store>,
    keys: KeyCache,
    outside: Option<Arc<Verifier>>,
    throttle: Throttle,
    answers: Answers,
}

impl Server {
    /// Opens the data folder (made when missing), publishes the library, and in development makes the
    /// demo athlete. Doing it again with the same folder changes nothing that is there already.
    ///
    /// # Errors
    /// When the folder, the key or the library cannot be used; the text says which and why.
    pub fn open(data_folder: &Path, options: Options) -> Result<Self, OpenError> {
        let store = Arc::new(Store::open(data_folder)?);
        let outside = options.issuer.clone().map(Verifier::new).transpose()?;
        if outside.is_none() {
            let life = options.access_token_life.as_secs();
            keys::set_up(&store, options.clock.now(), life)?;
        }
        let shelf = options.library.read()?;
        // Those that are there already, unchanged, stay as they are.
        store.publish_workouts(&shelf.workouts)?;
        if options.dev {
            demo::set_up(&store, &shelf, options.clock.as_ref())?;
        }
        Ok(Self {
            parts: Arc::new(Parts {
                options,
                store,
                keys: KeyCache::default(),
                outside: outside.map(Arc::new),
                throttle: Throttle::default(),
                answers: Answers::default(),
            }),
        })
    }

    /// The whole wire.
    pub fn router(&self) -> Router {
        let issuer = match self.outside() {
            None => issuer::routes(),
            Some(_) => Router::new(),
        };
        issuer
            .merge(api::routes())
            .merge(status::routes())
            .merge(metrics::routes())
            .merge(page::routes())
            .fallback(problem::not_found)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .layer(DefaultBodyLimit::max(MAX_RIDE_BYTES))
            .layer(CompressionLayer::new().gzip(true))
            .layer(axum::middleware::from_fn_with_state(
                self.clone(),
                envelope::wrap,
            ))
            .with_state(self.clone())
    }

    /// Serves `listener` until `stop` is ready and the requests under way are answered.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve(
        &self,
        listener: impl axum::serve::Listener<Addr = SocketAddr>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        axum::serve(listener, self.router())
            .with_graceful_shutdown(stop)
            .await
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.parts.store
    }

    pub(crate) fn options(&self) -> &Options {
        &self.parts.options
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.parts.options.clock.as_ref()
    }

    /// Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.clock().now().as_second()
    }

    /// The other issuer, if there is one.
    pub(crate) fn outside(&self) -> Option<&Arc<Verifier>> {
        self.parts.outside.as_ref()
    }

    /// The keys of our own issuer that count now.
    pub(crate) async fn keys(&self) -> Result<Keys, Failure> {
        let (server, now) = (self.clone(), self.now());
        self.blocking(move |store| store.read(|db| server.keys_in(db, now)))
            .await
    }

    /// The same inside a read of the database.
    pub(crate) fn keys_in(&self, db: &Connection, now: i64) -> Result<Keys, StoreError> {
        self.parts.keys.keys(db, now)
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.parts.throttle
    }

    pub(crate) fn answers(&self) -> &Answers {
        &self.parts.answers
    }

    /// Runs `work`, which blocks, off the async threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = Arc::clone(&self.parts.store);
        Ok(tokio::task::spawn_blocking(move || work(&store)).await??)
    }
}
