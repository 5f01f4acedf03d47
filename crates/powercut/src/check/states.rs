//! Whole states of the databases, to be compared.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::PowercutError;

/// What is in both databases, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    /// All rows of the precious one.
    pub athlete: u64,
    /// All rows of the cache.
    pub library: u64,
}

impl State {
    /// Reads everything.
    ///
    /// # Errors
    /// A database cannot be read.
    pub(super) fn of(athlete: &Connection, library: &Connection) -> Result<Self, PowercutError> {
        Ok(Self {
            athlete: rows(athlete)?,
            library: rows(library)?,
        })
    }
}

/// Every row of every table, those of the search index included.
fn rows(database: &Connection) -> Result<u64, PowercutError> {
    let mut hash = DefaultHasher::new();
    let mut tables = database.prepare(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual', 'shadow')
             AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
    for table in tables {
        let table = table?;
        table.hash(&mut hash);
        let mut rows = database.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns = rows.column_count();
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                value(row.get_ref(column)?, &mut hash);
            }
        }
    }
    Ok(hash.finish())
}

fn value(value: ValueRef<'_>, hash: &mut DefaultHasher) {
    match value {
        ValueRef::Null => 0_u8.hash(hash),
        ValueRef::Integer(number) => number.hash(hash),
        ValueRef::Real(number) => number.to_bits().hash(hash),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.hash(hash),
    }
}
