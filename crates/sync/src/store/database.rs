//! One database file: a connection that writes, a connection that reads, and their settings.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use super::error::{StoreError, is_damage};
use super::reserve::Reserve;
use super::salvage;
use crate::home::Home;

/// How long a call waits for another process's transaction.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long opening waits for whoever has the file: another process may be closing it, or undoing what a third one left
/// half-done, on a disk that is slow.
const OPENING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long opening waits for another process that opens or upgrades; longer than that one itself waits for a file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(15);

/// How much a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// A power cut.
    PowerCut,
    /// The death of the process; after a power cut the last commits may be gone, never half there.
    ProcessDeath,
}

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    durability: Durability,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    /// Room for a full disk, where some is kept for this database.
    reserve: Option<Reserve>,
}

impl Database {
    /// Opens or creates the database and brings it to the newest format.
    ///
    /// A file of a newer format is refused before anything is written to it.
    pub(super) fn open(
        path: PathBuf,
        durability: Durability,
        migrations: &[M<'_>],
    ) -> Result<Self, StoreError> {
        refuse_newer(&path, migrations)?;
        create_private(&path).map_err(|source| StoreError::File {
            path: path.clone(),
            source,
        })?;
        let mut writer = connect(&path, durability)?;
        use_log(&mut writer)?;
        Migrations::from_slice(migrations).to_latest(&mut writer)?;
        let reader = connect(&path, durability)?;
        reader.pragma_update(None, "query_only", true)?;
        for connection in [&writer, &reader] {
            connection.busy_timeout(BUSY_TIMEOUT)?;
        }
        Ok(Self {
            path,
            durability,
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            reserve: None,
        })
    }

    /// The same, with room for a full disk.
    pub(super) fn with_reserve(self, reserve: Reserve) -> Self {
        reserve.refill();
        Self {
            reserve: Some(reserve),
            ..self
        }
    }

    /// Reads one consistent state.
    pub(super) fn read<T>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = lock(&self.reader);
        connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(StoreError::from)
            .and_then(|transaction| f(&transaction))
            .map_err(|error| self.meaning(error))
    }

    /// Writes in one transaction, which is committed when `f` succeeds and rolled back otherwise. The write lock is
    /// taken at the start, so that what `f` reads cannot change before it writes. On a full disk the room that is kept for
    /// it is given up, and the transaction is made again.
    pub(super) fn write<T>(
        &self,
        mut f: impl FnMut(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = lock(&self.writer);
        let mut written = transact(&mut connection, &mut f);
        if let (Err(error), Some(reserve)) = (&written, &self.reserve)
            && reserve.relieves(error)
        {
            written = transact(&mut connection, &mut f);
        }
        written.map_err(|error| self.meaning(error))
    }

    fn meaning(&self, error: StoreError) -> StoreError {
        match self.durability {
            Durability::PowerCut => {
                let error = precious(&self.path, error);
                if matches!(error, StoreError::AthleteDamaged { .. }) {
                    salvage::suspect(&self.path);
                }
                error
            }
            Durability::ProcessDeath => error,
        }
    }
}

fn transact<T>(
    connection: &mut Connection,
    f: &mut impl FnMut(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = f(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// Held while databases are opened, migrated or set aside; released when dropped.
pub(super) struct OpeningLock {
    _file: File,
}

impl OpeningLock {
    pub(super) fn take(home: &Home) -> Result<Self, StoreError> {
        Self::take_within(home, LOCK_TIMEOUT)
    }

    fn take_within(home: &Home, patience: Duration) -> Result<Self, StoreError> {
        let path = home.store_lock();
        let file = crate::lease::open(&path)
            .and_then(|file| locked_within(file, patience))
            .map_err(|source| StoreError::File { path, source })?;
        Ok(Self { _file: file })
    }
}

/// A file lock is waited for without end: a thread does, and releases it if nobody wants it any more.
fn locked_within(file: File, patience: Duration) -> io::Result<File> {
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let (sender, locked) = mpsc::channel();
    std::thread::Builder::new()
        .name("store-lock".to_owned())
        .spawn(move || drop(sender.send(file.lock().map(|()| file))))?;
    locked.recv_timeout(patience).unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "another Freewheel program is opening this profile and does not come to an end. Close it and try again",
        ))
    })
}

