//! The library: a cursor and what belongs to it are one.

use rusqlite::Connection;

use super::{Findings, Rule};
use crate::PowercutError;
use crate::promises::Promises;

pub(super) fn check(
    library: &Connection,
    promises: &Promises,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    let sql = "SELECT coalesce(cursor, ''), (SELECT count(*) FROM workout) FROM feed_meta";
    let (cursor, workouts): (String, u32) =
        library.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if let Some(promised) = promises.pages.get(&cursor) {
        findings.unless(workouts == *promised, Rule::Page, || {
            format!("at cursor '{cursor}' there are {promised} workouts, and here are {workouts}")
        });
    }
    Ok(())
}
