//! Tables `workout` (what lists filter and sort by), `workout_body` (what they show) and `workout_text` (the words).

use std::collections::BTreeSet;

use freewheel_protocol::{Change, WorkoutDoc};
use freewheel_workout::load::Load;
use freewheel_workout::{Workout, Zone};
use rusqlite::{Connection, OptionalExtension, named_params};
use serde::Deserialize;

use super::StoreError;
use super::change_feed::stored_revision;

/// The wide part stands in a table of its own, so that filtering and counting read narrow rows only. The word index
/// keeps no copy of the text.
pub(super) const CREATE: &str = "
CREATE TABLE workout (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    author TEXT,
    seconds INTEGER NOT NULL,
    tss REAL NOT NULL,
    intensity_factor REAL NOT NULL,
    zone INTEGER NOT NULL,
    own INTEGER NOT NULL CHECK (own IN (0, 1)),
    seen INTEGER NOT NULL
) STRICT;
CREATE INDEX workout_by_name ON workout (name_key, id, seconds, tss, zone, own);
CREATE INDEX workout_by_seconds ON workout (seconds, name_key, id, tss, zone, own);
CREATE INDEX workout_by_tss ON workout (tss, name_key, id, seconds, zone, own);
CREATE INDEX workout_by_zone ON workout (zone, seconds, id, own);
CREATE TABLE workout_body (
    key INTEGER PRIMARY KEY REFERENCES workout (key) ON DELETE CASCADE,
    segments TEXT NOT NULL,
    zone_seconds TEXT NOT NULL,
    raw TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE workout_text USING fts5(
    name, description, tags, author,
    content = '', contentless_delete = 1,
    prefix = '1 2 3', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER workout_text_follows AFTER DELETE ON workout
BEGIN
    DELETE FROM workout_text WHERE rowid = old.key;
END;
";

/// A workout on its way into the index.
pub(super) struct NewWorkout {
    id: String,
    revision: i64,
    own: bool,
    workout: Workout,
    load: Load,
    segments: String,
    pub(super) raw: String,
}

impl NewWorkout {
    /// A workout of the feed; `None` when this version cannot read it.
    pub(super) fn licensed(change: &Change) -> Option<Self> {
        let body = change.body.as_ref()?;
        let document = WorkoutDoc::deserialize(body).ok()?;
        // Ids of own files are computed here; the service must not take their place.
        if super::own_workout::is_own(&change.id) {
            return None;
        }
        let revision = stored_revision(change.revision);
        Self::new(
            &change.id,
            revision,
            false,
            document.workout,
            body.to_string(),
        )
        .ok()
    }

    /// One of the athlete's own.
    pub(super) fn own(id: &str, workout: &Workout) -> Result<Self, StoreError> {
        Self::new(
            id,
            0,
            true,
            workout.clone(),
            serde_json::to_string(workout)?,
        )
    }

    fn new(
        id: &str,
        revision: i64,
        own: bool,
        workout: Workout,
        raw: String,
    ) -> Result<Self, StoreError> {
        // Before anything is computed from it: the numbers may be of any size.
        workout
            .validate()
            .map_err(|error| StoreError::Invalid(error.to_string()))?;
        let load = Load::of(&workout);
        let segments = serde_json::to_string(&workout.segments())?;
        Ok(Self {
            id: id.to_owned(),
            revision,
            own,
            workout,
            load,
            segments,
            raw,
        })
    }
}

/// Adds or replaces a workout. False when the id is taken by an own workout.
pub(super) fn upsert(
    connection: &Connection,
    new: &NewWorkout,
    generation: i64,
) -> Result<bool, StoreError> {
    let NewWorkout {
        id,
        revision,
        own,
        workout,
        load,
        segments,
        raw,
    } = new;
    let key: Option<i64> = connection
        .prepare_cached(
            "INSERT INTO workout (id, revision, name, name_key, author, seconds, tss,
                 intensity_factor, zone, own, seen)
             VALUES (:id, :revision, :name, :name_key, :author, :seconds, :tss,
                 :intensity_factor, :zone, :own, :seen)
             ON CONFLICT (id) DO UPDATE SET
                 revision = excluded.revision, name = excluded.name, name_key = excluded.name_key,
                 author = excluded.author, seconds = excluded.seconds, tss = excluded.tss,
                 intensity_factor = excluded.intensity_factor, zone = excluded.zone,
                 seen = excluded.seen
                 WHERE own = excluded.own
             RETURNING key",
        )?
        .query_row(
            named_params! {
                ":id": id,
                ":revision": revision,
                ":name": workout.name,
                ":name_key": workout.name.to_lowercase(),
                ":author": workout.author,
                ":seconds": load.seconds,
                ":tss": load.tss,
                ":intensity_factor": load.intensity_factor,
                ":zone": zone_number(load.main_zone),
                ":own": own,
                ":seen": generation,
            },
            |row| row.get(0),
        )
        .optional()?;
    let Some(key) = key else { return Ok(false) };
    connection
        .prepare_cached(
            "INSERT INTO workout_body (key, segments, zone_seconds, raw)
             VALUES (:key, :segments, :zone_seconds, :raw)
             ON CONFLICT (key) DO UPDATE SET segments = excluded.segments,
                 zone_seconds = excluded.zone_seconds, raw = excluded.raw",
        )?
        .execute(named_params! {
            ":key": key,
            ":segments": segments,
            ":zone_seconds": serde_json::to_string(&load.zone_seconds)?,
            ":raw": raw,
        })?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO workout_text (rowid, name, description, tags, author)
             VALUES (:key, :name, :description, :tags, :author)",
        )?
        .execute(named_params! {
            ":key": key,
            ":name": workout.name,
            ":description": workout.description,
            ":tags": workout.tags.join(" "),
            ":author": workout.author.as_deref().unwrap_or(""),
        })?;
    Ok(true)
}

/// Removes a licensed workout.
pub(super) fn remove(connection: &Connection, id: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM workout WHERE id = :id AND own = 0")?
        .execute(named_params! { ":id": id })?;
    Ok(())
}

/// Removes all licensed workouts.
pub(super) fn drop_licensed(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM workout WHERE own = 0", [])?;
    Ok(())
}

/// Removes the licensed workouts that were not seen since a rebuild began.
pub(super) fn drop_unseen(connection: &Connection, generation: i64) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM workout WHERE own = 0 AND seen <> :generation",
        named_params! { ":generation": generation },
    )?;
    Ok(())
}

/// The ids of the own workouts in the index.
pub(super) fn own_ids(connection: &Connection) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM workout WHERE own = 1")?;
    let ids = statement.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// A zone as the index keeps it: 0 is the easiest.
pub(super) fn zone_number(zone: Zone) -> i64 {
    match zone {
        Zone::Recovery => 0,
        Zone::Endurance => 1,
        Zone::Tempo => 2,
        Zone::Threshold => 3,
        Zone::Vo2Max => 4,
        Zone::Anaerobic => 5,
        Zone::Neuromuscular => 6,
    }
}
