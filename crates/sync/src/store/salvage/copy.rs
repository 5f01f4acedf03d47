//! Reading a damaged database row by row.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};
use serde::{Deserialize, Serialize};

use super::BEARING;
use crate::store::StoreError;

/// Behind a page that cannot be read, rows are looked for at such distances, each twice the one before.
const FARTHEST: i64 = 1 << 40;

/// What was saved of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescued {
    /// Its name.
    pub table: String,
    /// Rows that are in the fresh database.
    pub saved: u64,
    /// Rows that could be read and made no sense.
    pub refused: u64,
    /// Whether all of it could be read.
    pub whole: bool,
    /// How many rows there were, where one of its indexes still tells.
    pub had: Option<u64>,
}

impl Rescued {
    /// What was lost, for people; none if nothing was.
    pub(super) fn loss(&self) -> Option<String> {
        let name = &self.table;
        let had = self.had.unwrap_or(self.saved + self.refused);
        match had.saturating_sub(self.saved) {
            0 if self.whole => None,
            0 => Some(format!("perhaps some rows of {name}")),
            lost => Some(format!("{lost} of {had} rows of {name}")),
        }
    }
}

/// Copies every row of every table of the fresh database that can be read in the damaged one.
pub(super) fn tables(from: &Connection, to: &Connection) -> Result<Vec<Rescued>, StoreError> {
    // In the order in which they were made: what others refer to comes first.
    let mut names = to.prepare(
        "SELECT name, sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid",
    )?;
    let names = names.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
    })?;
    let mut rescued = Vec::new();
    for name in names {
        let (name, keyed) = name?;
        rescued.push(Table::of(to, from, name, keyed)?.copy(from, to)?);
    }
    Ok(rescued)
}

/// A table, and how it is read.
struct Table {
    name: String,
    /// Those that both databases have.
    columns: Vec<String>,
    /// What its rows are ordered by on the disk.
    order: Vec<String>,
    /// Whether rows are numbered, so that a place can be leapt over.
    numbered: bool,
}

/// How a reading ended.
enum End {
    /// At the last row.
    Whole,
    /// At something that cannot be read; behind the row of this number, if any was read.
    Broken(Option<i64>),
}

impl Table {
    fn of(
        to: &Connection,
        from: &Connection,
        name: String,
        keyed: bool,
    ) -> Result<Self, StoreError> {
        let known = columns(to, &name, "cid >= 0")?;
        // Nothing of a table is read whose columns cannot be.
        let there = columns(from, &name, "cid >= 0").unwrap_or_default();
        let both = known.into_iter().filter(|column| there.contains(column));
        let order = if keyed {
            columns(to, &name, "pk > 0")?
        } else {
            vec!["rowid".to_owned()]
        };
        Ok(Self {
            columns: both.collect(),
            order,
            numbered: !keyed,
            name,
        })
    }

    fn copy(&self, from: &Connection, to: &Connection) -> Result<Rescued, StoreError> {
        let mut rescued = Rescued {
            table: self.name.clone(),
            saved: 0,
            refused: 0,
            whole: false,
            had: None,
        };
        if self.columns.is_empty() {
            return Ok(rescued);
        }
        rescued.whole = self.forward(from, to, &mut rescued)?;
        if !rescued.whole {
            let count = format!("SELECT count(*) FROM {}", quoted(&self.name));
            let had = from.query_row(&count, [], |row| row.get::<_, u32>(0));
            rescued.had = had.ok().map(u64::from);
            self.read(from, to, i64::MIN, " DESC", &mut rescued)?;
        }
        Ok(rescued)
    }

    /// From the first row on, past what cannot be read where that is possible. Whether there was nothing of that kind.
    fn forward(
        &self,
        from: &Connection,
        to: &Connection,
        rescued: &mut Rescued,
    ) -> Result<bool, StoreError> {
        let End::Broken(last) = self.read(from, to, i64::MIN, "", rescued)? else {
            return Ok(true);
        };
        let (mut last, mut leap) = (last.unwrap_or(0), 1);
        while self.numbered && leap <= FARTHEST {
            match self.read(from, to, last.saturating_add(leap), "", rescued)? {
                End::Whole => break,
                End::Broken(Some(further)) => (last, leap) = (further, 1),
                End::Broken(None) => leap = leap.saturating_mul(2),
            }
        }
        Ok(false)
    }

