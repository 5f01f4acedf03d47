//! Table `lane`: what a lane remembers across restarts, as JSON that the store does not look into.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::{Store, StoreError, values};

pub(super) const CREATE: &str = "
CREATE TABLE lane (
    lane TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

impl Store {
    /// The lane's state, when one was stored and can be read.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn lane_state(&self, lane: &str) -> Result<Option<String>, StoreError> {
        self.athlete().read(|connection| {
            Ok(connection
                .prepare_cached("SELECT state FROM lane WHERE lane = :lane")?
                .query_row(named_params! { ":lane": lane }, |row| values::text(row, 0))
                .optional()?
                .flatten())
        })
    }

    /// Stores the lane's state.
    ///
    /// # Errors
    /// It could not be made durable.
    pub fn put_lane_state(&self, lane: &str, state: &str) -> Result<(), StoreError> {
        self.athlete()
            .write(|connection| put(connection, lane, state))
    }

    /// Removes the lane's state if it still is `expected`; whether it was.
    ///
    /// # Errors
    /// The removal could not be made durable.
    pub fn take_lane_state(&self, lane: &str, expected: &str) -> Result<bool, StoreError> {
        self.athlete().write(|connection| {
            let removed = connection
                .prepare_cached("DELETE FROM lane WHERE lane = :lane AND state = :expected")?
                .execute(named_params! { ":lane": lane, ":expected": expected })?;
            Ok(removed > 0)
        })
    }
}

pub(super) fn put(connection: &Connection, lane: &str, state: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO lane (lane, state) VALUES (:lane, :state)
             ON CONFLICT (lane) DO UPDATE SET state = excluded.state",
        )?
        .execute(named_params! { ":lane": lane, ":state": state })?;
    Ok(())
}
