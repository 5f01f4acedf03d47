//! Lists of workouts: search, filters, order, and a window of the result.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::search::match_expression;
use super::workout::zone_number;
use super::workout_card::{CARD_COLUMNS, card, card_row};
use super::{Store, StoreError};
use crate::view::{LibraryPage, LibraryQuery, LibrarySort, WorkoutCard};

/// The most rows of one window.
const MAX_ROWS: u32 = 200;

impl Store {
    /// A window of the workouts that a query finds, and how many it finds in all. A `limit` of 0 asks for as many
    /// rows as one window may have.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn library(&self, query: &LibraryQuery) -> Result<LibraryPage, StoreError> {
        let filter = Filter::of(query);
        let limit = if query.limit == 0 {
            MAX_ROWS
        } else {
            query.limit.min(MAX_ROWS)
        };
        self.read_library(|connection| {
            Ok(LibraryPage {
                total: filter.count(connection)?,
                offset: query.offset,
                rows: filter.window(connection, query.sort, query.offset, limit)?,
            })
        })
    }
}

/// A `WHERE` clause and its values.
struct Filter {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
}

impl Filter {
    fn of(query: &LibraryQuery) -> Self {
        let mut filter = Self {
            conditions: Vec::new(),
            values: Vec::new(),
        };
        if let Some(words) = match_expression(&query.text) {
            filter.and(
                "key IN (SELECT rowid FROM workout_text WHERE workout_text MATCH ?)",
                Value::Text(words),
            );
        }
        if let Some(seconds) = query.min_seconds {
            filter.and("seconds >= ?", Value::Integer(seconds.into()));
        }
        if let Some(seconds) = query.max_seconds {
            filter.and("seconds < ?", Value::Integer(seconds.into()));
        }
        if let Some(zone) = query.zone {
            filter.and("zone = ?", Value::Integer(zone_number(zone)));
        }
        if let Some(tss) = query.min_tss {
            filter.and("tss >= ?", Value::Real(tss));
        }
        if let Some(tss) = query.max_tss {
            filter.and("tss < ?", Value::Real(tss));
        }
        if query.own {
            filter.and("own = ?", Value::Integer(1));
        }
        filter
    }

    fn and(&mut self, condition: &'static str, value: Value) {
        self.conditions.push(condition);
        self.values.push(value);
    }

    fn clause(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", self.conditions.join(" AND "))
        }
    }

    fn count(&self, connection: &Connection) -> Result<u32, StoreError> {
        let sql = format!("SELECT count(*) FROM workout {}", self.clause());
        Ok(connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&self.values), |row| row.get(0))?)
    }

    /// The order is total (the id decides last), so that windows neither overlap nor leave anything out.
    fn window(
        &self,
        connection: &Connection,
        sort: LibrarySort,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<WorkoutCard>, StoreError> {
        let order = match sort {
            LibrarySort::Name => "workout.name_key, workout.id",
            LibrarySort::Duration => "workout.seconds, workout.name_key, workout.id",
            LibrarySort::Tss => "workout.tss, workout.name_key, workout.id",
        };
        let sql = format!(
            "SELECT {CARD_COLUMNS} FROM
                 (SELECT key AS chosen FROM workout {} ORDER BY {order} LIMIT ? OFFSET ?)
             JOIN workout ON workout.key = chosen
             JOIN workout_body ON workout_body.key = chosen
             ORDER BY {order}",
            self.clause()
        );
        let window = [Value::Integer(limit.into()), Value::Integer(offset.into())];
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(
            params_from_iter(self.values.iter().chain(&window)),
            card_row,
        )?;
        rows.map(|row| card(row?)).collect()
    }
}
