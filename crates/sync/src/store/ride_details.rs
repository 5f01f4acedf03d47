//! Table `ride_details`: what the service has of what the athlete said about rides.

use std::collections::BTreeMap;

use freewheel_policy::edit::{Field, Fields, Known};
use freewheel_protocol::{Change, RideDetails};
use rusqlite::{Connection, named_params};
use serde::Deserialize;

use super::change_feed::stored_revision;
use super::{Store, StoreError};

/// Earlier versions kept such changes in `other`, as they came.
pub(super) const CREATE: &str = "
CREATE TABLE ride_details (
    ride TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    raw TEXT NOT NULL,
    seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO ride_details (ride, revision, raw, seen)
    SELECT id, revision, raw, seen FROM other WHERE kind = 'ride_details';
DELETE FROM other WHERE kind = 'ride_details';
";

impl Store {
    /// What is known of each ride's details, by the ride's id. A ride that is missing was never changed.
    pub(super) fn ride_details(&self) -> Result<BTreeMap<String, Known>, StoreError> {
        self.read_library(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT ride, revision, raw FROM ride_details")?;
            let mut rows = statement.query([])?;
            let mut known = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let Ok(details) = serde_json::from_str(&row.get::<_, String>("raw")?) else {
                    continue; // As an earlier version kept it: nothing to show.
                };
                let revision: i64 = row.get("revision")?;
                known.insert(row.get("ride")?, known_of(revision, details));
            }
            Ok(known)
        })
    }
}

fn known_of(revision: i64, details: RideDetails) -> Known {
    let mut fields = Fields::new();
    fields.extend(details.title.map(|title| (Field::RideTitle, title)));
    fields.extend(details.note.map(|note| (Field::RideNote, note)));
    fields.extend(details.rpe.map(|rpe| (Field::RideRpe, rpe.to_string())));
    Known {
        revision: u64::try_from(revision).unwrap_or_default(),
        fields,
    }
}

/// Stores the details of a ride, if they can be read. Returns whether they can.
pub(super) fn upsert(
    connection: &Connection,
    change: &Change,
    generation: i64,
) -> Result<bool, StoreError> {
    let readable = |body: &&serde_json::Value| RideDetails::deserialize(*body).is_ok();
    let Some(body) = change.body.as_ref().filter(readable) else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "INSERT INTO ride_details (ride, revision, raw, seen)
             VALUES (:ride, :revision, :raw, :seen)
             ON CONFLICT (ride) DO UPDATE SET
                 revision = excluded.revision, raw = excluded.raw, seen = excluded.seen",
        )?
        .execute(named_params! {
            ":ride": change.id,
            ":revision": stored_revision(change.revision),
            ":raw": body.to_string(),
            ":seen": generation,
        })?;
    Ok(true)
}

pub(super) fn remove(connection: &Connection, ride: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM ride_details WHERE ride = :ride")?
        .execute(named_params! { ":ride": ride })?;
    Ok(())
}
