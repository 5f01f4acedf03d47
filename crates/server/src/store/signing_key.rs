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

pub(crate) fn newest(db: &Connection) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT pkcs8 FROM signing_key ORDER BY number DESC LIMIT 1";
    Ok(db.query_row(sql, [], |row| row.get(0)).optional()?)
}

pub(crate) fn insert(tx: &Transaction<'_>, pkcs8: &[u8], now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO signing_key (pkcs8, created_at) VALUES (?1, ?2)",
        (pkcs8, now.to_string()),
    )?;
    Ok(())
}
