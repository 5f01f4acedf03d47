//! Values whose bytes are damaged, although SQLite finds the page that they are in sound: it does not look whether a text
//! is one, and any number is a number.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, RowIndex};

use super::StoreError;

/// The text of a column; none where there is none, or where its bytes are not UTF-8.
pub(super) fn text(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<String>> {
    let text = row.get_ref(column)?.as_str();
    Ok(text.ok().map(str::to_owned))
}

/// The text of a column, and whether its bytes were UTF-8; else `U+FFFD` stands for what was not.
pub(super) fn text_of_any_bytes(
    row: &Row<'_>,
    column: impl RowIndex,
) -> rusqlite::Result<(String, bool)> {
    let bytes = row.get_ref(column)?.as_bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let sound = matches!(text, std::borrow::Cow::Borrowed(_));
    Ok((text.into_owned(), sound))
}

/// The bytes of a column; none where there are none.
pub(super) fn bytes(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<Vec<u8>>> {
    let bytes = row.get_ref(column)?.as_bytes();
    Ok(bytes.ok().map(<[u8]>::to_vec))
}

/// A count; 0 where it cannot be one.
pub(super) fn count(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<u32> {
    let count = row.get_ref(column)?.as_i64().unwrap_or_default();
    Ok(u32::try_from(count).unwrap_or_default())
}

/// Whether an error says that a value is not what its column is for.
pub(super) fn is_of_a_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    matches!(
        error,
        E::Utf8Error(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::FromSqlConversionFailure(..)
    )
}

/// What is wrong with the texts of a table, if anything: the first one whose bytes are not UTF-8.
pub(super) fn fault(connection: &Connection, table: &str) -> Result<Option<String>, StoreError> {
    let columns: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1) WHERE type = 'TEXT' ORDER BY cid")?
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if columns.is_empty() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT \"{}\" FROM \"{}\"",
        columns.join("\", \""),
        table.replace('"', "\"\"")
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for (index, column) in columns.iter().enumerate() {
            let value = row.get_ref(index)?;
            if let ValueRef::Text(bytes) = value
                && std::str::from_utf8(bytes).is_err()
            {
                return Ok(Some(format!("a value of {table}.{column} is no text")));
            }
        }
    }
    Ok(None)
}
