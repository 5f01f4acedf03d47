//! Table `other`: changes of kinds that this version does not use or could not read, kept as they came.

use freewheel_protocol::Change;
use rusqlite::{Connection, named_params};

use super::StoreError;
use super::change_feed::stored_revision;

pub(super) const CREATE: &str = "
CREATE TABLE other (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    raw TEXT NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
";

pub(super) fn upsert(
    connection: &Connection,
    change: &Change,
    generation: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO other (kind, id, revision, raw, seen)
             VALUES (:kind, :id, :revision, :raw, :seen)
             ON CONFLICT (kind, id) DO UPDATE SET
                 revision = excluded.revision, raw = excluded.raw, seen = excluded.seen",
        )?
        .execute(named_params! {
            ":kind": change.kind.as_str(),
            ":id": change.id,
            ":revision": stored_revision(change.revision),
            ":raw": serde_json::to_string(&change.body)?,
            ":seen": generation,
        })?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM other WHERE kind = :kind AND id = :id")?
        .execute(named_params! { ":kind": change.kind.as_str(), ":id": change.id })?;
    Ok(())
}
