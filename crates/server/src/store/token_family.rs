//! Table `token_family`: one sign-in on one computer, and all refresh tokens that grew from it.

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::{AthleteId, StoreError};
use crate::random;

pub(super) const SCHEMA: &str = "
CREATE TABLE token_family (
    id TEXT NOT NULL PRIMARY KEY,
    athlete_id TEXT NOT NULL REFERENCES athlete (id),
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL, -- Unix seconds
    revoked_at INTEGER,
    revoked_because TEXT CHECK (revoked_because IN ('asked', 'token reused', 'code reused'))
) STRICT;
";

/// Why a family ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// The app signed out.
    Asked,
    /// A refresh token came that had been replaced before.
    TokenReused,
    /// An authorization code came twice.
    CodeReused,
}

impl Revocation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::TokenReused => "token reused",
            Self::CodeReused => "code reused",
        }
    }
}

/// A family as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenFamily {
    pub(crate) id: String,
    pub(crate) athlete: AthleteId,
    pub(crate) scope: String,
    pub(crate) revoked: bool,
}

pub(crate) fn insert(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    scope: &str,
    now: i64,
) -> Result<String, StoreError> {
    let id = random::id()?;
    tx.execute(
        "INSERT INTO token_family (id, athlete_id, scope, created_at) VALUES (?1, ?2, ?3, ?4)",
        (&id, athlete.as_str(), scope, now),
    )?;
    Ok(id)
}

pub(crate) fn find(db: &Connection, id: &str) -> Result<Option<TokenFamily>, StoreError> {
    let sql = "SELECT id, athlete_id, scope, revoked_at IS NOT NULL AS revoked
               FROM token_family WHERE id = ?1";
    let family = db.query_row(sql, [id], |row| {
        Ok(TokenFamily {
            id: row.get("id")?,
            athlete: AthleteId(row.get("athlete_id")?),
            scope: row.get("scope")?,
            revoked: row.get("revoked")?,
        })
    });
    Ok(family.optional()?)
}

/// Ends the family; the first reason stays.
pub(crate) fn revoke(
    tx: &Transaction<'_>,
    id: &str,
    because: Revocation,
    now: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE token_family SET revoked_at = ?2, revoked_because = ?3
         WHERE id = ?1 AND revoked_at IS NULL",
        (id, now, because.as_str()),
    )?;
    Ok(())
}
