//! The server's memory: one SQLite file, one module per table.
//!
//! WAL with `synchronous=FULL`: what was committed survives `kill -9` and a power cut, and every answer
//! is given after the commit. All calls block; the router makes them off the async threads.

pub mod athlete;
pub mod edit;
pub mod feed;
pub mod ride;

pub(crate) mod authorization_code;
pub(crate) mod device_grant;
pub(crate) mod fact;
pub(crate) mod outside_identity;
pub(crate) mod refresh_token;
pub(crate) mod sign_in;
pub(crate) mod signing_key;
pub(crate) mod token_family;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

pub use athlete::{Athlete, AthleteId, NewAthlete};
pub use ride::StoredRide;

/// The name of the database inside the data folder.
pub const FILE_NAME: &str = "server.db";

const STEPS: &[M<'static>] = &[
    M::up(fact::SCHEMA),
    M::up(athlete::SCHEMA),
    M::up(signing_key::SCHEMA),
    M::up(sign_in::SCHEMA),
    M::up(token_family::SCHEMA),
    M::up(authorization_code::SCHEMA),
    M::up(refresh_token::SCHEMA),
    M::up(feed::SCHEMA),
    M::up(ride::SCHEMA),
    M::up(device_grant::SCHEMA),
    M::up(sign_in::FOR_DEVICES),
    M::up(authorization_code::SIGNED_IN_AT),
    M::up(signing_key::RETIREMENT),
    M::up(token_family::REASONS).foreign_key_check(),
    M::up(refresh_token::SIBLINGS),
    M::up(ride::PER_ATHLETE),
    M::up(outside_identity::SCHEMA),
    M::up(edit::SCHEMA),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder or the file in it cannot be used.
    #[error("cannot use the data folder {}: {reason}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file comes from a newer version of this program.
    #[error("{} was written by a newer freewheel-server; use that version", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
    },
    /// SQLite failed.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A migration failed.
    #[error("database migration: {0}")]
    Migration(rusqlite_migration::Error),
    /// A row holds what this program never writes.
    #[error("damaged row in table {table}: {reason}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that is taken already.
    #[error("there is an athlete called {0} already")]
    UsernameTaken(String),
    /// Nobody has this name.
    #[error("there is no athlete called {0}")]
    NoSuchAthlete(String),
    /// A password could not be hashed.
    #[error("cannot hash the password: {0}")]
    Password(String),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] crate::random::RandomError),
    /// A body could not be written as JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The server's database. Share it in an `Arc`.
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the database in `folder`, making both when they are missing.
    ///
    /// # Errors
    /// [`StoreError::Folder`] when the folder cannot be written, [`StoreError::TooNew`] when the file
    /// belongs to a newer version; the file is untouched in both cases.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let unusable = |path: &Path, reason: &dyn std::fmt::Display| StoreError::Folder {
            path: path.to_owned(),
            reason: reason.to_string(),
        };
        std::fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
        let path = folder.join(FILE_NAME);
        create_private(&path).map_err(|error| unusable(folder, &error))?;
        let mut connection = Connection::open(&path).map_err(|error| unusable(folder, &error))?;
        connection.busy_timeout(Duration::from_secs(5))?;
        refuse_newer(&connection, &path)?;
        connection
            .pragma_update(None, "journal_mode", "wal")
            .map_err(|error| unusable(folder, &error))?;
        connection.pragma_update(None, "synchronous", "full")?;
        // A step that makes a table anew drops one that others refer to.
        connection.pragma_update(None, "foreign_keys", false)?;
        MIGRATIONS
            .to_latest(&mut connection)
            .map_err(StoreError::Migration)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let store = Self {
            connection: Mutex::new(connection),
        };
        store.write(fact::set_up)?;
        Ok(store)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(&self) -> Result<(), StoreError> {
        self.read(|db| Ok(db.query_row("SELECT count(*) FROM fact", [], |_| Ok(()))?))
    }

    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A transaction, so that a read of several statements sees one state.
        let transaction = connection.transaction()?;
        query(&transaction)
    }

    pub(crate) fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = change(&transaction)?;
        transaction.commit()?;
        Ok(outcome)
    }
}

