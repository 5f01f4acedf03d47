//! Table `fact`: single values that the server keeps about itself.

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::StoreError;
use crate::random;

pub(super) const SCHEMA: &str = "
CREATE TABLE fact (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
";

const FEED_EPOCH: &str = "feed_epoch";
const FEED_HORIZON: &str = "feed_horizon";

/// Gives a new database its identity.
pub(super) fn set_up(tx: &Transaction<'_>) -> Result<(), StoreError> {
    if get(tx, FEED_EPOCH)?.is_none() {
        set(tx, FEED_EPOCH, &random::id()?)?;
    }
    Ok(())
}

/// Names this feed: cursors of another server, or of one that was set up anew, do not carry it.
pub(crate) fn feed_epoch(db: &Connection) -> Result<String, StoreError> {
    get(db, FEED_EPOCH)?.ok_or_else(|| StoreError::Damaged {
        table: "fact",
        reason: format!("{FEED_EPOCH} is missing"),
    })
}

/// Tombstones up to this revision are forgotten.
pub(crate) fn feed_horizon(db: &Connection) -> Result<u64, StoreError> {
    let Some(text) = get(db, FEED_HORIZON)? else {
        return Ok(0);
    };
    text.parse().map_err(|_| StoreError::Damaged {
        table: "fact",
        reason: format!("{FEED_HORIZON} is not a number"),
    })
}

pub(crate) fn set_feed_horizon(tx: &Transaction<'_>, revision: u64) -> Result<(), StoreError> {
    set(tx, FEED_HORIZON, &revision.to_string())
}

fn get(db: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let value = db
        .query_row("SELECT value FROM fact WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(value)
}

fn set(tx: &Transaction<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO fact (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [name, value],
    )?;
    Ok(())
}