    /// Copies the rows behind the row of number `after`, in this direction, until one cannot be read.
    fn read(
        &self,
        from: &Connection,
        to: &Connection,
        after: i64,
        direction: &str,
        rescued: &mut Rescued,
    ) -> Result<End, StoreError> {
        let mut insert = to.prepare_cached(&self.insert())?;
        let Ok(mut statement) = from.prepare(&self.select(direction)) else {
            return Ok(End::Broken(None));
        };
        let Ok(mut rows) = statement.query([after]) else {
            return Ok(End::Broken(None));
        };
        let mut last = None;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(End::Whole),
                Err(error) => {
                    tracing::warn!(%error, table = self.name, "a part of the table cannot be read");
                    return Ok(End::Broken(last));
                }
            };
            last = row.get(0).ok();
            let inserted = match self.values(row) {
                Some(values) => insert.execute(params_from_iter(values)),
                None => Ok(0),
            };
            match inserted {
                Ok(0) if direction.is_empty() => rescued.refused += 1,
                // From the back many rows come a second time.
                Ok(0) => {}
                Ok(_) => rescued.saved += 1,
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    rescued.refused += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// None where the row is worth nothing with a text that is none.
    fn values<'row>(&self, row: &'row Row<'_>) -> Option<Vec<ToSqlOutput<'row>>> {
        let columns = self.columns.iter().zip(1..);
        columns
            .map(|(column, index)| {
                let value = row.get_ref(index).ok()?;
                match value {
                    ValueRef::Text(bytes) => self.text(column, bytes),
                    _ => Some(ToSqlOutput::Borrowed(value)),
                }
            })
            .collect()
    }

    /// A text whose bytes are none goes over as they are where the reader bears that, and else mended as far as it can
    /// be: a ride is more than its name. Not what is told elsewhere too, and nobody else's ride becomes somebody's.
    fn text<'row>(&self, column: &str, bytes: &'row [u8]) -> Option<ToSqlOutput<'row>> {
        if BEARING.contains(&self.name.as_str()) || std::str::from_utf8(bytes).is_ok() {
            return Some(ToSqlOutput::Borrowed(ValueRef::Text(bytes)));
        }
        tracing::warn!(table = self.name, column, "a text is damaged");
        match (self.name.as_str(), column) {
            ("outbox" | "revocation", _) | (_, "id") => None,
            (_, "account") => Some(ToSqlOutput::Owned(Value::Null)),
            _ => Some(ToSqlOutput::Owned(Value::Text(
                String::from_utf8_lossy(bytes).into_owned(),
            ))),
        }
    }

    fn select(&self, direction: &str) -> String {
        let number = if self.numbered { "rowid" } else { "0" };
        let behind = if self.numbered {
            "rowid > ?1"
        } else {
            "?1 < 0"
        };
        let order: Vec<String> = self
            .order
            .iter()
            .map(|column| format!("{column}{direction}"))
            .collect();
        format!(
            "SELECT {number}, {} FROM {} WHERE {behind} ORDER BY {}",
            list(&self.columns),
            quoted(&self.name),
            order.join(", ")
        )
    }

    fn insert(&self) -> String {
        let values = vec!["?"; self.columns.len()].join(", ");
        format!(
            "INSERT OR IGNORE INTO {} ({}) VALUES ({values})",
            quoted(&self.name),
            list(&self.columns)
        )
    }
}

fn columns(database: &Connection, table: &str, which: &str) -> rusqlite::Result<Vec<String>> {
    let sql = format!("SELECT name FROM pragma_table_info(?1) WHERE {which} ORDER BY pk, cid");
    let mut statement = database.prepare(&sql)?;
    let names = statement.query_map([table], |row| row.get(0))?;
    names.collect()
}

fn list(columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    columns.join(", ")
}

/// An identifier as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
