//! What can go wrong in the store.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use super::values;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer version of the program wrote the file; it was not touched.
    #[error(
        "{} was written by a newer version of Freewheel (format {found}, this version reads up to {known}); \
         nothing was changed: install the newer version",
        .path.display()
    )]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
    /// The precious database is damaged; it was not touched. The next start salvages it.
    #[error(
        "{} is damaged ({source}); it was left as it is: close every Freewheel program and start one again; \
         what can be read is saved then, and the damaged file is kept",
        .path.display()
    )]
    AthleteDamaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        source: rusqlite::Error,
    },
    /// A file of the store could not be opened, moved or written.
    #[error("{} could not be used: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("the database could not do it: {0}{remedy}", remedy = remedy(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// The database could not be upgraded; it is as it was before.
    #[error("the database could not be upgraded: {0}")]
    Upgrade(#[source] Box<rusqlite_migration::Error>),
    /// A stored JSON text could not be written or read.
    #[error("a stored value could not be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A stored value is not what it should be.
    #[error("a stored value is not valid: {0}")]
    Invalid(String),
    /// A page of changes does not follow the cursor that is stored: somebody else pulled meanwhile.
    #[error("the library moved on meanwhile")]
    CursorMoved,
    /// The cached library belongs to another account.
    #[error("the cached library belongs to another account")]
    OtherAccount,
    /// No such ride.
    #[error("there is no ride {0}")]
    RideUnknown(uuid::Uuid),
    /// The ride is finished; nothing can be added to it.
    #[error("the ride {0} is finished already")]
    RideFinished(uuid::Uuid),
    /// The call was cut short.
    #[error("the program is ending")]
    Stopped,
}

impl StoreError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooNew { .. } => "store_too_new",
            Self::AthleteDamaged { .. } => "athlete_db_damaged",
            Self::File { .. } => "store_file",
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => "disk_full",
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "store_busy",
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "store_read_only",
                Some(ErrorCode::SystemIoFailure) => "disk_failed",
                _ => "store_failed",
            },
            Self::Upgrade(_) => "store_upgrade_failed",
            Self::Json(_) | Self::Invalid(_) => "store_value_invalid",
            Self::CursorMoved => "library_cursor_moved",
            Self::OtherAccount => "library_of_other_account",
            Self::RideUnknown(_) => "ride_unknown",
            Self::RideFinished(_) => "ride_finished",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the database file itself is broken.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Sqlite(error) if is_damage(error))
    }
}

/// What a person can do about it. A full disk also shows as a failure of input and output: SQLite wants a file of its own
/// beside the database.
fn remedy(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; free some space on the disk and try again",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "; another program has it in use: close what else uses this profile, and try again"
        }
        Some(ErrorCode::SystemIoFailure) => "; see that the disk has room and works, and try again",
        _ => "",
    }
}

/// Whether SQLite says that the file is not a sound database, or a value in it is not what its column is for.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    values::is_of_a_value(error)
        || matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
}

impl From<rusqlite_migration::Error> for StoreError {
    fn from(error: rusqlite_migration::Error) -> Self {
        match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => Self::Sqlite(err),
            other => Self::Upgrade(Box::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_takes_nothing_and_a_busy_file_say_what_to_do() {
        for (code, remedy) in [
            (rusqlite::ffi::SQLITE_FULL, "free some space"),
            (rusqlite::ffi::SQLITE_IOERR_SHMSIZE, "has room"),
            (rusqlite::ffi::SQLITE_BUSY, "another program has it in use"),
        ] {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            let words = StoreError::from(error).to_string();
            assert!(words.contains(remedy), "{words}");
        }
    }
}
