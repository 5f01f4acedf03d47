//! The outbox: nothing is half queued, half sent or half delivered.

use freewheel_protocol::Sha256Digest;
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::{Findings, Rule};
use crate::PowercutError;
use crate::promises::Promises;

pub(super) fn check(
    athlete: &Connection,
    promises: &Promises,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    halves(athlete, findings)?;
    digests(athlete, findings)?;
    for (ride, sent) in &promises.sent {
        let claims = entry(athlete, ride)?.map_or(0, |entry| entry.claims);
        findings.unless(claims >= *sent, Rule::Claimed, || {
            format!("{ride} was sent {sent} times, and claimed {claims} times")
        });
    }
    for ride in &promises.delivered {
        let state = entry(athlete, ride)?.map(|entry| entry.state);
        findings.unless(
            state.as_deref() == Some("delivered"),
            Rule::Delivered,
            || {
                format!(
                    "{ride} was delivered, and is {}",
                    state.as_deref().unwrap_or("gone")
                )
            },
        );
    }
    Ok(())
}

/// What only one transaction may write.
fn halves(athlete: &Connection, findings: &mut Findings) -> Result<(), PowercutError> {
    let cases = [
        (
            Rule::Whole,
            "is finished, and in no queue",
            "SELECT id FROM ride WHERE state = 'finished' AND account IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.id = ride.id)",
        ),
        (
            Rule::Whole,
            "is queued, and not finished",
            "SELECT id FROM outbox WHERE kind = 'ride' AND NOT EXISTS
                 (SELECT 1 FROM ride WHERE ride.id = outbox.id AND state = 'finished'
                      AND ride.digest = outbox.digest AND ride.account = outbox.account)",
        ),
        (
            Rule::Delivered,
            "has a receipt without being delivered, or the other way round",
            "SELECT id FROM outbox WHERE (state = 'delivered') <> (receipt IS NOT NULL)
                 OR (state = 'delivered') <> (delivered_at IS NOT NULL)",
        ),
    ];
    for (rule, words, sql) in cases {
        let half = athlete.query_row(sql, [], |row| row.get::<_, String>(0));
        if let Some(id) = half.optional()? {
            findings.add(rule, format!("{id} {words}"));
        }
    }
    Ok(())
}

fn digests(athlete: &Connection, findings: &mut Findings) -> Result<(), PowercutError> {
    let mut rides = athlete.prepare("SELECT id, digest, fit FROM ride WHERE state = 'finished'")?;
    let mut rows = rides.query([])?;
    while let Some(row) = rows.next()? {
        let (id, digest, fit): (String, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        findings.unless(
            Sha256Digest::of(&fit).to_string() == digest,
            Rule::Whole,
            || format!("the file of {id} is not what was frozen"),
        );
    }
    Ok(())
}

struct Entry {
    state: String,
    claims: u32,
}

fn entry(athlete: &Connection, ride: &str) -> Result<Option<Entry>, PowercutError> {
    let sql = "SELECT state, claims FROM outbox WHERE id = :ride";
    let entry = athlete.query_row(sql, named_params! { ":ride": ride }, |row| {
        Ok(Entry {
            state: row.get(0)?,
            claims: row.get(1)?,
        })
    });
    Ok(entry.optional()?)
}