/// Makes the file, when it is missing, for its owner only: it holds the key that signs tokens. SQLite gives the files
/// beside it the same permissions.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn refuse_newer(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let version: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| StoreError::Folder {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    match MIGRATIONS.current_version(connection) {
        Ok(rusqlite_migration::SchemaVersion::Outside(_)) => {
            tracing::debug!(version, "database is newer than this program");
            Err(StoreError::TooNew {
                path: path.to_owned(),
            })
        }
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::Migration(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_well_formed() {
        MIGRATIONS.validate().unwrap();
    }

    /// The steps of the first version: an operator may come from there.
    const FIRST: usize = 9;

    #[test]
    fn the_rows_of_the_first_version_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut old = Connection::open(folder.path().join(FILE_NAME)).unwrap();
        Migrations::from_slice(&STEPS[..FIRST])
            .to_latest(&mut old)
            .unwrap();
        old.execute_batch(
            "INSERT INTO athlete (id, username, name, password_hash, created_at)
                 VALUES ('a', 'maja', 'Maja', '', '2026-01-01T00:00:00Z');
             INSERT INTO token_family (id, athlete_id, scope, created_at, revoked_at, revoked_because)
                 VALUES ('late', 'a', 'openid', 20, NULL, NULL), ('early', 'a', 'openid', 10, 15, 'asked');
             INSERT INTO refresh_token (token_hash, family_id, state, expires_at)
                 VALUES ('t1', 'late', 'previous', 99), ('t2', 'late', 'current', 99);
             INSERT INTO authorization_code
                 (code_hash, athlete_id, redirect_uri, scope, code_challenge, family_id, expires_at)
                 VALUES ('c', 'a', 'r', 'openid', 'x', 'late', 30);
             INSERT INTO signing_key (pkcs8, created_at) VALUES (x'00', '2026-01-01T00:00:00Z');
             INSERT INTO ride (number, id, athlete_id, digest, received_at, started_at, seconds, name, fit)
                 VALUES (7, '01890a5d-ac96-774b-bcce-b302099a8057', 'a',
                         'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
                         '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 60, 'Spin', x'');",
        )
        .unwrap();
        drop(old);

        let store = Store::open(folder.path()).unwrap();
        let maja = store.athlete_named("maja").unwrap().unwrap().id;
        let rides = store.rides(&maja).unwrap();
        assert_eq!(rides.len(), 1);
        assert_eq!(rides[0].number, 7);
        store
            .read(|db| {
                let families =
                    "SELECT group_concat(id || ' ' || ifnull(revoked_because, '-'), ', ')
                                FROM (SELECT * FROM token_family ORDER BY number)";
                let families: String = db.query_row(families, [], |row| row.get(0))?;
                assert_eq!(families, "early asked, late -");
                // A key of the first version may have signed tokens that live a day.
                assert_eq!(signing_key::published(db, 0)?.len(), 1);
                let broken: i64 =
                    db.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
                        row.get(0)
                    })?;
                assert_eq!(broken, 0);
                let watched: bool = db.query_row("PRAGMA foreign_keys", [], |row| row.get(0))?;
                assert!(watched);
                Ok(())
            })
            .unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        store.sign_out_everywhere(&maja, now).unwrap();
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let other = Connection::open(&path).unwrap();
        other
            .execute_batch("CREATE TABLE later (a); PRAGMA user_version = 900;")
            .unwrap();
        drop(other);
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(
            Store::open(folder.path()),
            Err(StoreError::TooNew { .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[cfg(unix)]
    #[test]
    fn only_their_owner_can_read_the_files() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
        }
        drop(store);
    }

    #[test]
    fn a_folder_that_is_a_file_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Store::open(file.path()).err().unwrap().to_string();
        assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
    }
}
