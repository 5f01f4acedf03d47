//! A damaged `athlete.db`: set aside untouched, and every row that can still be read copied into a fresh one.
//!
//! Nothing is taken away before the fresh database is whole on the disk. A death in between leaves either the damaged
//! file in its place, and everything begins again, or a whole fresh one, which is put in place at the next start.

mod copy;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, named_params};
use serde::{Deserialize, Serialize};

use super::athlete::MIGRATIONS;
use super::database::{BUSY_TIMEOUT, Database, Durability};
use super::error::StoreError;
use super::{Store, before_upgrade, lane, outbox, ride, values};
use crate::home::Home;
use crate::lease::{Lease, LeaseKind};

pub use copy::Rescued;

/// Where the notice lies among the lanes' states.
const NOTICE: &str = "salvage";
/// The tables that every start looks through: small ones, without which nothing works. The others are read when they
/// are wanted.
const SMALL: [&str; 7] = [
    "session",
    "lane",
    "budget",
    "outbox",
    "own_workout",
    "revocation",
    "profile_name",
];

/// The tables whose readers bear values of any bytes; these are copied as they are.
const BEARING: [&str; 3] = ["session", "lane", "budget"];

/// What became of a damaged database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salvage {
    /// Where the damaged file is kept, as it was found.
    pub kept: PathBuf,
    /// Finished and unfinished rides that were saved.
    pub rides: u64,
    /// Rides that had lost their place in the queue and got it back; the service takes each only once.
    pub queued_again: u64,
    /// What was saved of each table.
    pub tables: Vec<Rescued>,
}

impl Salvage {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        let rides = match self.rides {
            1 => "1 ride was saved".to_owned(),
            rides => format!("{rides} rides were saved"),
        };
        let lost: Vec<String> = self.tables.iter().filter_map(Rescued::loss).collect();
        let lost = if lost.is_empty() {
            "nothing was lost".to_owned()
        } else {
            format!("what was lost: {}", lost.join(", "))
        };
        format!(
            "The profile database was damaged. {rides}; {lost}. The damaged file is kept at {}.",
            self.kept.display()
        )
    }
}

impl Store {
    /// What became of a damaged database of this profile; none if it never was.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn salvage(&self) -> Result<Option<Salvage>, StoreError> {
        let notice = self.lane_state(NOTICE)?;
        Ok(notice
            .map(|notice| serde_json::from_str(&notice))
            .transpose()?)
    }
}

/// Opens the database; a damaged one is set aside, and what can be read of it is in the one that opens. Wants the opening
/// lock held.
pub(super) fn open(home: &Home) -> Result<Database, StoreError> {
    let path = home.athlete_db();
    finish_interrupted(&path)?;
    // Looked at first, for reading only: opening a damaged file would change it.
    let opened = sound(&path)
        .and_then(|()| before_upgrade::keep(&path, MIGRATIONS.len()))
        .and_then(|()| open_plain(&path));
    let damage = match opened {
        Err(error) if error.is_damage() => error,
        other => return other,
    };
    // Somebody who has it open would go on with the file that is set aside.
    let in_use = [LeaseKind::Syncer, LeaseKind::Ride];
    let taken = |kind: &LeaseKind| matches!(Lease::try_acquire(home, *kind), Ok(None));
    if in_use.iter().any(taken) {
        return Err(damage);
    }
    tracing::error!(error = %damage, "the profile database is damaged; it is salvaged");
    let salvage = rescue(&path)?;
    put_in_place(&path, &salvage.kept)?;
    forget_suspicion(&path);
    tracing::warn!(kept = %salvage.kept.display(), rides = salvage.rides, "the profile database was salvaged");
    open_plain(&path)
}

/// A call met damage in a table that a start does not look through: the next start looks through all of them.
pub(super) fn suspect(path: &Path) {
    if let Err(error) = fs::write(beside(path, ".suspect"), b"") {
        tracing::warn!(%error, "that the database is damaged could not be noted");
    }
}

fn forget_suspicion(path: &Path) {
    remove(&beside(path, ".suspect"));
}

fn open_plain(path: &Path) -> Result<Database, StoreError> {
    Database::open(path.to_owned(), Durability::PowerCut, MIGRATIONS)
}

/// Looks for damage: through the small tables, and through all where a call has met some.
fn sound(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let reading = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, reading)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    if beside(path, ".suspect").exists() {
        verdict(&connection, "PRAGMA quick_check(1)")?;
        if let Some(fault) = value_fault(&connection)? {
            return Err(corrupt(fault));
        }
        forget_suspicion(path);
        return Ok(());
    }
    for table in SMALL {
        let looked = verdict(&connection, &format!("PRAGMA quick_check('{table}')"));
        let looked = looked.and_then(|()| match values_of(&connection, table)? {
            None => Ok(()),
            Some(fault) => Err(corrupt(fault)),
        });
        match looked {
            Err(error) if error.is_damage() => return Err(error),
            // A table of a newer format, or a transaction that has to be undone first: opening tells.
            Err(_) => break,
            Ok(()) => {}
        }
    }
    Ok(())
}

fn verdict(connection: &Connection, pragma: &str) -> Result<(), StoreError> {
    let verdict: String = connection.query_row(pragma, [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(corrupt(verdict))
}

fn corrupt(what: String) -> StoreError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(what)).into()
}

