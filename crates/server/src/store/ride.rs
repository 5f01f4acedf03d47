//! Table `ride`: what athletes rode. A ride is made once and never changes.

use freewheel_protocol::{
    PlanState, RideId, RideList, RideReceipt, RideRow, RideUpload, Sha256Digest,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::{AthleteId, Store, StoreError, feed};

pub(super) const SCHEMA: &str = "
CREATE TABLE ride (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which they came
    id TEXT NOT NULL UNIQUE,
    athlete_id TEXT NOT NULL REFERENCES athlete (id),
    digest TEXT NOT NULL, -- SHA-256 of fit, in hex
    received_at TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    name TEXT NOT NULL,
    workout_id TEXT,
    plan_item_id TEXT,
    fit BLOB NOT NULL
) STRICT;
CREATE INDEX ride_of_athlete ON ride (athlete_id, number);
";

/// Two athletes may have chosen the same id: each keeps their own ride.
pub(super) const PER_ATHLETE: &str = "
CREATE TABLE ride_new (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which they came
    id TEXT NOT NULL,
    athlete_id TEXT NOT NULL REFERENCES athlete (id),
    digest TEXT NOT NULL, -- SHA-256 of fit, in hex
    received_at TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    name TEXT NOT NULL,
    workout_id TEXT,
    plan_item_id TEXT,
    fit BLOB NOT NULL,
    UNIQUE (athlete_id, id)
) STRICT;
INSERT INTO ride_new (number, id, athlete_id, digest, received_at, started_at, seconds, name,
                      workout_id, plan_item_id, fit)
    SELECT number, id, athlete_id, digest, received_at, started_at, seconds, name,
           workout_id, plan_item_id, fit
    FROM ride ORDER BY number;
DROP TABLE ride;
ALTER TABLE ride_new RENAME TO ride;
CREATE INDEX ride_of_athlete ON ride (athlete_id, number);
";

const COLUMNS: &str = "number, id, athlete_id, digest, received_at, started_at, seconds, name, \
                       workout_id, plan_item_id";

/// A ride as the server holds it, without its FIT bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRide {
    /// Its place in the order in which rides came, over all athletes.
    pub number: i64,
    /// Its id.
    pub id: RideId,
    /// Whose it is.
    pub athlete: AthleteId,
    /// The digest of the FIT bytes.
    pub digest: Sha256Digest,
    /// When it came.
    pub received_at: Timestamp,
    /// What the app told about it.
    pub upload: RideUpload,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// The ride is new.
    New(RideReceipt),
    /// The same ride was here already.
    Already(RideReceipt),
    /// Another ride of this athlete has this id; it stays as it is.
    Conflict,
}

impl Store {
    /// Takes a ride, and marks the planned workout that it fulfils as done, in one transaction.
    ///
    /// # Errors
    /// The database's.
    pub fn take_ride(
        &self,
        athlete: &AthleteId,
        id: RideId,
        upload: &RideUpload,
        fit: &[u8],
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let digest = Sha256Digest::of(fit);
        self.write(|tx| {
            if let Some(held) = find(tx, athlete, id)? {
                return Ok(if held.digest == digest {
                    Taken::Already(receipt(&held))
                } else {
                    Taken::Conflict
                });
            }
            insert(tx, athlete, id, digest, upload, fit, now)?;
            if let Some(item) = &upload.plan_item_id {
                mark_done(tx, athlete, item, id)?;
            }
            Ok(Taken::New(RideReceipt {
                id,
                digest,
                received_at: now,
            }))
        })
    }

    /// All rides of an athlete, in the order in which they came.
    ///
    /// # Errors
    /// The database's.
    pub fn rides(&self, athlete: &AthleteId) -> Result<Vec<StoredRide>, StoreError> {
        self.read(|db| after(db, athlete, 0, i64::MAX))
    }

