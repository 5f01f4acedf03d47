//! Table `plan_item`: which workout is planned for which day.

use std::collections::BTreeSet;

use freewheel_protocol::{Change, PlanItem, PlanState};
use jiff::civil::Date;
use rusqlite::{Connection, Row, named_params};
use serde::Deserialize;

use super::change_feed::stored_revision;
use super::workout_card::{CARD_COLUMNS, card, card_row};
use super::{Store, StoreError};
use crate::view::PlannedCard;

pub(super) const CREATE: &str = "
CREATE TABLE plan_item (
    id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    date TEXT NOT NULL,
    workout_id TEXT NOT NULL,
    state TEXT NOT NULL,
    note TEXT,
    raw TEXT NOT NULL,
    seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_item_by_date ON plan_item (date, id);
";

impl Store {
    /// The plan from one day to another, both included, by day. An item counts as done as soon as a ride of `account`
    /// that fulfils it is finished here.
    ///
    /// # Errors
    /// The databases could not be read.
    pub fn plan(
        &self,
        account: Option<&str>,
        from: Date,
        to: Date,
    ) -> Result<Vec<PlannedCard>, StoreError> {
        self.planned(account, "BETWEEN :from AND :to", from, to, u32::MAX)
    }

    /// The next items after a day.
    pub(super) fn plan_after(
        &self,
        account: Option<&str>,
        day: Date,
        limit: u32,
    ) -> Result<Vec<PlannedCard>, StoreError> {
        self.planned(
            account,
            "> :from AND plan_item.date <= :to",
            day,
            Date::MAX,
            limit,
        )
    }

    fn planned(
        &self,
        account: Option<&str>,
        days: &str,
        from: Date,
        to: Date,
        limit: u32,
    ) -> Result<Vec<PlannedCard>, StoreError> {
        let ridden = self.ridden_plan_items(account)?;
        self.read_library(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT plan_item.id AS item, plan_item.date AS day, plan_item.state AS done,
                     plan_item.note AS note, {CARD_COLUMNS}
                 FROM plan_item
                 LEFT JOIN workout ON workout.id = plan_item.workout_id
                 LEFT JOIN workout_body ON workout_body.key = workout.key
                 WHERE plan_item.date {days}
                 ORDER BY plan_item.date, plan_item.id LIMIT :limit"
            ))?;
            let mut rows = statement.query(named_params! {
                ":from": from.to_string(),
                ":to": to.to_string(),
                ":limit": limit,
            })?;
            let mut planned = Vec::new();
            while let Some(row) = rows.next()? {
                planned.push(planned_card(row, &ridden)?);
            }
            Ok(planned)
        })
    }

    /// Plan items that a finished ride on this computer fulfils.
    fn ridden_plan_items(&self, account: Option<&str>) -> Result<BTreeSet<String>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT plan_item_id FROM ride
                 WHERE plan_item_id IS NOT NULL AND state = 'finished'
                     AND (account IS NULL OR account = :account)",
            )?;
            let rows =
                statement.query_map(named_params! { ":account": account }, |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn planned_card(row: &Row<'_>, ridden: &BTreeSet<String>) -> Result<PlannedCard, StoreError> {
    let plan_item_id: String = row.get("item")?;
    let state = if ridden.contains(&plan_item_id) {
        PlanState::Done.as_str().to_owned()
    } else {
        row.get("done")?
    };
    let workout = match row.get_ref("id")? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(card(card_row(row)?)?),
    };
    Ok(PlannedCard {
        plan_item_id,
        date: row.get("day")?,
        state,
        note: row.get("note")?,
        workout,
    })
}

/// Stores a plan item, if it can be read. Returns whether it can.
pub(super) fn upsert(
    connection: &Connection,
    change: &Change,
    generation: i64,
) -> Result<bool, StoreError> {
    let Some(body) = &change.body else {
        return Ok(false);
    };
    let Ok(item) = PlanItem::deserialize(body) else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "INSERT INTO plan_item (id, revision, date, workout_id, state, note, raw, seen)
             VALUES (:id, :revision, :date, :workout_id, :state, :note, :raw, :seen)
             ON CONFLICT (id) DO UPDATE SET
                 revision = excluded.revision, date = excluded.date,
                 workout_id = excluded.workout_id, state = excluded.state, note = excluded.note,
                 raw = excluded.raw, seen = excluded.seen",
        )?
        .execute(named_params! {
            ":id": change.id,
            ":revision": stored_revision(change.revision),
            ":date": item.date.to_string(),
            ":workout_id": item.workout_id,
            ":state": item.state.as_str(),
            ":note": item.note,
            ":raw": body.to_string(),
            ":seen": generation,
        })?;
    Ok(true)
}

pub(super) fn remove(connection: &Connection, id: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM plan_item WHERE id = :id")?
        .execute(named_params! { ":id": id })?;
    Ok(())
}
