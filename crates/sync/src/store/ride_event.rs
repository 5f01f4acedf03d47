//! Table `ride_event`: pauses, steps and recoveries of a ride.

use freewheel_ride::journal::{RideEvent, TimedEvent};
use rusqlite::{Connection, named_params};

use super::StoreError;
use super::ride_sample::timestamp;

pub(super) const CREATE: &str = "
CREATE TABLE ride_event (
    seq INTEGER PRIMARY KEY,
    ride INTEGER NOT NULL REFERENCES ride (key),
    at INTEGER NOT NULL,
    second INTEGER NOT NULL,
    event TEXT NOT NULL,
    UNIQUE (ride, at, second, event)
) STRICT;
";

/// Adds events; one that is there already is not added again.
pub(super) fn insert(
    connection: &Connection,
    ride: i64,
    events: &[TimedEvent],
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO ride_event (ride, at, second, event) VALUES (:ride, :at, :second, :event)
         ON CONFLICT (ride, at, second, event) DO NOTHING",
    )?;
    for event in events {
        statement.execute(named_params! {
            ":ride": ride,
            ":at": event.at.as_millisecond(),
            ":second": event.second,
            ":event": serde_json::to_string(&event.event)?,
        })?;
    }
    Ok(())
}

/// All events of a ride by time.
pub(super) fn of(connection: &Connection, ride: i64) -> Result<Vec<TimedEvent>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT at, second, event FROM ride_event WHERE ride = :ride ORDER BY at, seq",
    )?;
    let rows = statement.query_map(named_params! { ":ride": ride }, |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, String>(2)?))
    })?;
    rows.map(|row| {
        let (at, second, event) = row?;
        let event: RideEvent = serde_json::from_str(&event)?;
        let at = timestamp(at).ok_or_else(|| StoreError::Invalid(format!("time {at}")))?;
        Ok(TimedEvent { event, at, second })
    })
    .collect()
}
