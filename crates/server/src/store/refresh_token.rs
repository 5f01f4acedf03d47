//! Table `refresh_token`: rotation with a retry allowance.
//!
//! A family has one `current` token and at most one `previous` one, from which the current one was made.
//! The previous token works until its successor has been used, because the answer that carried the
//! successor may have been lost. Using it again makes another `current` one beside the first: which of
//! those answers arrived, and which of them was kept, only the app knows. As soon as one of them is used,
//! the others and the previous token are `spent`; the use of a spent token means that a copy is in other
//! hands.

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::StoreError;
use crate::random::TokenHash;

pub(super) const SCHEMA: &str = "
CREATE TABLE refresh_token (
    token_hash TEXT NOT NULL PRIMARY KEY,
    family_id TEXT NOT NULL REFERENCES token_family (id),
    state TEXT NOT NULL CHECK (state IN ('current', 'previous', 'spent')),
    expires_at INTEGER NOT NULL -- Unix seconds
) STRICT;
CREATE INDEX refresh_token_family ON refresh_token (family_id);
CREATE UNIQUE INDEX refresh_token_place ON refresh_token (family_id, state)
    WHERE state <> 'spent';
";

/// Several successors of one token may be current.
pub(super) const SIBLINGS: &str = "
DROP INDEX refresh_token_place;
CREATE UNIQUE INDEX refresh_token_previous ON refresh_token (family_id) WHERE state = 'previous';
";

/// Where a token stands in its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Handed out for the previous one, and not used yet.
    Current,
    /// The one before it: used, but perhaps in vain.
    Previous,
    /// Replaced for good.
    Spent,
}

/// A refresh token as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) family: String,
    pub(crate) place: Place,
    pub(crate) expires_at: i64,
}

pub(crate) fn find(db: &Connection, hash: &TokenHash) -> Result<Option<RefreshToken>, StoreError> {
    let sql = "SELECT family_id, state, expires_at FROM refresh_token WHERE token_hash = ?1";
    let row: Option<(String, String, i64)> = db
        .query_row(sql, [hash.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    row.map(|(family, state, expires_at)| {
        let place = match state.as_str() {
            "current" => Place::Current,
            "previous" => Place::Previous,
            "spent" => Place::Spent,
            other => {
                let reason = format!("state {other}");
                return Err(StoreError::Damaged {
                    table: "refresh_token",
                    reason,
                });
            }
        };
        Ok(RefreshToken {
            family,
            place,
            expires_at,
        })
    })
    .transpose()
}

/// The first token of a family.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    hash: &TokenHash,
    family: &str,
    expires_at: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO refresh_token (token_hash, family_id, state, expires_at)
         VALUES (?1, ?2, 'current', ?3)",
        (hash.as_str(), family, expires_at),
    )?;
    Ok(())
}

/// `presented`, which stands at `token.place`, is used: `successor` becomes current. Tokens of the family
/// whose time is over are forgotten.
///
/// The caller has refused [`Place::Spent`].
pub(crate) fn rotate(
    tx: &Transaction<'_>,
    presented: &TokenHash,
    token: &RefreshToken,
    successor: &TokenHash,
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM refresh_token WHERE family_id = ?1 AND expires_at <= ?2",
        (&token.family, now),
    )?;
    if token.place == Place::Current {
        tx.execute(
            "UPDATE refresh_token SET state = 'spent' WHERE family_id = ?1 AND state <> 'spent'",
            [&token.family],
        )?;
        tx.execute(
            "UPDATE refresh_token SET state = 'previous' WHERE token_hash = ?1",
            [presented.as_str()],
        )?;
    }
    insert(tx, successor, &token.family, expires_at)
}
