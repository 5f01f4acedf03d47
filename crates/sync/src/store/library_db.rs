//! `library.db`: the disposable database. When it is damaged it is set aside and started afresh.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rusqlite::Connection;
use rusqlite_migration::M;

use super::database::{Database, Durability, OpeningLock};
use super::error::StoreError;
use super::{feed_meta, other, plan_item, profile, workout};
use crate::home::Home;

/// In the order in which they came; only ever appended to. The format's number is the length of the list.
pub(super) const MIGRATIONS: &[M<'static>] = &[
    M::up(feed_meta::CREATE),
    M::up(workout::CREATE),
    M::up(plan_item::CREATE),
    M::up(profile::CREATE),
    M::up(other::CREATE),
];

/// The cache, replaceable while in use.
#[derive(Debug)]
pub(super) struct LibraryDb(RwLock<Current>);

#[derive(Debug)]
struct Current {
    /// Absent only when replacing failed half-way; the next call tries again.
    database: Option<Database>,
    age: u64,
}

impl LibraryDb {
    /// Opens the cache, whatever became of the file. Wants the opening lock held.
    pub(super) fn open(home: &Home) -> Result<Self, StoreError> {
        let database = open_or_start_afresh(home)?;
        Ok(Self(RwLock::new(Current {
            database: Some(database),
            age: 0,
        })))
    }

    /// How often the cache was replaced.
    pub(super) fn age(&self) -> u64 {
        self.shared().age
    }

    pub(super) fn read<T>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.shared().database()?.read(f)
    }

    pub(super) fn write<T>(
        &self,
        f: impl FnMut(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.shared().database()?.write(f)
    }

    /// Replaces a cache of this age. Does nothing when another thread was faster.
    pub(super) fn replace(&self, home: &Home, age: u64) -> Result<(), StoreError> {
        let mut current: RwLockWriteGuard<'_, Current> =
            self.0.write().unwrap_or_else(PoisonError::into_inner);
        if current.age != age {
            return Ok(());
        }
        let _opening = OpeningLock::take(home)?;
        // Closed before the file is moved: some systems do not move open files.
        current.database = None;
        // Another process may have replaced the file already; then this one holds what was set aside.
        if !is_sound(home) {
            set_aside(&home.library_db(), "damaged")?;
        }
        current.database = Some(open_or_start_afresh(home)?);
        current.age += 1;
        Ok(())
    }

    fn shared(&self) -> RwLockReadGuard<'_, Current> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn database(&self) -> Result<&Database, StoreError> {
        self.database
            .as_ref()
            .ok_or_else(|| StoreError::Invalid("no library database".to_owned()))
    }
}

fn open(home: &Home) -> Result<Database, StoreError> {
    Database::open(home.library_db(), Durability::ProcessDeath, MIGRATIONS)
}

fn open_or_start_afresh(home: &Home) -> Result<Database, StoreError> {
    let why = match open(home) {
        Err(error) if error.is_damage() => "damaged",
        Err(StoreError::TooNew { .. }) => "newer",
        // A folder of this name, for example.
        Err(_) if home.library_db().exists() && !home.library_db().is_file() => "damaged",
        other => return other,
    };
    set_aside(&home.library_db(), why)?;
    open(home)
}

fn is_sound(home: &Home) -> bool {
    let checked = open(home).and_then(|database| {
        database.read(|connection| {
            Ok(connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?)
        })
    });
    matches!(checked.as_deref(), Ok("ok"))
}

/// Renames the database and its companions to `library.db.damaged-1`, `…-2`, …
fn set_aside(path: &Path, why: &str) -> Result<(), StoreError> {
    let beside = |suffix: &str| -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    };
    let aside = (1_u32..)
        .map(|n| beside(&format!(".{why}-{n}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| beside(&format!(".{why}")));
    tracing::warn!(from = %path.display(), to = %aside.display(), "library cache set aside");
    fs::rename(path, &aside).map_err(|source| StoreError::File {
        path: path.to_owned(),
        source,
    })?;
    // Left in place, the old log would be played into the new file.
    for suffix in ["-wal", "-shm"] {
        let (from, mut to) = (beside(suffix), aside.clone().into_os_string());
        to.push(suffix);
        match fs::rename(&from, PathBuf::from(to)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::File {
                    path: from,
                    source: error,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::schema_tests::upgrades_end_where_a_fresh_start_begins;

    #[test]
    fn every_older_format_becomes_the_newest() {
        upgrades_end_where_a_fresh_start_begins(MIGRATIONS, Durability::ProcessDeath);
    }
}
