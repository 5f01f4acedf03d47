//! Table `ride`: every ride, open or finished, with its frozen FIT file.

use freewheel_protocol::{RideId, RideUpload, Sha256Digest};
use freewheel_ride::journal::{FinishedRide, RideHeader, RideSummary};
use rusqlite::{Connection, OptionalExtension, named_params};
use uuid::Uuid;

use super::outbox;
use super::{Store, StoreError};

pub(super) const CREATE: &str = "
CREATE TABLE ride (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    plan_item_id TEXT,
    simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('open', 'finished')),
    finished_at INTEGER,
    exported INTEGER NOT NULL DEFAULT 0 CHECK (exported IN (0, 1)),
    digest TEXT,
    header TEXT NOT NULL,
    summary TEXT,
    fit BLOB,
    CHECK (state = 'open'
        OR (finished_at IS NOT NULL AND digest IS NOT NULL AND summary IS NOT NULL AND fit IS NOT NULL))
) STRICT;
CREATE INDEX ride_by_start ON ride (state, started_at);
CREATE INDEX ride_by_plan_item ON ride (plan_item_id) WHERE plan_item_id IS NOT NULL;
CREATE TRIGGER ride_is_frozen BEFORE UPDATE OF id, account, state, finished_at, digest, fit ON ride
WHEN old.state = 'finished'
BEGIN
    SELECT raise(ABORT, 'a finished ride never changes');
END;
";

/// Opens a ride. Opening the same one again changes nothing.
pub(super) fn begin(
    connection: &Connection,
    account: Option<&str>,
    header: &RideHeader,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO ride (id, account, name, started_at, plan_item_id, simulated, state, header)
             VALUES (:id, :account, :name, :started_at, :plan_item_id, :simulated, 'open', :header)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(named_params! {
            ":id": header.id.to_string(),
            ":account": account,
            ":name": header.name,
            ":started_at": header.started_at.as_millisecond(),
            ":plan_item_id": header.plan_item_id,
            ":simulated": header.simulated,
            ":header": serde_json::to_string(header)?,
        })?;
    Ok(())
}

impl Store {
    /// Whose ride it is; `None` for one that nobody owned when it began.
    ///
    /// # Errors
    /// [`StoreError::RideUnknown`], or the database could not be read.
    pub fn ride_account(&self, id: Uuid) -> Result<Option<String>, StoreError> {
        self.athlete()
            .read(|connection| Ok(find(connection, id)?.account))
    }
}

/// A ride as it stands in the table.
pub(super) struct StoredRide {
    pub(super) key: i64,
    pub(super) account: Option<String>,
    pub(super) finished: bool,
    pub(super) digest: Option<String>,
    pub(super) header: RideHeader,
}

pub(super) fn find(connection: &Connection, id: Uuid) -> Result<StoredRide, StoreError> {
    let (key, account, state, digest, header) = connection
        .prepare_cached("SELECT key, account, state, digest, header FROM ride WHERE id = :id")?
        .query_row(named_params! { ":id": id.to_string() }, |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get::<_, String>(2)?,
                row.get(3)?,
                row.get::<_, String>(4)?,
            ))
        })
        .optional()?
        .ok_or(StoreError::RideUnknown(id))?;
    let header = serde_json::from_str(&header)?;
    Ok(StoredRide {
        key,
        account,
        finished: state == "finished",
        digest,
        header,
    })
}

/// Freezes the file and queues its delivery. Returns whether the ride was open.
pub(super) fn freeze(connection: &Connection, ride: &FinishedRide) -> Result<bool, StoreError> {
    let stored = find(connection, ride.id)?;
    let digest = Sha256Digest::of(&ride.fit).to_string();
    if stored.finished {
        if stored.digest.as_deref() != Some(digest.as_str()) {
            tracing::warn!(ride = %ride.id, "a finished ride was finished again with another file; the first one stays");
        }
        return Ok(false);
    }
    let header = stored.header;
    let started_at = header.started_at.as_millisecond();
    // The store reads no clock: the ride's own clock tells when it ended.
    let finished_at = started_at + i64::from(ride.summary.elapsed_seconds) * 1000;
    connection
        .prepare_cached(
            "UPDATE ride SET state = 'finished', finished_at = :finished_at, digest = :digest,
                 summary = :summary, fit = :fit
             WHERE key = :key",
        )?
        .execute(named_params! {
            ":key": stored.key,
            ":finished_at": finished_at,
            ":digest": digest,
            ":summary": serde_json::to_string(&ride.summary)?,
            ":fit": ride.fit,
        })?;
    // The owner is who was signed in when the ride began, whoever finishes it.
    if let Some(account) = stored.account {
        queue(
            connection,
            header,
            &ride.summary,
            account,
            digest,
            finished_at,
        )?;
    }
    Ok(true)
}

/// Queues the delivery of a finished ride that somebody owns and that is in no queue.
pub(super) fn queue_finished(connection: &Connection, id: &str) -> Result<(), StoreError> {
    let (account, digest, finished_at, header, summary) = connection.query_row(
        "SELECT account, digest, finished_at, header, summary FROM ride
         WHERE id = :id AND state = 'finished'",
        named_params! { ":id": id },
        |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
            ))
        },
    )?;
    let (header, summary) = (
        serde_json::from_str(&header)?,
        serde_json::from_str(&summary)?,
    );
    queue(connection, header, &summary, account, digest, finished_at)
}

fn queue(
    connection: &Connection,
    header: RideHeader,
    summary: &RideSummary,
    account: String,
    digest: String,
    finished_at: i64,
) -> Result<(), StoreError> {
    let id = RideId(header.id).to_string();
    let upload = RideUpload {
        started_at: header.started_at,
        seconds: summary.seconds,
        name: header.name,
        // Own files mean nothing to the service.
        workout_id: header
            .workout_id
            .filter(|id| !super::own_workout::is_own(id)),
        plan_item_id: header.plan_item_id,
    };
    outbox::insert(
        connection,
        &outbox::NewEntry {
            id,
            account,
            kind: outbox::RIDE_KIND,
            body: serde_json::to_string(&upload)?,
            digest,
            created: finished_at,
        },
    )
}
