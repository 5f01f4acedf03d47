//! A look at the database files without changing them, whoever has them open.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::database::BUSY_TIMEOUT;
use super::{athlete, library_db};
use crate::home::Home;

/// What a look at one database file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseCheck {
    /// The file.
    pub path: PathBuf,
    /// Bytes in it and in its write-ahead log; none where there is no file.
    pub bytes: Option<u64>,
    /// The format that it has.
    pub format: Option<i64>,
    /// The newest format that this version knows.
    pub known: i64,
    /// What SQLite's `quick_check` finds wrong, or why it could not look; none when it is sound.
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
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((format, verdict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

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
