//! Table `profile_name`: one row with a random word that tells this profile from every other one of the same athlete.

use rusqlite::OptionalExtension as _;

use super::{Store, StoreError, values};

pub(super) const CREATE: &str = "
CREATE TABLE profile_name (
    key INTEGER PRIMARY KEY CHECK (key = 1),
    name TEXT NOT NULL
) STRICT;
";

impl Store {
    /// The profile's name: 16 hex digits, drawn when it is first asked for.
    ///
    /// # Errors
    /// It could neither be read nor be made durable.
    pub fn profile_name(&self) -> Result<String, StoreError> {
        let known = |connection: &rusqlite::Connection| {
            let sql = "SELECT name FROM profile_name WHERE key = 1";
            let name = connection.query_row(sql, [], |row| values::text(row, 0));
            Ok(name.optional()?.flatten())
        };
        if let Some(name) = self.athlete().read(known)? {
            return Ok(name);
        }
        self.athlete().write(|connection| {
            // Another process may have drawn one meanwhile; it stays.
            if let Some(name) = known(connection)? {
                return Ok(name);
            }
            let sql = "INSERT OR REPLACE INTO profile_name (key, name)
                       VALUES (1, lower(hex(randomblob(8)))) RETURNING name";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
    }
}