/// A panic inside a call has rolled its transaction back; the connection is sound.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the file, when it is missing, for its owner only: the folder may have been there before, open to others. SQLite
/// gives the files beside it the same permissions.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(OPENING_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A damaged schema must not run anything, whatever stands in it.
    connection.pragma_update(None, "trusted_schema", false)?;
    let synchronous = match durability {
        Durability::PowerCut => "full",
        Durability::ProcessDeath => "normal",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // On macOS a sync alone leaves the bytes in the drive's own memory (SQLite, PRAGMA fullfsync); elsewhere it changes nothing.
    connection.pragma_update(None, "fullfsync", durability == Durability::PowerCut)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Brings the write-ahead log into use. Where it is not yet, SQLite reads the file first and then does not wait for whoever
/// writes in it just then, as two that have read could wait for each other forever: it says at once that the file is
/// busy. A transaction that begins with the write lock does wait; after it the log is tried again.
fn use_log(connection: &mut Connection) -> rusqlite::Result<()> {
    const TRIES: usize = 5;
    let mut used = connection.pragma_update(None, "journal_mode", "wal");
    for _ in 1..TRIES {
        match &used {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            _ => break,
        }
        connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?
            .rollback()?;
        used = connection.pragma_update(None, "journal_mode", "wal");
    }
    used
}

/// Looks at the format without writing. Opened for reading only: an ordinary connection would, on closing, fold the
/// write-ahead log into the file.
///
/// A process that died while it made the file, before the write-ahead log was in use, leaves a transaction that SQLite has
/// to undo before anybody can read, which it cannot do for a reader. It is no more than the beginning of a file.
fn refuse_newer(path: &Path, migrations: &[M<'_>]) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let found = match format(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            format(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        }
        looked => looked,
    }?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

/// The format of the file; an error where it is no sound database.
fn format(path: &Path, access: OpenFlags) -> rusqlite::Result<i64> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(OPENING_TIMEOUT)?;
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    // Reading the schema finds a file that is not a database, or only its beginning.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(found)
}

/// Says of the precious database what it means when it is damaged.
pub(super) fn precious(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Sqlite(source) if is_damage(&source) => StoreError::AthleteDamaged {
            path: path.to_owned(),
            source,
        },
        other => other,
    }
}

#[cfg(test)]
pub(super) mod schema_tests {
    use super::*;

