//! Table `own_workout`: the athlete's own files. They are precious; the library only indexes them.

use std::collections::BTreeSet;

use freewheel_workout::Workout;
use freewheel_workout::content_id::content_id;
use rusqlite::named_params;

use super::database::Database;
use super::library_db::LibraryDb;
use super::workout::{self, NewWorkout};
use super::{Store, StoreError};

pub(super) const CREATE: &str = "
CREATE TABLE own_workout (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    workout TEXT NOT NULL,
    source TEXT NOT NULL,
    imported_at INTEGER NOT NULL
) STRICT;
";

/// Whether an id is that of an own workout.
pub(super) fn is_own(id: &str) -> bool {
    id.starts_with("own-")
}

impl Store {
    /// Keeps one of the athlete's own workouts and returns its id, which depends on the content alone: importing the
    /// same workout again changes nothing. `source` is the file's name, `at` Unix ms.
    ///
    /// # Errors
    /// The workout is not valid or could not be made durable.
    pub fn import_own(
        &self,
        workout: &Workout,
        source: &str,
        at: i64,
    ) -> Result<String, StoreError> {
        let id = content_id(workout);
        let new = NewWorkout::own(&id, workout)?;
        self.athlete().write(|connection| {
            connection.execute(
                "INSERT INTO own_workout (id, name, workout, source, imported_at)
                 VALUES (:id, :name, :workout, :source, :imported_at)
                 ON CONFLICT (id) DO NOTHING",
                named_params! {
                    ":id": id,
                    ":name": workout.name,
                    ":workout": new.raw,
                    ":source": source,
                    ":imported_at": at,
                },
            )?;
            Ok(())
        })?;
        self.write_library(|connection| workout::upsert(connection, &new, 0))?;
        self.library_changed();
        Ok(id)
    }
}

/// Puts own workouts into the library's index that are not there: after the cache was started afresh, or when the
/// process died between the two databases.
pub(super) fn index_missing(athlete: &Database, library: &LibraryDb) -> Result<(), StoreError> {
    let indexed: BTreeSet<String> = library.read(workout::own_ids)?;
    let missing: Vec<(String, String)> = athlete.read(|connection| {
        let mut statement =
            connection.prepare_cached("SELECT id, workout FROM own_workout ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let missing =
            rows.filter(|row| !matches!(row, Ok((id, _)) if indexed.contains::<String>(id)));
        Ok(missing.collect::<Result<_, _>>()?)
    })?;
    if missing.is_empty() {
        return Ok(());
    }
    library.write(|connection| {
        for (id, raw) in &missing {
            let readable = serde_json::from_str(raw)
                .map_err(StoreError::from)
                .and_then(|workout| NewWorkout::own(id, &workout));
            match readable {
                Ok(new) => {
                    workout::upsert(connection, &new, 0)?;
                }
                // One workout that this version cannot read must not keep the app from opening.
                Err(error) => tracing::warn!(id, %error, "an own workout could not be indexed"),
            }
        }
        Ok(())
    })
}
