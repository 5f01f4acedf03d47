//! Rides: samples that were safe, rides that were saved.

use freewheel_ride::journal::Journal as _;
use freewheel_sync::store::{RideJournal, Store};
use rusqlite::{Connection, OptionalExtension as _, named_params};
use uuid::Uuid;

use super::{Findings, Rule};
use crate::PowercutError;
use crate::promises::Promises;

pub(super) fn check(
    athlete: &Connection,
    store: &Store,
    promises: &Promises,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    let journal = RideJournal::new(store.clone(), None);
    for ride in all(athlete)? {
        let recorded = match ride.parse::<Uuid>().map(|id| journal.load(id)) {
            Ok(Ok(recorded)) => recorded,
            Ok(Err(error)) => {
                findings.add(Rule::Samples, format!("{ride} cannot be read: {error}"));
                continue;
            }
            Err(error) => {
                findings.add(Rule::Samples, format!("{ride} is no id: {error}"));
                continue;
            }
        };
        let without_gap = (0..).zip(&recorded.samples);
        let gap = without_gap
            .into_iter()
            .find(|(second, sample)| sample.second != *second);
        findings.unless(gap.is_none(), Rule::Samples, || {
            format!("{ride} has a gap: {gap:?}")
        });
    }
    for (ride, promised) in &promises.samples {
        let kept = samples(athlete, ride)?;
        findings.unless(kept >= *promised, Rule::Samples, || {
            format!("{promised} samples of {ride} were safe, and {kept} are there")
        });
    }
    for ride in &promises.saved {
        let state = state(athlete, ride)?;
        findings.unless(state.as_deref() == Some("finished"), Rule::Saved, || {
            format!(
                "{ride} was saved, and is {}",
                state.as_deref().unwrap_or("gone")
            )
        });
    }
    Ok(())
}

fn all(athlete: &Connection) -> Result<Vec<String>, PowercutError> {
    let mut rides = athlete.prepare("SELECT id FROM ride ORDER BY key")?;
    let rides = rides.query_map([], |row| row.get(0))?;
    Ok(rides.collect::<Result<_, _>>()?)
}

fn samples(athlete: &Connection, ride: &str) -> Result<u32, PowercutError> {
    let sql = "SELECT count(*) FROM ride_sample JOIN ride ON ride.key = ride WHERE id = :ride";
    Ok(athlete.query_row(sql, named_params! { ":ride": ride }, |row| row.get(0))?)
}

fn state(athlete: &Connection, ride: &str) -> Result<Option<String>, PowercutError> {
    let sql = "SELECT state FROM ride WHERE id = :ride";
    let state = athlete.query_row(sql, named_params! { ":ride": ride }, |row| row.get(0));
    Ok(state.optional()?)
}
