//! Table `auth_journal`: the last session events with the state before and after, for support.

use rusqlite::{Connection, named_params};

use super::{Store, StoreError};

pub(super) const CREATE: &str = "
CREATE TABLE auth_journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    before_state TEXT NOT NULL,
    after_state TEXT NOT NULL
) STRICT;
";

/// How many events are kept; the oldest make room.
pub const AUTH_JOURNAL_LENGTH: u32 = 2000;

/// A session event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthRecord {
    /// Its place; rises by one.
    pub seq: i64,
    /// When, in Unix ms.
    pub at: i64,
    /// What, as JSON without secrets.
    pub event: String,
    /// The derived state before.
    pub before_state: String,
    /// The derived state after.
    pub after_state: String,
}

impl Store {
    /// The events, the oldest first.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn auth_journal(&self) -> Result<Vec<AuthRecord>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, at, event, before_state, after_state FROM auth_journal ORDER BY seq",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(AuthRecord {
                    seq: row.get(0)?,
                    at: row.get(1)?,
                    event: row.get(2)?,
                    before_state: row.get(3)?,
                    after_state: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Adds an event; the oldest beyond [`AUTH_JOURNAL_LENGTH`] goes.
pub(super) fn append(
    connection: &Connection,
    at: i64,
    event: &str,
    before_state: &str,
    after_state: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO auth_journal (at, event, before_state, after_state)
             VALUES (:at, :event, :before_state, :after_state)",
        )?
        .execute(named_params! {
            ":at": at,
            ":event": event,
            ":before_state": before_state,
            ":after_state": after_state,
        })?;
    connection
        .prepare_cached("DELETE FROM auth_journal WHERE seq <= :last")?
        .execute(named_params! {
            ":last": connection.last_insert_rowid() - i64::from(AUTH_JOURNAL_LENGTH),
        })?;
    Ok(())
}