    /// Upgrades a file of every older format and compares it with a fresh one.
    pub(in crate::store) fn upgrades_end_where_a_fresh_start_begins(
        migrations: &[M<'_>],
        durability: Durability,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let fresh = dir.path().join("fresh.db");
        Database::open(fresh.clone(), durability, migrations).unwrap();
        let expected = schema(&fresh);
        assert!(expected.len() > migrations.len());
        for older in 1..migrations.len() {
            let path = dir.path().join(format!("{older}.db"));
            Database::open(path.clone(), durability, &migrations[..older]).unwrap();
            assert_ne!(schema(&path), expected);
            let upgraded = Database::open(path.clone(), durability, migrations).unwrap();
            assert_eq!(schema(&path), expected, "from format {older}");
            let version: u32 = upgraded
                .read(|connection| {
                    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
                })
                .unwrap();
            assert_eq!(version as usize, migrations.len());
            let mode: String = upgraded
                .write(|connection| {
                    Ok(connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?)
                })
                .unwrap();
            assert_eq!(mode, "wal");
            let synchronous: i64 = upgraded
                .write(|connection| {
                    Ok(connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?)
                })
                .unwrap();
            assert_eq!(
                synchronous,
                if durability == Durability::PowerCut {
                    2
                } else {
                    1
                }
            );
        }
    }

    fn schema(path: &Path) -> Vec<(String, String)> {
        let connection = Connection::open(path).unwrap();
        let mut statement = connection
            .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")
            .unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn a_failed_upgrade_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let good = M::up("CREATE TABLE a (x INTEGER) STRICT;");
        Database::open(
            path.clone(),
            Durability::PowerCut,
            std::slice::from_ref(&good),
        )
        .unwrap();
        let before = schema(&path);
        let bad = [
            good,
            M::up("CREATE TABLE b (x INTEGER) STRICT;"),
            M::up("CREATE NONSENSE;"),
        ];
        assert!(Database::open(path.clone(), Durability::PowerCut, &bad).is_err());
        assert_eq!(schema(&path), before);
    }

    #[cfg(unix)]
    #[test]
    fn only_their_owner_can_read_the_files() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let migrations = [M::up("CREATE TABLE a (x INTEGER) STRICT;")];
        let path = dir.path().join("a.db");
        let database = Database::open(path, Durability::PowerCut, &migrations).unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
        }
        drop(database);
    }

    #[test]
    fn a_file_whose_maker_died_in_the_making_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (making, left) = (dir.path().join("making.db"), dir.path().join("left.db"));
        let connection = Connection::open(&making).unwrap();
        // With so small a cache SQLite writes to the file, and syncs the journal before, while the transaction is open.
        connection
            .execute_batch(
                "PRAGMA cache_size = 1; CREATE TABLE before (x); BEGIN IMMEDIATE; CREATE TABLE after (x);
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
                 INSERT INTO after SELECT randomblob(4000) FROM n",
            )
            .unwrap();
        for suffix in ["", "-journal"] {
            let beside = |path: &Path| format!("{}{suffix}", path.display());
            std::fs::copy(beside(&making), beside(&left)).unwrap();
        }
        let reader = format(&left, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let code = reader.unwrap_err().sqlite_error_code();
        assert_eq!(code, Some(ErrorCode::ReadOnly), "nothing was left behind");
        let migrations = [M::up("CREATE TABLE a (x INTEGER) STRICT;")];
        drop(Database::open(left.clone(), Durability::PowerCut, &migrations).unwrap());
        let names: Vec<String> = schema(&left).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "before"]);
    }

    #[test]
    fn opening_waits_for_whoever_writes_in_a_file_that_has_no_log_yet() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let other = Connection::open(&path).unwrap();
        other
            .execute_batch(
                "CREATE TABLE before (x); BEGIN IMMEDIATE; INSERT INTO before VALUES (1)",
            )
            .unwrap();
        let (sender, opened) = mpsc::channel();
        let opening = path.clone();
        let opener = std::thread::spawn(move || {
            let migrations = [M::up("CREATE TABLE a (x INTEGER) STRICT;")];
            let opened = Database::open(opening, Durability::PowerCut, &migrations);
            sender.send(opened.map(drop)).unwrap();
        });
        let early = opened.recv_timeout(Duration::from_millis(500));
        assert!(early.is_err(), "it did not wait: {early:?}");
        other.execute_batch("COMMIT").unwrap();
        drop(other);
        opened.recv_timeout(OPENING_TIMEOUT).unwrap().unwrap();
        opener.join().unwrap();
        let names: Vec<String> = schema(&path).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "before"]);
    }

    #[test]
    fn opening_gives_up_on_a_program_that_hangs_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path().to_owned())).unwrap();
        let home = home.open().unwrap();
        let held = OpeningLock::take(&home).unwrap();
        let refused = OpeningLock::take_within(&home, Duration::from_millis(50));
        let words = refused.err().unwrap().to_string();
        assert!(words.contains("another Freewheel program"), "{words}");
        drop(held);
        // Whoever gave up does not keep it.
        drop(OpeningLock::take(&home).unwrap());
    }

    #[test]
    fn what_must_outlive_a_power_cut_is_synced_to_the_drive_itself() {
        let dir = tempfile::tempdir().unwrap();
        let migrations = [M::up("CREATE TABLE a (x INTEGER) STRICT;")];
        for (durability, expected) in [
            (Durability::PowerCut, (2, 1)),
            (Durability::ProcessDeath, (1, 0)),
        ] {
            let path = dir.path().join(format!("{durability:?}.db"));
            let database = Database::open(path, durability, &migrations).unwrap();
            let set = database.write(|connection| {
                let ask = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
                Ok((ask("PRAGMA synchronous")?, ask("PRAGMA fullfsync")?))
            });
            assert_eq!(set.unwrap(), expected);
        }
    }

    #[test]
    fn a_write_that_fails_or_panics_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let migrations = [M::up("CREATE TABLE a (x INTEGER) STRICT;")];
        let path = dir.path().join("a.db");
        let database = Database::open(path, Durability::PowerCut, &migrations).unwrap();
        let insert =
            |connection: &Connection| connection.execute("INSERT INTO a (x) VALUES (1)", []);
        let failed = database.write(|connection| {
            insert(connection)?;
            Err::<(), _>(StoreError::Stopped)
        });
        assert!(failed.is_err());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            database.write::<()>(|connection| {
                insert(connection)?;
                panic!("on purpose")
            })
        }));
        assert!(panicked.is_err());
        let count: i64 = database
            .read(
                |connection| Ok(connection.query_row("SELECT count(*) FROM a", [], |r| r.get(0))?),
            )
            .unwrap();
        assert_eq!(count, 0);
        database
            .write(|connection| Ok(insert(connection)?))
            .unwrap();
    }
}