/// A text of any table that is none, where that matters.
pub(super) fn value_fault(connection: &Connection) -> Result<Option<String>, StoreError> {
    let tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for table in tables {
        if let Some(fault) = values_of(connection, &table)? {
            return Ok(Some(fault));
        }
    }
    Ok(None)
}

fn values_of(connection: &Connection, table: &str) -> Result<Option<String>, StoreError> {
    if BEARING.contains(&table) {
        return Ok(None);
    }
    values::fault(connection, table)
}

/// Copies what can be read into a fresh database beside the damaged one, which is not touched: a copy of it is read.
fn rescue(path: &Path) -> Result<Salvage, StoreError> {
    let (copied, fresh) = (beside(path, ".reading"), beside(path, ".salvaged-part"));
    for leftover in [&copied, &fresh] {
        remove_with_companions(leftover);
    }
    for suffix in ["", "-wal"] {
        let (from, to) = (beside(path, suffix), beside(&copied, suffix));
        match fs::copy(&from, &to) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(file(&from)(error)),
            _ => {}
        }
    }
    let database = open_plain(&fresh)?;
    let kept = aside(path);
    let salvage = database.write(|to| fill(&copied, to, kept.clone()));
    drop(database);
    remove_with_companions(&copied);
    let salvage = salvage?;
    // Closing the last connection has folded the log into the file.
    if beside(&fresh, "-wal").exists() {
        return Err(StoreError::Invalid(
            "the salvaged database could not be closed".to_owned(),
        ));
    }
    let whole = beside(path, ".salvaged");
    fs::rename(&fresh, &whole).map_err(file(&fresh))?;
    durable_names(path)?;
    Ok(salvage)
}

fn fill(damaged: &Path, to: &Connection, kept: PathBuf) -> Result<Salvage, StoreError> {
    let tables = match Connection::open(damaged) {
        Ok(from) => copy::tables(&from, to)?,
        Err(error) => {
            tracing::warn!(%error, "nothing can be read of the damaged database");
            Vec::new()
        }
    };
    let salvage = Salvage {
        kept,
        rides: to
            .query_row("SELECT count(*) FROM ride", [], |row| row.get::<_, u32>(0))?
            .into(),
        queued_again: queue_again(to)?,
        tables,
    };
    lane::put(to, NOTICE, &serde_json::to_string(&salvage)?)?;
    Ok(salvage)
}

/// A finished ride of somebody that is in no queue gets its entry again. One that the service has is not taken twice:
/// the ride's id is the idempotency key.
fn queue_again(to: &Connection) -> Result<u64, StoreError> {
    let mut statement = to.prepare(
        "SELECT id FROM ride WHERE state = 'finished' AND account IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.id = ride.id AND kind = :kind)",
    )?;
    let lost = statement.query_map(named_params! { ":kind": outbox::RIDE_KIND }, |row| {
        row.get::<_, String>(0)
    })?;
    let mut queued = 0;
    for id in lost.collect::<Result<Vec<_>, _>>()? {
        match ride::queue_finished(to, &id) {
            Ok(()) => queued += 1,
            Err(error) => tracing::warn!(%error, ride = id, "a saved ride cannot be queued"),
        }
    }
    Ok(queued)
}

/// Sets the damaged files aside under `kept`, and puts the fresh one in their place. Each name is durable before the next is
/// changed: after a power cut no file is without the log that belongs to it, and none is with another's.
fn put_in_place(path: &Path, kept: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) = (beside(path, suffix), beside(kept, suffix));
        match fs::rename(&from, &to) {
            Ok(()) => durable_names(path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(file(&from)(error)),
        }
    }
    let whole = beside(path, ".salvaged");
    fs::rename(&whole, path).map_err(file(&whole))?;
    durable_names(path)
}

/// A salvage that a death interrupted: with the damaged file in its place it begins again, else it is brought to its end.
fn finish_interrupted(path: &Path) -> Result<(), StoreError> {
    let whole = beside(path, ".salvaged");
    if !whole.exists() {
        return Ok(());
    }
    if path.exists() {
        remove(&whole);
        return Ok(());
    }
    let notice = Connection::open(&whole)?.query_row(
        "SELECT state FROM lane WHERE lane = :lane",
        named_params! { ":lane": NOTICE },
        |row| row.get::<_, String>(0),
    )?;
    put_in_place(path, &serde_json::from_str::<Salvage>(&notice)?.kept)
}

/// `athlete.db.damaged-2026-03-01`, by the day on which the file last changed (in UTC), with a number where there is one
/// already.
fn aside(path: &Path) -> PathBuf {
    let changed = fs::metadata(path).and_then(|file| file.modified()).ok();
    let changed = changed.and_then(|time| Timestamp::try_from(time).ok());
    let day = changed
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%d");
    let named = beside(path, &format!(".damaged-{day}"));
    let numbered = (2_u32..).map(|number| beside(&named, &format!("-{number}")));
    std::iter::once(named.clone())
        .chain(numbered)
        .find(|aside| !aside.exists())
        .unwrap_or(named)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The names in the folder must survive a power cut as well; folders cannot be opened for this on every system.
fn durable_names(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(file(folder))?;
    }
    Ok(())
}

fn remove_with_companions(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        remove(&beside(path, suffix));
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "a leftover could not be removed");
        }
        _ => {}
    }
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { path, source }
}
