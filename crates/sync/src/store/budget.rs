//! Table `budget`: the retry budget of an origin, as JSON that the store does not look into.

use rusqlite::{OptionalExtension, named_params};

use super::{Store, StoreError, values};

pub(super) const CREATE: &str = "
CREATE TABLE budget (
    origin TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

impl Store {
    /// The origin's budget, when one was stored and can be read.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn budget(&self, origin: &str) -> Result<Option<String>, StoreError> {
        self.athlete().read(|connection| {
            Ok(connection
                .prepare_cached("SELECT state FROM budget WHERE origin = :origin")?
                .query_row(named_params! { ":origin": origin }, |row| {
                    values::text(row, 0)
                })
                .optional()?
                .flatten())
        })
    }

    /// Stores the origin's budget.
    ///
    /// # Errors
    /// It could not be made durable.
    pub fn put_budget(&self, origin: &str, state: &str) -> Result<(), StoreError> {
        self.athlete().write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO budget (origin, state) VALUES (:origin, :state)
                     ON CONFLICT (origin) DO UPDATE SET state = excluded.state",
                )?
                .execute(named_params! { ":origin": origin, ":state": state })?;
            Ok(())
        })
    }
}
