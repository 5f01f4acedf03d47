//! Table `device_grant`: devices without a browser that wait for their athlete's word (RFC 8628).

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::sign_in::Proof;
use super::{AthleteId, StoreError};
use crate::random::TokenHash;

pub(super) const SCHEMA: &str = "
CREATE TABLE device_grant (
    device_code_hash TEXT NOT NULL PRIMARY KEY,
    user_code TEXT NOT NULL UNIQUE, -- the letters that the athlete types
    scope TEXT NOT NULL,
    athlete_id TEXT REFERENCES athlete (id), -- NULL until somebody allowed it
    signed_in_at INTEGER, -- Unix seconds: when that athlete's password was right
    denied INTEGER NOT NULL DEFAULT 0 CHECK (denied IN (0, 1)),
    family_id TEXT REFERENCES token_family (id), -- NULL until it was redeemed
    interval_seconds INTEGER NOT NULL, -- the least time between two questions of the device
    asked_at INTEGER, -- Unix seconds: the last question
    expires_at INTEGER NOT NULL, -- Unix seconds
    CHECK ((athlete_id IS NULL) = (signed_in_at IS NULL)),
    CHECK (denied = 0 OR athlete_id IS NULL)
) STRICT;
";

/// Grants are kept this long after they expired, so that a late device is told that it is late.
const MEMORY_SECONDS: i64 = 86_400;

/// What the athlete has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing yet.
    Open,
    /// No.
    Denied,
    /// Yes.
    Allowed(Proof),
    /// Yes, and the device has its tokens: this family.
    Redeemed(String),
}

/// A grant as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceGrant {
    pub(crate) scope: String,
    pub(crate) word: Word,
    pub(crate) interval_seconds: i64,
    pub(crate) asked_at: Option<i64>,
    pub(crate) expires_at: i64,
}

/// A new device. Whether it was kept: not when another one has the same user code.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    code: &TokenHash,
    user_code: &str,
    grant: &DeviceGrant,
    now: i64,
) -> Result<bool, StoreError> {
    tx.execute(
        "DELETE FROM device_grant WHERE expires_at <= ?1",
        [now - MEMORY_SECONDS],
    )?;
    let rows = tx.execute(
        "INSERT INTO device_grant (device_code_hash, user_code, scope, interval_seconds, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (user_code) DO NOTHING",
        (
            code.as_str(),
            user_code,
            &grant.scope,
            grant.interval_seconds,
            grant.expires_at,
        ),
    )?;
    Ok(rows == 1)
}

pub(crate) fn find(db: &Connection, code: &TokenHash) -> Result<Option<DeviceGrant>, StoreError> {
    let sql = "SELECT scope, athlete_id, signed_in_at, denied, family_id, interval_seconds,
                      asked_at, expires_at
               FROM device_grant WHERE device_code_hash = ?1";
    Ok(db.query_row(sql, [code.as_str()], from_row).optional()?)
}

/// The device that shows `user_code` and still waits for a word: its code and what it asks for.
pub(crate) fn waiting(
    db: &Connection,
    user_code: &str,
    now: i64,
) -> Result<Option<(TokenHash, String)>, StoreError> {
    let sql = "SELECT device_code_hash, scope FROM device_grant
               WHERE user_code = ?1 AND expires_at > ?2 AND athlete_id IS NULL AND denied = 0";
    let found = db.query_row(sql, (user_code, now), |row| {
        Ok((TokenHash::stored(row.get(0)?), row.get(1)?))
    });
    Ok(found.optional()?)
}

/// Notes the athlete's yes (with who it was) or no. Whether it came in time and is the first word.
pub(crate) fn decide(
    tx: &Transaction<'_>,
    code: &TokenHash,
    allowed_by: Option<&Proof>,
    now: i64,
) -> Result<bool, StoreError> {
    let rows = tx.execute(
        "UPDATE device_grant SET athlete_id = ?2, signed_in_at = ?3, denied = ?4
         WHERE device_code_hash = ?1 AND expires_at > ?5 AND athlete_id IS NULL AND denied = 0",
        (
            code.as_str(),
            allowed_by.map(|proof| proof.athlete.as_str()),
            allowed_by.map(|proof| proof.at),
            allowed_by.is_none(),
            now,
        ),
    )?;
    Ok(rows == 1)
}

/// Notes a question of the device, and how long it has to wait before the next one.
pub(crate) fn asked(
    tx: &Transaction<'_>,
    code: &TokenHash,
    interval_seconds: i64,
    now: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE device_grant SET asked_at = ?2, interval_seconds = ?3 WHERE device_code_hash = ?1",
        (code.as_str(), now, interval_seconds),
    )?;
    Ok(())
}

/// Remembers which token family the code became.
pub(crate) fn spend(
    tx: &Transaction<'_>,
    code: &TokenHash,
    family: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE device_grant SET family_id = ?2 WHERE device_code_hash = ?1",
        (code.as_str(), family),
    )?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<DeviceGrant> {
    let athlete = row.get::<_, Option<String>>("athlete_id")?.map(AthleteId);
    let at = row.get::<_, Option<i64>>("signed_in_at")?;
    let family: Option<String> = row.get("family_id")?;
    let proof = athlete.zip(at).map(|(athlete, at)| Proof { athlete, at });
    let word = match (family, proof) {
        (Some(family), _) => Word::Redeemed(family),
        (None, Some(proof)) => Word::Allowed(proof),
        (None, None) if row.get("denied")? => Word::Denied,
        (None, None) => Word::Open,
    };
    Ok(DeviceGrant {
        scope: row.get("scope")?,
        word,
        interval_seconds: row.get("interval_seconds")?,
        asked_at: row.get("asked_at")?,
        expires_at: row.get("expires_at")?,
    })
}
