//! Table `ride`: every ride, open or finished, with its frozen FIT file.

use freewheel_protocol::{RideId, RideUpload, Sha256Digest};
use freewheel_ride::journal::{FinishedRide, RideHeader, RideSummary};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use super::outbox::{self, EntryState};
use super::{Store, StoreError};
use crate::view::{Delivery, RideCard, UnfinishedRide};

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

impl Store {
    /// Finished rides of `account` and those that nobody was signed in for, the newest first.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn history(&self, account: Option<&str>) -> Result<Vec<RideCard>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SELECT_CARD} WHERE ride.state = 'finished'
                     AND (ride.account IS NULL OR ride.account = :account)
                 ORDER BY ride.started_at DESC, ride.id DESC"
            ))?;
            let rows = statement.query_map(named_params! { ":account": account }, card_row)?;
            rows.map(|row| card(row?)).collect()
        })
    }

    /// One finished ride, as in [`Store::history`].
    ///
    /// # Errors
    /// The database could not be read.
    pub fn ride(&self, account: Option<&str>, id: Uuid) -> Result<Option<RideCard>, StoreError> {
        self.athlete().read(|connection| {
            connection
                .prepare_cached(&format!(
                    "{SELECT_CARD} WHERE ride.state = 'finished' AND ride.id = :id
                         AND (ride.account IS NULL OR ride.account = :account)"
                ))?
                .query_row(
                    named_params! { ":id": id.to_string(), ":account": account },
                    card_row,
                )
                .optional()?
                .map(card)
                .transpose()
        })
    }

    /// The frozen FIT file of a ride of `account` or of nobody's.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn ride_fit(&self, account: Option<&str>, id: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        self.athlete().read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT fit FROM ride WHERE id = :id AND state = 'finished'
                         AND (account IS NULL OR account = :account)",
                )?
                .query_row(
                    named_params! { ":id": id.to_string(), ":account": account },
                    |row| row.get(0),
                )
                .optional()?)
        })
    }

    /// Rides of `account` or of nobody's that were begun and not finished, the newest first. The ride that is being
    /// ridden is among them.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn unfinished_rides(
        &self,
        account: Option<&str>,
    ) -> Result<Vec<UnfinishedRide>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, name, started_at,
                     (SELECT coalesce(max(second) + 1, 0) FROM ride_sample WHERE ride = ride.key)
                 FROM ride
                 WHERE state = 'open' AND (account IS NULL OR account = :account)
                 ORDER BY started_at DESC, id DESC",
            )?;
            let rows = statement.query_map(named_params! { ":account": account }, |row| {
                Ok(UnfinishedRide {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    started_at: row.get(2)?,
                    seconds: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

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
        let upload = RideUpload {
            started_at: header.started_at,
            seconds: ride.summary.seconds,
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
                id: RideId(ride.id).to_string(),
                account,
                kind: outbox::RIDE_KIND,
                body: serde_json::to_string(&upload)?,
                digest,
                created: finished_at,
            },
        )?;
    }
    Ok(true)
}

const SELECT_CARD: &str = "
SELECT ride.id, ride.account, ride.name, ride.started_at, ride.summary, ride.simulated, ride.digest,
    outbox.state, outbox.due, outbox.attempts, outbox.last_error, outbox.reason, outbox.delivered_at
FROM ride LEFT JOIN outbox ON outbox.id = ride.id AND outbox.account = ride.account";

struct CardRow {
    card: RideCardParts,
    summary: String,
    state: Option<String>,
    due: Option<i64>,
    attempts: Option<u32>,
    last_error: Option<String>,
    reason: Option<String>,
    delivered_at: Option<i64>,
}

struct RideCardParts {
    id: String,
    name: String,
    started_at: i64,
    simulated: bool,
    digest: String,
}

fn card_row(row: &Row<'_>) -> rusqlite::Result<CardRow> {
    Ok(CardRow {
        card: RideCardParts {
            id: row.get("id")?,
            name: row.get("name")?,
            started_at: row.get("started_at")?,
            simulated: row.get("simulated")?,
            digest: row.get("digest")?,
        },
        summary: row.get("summary")?,
        state: row.get("state")?,
        due: row.get("due")?,
        attempts: row.get("attempts")?,
        last_error: row.get("last_error")?,
        reason: row.get("reason")?,
        delivered_at: row.get("delivered_at")?,
    })
}

fn card(row: CardRow) -> Result<RideCard, StoreError> {
    let summary: RideSummary = serde_json::from_str(&row.summary)?;
    let delivery = match row.state.as_deref().map(EntryState::parse).transpose()? {
        None => Delivery::LocalOnly,
        Some(EntryState::Waiting) => Delivery::Waiting {
            next_try: row.due.filter(|due| *due > 0),
            attempts: row.attempts.unwrap_or(0),
            words: match row.last_error {
                Some(error) => format!("Waiting to upload · {error}"),
                None => "Waiting to upload".to_owned(),
            },
        },
        Some(EntryState::InFlight) => Delivery::Sending,
        Some(EntryState::Delivered) => Delivery::Delivered {
            at: row.delivered_at.unwrap_or_default(),
        },
        Some(EntryState::Parked) => Delivery::Parked {
            reason: row.reason.unwrap_or_default(),
        },
    };
    let RideCardParts {
        id,
        name,
        started_at,
        simulated,
        digest,
    } = row.card;
    Ok(RideCard {
        id,
        name,
        started_at,
        summary,
        simulated,
        digest,
        delivery,
    })
}
