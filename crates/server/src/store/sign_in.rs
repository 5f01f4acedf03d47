//! Table `sign_in`: authorization requests that wait for the athlete in the browser.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::{AthleteId, StoreError};
use crate::random::TokenHash;

pub(super) const SCHEMA: &str = "
CREATE TABLE sign_in (
    key_hash TEXT NOT NULL PRIMARY KEY,
    athlete_id TEXT REFERENCES athlete (id), -- NULL until the password was right
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT,
    nonce TEXT,
    code_challenge TEXT NOT NULL,
    expires_at INTEGER NOT NULL -- Unix seconds
) STRICT;
";

/// What an app asked for, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignIn {
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: String,
}

/// A sign-in under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) request: SignIn,
    pub(crate) athlete: Option<AthleteId>,
}

/// Keeps `pending` under `key` until `expires_at`, and forgets those whose time is over.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    key: &TokenHash,
    pending: &Pending,
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_in WHERE expires_at <= ?1", [now])?;
    let request = &pending.request;
    tx.execute(
        "INSERT INTO sign_in
            (key_hash, athlete_id, redirect_uri, scope, state, nonce, code_challenge, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            key.as_str(),
            pending.athlete.as_ref().map(AthleteId::as_str),
            &request.redirect_uri,
            &request.scope,
            &request.state,
            &request.nonce,
            &request.code_challenge,
            expires_at,
        ),
    )?;
    Ok(())
}

/// The sign-in under `key`, unless its time is over.
pub(crate) fn find(
    db: &Connection,
    key: &TokenHash,
    now: i64,
) -> Result<Option<Pending>, StoreError> {
    let sql = "SELECT athlete_id, redirect_uri, scope, state, nonce, code_challenge
               FROM sign_in WHERE key_hash = ?1 AND expires_at > ?2";
    Ok(db
        .query_row(sql, (key.as_str(), now), from_row)
        .optional()?)
}

/// Takes the sign-in under `key` away; a key works once.
pub(crate) fn take(
    tx: &Transaction<'_>,
    key: &TokenHash,
    now: i64,
) -> Result<Option<Pending>, StoreError> {
    let pending = find(tx, key, now)?;
    tx.execute("DELETE FROM sign_in WHERE key_hash = ?1", [key.as_str()])?;
    Ok(pending)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Pending> {
    Ok(Pending {
        athlete: row.get::<_, Option<String>>("athlete_id")?.map(AthleteId),
        request: SignIn {
            redirect_uri: row.get("redirect_uri")?,
            scope: row.get("scope")?,
            state: row.get("state")?,
            nonce: row.get("nonce")?,
            code_challenge: row.get("code_challenge")?,
        },
    })
}
