//! A copy of `athlete.db` as it was, before it is brought to a newer format: `athlete.format-14.db`. The newest copy is kept.
//!
//! Every step of an upgrade is one transaction, so the copy is for the day on which a step turns out to have been wrong.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, named_params};

use super::database::{BUSY_TIMEOUT, create_private};
use super::error::StoreError;

/// Copies a file of an older format than `newest`. Where there is no room for it the upgrade goes on without: the athlete
/// wants to ride.
///
/// # Errors
/// The database cannot be read; what is wrong with it is for whoever opens it to say.
pub(super) fn keep(path: &Path, newest: usize) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let access = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, access)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let format = match connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)) {
        Ok(format) => usize::try_from(format).unwrap_or_default(),
        // The beginning of a file, which somebody died over; see `Database::open`.
        Err(_) => return Ok(()),
    };
    if format == 0 || format >= newest {
        return Ok(());
    }
    let copy = copy_of(path, format);
    match take(&connection, &copy) {
        Ok(()) => {
            tracing::info!(copy = %copy.display(), "the profile database was copied before its upgrade");
            forget_others(path, &copy);
        }
        Err(error) if error.is_damage() => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "the profile database is upgraded without a copy of it");
        }
    }
    Ok(())
}

/// Written beside and renamed, so that a copy of this name is a whole one.
fn take(connection: &Connection, copy: &Path) -> Result<(), StoreError> {
    let part = copy.with_extension("db-part");
    let file = |source| StoreError::File {
        path: part.clone(),
        source,
    };
    let _ = fs::remove_file(&part);
    // SQLite writes into an empty file as into none; this one is its owner's alone.
    create_private(&part).map_err(file)?;
    let text = part.to_string_lossy();
    let copied = connection
        .execute("VACUUM INTO :part", named_params! { ":part": text })
        .map_err(StoreError::from)
        .and_then(|_| {
            File::open(&part)
                .and_then(|part| part.sync_all())
                .map_err(file)
        })
        .and_then(|()| fs::rename(&part, copy).map_err(file));
    if copied.is_err() {
        let _ = fs::remove_file(&part);
    }
    copied
}

/// `athlete.format-14.db` beside `athlete.db`.
fn copy_of(path: &Path, format: usize) -> PathBuf {
    path.with_extension(format!("format-{format}.db"))
}

fn forget_others(path: &Path, newest: &Path) {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem()) else {
        return;
    };
    let begins = format!("{}.format-", stem.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&begins) && name.ends_with(".db") && entry.path() != newest {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old(folder: &Path) -> PathBuf {
        let path = folder.join("athlete.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = wal; CREATE TABLE a (x INTEGER) STRICT;
                 INSERT INTO a VALUES (7); PRAGMA user_version = 3",
            )
            .unwrap();
        path
    }

    #[test]
    fn an_older_file_is_copied_whole_and_only_the_newest_copy_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = old(dir.path());
        fs::write(dir.path().join("athlete.format-2.db"), b"older").unwrap();
        keep(&path, 4).unwrap();
        let copy = dir.path().join("athlete.format-3.db");
        let copied = Connection::open(&copy).unwrap();
        let x: i64 = copied
            .query_row("SELECT x FROM a", [], |row| row.get(0))
            .unwrap();
        let format: i64 = copied
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!((x, format), (7, 3));
        assert!(!dir.path().join("athlete.format-2.db").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&copy).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_of_this_format_or_a_newer_one_or_none_is_not_copied() {
        let dir = tempfile::tempdir().unwrap();
        keep(&dir.path().join("athlete.db"), 3).unwrap();
        let path = old(dir.path());
        keep(&path, 3).unwrap();
        keep(&path, 2).unwrap();
        let names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert!(
            names
                .iter()
                .all(|name| !name.to_string_lossy().contains("format")),
            "{names:?}"
        );
    }
}
