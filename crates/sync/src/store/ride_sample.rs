//! Table `ride_sample`: one row for each second of a ride.

use freewheel_ride::journal::Sample;
use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use super::{StoreError, values};

pub(super) const CREATE: &str = "
CREATE TABLE ride_sample (
    ride INTEGER NOT NULL REFERENCES ride (key),
    second INTEGER NOT NULL,
    at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    power INTEGER,
    target INTEGER,
    cadence INTEGER,
    heart_rate INTEGER,
    speed REAL,
    PRIMARY KEY (ride, second)
) STRICT, WITHOUT ROWID;
";

/// Adds samples; a second that is there already stays as it is.
pub(super) fn insert(
    connection: &Connection,
    ride: i64,
    samples: &[Sample],
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO ride_sample
             (ride, second, at, position, power, target, cadence, heart_rate, speed)
         VALUES (:ride, :second, :at, :position, :power, :target, :cadence, :heart_rate, :speed)
         ON CONFLICT (ride, second) DO NOTHING",
    )?;
    for sample in samples {
        statement.execute(named_params! {
            ":ride": ride,
            ":second": sample.second,
            ":at": sample.at.as_millisecond(),
            ":position": sample.position,
            ":power": sample.power,
            ":target": sample.target,
            ":cadence": sample.cadence,
            ":heart_rate": sample.heart_rate,
            ":speed": sample.speed,
        })?;
    }
    Ok(())
}

/// All samples of a ride by second.
pub(super) fn of(connection: &Connection, ride: i64) -> Result<Vec<Sample>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT second, at, position, power, target, cadence, heart_rate, speed
         FROM ride_sample WHERE ride = :ride ORDER BY second",
    )?;
    let rows = statement.query_map(named_params! { ":ride": ride }, |row| {
        let at = row.get::<_, i64>(1)?;
        Ok(Sample {
            second: row.get(0)?,
            at: timestamp(at).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, at))?,
            position: row.get(2)?,
            power: row.get(3)?,
            target: row.get(4)?,
            cadence: row.get(5)?,
            heart_rate: row.get(6)?,
            speed: row.get(7)?,
        })
    })?;
    // A second that makes no sense costs no other.
    let readable = rows.filter(|row| !row.as_ref().is_err_and(values::is_of_a_value));
    Ok(readable.collect::<Result<_, _>>()?)
}

/// A stored time.
pub(super) fn timestamp(milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds).ok()
}
