//! Workouts as screens show them.

use freewheel_workout::{Segment, Workout, Zone};
use rusqlite::{OptionalExtension, Row, named_params};

use super::workout::zone_number;
use super::{Store, StoreError};
use crate::view::WorkoutCard;

/// What a card is made of; wants `workout` and `workout_body` joined.
pub(super) const CARD_COLUMNS: &str = "workout.id AS id, workout.name AS name, \
    workout.author AS author, workout.seconds AS seconds, workout.tss AS tss, \
    workout.intensity_factor AS intensity_factor, workout.zone AS zone, workout.own AS own, \
    workout_body.segments AS segments";

impl Store {
    /// A workout in full: as in lists, as ridden, and its seconds in each zone (the easiest first).
    ///
    /// # Errors
    /// The database could not be read.
    pub fn workout(
        &self,
        id: &str,
    ) -> Result<Option<(WorkoutCard, Workout, Vec<u32>)>, StoreError> {
        self.read_library(|connection| {
            let found = connection
                .prepare_cached(&format!(
                    "SELECT {CARD_COLUMNS}, workout_body.zone_seconds, workout_body.raw
                     FROM workout JOIN workout_body ON workout_body.key = workout.key
                     WHERE workout.id = :id"
                ))?
                .query_row(named_params! { ":id": id }, |row| {
                    Ok((
                        card_row(row)?,
                        row.get::<_, String>("zone_seconds")?,
                        row.get::<_, String>("raw")?,
                    ))
                })
                .optional()?;
            found
                .map(|(row, zone_seconds, raw)| {
                    let workout = serde_json::from_str(&raw)?;
                    Ok((card(row)?, workout, serde_json::from_str(&zone_seconds)?))
                })
                .transpose()
        })
    }

    /// How many workouts are cached, own ones included.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn library_count(&self) -> Result<u32, StoreError> {
        self.read_library(|connection| {
            Ok(connection
                .prepare_cached("SELECT count(*) FROM workout")?
                .query_row([], |row| row.get(0))?)
        })
    }
}

/// A card but for its JSON, which is read outside of SQLite's row callbacks.
pub(super) struct CardRow {
    card: WorkoutCard,
    segments: String,
}

pub(super) fn card_row(row: &Row<'_>) -> rusqlite::Result<CardRow> {
    let zone: i64 = row.get("zone")?;
    Ok(CardRow {
        card: WorkoutCard {
            id: row.get("id")?,
            name: row.get("name")?,
            author: row.get("author")?,
            seconds: row.get("seconds")?,
            tss: row.get("tss")?,
            intensity_factor: row.get("intensity_factor")?,
            zone: Zone::ALL
                .into_iter()
                .find(|known| zone_number(*known) == zone)
                .ok_or(rusqlite::Error::IntegralValueOutOfRange(6, zone))?,
            own: row.get("own")?,
            segments: Vec::new(),
        },
        segments: row.get("segments")?,
    })
}

pub(super) fn card(row: CardRow) -> Result<WorkoutCard, StoreError> {
    let segments: Vec<Segment> = serde_json::from_str(&row.segments)?;
    Ok(WorkoutCard {
        segments,
        ..row.card
    })
}
