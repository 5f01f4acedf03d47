//! Table `plan_item`: which workout is planned for which day.

use std::collections::{BTreeMap, BTreeSet};

use freewheel_policy::edit::{Field, Fields, Known};
use freewheel_protocol::{Change, PlanItem, PlanState};
use jiff::civil::Date;
use rusqlite::{Connection, Params, Row, named_params};
use serde::Deserialize;

use super::change_feed::stored_revision;
use super::edit_overlay::{Edits, field};
use super::workout_card::{CARD_COLUMNS, card, card_row};
use super::{Store, StoreError};
use crate::view::{PlannedCard, WorkoutCard};

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
    /// The plan from one day to another, both included, by day, with the edits of `account` laid over it. An item counts
    /// as done as soon as a ride of `account` that fulfils it is finished here.
    ///
    /// # Errors
    /// The databases could not be read.
    pub fn plan(
        &self,
        account: Option<&str>,
        from: Date,
        to: Date,
    ) -> Result<Vec<PlannedCard>, StoreError> {
        self.planned(account, from, to, usize::MAX)
    }

    /// The next items after a day.
    pub(super) fn plan_after(
        &self,
        account: Option<&str>,
        day: Date,
        limit: usize,
    ) -> Result<Vec<PlannedCard>, StoreError> {
        match day.tomorrow() {
            Ok(next) => self.planned(account, next, Date::MAX, limit),
            Err(_) => Ok(Vec::new()), // The last day that there is.
        }
    }

    /// A plan item as the service has it, and as `account` sees it; none without such an item.
    pub(crate) fn plan_item(
        &self,
        account: Option<&str>,
        id: &str,
    ) -> Result<Option<(Known, PlannedCard)>, StoreError> {
        let (ridden, edits) = (
            self.ridden_plan_items(account)?,
            self.edits_of(account, PLAN_ITEM)?,
        );
        self.read_library(|connection| {
            let mut found = rows(
                connection,
                "plan_item.id = :id",
                named_params! { ":id": id },
            )?;
            Ok(found.pop().map(|item| {
                let known = item.known.clone();
                (known, seen(item, &ridden, &edits))
            }))
        })
    }

    fn planned(
        &self,
        account: Option<&str>,
        from: Date,
        to: Date,
        limit: usize,
    ) -> Result<Vec<PlannedCard>, StoreError> {
        let (ridden, edits) = (
            self.ridden_plan_items(account)?,
            self.edits_of(account, PLAN_ITEM)?,
        );
        let edited: Vec<&str> = edits.targets().collect();
        let (from, to) = (from.to_string(), to.to_string());
        // What was moved away makes room for as many others.
        let limit_here = limit.saturating_add(edited.len());
        let edited = serde_json::to_string(&edited)?;
        let mut items = self.read_library(|connection| {
            let days = rows(
                connection,
                "plan_item.date BETWEEN :from AND :to
                 ORDER BY plan_item.date, plan_item.id LIMIT :limit",
                named_params! {
                    ":from": from,
                    ":to": to,
                    ":limit": i64::try_from(limit_here).unwrap_or(i64::MAX),
                },
            )?;
            // What was edited may have been moved to one of these days from any other.
            let edited = rows(
                connection,
                "plan_item.id IN (SELECT value FROM json_each(:edited))",
                named_params! { ":edited": edited },
            )?;
            let items = days.into_iter().chain(edited);
            Ok(items
                .map(|item| (item.id.clone(), item))
                .collect::<BTreeMap<_, _>>())
        })?;
        let cards = std::mem::take(&mut items).into_values();
        let mut cards: Vec<PlannedCard> = cards
            .map(|item| seen(item, &ridden, &edits))
            .filter(|card| (&from..=&to).contains(&&card.date))
            .collect();
        cards.sort_by(|a, b| (&a.date, &a.plan_item_id).cmp(&(&b.date, &b.plan_item_id)));
        cards.truncate(limit);
        Ok(cards)
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

/// The kind of target that plan items are to edits.
const PLAN_ITEM: &str = "plan_item";

/// A plan item as it is stored.
struct Item {
    id: String,
    known: Known,
    /// By a ride that the service has.
    ridden: bool,
    note: Option<String>,
    workout: Option<WorkoutCard>,
}

fn rows(
    connection: &Connection,
    which: &str,
    values: impl Params,
) -> Result<Vec<Item>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT plan_item.id AS item, plan_item.revision AS item_revision, plan_item.date AS day,
             plan_item.state AS done, plan_item.note AS note,
             json_valid(plan_item.raw) AND json_extract(
                 iif(json_valid(plan_item.raw), plan_item.raw, '{{}}'), '$.ride_id') IS NOT NULL AS ridden,
             {CARD_COLUMNS}
         FROM plan_item
         LEFT JOIN workout ON workout.id = plan_item.workout_id
         LEFT JOIN workout_body ON workout_body.key = workout.key
         WHERE {which}"
    ))?;
    let mut rows = statement.query(values)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(item(row)?);
    }
    Ok(items)
}

fn item(row: &Row<'_>) -> Result<Item, StoreError> {
    let workout = match row.get_ref("id")? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(card(card_row(row)?)?),
    };
    let fields = Fields::from([
        (Field::PlanDate, row.get("day")?),
        (Field::PlanState, row.get("done")?),
    ]);
    let revision: i64 = row.get("item_revision")?;
    Ok(Item {
        id: row.get("item")?,
        known: Known {
            revision: u64::try_from(revision).unwrap_or_default(),
            fields,
        },
        ridden: row.get("ridden")?,
        note: row.get("note")?,
        workout,
    })
}

fn seen(item: Item, ridden: &BTreeSet<String>, edits: &Edits) -> PlannedCard {
    let seen = edits.over(&item.id, &item.known);
    let here = ridden.contains(&item.id);
    let state = if here {
        PlanState::Done.as_str().to_owned()
    } else {
        field(&seen.view, Field::PlanState).unwrap_or_default()
    };
    PlannedCard {
        date: field(&seen.view, Field::PlanDate).unwrap_or_default(),
        plan_item_id: item.id,
        state,
        ridden: here || item.ridden,
        note: item.note,
        workout: item.workout,
        edit: seen.mark,
    }
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
