//! Table `feed`: everything that apps cache, in the order of its last change.
//!
//! One row per thing. A change takes the old row away and adds a new one at the end, so that a reader who
//! comes behind meets the thing once, at its last state. Removal leaves a tombstone.

use std::collections::BTreeMap;

use freewheel_protocol::{Change, ChangeKind, PlanItem, Profile, RideDetails};
use freewheel_workout::Workout;
use rusqlite::{Connection, OptionalExtension as _, Transaction};
use serde_json::Value;

use super::{AthleteId, Store, StoreError, fact};

pub(super) const SCHEMA: &str = "
CREATE TABLE feed (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    athlete_id TEXT REFERENCES athlete (id), -- NULL: for everybody
    kind TEXT NOT NULL,
    thing_id TEXT NOT NULL,
    body TEXT -- JSON; NULL: a tombstone
) STRICT;
CREATE UNIQUE INDEX feed_thing ON feed (kind, thing_id, ifnull(athlete_id, ''));
CREATE INDEX feed_reader ON feed (athlete_id, revision);
";

/// The id of the profile change: there is one per athlete.
const PROFILE_ID: &str = "me";

impl Store {
    /// Publishes a workout for everybody, or a new version of it; nothing happens when it is the same.
    ///
    /// # Errors
    /// The database's.
    pub fn publish_workout(&self, id: &str, workout: &Workout) -> Result<(), StoreError> {
        self.write(|tx| put_workout(tx, id, workout))
    }

    /// Publishes many workouts, by id, in one transaction.
    ///
    /// # Errors
    /// The database's.
    pub fn publish_workouts(&self, workouts: &BTreeMap<String, Workout>) -> Result<(), StoreError> {
        self.write(|tx| {
            workouts
                .iter()
                .try_for_each(|(id, workout)| put_workout(tx, id, workout))
        })
    }

    /// Takes a workout out of the library; apps see a tombstone. Nothing happens when there is none.
    ///
    /// # Errors
    /// The database's.
    pub fn retire_workout(&self, id: &str) -> Result<(), StoreError> {
        self.write(|tx| bury(tx, None, &ChangeKind::Workout, id))
    }

    /// The ids of the published workouts, in order.
    ///
    /// # Errors
    /// The database's.
    pub fn workout_ids(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT thing_id FROM feed
                   WHERE kind = 'workout' AND athlete_id IS NULL AND body IS NOT NULL
                   ORDER BY thing_id";
        self.read(|db| {
            let mut statement = db.prepare(sql)?;
            let ids = statement
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(ids)
        })
    }

    /// Plans a workout for an athlete, or changes the planned one with this id.
    ///
    /// # Errors
    /// The database's.
    pub fn put_plan_item(
        &self,
        athlete: &AthleteId,
        id: &str,
        item: &PlanItem,
    ) -> Result<(), StoreError> {
        self.write(|tx| put_plan_item(tx, athlete, id, item))
    }

    /// Takes a planned workout out of an athlete's plan.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_plan_item(&self, athlete: &AthleteId, id: &str) -> Result<(), StoreError> {
        self.write(|tx| bury(tx, Some(athlete), &ChangeKind::PlanItem, id))
    }

    /// An athlete's plan: ids and items, in order of their days.
    ///
    /// # Errors
    /// The database's.
    pub fn plan(&self, athlete: &AthleteId) -> Result<Vec<(String, PlanItem)>, StoreError> {
        self.read(|db| plan(db, athlete))
    }

    /// Replaces an athlete's profile.
    ///
    /// # Errors
    /// The database's.
    pub fn put_profile(&self, athlete: &AthleteId, profile: &Profile) -> Result<(), StoreError> {
        self.write(|tx| put_profile(tx, athlete, profile))
    }

    /// Forgets all tombstones. Apps whose cursor is older than this moment start again (410).
    ///
    /// # Errors
    /// The database's.
    pub fn forget_tombstones(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            let head = head(tx)?;
            tx.execute("DELETE FROM feed WHERE body IS NULL", [])?;
            fact::set_feed_horizon(tx, head)
        })
    }
}

/// Up to `limit` changes behind `position` that `athlete` may see, in order.
pub(crate) fn after(
    db: &Connection,
    athlete: &AthleteId,
    position: u64,
    limit: usize,
) -> Result<Vec<Change>, StoreError> {
    // Two ranges of one index, merged; a single range with OR would read other athletes' rows.
    let sql = "SELECT revision, kind, thing_id, body FROM feed
                   WHERE athlete_id IS NULL AND revision > ?2
               UNION ALL
               SELECT revision, kind, thing_id, body FROM feed
                   WHERE athlete_id = ?1 AND revision > ?2
               ORDER BY revision LIMIT ?3";
    let mut statement = db.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map((athlete.as_str(), signed(position), limit), |row| {
        let body: Option<String> = row.get("body")?;
        let kind: String = row.get("kind")?;
        Ok((
            row.get::<_, i64>("revision")?,
            kind,
            row.get("thing_id")?,
            body,
        ))
    })?;
    rows.map(|row| {
        let (revision, kind, id, body) = row?;
        Ok(Change {
            kind: ChangeKind::from(kind.as_str()),
            id,
            revision: unsigned(revision),
            deleted: body.is_none(),
            body: body.map(|text| parse(&text)).transpose()?,
        })
    })
    .collect()
}

/// The highest revision that was ever given.
pub(crate) fn head(db: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'feed'";
    let seq: Option<i64> = db.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(seq.map_or(0, unsigned))
}

