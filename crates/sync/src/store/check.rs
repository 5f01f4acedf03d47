//! A look at the database files without changing them, whoever has them open.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::database::BUSY_TIMEOUT;
use super::{athlete, library_db, salvage};
use crate::home::Home;

/// What a look at one database file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseCheck {
    /// The file.
    pub path: PathBuf,
    /// Bytes in it and in its write-ahead log; none where there is no file.
    pub bytes: Option<u64>,
    /// The format that it has; none where it could not be looked at, and, without a fault, where a program died while it
    /// made the file: what is half-done is undone by whoever opens it next, which a look is not allowed to.
    pub format: Option<i64>,
    /// The newest format that this version knows.
    pub known: i64,
    /// What SQLite's `quick_check` finds wrong, or a text that is none, or why it could not look; none when it is sound.
    pub fault: Option<String>,
}

/// Looks at both databases of a profile: the precious one, then the cache.
#[must_use]
pub fn check_databases(home: &Home) -> [DatabaseCheck; 2] {
    [
        check(home.athlete_db(), athlete::MIGRATIONS.len()),
        check(home.library_db(), library_db::MIGRATIONS.len()),
    ]
}

fn check(path: PathBuf, formats: usize) -> DatabaseCheck {
    let known = i64::try_from(formats).unwrap_or(i64::MAX);
    let bytes = bytes_in(&path).map(|bytes| bytes + bytes_in(&log_of(&path)).unwrap_or(0));
    let (format, fault) = if bytes.is_none() {
        (None, None)
    } else {
        match look(&path) {
            Ok((format, verdict)) if verdict == "ok" => (Some(format), None),
            Ok((format, verdict)) => (Some(format), Some(verdict)),
            // SQLite, "File Locking And Concurrency" §4.2: a hot journal is rolled back before anybody reads.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => (None, None),
            Err(error) => (None, Some(error.to_string())),
        }
    };
    DatabaseCheck {
        path,
        bytes,
        format,
        known,
        fault,
    }
}

fn bytes_in(path: &Path) -> Option<u64> {
    Some(std::fs::metadata(path).ok()?.len())
}

/// The write-ahead log beside a database (SQLite, "Write-Ahead Logging" §4).
fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn look(path: &Path) -> rusqlite::Result<(i64, String)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let format = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    // One fault says enough.
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Ok((format, verdict));
    }
    let fault = salvage::value_fault(&connection).unwrap_or_else(|error| Some(error.to_string()));
    Ok((format, fault.unwrap_or(verdict)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_file_whose_maker_died_is_no_damaged_one() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path().to_owned())).unwrap();
        let home = home.open().unwrap();
        let making = dir.path().join("making.db");
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
            std::fs::copy(beside(&making), beside(&home.athlete_db())).unwrap();
        }
        let [athlete, _] = check_databases(&home);
        assert!(athlete.bytes.is_some());
        assert_eq!((athlete.format, athlete.fault), (None, None));
    }

    #[test]
    fn a_sound_file_a_damaged_one_and_none_at_all_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path().to_owned())).unwrap();
        let home = home.open().unwrap();
        for check in check_databases(&home) {
            assert_eq!((check.bytes, check.format, check.fault), (None, None, None));
        }
        drop(Store::open(&home).unwrap());
        for check in check_databases(&home) {
            assert_eq!((check.format, check.fault), (Some(check.known), None));
        }
        std::fs::write(home.library_db(), "no database at all, but long enough").unwrap();
        let [athlete, library] = check_databases(&home);
        assert_eq!(athlete.fault, None);
        assert!(library.fault.unwrap().contains("not a database"));
    }
}