    /// A page of at most `limit` rides behind `after` for the wire.
    pub(crate) fn ride_list(
        &self,
        athlete: &AthleteId,
        position: i64,
        limit: usize,
    ) -> Result<RideList, StoreError> {
        let fetch = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut rides = self.read(|db| after(db, athlete, position, fetch))?;
        let more = rides.len() > limit;
        rides.truncate(limit);
        let next = rides
            .last()
            .filter(|_| more)
            .map(|last| last.number.to_string());
        let row = |ride: StoredRide| RideRow {
            id: ride.id,
            digest: ride.digest,
            received_at: ride.received_at,
        };
        Ok(RideList {
            rides: rides.into_iter().map(row).collect(),
            next,
        })
    }

    /// The FIT bytes of an athlete's ride.
    ///
    /// # Errors
    /// The database's.
    pub fn fit(&self, athlete: &AthleteId, id: RideId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT fit FROM ride WHERE id = ?1 AND athlete_id = ?2";
        let key = (id.to_string(), athlete.as_str());
        self.read(|db| Ok(db.query_row(sql, key, |row| row.get(0)).optional()?))
    }
}

/// All rides of all athletes.
pub(crate) fn count(db: &Connection) -> Result<i64, StoreError> {
    Ok(db.query_row("SELECT count(*) FROM ride", [], |row| row.get(0))?)
}

/// What the app called an athlete's ride when it uploaded it; none without such a ride.
pub(crate) fn name(
    db: &Connection,
    athlete: &AthleteId,
    id: RideId,
) -> Result<Option<String>, StoreError> {
    Ok(find(db, athlete, id)?.map(|ride| ride.upload.name))
}

fn find(
    db: &Connection,
    athlete: &AthleteId,
    id: RideId,
) -> Result<Option<StoredRide>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM ride WHERE athlete_id = ?1 AND id = ?2");
    let key = (athlete.as_str(), id.to_string());
    let found = db
        .query_row(&sql, key, |row| Ok(from_row(row)))
        .optional()?;
    found.transpose()
}

fn after(
    db: &Connection,
    athlete: &AthleteId,
    position: i64,
    limit: i64,
) -> Result<Vec<StoredRide>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM ride WHERE athlete_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map((athlete.as_str(), position, limit), |row| Ok(from_row(row)))?;
    rows.map(|row| row?).collect()
}

fn insert(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    id: RideId,
    digest: Sha256Digest,
    upload: &RideUpload,
    fit: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO ride (id, athlete_id, digest, received_at, started_at, seconds, name,
                           workout_id, plan_item_id, fit)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            id.to_string(),
            athlete.as_str(),
            digest.to_string(),
            now.to_string(),
            upload.started_at.to_string(),
            upload.seconds,
            &upload.name,
            &upload.workout_id,
            &upload.plan_item_id,
            fit,
        ),
    )?;
    Ok(())
}

/// An unknown item, or one that another ride fulfilled before, does not keep the ride out.
fn mark_done(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    item_id: &str,
    ride: RideId,
) -> Result<(), StoreError> {
    let Some(mut item) = feed::plan_item(tx, athlete, item_id)? else {
        return Ok(());
    };
    if item.ride_id.is_some() {
        return Ok(());
    }
    item.state = PlanState::Done;
    item.ride_id = Some(ride);
    feed::put_plan_item(tx, athlete, item_id, &item)
}

fn receipt(ride: &StoredRide) -> RideReceipt {
    RideReceipt {
        id: ride.id,
        digest: ride.digest,
        received_at: ride.received_at,
    }
}

fn from_row(row: &Row<'_>) -> Result<StoredRide, StoreError> {
    Ok(StoredRide {
        number: row.get("number")?,
        id: parse(row, "id")?,
        athlete: AthleteId(row.get("athlete_id")?),
        digest: parse(row, "digest")?,
        received_at: parse(row, "received_at")?,
        upload: RideUpload {
            started_at: parse(row, "started_at")?,
            seconds: row.get("seconds")?,
            name: row.get("name")?,
            workout_id: row.get("workout_id")?,
            plan_item_id: row.get("plan_item_id")?,
        },
    })
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    row: &Row<'_>,
    column: &str,
) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error| StoreError::Damaged {
        table: "ride",
        reason: format!("{column}: {error}"),
    })
}
