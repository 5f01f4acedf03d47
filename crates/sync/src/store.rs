//! The store: two SQLite databases in the profile folder.
//!
//! `athlete.db` is precious and survives a power cut at every commit; `library.db` is a cache that is set aside and
//! rebuilt when it is damaged. Calls block; [`Store::run`] carries them to the runtime's blocking threads. No clock
//! is read here: times are Unix milliseconds that the caller passes in.

mod athlete;
mod auth_journal;
mod before_upgrade;
mod budget;
mod change_feed;
mod check;
mod database;
mod error;
mod export;
mod feed_meta;
mod lane;
mod library;
mod library_db;
mod other;
mod outbox;
mod outbox_claim;
mod outbox_recall;
mod own_workout;
mod plan_item;
mod profile;
mod profile_name;
mod reserve;
mod revocation;
mod ride;
mod ride_card;
mod ride_event;
mod ride_journal;
mod ride_sample;
mod salvage;
mod search;
mod session;
mod today;
mod values;
mod workout;
mod workout_card;

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{RwLock, watch};

use crate::home::Home;
use database::Database;
use library_db::LibraryDb;

pub use auth_journal::{AUTH_JOURNAL_LENGTH, AuthRecord};
pub use change_feed::Applied;
pub use check::{DatabaseCheck, check_databases};
pub use error::StoreError;
pub use feed_meta::PullState;
pub use outbox::{EntryState, OutboxCounts, OutboxEntry, RIDE_KIND};
pub use outbox_claim::Claim;
pub use reserve::{RESERVED_BYTES, Room};
pub use revocation::{NewRevocation, Revocation};
pub use ride_journal::RideJournal;
pub use salvage::{Rescued, Salvage};
pub use session::{SessionChange, StoredSession, StoredVoucher};

/// Both databases of a profile. Clones share them.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    home: Home,
    athlete: Database,
    library: LibraryDb,
    revisions: watch::Sender<Revisions>,
    /// Held by every call that [`Store::run`] has under way.
    under_way: Arc<RwLock<()>>,
}

/// Counters that rise with every commit of their part, so that watchers know when to read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Revisions {
    /// Workouts, plan and profile.
    pub library: u64,
    /// Rides and the outbox.
    pub rides: u64,
    /// The session's facts and tokens.
    pub session: u64,
}

impl Store {
    /// Opens both databases, creating and upgrading them as needed. A damaged (or too new) `library.db` is set aside
    /// and started afresh, with the athlete's own workouts in it.
    ///
    /// # Errors
    /// [`StoreError::TooNew`] leaves `athlete.db` as it is, and so does [`StoreError::AthleteDamaged`]: it comes only where
    /// another process works with the damaged file, and else what can be read of it is saved.
    pub fn open(home: &Home) -> Result<Self, StoreError> {
        // Two processes that start together must not both migrate, nor both set a damaged cache aside.
        let opening = database::OpeningLock::take(home)?;
        let athlete = athlete::open(home)?;
        let library = LibraryDb::open(home)?;
        drop(opening);
        let revisions = watch::Sender::new(Revisions::default());
        let store = Self(Arc::new(Inner {
            home: home.clone(),
            athlete,
            library,
            revisions,
            under_way: Arc::default(),
        }));
        store.library_call(|library| own_workout::index_missing(store.athlete(), library))?;
        Ok(store)
    }

    /// Runs blocking store calls away from the async threads. Dropping the future does not stop them.
    ///
    /// # Errors
    /// Those of `f`, and [`StoreError::Stopped`] when `f` panicked or the runtime is ending.
    pub async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let under_way = Arc::clone(&self.0.under_way).read_owned().await;
        let call = move || {
            let done = f(&store);
            drop(under_way);
            done
        };
        tokio::task::spawn_blocking(call)
            .await
            .map_err(|_| StoreError::Stopped)?
    }

    /// Waits for the calls that are under way, also those that nobody waits for any more.
    pub async fn settled(&self) {
        drop(self.0.under_way.write().await);
    }

    /// The profile folder of this store.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// Watches the counters.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<Revisions> {
        self.0.revisions.subscribe()
    }

    /// Another process changed the databases: raises every counter.
    pub fn changed_elsewhere(&self) {
        self.0.revisions.send_modify(|now| {
            now.library += 1;
            now.rides += 1;
            now.session += 1;
        });
    }

    fn athlete(&self) -> &Database {
        &self.0.athlete
    }

    fn read_library<T>(
        &self,
        f: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.library_call(|library| library.read(&f))
    }

    fn write_library<T>(
        &self,
        f: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.library_call(|library| library.write(&f))
    }

    /// A cache that turns out damaged while in use is replaced on the spot, and the call is made again: to the caller
    /// it is an empty library with the athlete's own workouts.
    fn library_call<T>(
        &self,
        call: impl Fn(&LibraryDb) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let library = &self.0.library;
        let age = library.age();
        match call(library) {
            Err(error) if error.is_damage() => {
                library.replace(&self.0.home, age)?;
                own_workout::index_missing(self.athlete(), library)?;
                self.library_changed();
                call(library)
            }
            other => other,
        }
    }

    fn library_changed(&self) {
        self.0.revisions.send_modify(|now| now.library += 1);
    }

    fn rides_changed(&self) {
        self.0.revisions.send_modify(|now| now.rides += 1);
    }

    fn session_changed(&self) {
        self.0.revisions.send_modify(|now| now.session += 1);
    }
}
