//! Table `authorization_code`: codes on their way from the browser to the app, kept as hashes.

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::{AthleteId, StoreError};
use crate::random::TokenHash;

pub(super) const SCHEMA: &str = "
CREATE TABLE authorization_code (
    code_hash TEXT NOT NULL PRIMARY KEY,
    athlete_id TEXT NOT NULL REFERENCES athlete (id),
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    nonce TEXT,
    code_challenge TEXT NOT NULL,
    family_id TEXT REFERENCES token_family (id), -- NULL until it was redeemed
    expires_at INTEGER NOT NULL -- Unix seconds
) STRICT;
";

pub(super) const SIGNED_IN_AT: &str = "
ALTER TABLE authorization_code ADD COLUMN signed_in_at INTEGER; -- Unix seconds; NULL: not noted
";

/// Spent codes are kept this long after they expired, so that their second use is noticed.
const MEMORY_SECONDS: i64 = 86_400;

/// A code and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorizationCode {
    pub(crate) athlete: AthleteId,
    pub(crate) signed_in_at: Option<i64>,
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: String,
    pub(crate) family: Option<String>,
    pub(crate) expires_at: i64,
}

pub(crate) fn insert(
    tx: &Transaction<'_>,
    hash: &TokenHash,
    code: &AuthorizationCode,
    now: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM authorization_code WHERE expires_at <= ?1",
        [now - MEMORY_SECONDS],
    )?;
    tx.execute(
        "INSERT INTO authorization_code
            (code_hash, athlete_id, signed_in_at, redirect_uri, scope, nonce, code_challenge, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            hash.as_str(),
            code.athlete.as_str(),
            code.signed_in_at,
            &code.redirect_uri,
            &code.scope,
            &code.nonce,
            &code.code_challenge,
            code.expires_at,
        ),
    )?;
    Ok(())
}

pub(crate) fn find(
    db: &Connection,
    hash: &TokenHash,
) -> Result<Option<AuthorizationCode>, StoreError> {
    let sql =
        "SELECT athlete_id, signed_in_at, redirect_uri, scope, nonce, code_challenge, family_id,
                      expires_at
               FROM authorization_code WHERE code_hash = ?1";
    let code = db.query_row(sql, [hash.as_str()], |row| {
        Ok(AuthorizationCode {
            athlete: AthleteId(row.get("athlete_id")?),
            signed_in_at: row.get("signed_in_at")?,
            redirect_uri: row.get("redirect_uri")?,
            scope: row.get("scope")?,
            nonce: row.get("nonce")?,
            code_challenge: row.get("code_challenge")?,
            family: row.get("family_id")?,
            expires_at: row.get("expires_at")?,
        })
    });
    Ok(code.optional()?)
}

/// Remembers which token family the code became.
pub(crate) fn spend(
    tx: &Transaction<'_>,
    hash: &TokenHash,
    family: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE authorization_code SET family_id = ?2 WHERE code_hash = ?1",
        (hash.as_str(), family),
    )?;
    Ok(())
}
