//! Table `signing_key`: the keys that sign tokens; the newest signs.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::StoreError;

pub(super) const SCHEMA: &str = "
CREATE TABLE signing_key (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    pkcs8 BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
";

/// How long a key that was replaced is still needed. What older versions signed lives for a day at most.
pub(super) const RETIREMENT: &str = "
ALTER TABLE signing_key ADD COLUMN retired_at INTEGER; -- Unix seconds: when the next one was made
ALTER TABLE signing_key ADD COLUMN longest_life INTEGER NOT NULL DEFAULT 86400; -- of its tokens, in seconds
";

pub(crate) fn newest(db: &Connection) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT pkcs8 FROM signing_key ORDER BY number DESC LIMIT 1";
    Ok(db.query_row(sql, [], |row| row.get(0)).optional()?)
}

/// The keys whose tokens may still be alive, by number, the newest first.
pub(crate) fn published(db: &Connection, now: i64) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let sql = "SELECT number, pkcs8 FROM signing_key
               WHERE retired_at IS NULL OR retired_at + longest_life > ?1 ORDER BY number DESC";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([now], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The first key. It has signed nothing yet.
pub(crate) fn insert(tx: &Transaction<'_>, pkcs8: &[u8], now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO signing_key (pkcs8, created_at, longest_life) VALUES (?1, ?2, 0)",
        (pkcs8, now.to_string()),
    )?;
    Ok(())
}

/// From now on the newest key signs tokens that live so many seconds.
pub(crate) fn note_life(tx: &Transaction<'_>, seconds: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE signing_key SET longest_life = max(longest_life, ?1) WHERE retired_at IS NULL",
        [seconds],
    )?;
    Ok(())
}

/// A new key takes over; those that nobody needs any more are forgotten.
pub(crate) fn replace(
    tx: &Transaction<'_>,
    pkcs8: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    let second = now.as_second();
    tx.execute(
        "DELETE FROM signing_key WHERE retired_at + longest_life <= ?1",
        [second],
    )?;
    // The server that runs now goes on with the tokens' life that it began with.
    tx.execute(
        "INSERT INTO signing_key (pkcs8, created_at, longest_life)
         VALUES (?1, ?2, ifnull((SELECT longest_life FROM signing_key WHERE retired_at IS NULL), 86400))",
        (pkcs8, now.to_string()),
    )?;
    tx.execute(
        "UPDATE signing_key SET retired_at = ?1
         WHERE retired_at IS NULL AND number < (SELECT max(number) FROM signing_key)",
        [second],
    )?;
    Ok(())
}
