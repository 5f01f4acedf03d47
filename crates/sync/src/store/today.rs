//! The first screen.

use freewheel_workout::Zone;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, named_params};

use super::workout::zone_number;
use super::workout_card::{CARD_COLUMNS, card, card_row};
use super::{Store, StoreError};
use crate::view::{TodayView, WorkoutCard};

/// How many planned workouts after today are shown.
const UPCOMING: usize = 7;

/// How many workouts are suggested.
const SUGGESTIONS: usize = 4;

/// Zones to suggest from; their order turns with the day.
const SUGGESTED_ZONES: [Zone; 5] = [
    Zone::Endurance,
    Zone::Tempo,
    Zone::Threshold,
    Zone::Vo2Max,
    Zone::Recovery,
];

impl Store {
    /// What the first screen shows on a day of the athlete's calendar, for `account` or for nobody. `default_ftp`
    /// (watts) stands in while the profile is unknown.
    ///
    /// # Errors
    /// The databases could not be read.
    pub fn today(
        &self,
        account: Option<&str>,
        date: Date,
        default_ftp: u16,
    ) -> Result<TodayView, StoreError> {
        let planned = self.plan(account, date, date)?;
        let suggestions = if planned.is_empty() {
            self.read_library(|connection| suggestions(connection, date))?
        } else {
            Vec::new()
        };
        Ok(TodayView {
            date: date.to_string(),
            planned,
            upcoming: self.plan_after(account, date, UPCOMING)?,
            suggestions,
            unfinished: self.unfinished_rides(account)?,
            ftp_watts: self
                .profile()?
                .map_or(default_ftp, |profile| profile.ftp_watts),
        })
    }
}

/// A few workouts of 30 to 60 minutes, each for another zone; the same ones all day long.
fn suggestions(connection: &Connection, date: Date) -> Result<Vec<WorkoutCard>, StoreError> {
    let day = i64::from(date.day_of_year()) + 366 * i64::from(date.year());
    let zones = SUGGESTED_ZONES.len();
    let first = usize::try_from(day).unwrap_or(0) % zones;
    let mut found = Vec::new();
    for zone in SUGGESTED_ZONES.iter().cycle().skip(first).take(zones) {
        if found.len() == SUGGESTIONS {
            break;
        }
        found.extend(suggestion(connection, *zone, day)?);
    }
    Ok(found)
}

fn suggestion(
    connection: &Connection,
    zone: Zone,
    day: i64,
) -> Result<Option<WorkoutCard>, StoreError> {
    let zone = zone_number(zone);
    let count: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM workout
             WHERE zone = :zone AND seconds BETWEEN 1800 AND 3600",
        )?
        .query_row(named_params! { ":zone": zone }, |row| row.get(0))?;
    if count == 0 {
        return Ok(None);
    }
    connection
        .prepare_cached(&format!(
            "SELECT {CARD_COLUMNS} FROM
                 (SELECT key AS chosen FROM workout
                  WHERE zone = :zone AND seconds BETWEEN 1800 AND 3600
                  ORDER BY id LIMIT 1 OFFSET :offset)
             JOIN workout ON workout.key = chosen
             JOIN workout_body ON workout_body.key = chosen"
        ))?
        .query_row(
            // A prime apart, so that neighbouring days differ even when the list is short.
            named_params! { ":zone": zone, ":offset": (day * 7919).rem_euclid(count) },
            card_row,
        )
        .optional()?
        .map(card)
        .transpose()
}