fn put_workout(tx: &Transaction<'_>, id: &str, workout: &Workout) -> Result<(), StoreError> {
    put(
        tx,
        None,
        &ChangeKind::Workout,
        id,
        &serde_json::to_value(workout)?,
    )
}

pub(crate) fn put_plan_item(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    id: &str,
    item: &PlanItem,
) -> Result<(), StoreError> {
    put(
        tx,
        Some(athlete),
        &ChangeKind::PlanItem,
        id,
        &serde_json::to_value(item)?,
    )
}

pub(crate) fn put_profile(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    profile: &Profile,
) -> Result<(), StoreError> {
    put(
        tx,
        Some(athlete),
        &ChangeKind::Profile,
        PROFILE_ID,
        &serde_json::to_value(profile)?,
    )
}

pub(crate) fn put_ride_details(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    ride: &str,
    details: &RideDetails,
) -> Result<(), StoreError> {
    put(
        tx,
        Some(athlete),
        &ChangeKind::RideDetails,
        ride,
        &serde_json::to_value(details)?,
    )
}

/// An athlete's planned workout, and its revision.
pub(crate) fn plan_item_at(
    db: &Connection,
    athlete: &AthleteId,
    id: &str,
) -> Result<Option<(u64, PlanItem)>, StoreError> {
    at(db, athlete, &ChangeKind::PlanItem, id)
}

/// What an athlete said about a ride, and its revision.
pub(crate) fn ride_details_at(
    db: &Connection,
    athlete: &AthleteId,
    ride: &str,
) -> Result<Option<(u64, RideDetails)>, StoreError> {
    at(db, athlete, &ChangeKind::RideDetails, ride)
}

fn at<T: serde::de::DeserializeOwned>(
    db: &Connection,
    athlete: &AthleteId,
    kind: &ChangeKind,
    id: &str,
) -> Result<Option<(u64, T)>, StoreError> {
    let sql = "SELECT revision, body FROM feed
               WHERE kind = ?1 AND thing_id = ?2 AND athlete_id = ?3 AND body IS NOT NULL";
    let found = db
        .query_row(sql, (kind.as_str(), id, athlete.as_str()), |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    found
        .map(|(revision, body)| Ok((unsigned(revision), parse(&body)?)))
        .transpose()
}

/// An athlete's planned workout.
pub(crate) fn plan_item(
    db: &Connection,
    athlete: &AthleteId,
    id: &str,
) -> Result<Option<PlanItem>, StoreError> {
    let body = body(db, Some(athlete), &ChangeKind::PlanItem, id)?.flatten();
    body.map(|text| parse(&text)).transpose()
}

pub(crate) fn plan(
    db: &Connection,
    athlete: &AthleteId,
) -> Result<Vec<(String, PlanItem)>, StoreError> {
    let sql = "SELECT thing_id, body FROM feed
               WHERE athlete_id = ?1 AND kind = 'plan_item' AND body IS NOT NULL";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([athlete.as_str()], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?))
    })?;
    let mut plan = rows
        .map(|row| {
            let (id, body) = row?;
            Ok((id, parse::<PlanItem>(&body)?))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    plan.sort_by(|(id, item), (other_id, other)| (item.date, id).cmp(&(other.date, other_id)));
    Ok(plan)
}

fn put(
    tx: &Transaction<'_>,
    athlete: Option<&AthleteId>,
    kind: &ChangeKind,
    id: &str,
    new: &Value,
) -> Result<(), StoreError> {
    let text = new.to_string();
    if body(tx, athlete, kind, id)?.flatten().as_deref() == Some(&text) {
        return Ok(());
    }
    replace(tx, athlete, kind, id, Some(&text))
}

fn bury(
    tx: &Transaction<'_>,
    athlete: Option<&AthleteId>,
    kind: &ChangeKind,
    id: &str,
) -> Result<(), StoreError> {
    match body(tx, athlete, kind, id)? {
        Some(Some(_)) => replace(tx, athlete, kind, id, None),
        Some(None) | None => Ok(()),
    }
}

/// The body of a thing; `Some(None)` for a tombstone, `None` when there never was such a thing.
fn body(
    db: &Connection,
    athlete: Option<&AthleteId>,
    kind: &ChangeKind,
    id: &str,
) -> Result<Option<Option<String>>, StoreError> {
    let sql = "SELECT body FROM feed
               WHERE kind = ?1 AND thing_id = ?2 AND ifnull(athlete_id, '') = ?3";
    let owner = athlete.map_or("", AthleteId::as_str);
    Ok(db
        .query_row(sql, (kind.as_str(), id, owner), |row| row.get(0))
        .optional()?)
}

fn replace(
    tx: &Transaction<'_>,
    athlete: Option<&AthleteId>,
    kind: &ChangeKind,
    id: &str,
    body: Option<&str>,
) -> Result<(), StoreError> {
    let owner = athlete.map(AthleteId::as_str);
    tx.execute(
        "DELETE FROM feed WHERE kind = ?1 AND thing_id = ?2 AND ifnull(athlete_id, '') = ?3",
        (kind.as_str(), id, owner.unwrap_or_default()),
    )?;
    tx.execute(
        "INSERT INTO feed (athlete_id, kind, thing_id, body) VALUES (?1, ?2, ?3, ?4)",
        (owner, kind.as_str(), id, body),
    )?;
    Ok(())
}

fn parse<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Damaged {
        table: "feed",
        reason: error.to_string(),
    })
}

fn signed(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn unsigned(revision: i64) -> u64 {
    u64::try_from(revision).unwrap_or(0)
}
