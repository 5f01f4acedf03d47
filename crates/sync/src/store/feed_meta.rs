//! Table `feed_meta`: one row with how far the change feed was pulled, and for whom.

use rusqlite::{Connection, named_params};

use super::{Store, StoreError};

pub(super) const CREATE: &str = "
CREATE TABLE feed_meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    account TEXT,
    cursor TEXT,
    fresh_at INTEGER,
    generation INTEGER NOT NULL DEFAULT 0,
    rebuilding INTEGER NOT NULL DEFAULT 0 CHECK (rebuilding IN (0, 1))
) STRICT;
INSERT INTO feed_meta (id) VALUES (1);
";

/// How far the change feed was pulled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PullState {
    /// Whose library is cached.
    pub account: Option<String>,
    /// Where the next page starts; `None` at the very beginning.
    pub cursor: Option<String>,
    /// When the cache was last confirmed to be all that the service has, in Unix ms.
    pub fresh_at: Option<i64>,
    /// Whether the cache is being rebuilt from the beginning; what was cached before stays until the end is reached.
    pub rebuilding: bool,
}

/// The same with the count of rebuilds, which marks what was seen since the last began.
pub(super) struct Position {
    pub(super) pull: PullState,
    pub(super) generation: i64,
}

pub(super) fn position(connection: &Connection) -> Result<Position, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT account, cursor, fresh_at, rebuilding, generation FROM feed_meta WHERE id = 1",
        )?
        .query_row([], |row| {
            Ok(Position {
                pull: PullState {
                    account: row.get(0)?,
                    cursor: row.get(1)?,
                    fresh_at: row.get(2)?,
                    rebuilding: row.get(3)?,
                },
                generation: row.get(4)?,
            })
        })?)
}

/// Moves on. `fresh_at` is kept when it is not given.
pub(super) fn advance(
    connection: &Connection,
    account: &str,
    cursor: &str,
    fresh_at: Option<i64>,
    rebuilding: bool,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE feed_meta SET account = :account, cursor = :cursor,
                 fresh_at = coalesce(:fresh_at, fresh_at), rebuilding = :rebuilding
             WHERE id = 1",
        )?
        .execute(named_params! {
            ":account": account,
            ":cursor": cursor,
            ":fresh_at": fresh_at,
            ":rebuilding": rebuilding,
        })?;
    Ok(())
}

impl Store {
    /// How far the change feed was pulled.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn pull_state(&self) -> Result<PullState, StoreError> {
        self.read_library(|connection| Ok(position(connection)?.pull))
    }

    /// The service said that nothing changed since the cursor.
    ///
    /// # Errors
    /// The database could not be written.
    pub fn mark_fresh(&self, at: i64) -> Result<(), StoreError> {
        self.write_library(|connection| {
            connection.execute(
                "UPDATE feed_meta SET fresh_at = :at WHERE id = 1",
                named_params! { ":at": at },
            )?;
            Ok(())
        })
    }
}
