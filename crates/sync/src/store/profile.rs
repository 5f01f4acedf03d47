//! Table `profile`: what the service knows of the athlete.

use freewheel_protocol::{Change, Profile};
use rusqlite::{Connection, OptionalExtension, named_params};
use serde::Deserialize;

use super::change_feed::stored_revision;
use super::{Store, StoreError};

pub(super) const CREATE: &str = "
CREATE TABLE profile (
    id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    raw TEXT NOT NULL,
    seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The id of the athlete's own profile.
const ME: &str = "me";

impl Store {
    /// The profile of the account whose library is cached.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn profile(&self) -> Result<Option<Profile>, StoreError> {
        self.read_library(|connection| {
            let raw: Option<String> = connection
                .prepare_cached("SELECT raw FROM profile WHERE id = :id")?
                .query_row(named_params! { ":id": ME }, |row| row.get(0))
                .optional()?;
            Ok(raw.map(|raw| serde_json::from_str(&raw)).transpose()?)
        })
    }
}

/// Stores a profile, if it can be read and ridden by: no target stands on an FTP of zero. Returns whether it can.
pub(super) fn upsert(
    connection: &Connection,
    change: &Change,
    generation: i64,
) -> Result<bool, StoreError> {
    let Some(body) = change
        .body
        .as_ref()
        .filter(|body| Profile::deserialize(*body).is_ok_and(|profile| profile.ftp_watts > 0))
    else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "INSERT INTO profile (id, revision, raw, seen) VALUES (:id, :revision, :raw, :seen)
             ON CONFLICT (id) DO UPDATE SET
                 revision = excluded.revision, raw = excluded.raw, seen = excluded.seen",
        )?
        .execute(named_params! {
            ":id": change.id,
            ":revision": stored_revision(change.revision),
            ":raw": body.to_string(),
            ":seen": generation,
        })?;
    Ok(true)
}

pub(super) fn remove(connection: &Connection, id: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM profile WHERE id = :id")?
        .execute(named_params! { ":id": id })?;
    Ok(())
}
