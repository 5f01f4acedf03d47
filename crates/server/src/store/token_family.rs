//! Table `token_family`: one sign-in on one computer, and all refresh tokens that grew from it.

use std::num::NonZeroU32;

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

/// More reasons to end a family, and the order in which families began.
pub(super) const REASONS: &str = "
CREATE TABLE token_family_new (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which they began
    id TEXT NOT NULL UNIQUE,
    athlete_id TEXT NOT NULL REFERENCES athlete (id),
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL, -- Unix seconds
    revoked_at INTEGER,
    revoked_because TEXT CHECK (revoked_because IN
        ('asked', 'token reused', 'code reused', 'password changed', 'signed out everywhere',
         'too many sessions'))
) STRICT;
INSERT INTO token_family_new (id, athlete_id, scope, created_at, revoked_at, revoked_because)
    SELECT id, athlete_id, scope, created_at, revoked_at, revoked_because
    FROM token_family ORDER BY created_at, rowid;
DROP TABLE token_family;
ALTER TABLE token_family_new RENAME TO token_family;
CREATE INDEX token_family_athlete ON token_family (athlete_id, number);
";

/// Why a family ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// The app signed out.
    Asked,
    /// A refresh token came that had been replaced before.
    TokenReused,
    /// An authorization code or a device code came twice.
    CodeReused,
    /// The athlete's password was changed.
    PasswordChanged,
    /// The athlete was signed out everywhere.
    Everywhere,
    /// The athlete signed in on more computers than are allowed.
    TooMany,
}

impl Revocation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::TokenReused => "token reused",
            Self::CodeReused => "code reused",
            Self::PasswordChanged => "password changed",
            Self::Everywhere => "signed out everywhere",
            Self::TooMany => "too many sessions",
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

/// Ends all families of an athlete. How many were alive.
pub(crate) fn revoke_all(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    because: Revocation,
    now: i64,
) -> Result<usize, StoreError> {
    let alive = living(tx, athlete, now)?.len();
    tx.execute(
        "UPDATE token_family SET revoked_at = ?2, revoked_because = ?3
         WHERE athlete_id = ?1 AND revoked_at IS NULL",
        (athlete.as_str(), now, because.as_str()),
    )?;
    Ok(alive)
}

/// Ends the athlete's oldest families, so that `most` stay.
pub(crate) fn revoke_oldest(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    most: NonZeroU32,
    now: i64,
) -> Result<(), StoreError> {
    let most = usize::try_from(most.get()).unwrap_or(usize::MAX);
    for family in living(tx, athlete, now)?.iter().skip(most) {
        revoke(tx, family, Revocation::TooMany, now)?;
    }
    Ok(())
}

/// The athlete's families that can still be refreshed, the youngest first.
fn living(db: &Connection, athlete: &AthleteId, now: i64) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM token_family AS family
               WHERE athlete_id = ?1 AND revoked_at IS NULL AND EXISTS
                   (SELECT 1 FROM refresh_token
                    WHERE family_id = family.id AND state <> 'spent' AND expires_at > ?2)
               ORDER BY number DESC";
    let mut statement = db.prepare_cached(sql)?;
    let ids = statement.query_map((athlete.as_str(), now), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}
