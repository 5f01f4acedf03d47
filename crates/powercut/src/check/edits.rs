//! Changes of the athlete's: none is lost, and none was sent that was not claimed.

use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::{Findings, Rule};
use crate::PowercutError;
use crate::promises::Promises;

pub(super) fn check(
    athlete: &Connection,
    promises: &Promises,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    for (target, value) in &promises.edited {
        let there = state(athlete, target, value)?;
        findings.unless(there.is_some(), Rule::Edited, || {
            format!("the change of {target} to \u{201c}{value}\u{201d} was saved, and is gone")
        });
    }
    for (target, value) in &promises.edits_delivered {
        let there = state(athlete, target, value)?;
        findings.unless(
            there.as_deref() == Some("delivered"),
            Rule::EditDelivered,
            || {
                let there = there.as_deref().unwrap_or("gone");
                format!("the change of {target} was delivered, and is {there}")
            },
        );
    }
    let sql = "SELECT coalesce(sum(claims), 0) FROM edit";
    let claims: u32 = athlete.query_row(sql, [], |row| row.get(0))?;
    let sent = promises.edits_sent;
    findings.unless(claims >= sent, Rule::EditClaimed, || {
        format!("changes were sent {sent} times, and claimed {claims} times")
    });
    Ok(())
}

fn state(athlete: &Connection, target: &str, value: &str) -> Result<Option<String>, PowercutError> {
    let sql = "SELECT state FROM edit WHERE target_id = :target AND value = :value";
    let values = named_params! { ":target": target, ":value": value };
    let found = athlete.query_row(sql, values, |row| row.get(0));
    Ok(found.optional()?)
}
