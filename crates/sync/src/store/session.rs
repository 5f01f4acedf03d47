//! Table `session`: one row with the session's facts and the sealed tokens.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::{Store, StoreError};

pub(super) const CREATE: &str = "
CREATE TABLE session (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    facts TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    sealed BLOB
) STRICT;
";

/// What is stored of the session. The store does not look inside.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The facts, as JSON.
    pub facts: String,
    /// The generation of the tokens; rises with every rotation, 0 before the first.
    pub generation: u64,
    /// The sealed tokens, when there are any.
    pub sealed: Option<Vec<u8>>,
}

impl std::fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSession")
            .field("generation", &self.generation)
            .field("sealed", &self.sealed.is_some())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The session as stored; `None` before the first fact.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn session(&self) -> Result<Option<StoredSession>, StoreError> {
        self.athlete().read(read)
    }

    /// Stores the facts; tokens and generation stay.
    ///
    /// # Errors
    /// The facts could not be made durable.
    pub fn save_facts(&self, facts: &str) -> Result<(), StoreError> {
        self.athlete()
            .write(|connection| write_facts(connection, facts))?;
        self.session_changed();
        Ok(())
    }

    /// Changes the facts in one transaction: `change` sees what is stored at that moment, whichever process stored
    /// it, and returns the new facts, or `None` to leave them.
    ///
    /// # Errors
    /// The facts could not be made durable.
    pub fn update_facts(
        &self,
        change: impl FnOnce(Option<&StoredSession>) -> Option<String>,
    ) -> Result<(), StoreError> {
        let changed =
            self.athlete()
                .write(|connection| match change(read(connection)?.as_ref()) {
                    Some(facts) => write_facts(connection, &facts).map(|()| true),
                    None => Ok(false),
                })?;
        if changed {
            self.session_changed();
        }
        Ok(())
    }

    /// Stores new tokens and facts, if the stored generation is still `expected_generation`. Returns whether it was.
    ///
    /// # Errors
    /// The tokens could not be made durable; nothing has changed then.
    pub fn save_tokens(
        &self,
        expected_generation: u64,
        new_generation: u64,
        sealed: &[u8],
        facts: &str,
    ) -> Result<bool, StoreError> {
        let expected = generation_in(expected_generation)?;
        let new = generation_in(new_generation)?;
        let saved = self.athlete().write(|connection| {
            let stored: i64 = connection
                .query_row("SELECT generation FROM session WHERE id = 1", [], |row| {
                    row.get(0)
                })
                .optional()?
                .unwrap_or(0);
            if stored != expected {
                return Ok(false);
            }
            connection
                .prepare_cached(
                    "INSERT INTO session (id, facts, generation, sealed)
                     VALUES (1, :facts, :generation, :sealed)
                     ON CONFLICT (id) DO UPDATE SET
                         facts = excluded.facts,
                         generation = excluded.generation,
                         sealed = excluded.sealed",
                )?
                .execute(
                    named_params! { ":facts": facts, ":generation": new, ":sealed": sealed },
                )?;
            Ok(true)
        })?;
        if saved {
            self.session_changed();
        }
        Ok(saved)
    }

    /// As [`Store::save_tokens`], with facts that `facts` makes from what is stored at that moment, whichever process
    /// stored it.
    ///
    /// # Errors
    /// The tokens could not be made durable; nothing has changed then.
    pub fn commit_tokens(
        &self,
        expected_generation: u64,
        new_generation: u64,
        sealed: &[u8],
        facts: impl FnOnce(Option<&StoredSession>) -> Result<String, serde_json::Error>,
    ) -> Result<bool, StoreError> {
        let new = generation_in(new_generation)?;
        let saved = self.athlete().write(|connection| {
            let stored = read(connection)?;
            if stored.as_ref().map_or(0, |stored| stored.generation) != expected_generation {
                return Ok(false);
            }
            write_facts(connection, &facts(stored.as_ref())?)?;
            connection
                .prepare_cached(
                    "UPDATE session SET generation = :generation, sealed = :sealed WHERE id = 1",
                )?
                .execute(named_params! { ":generation": new, ":sealed": sealed })?;
            Ok(true)
        })?;
        if saved {
            self.session_changed();
        }
        Ok(saved)
    }

    /// Removes the tokens, stores the facts and moves to `new_generation`, so that a refresh that is still under way
    /// cannot bring tokens back. For sign-out and account switch only: no automatic path calls this.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn clear_tokens(&self, new_generation: u64, facts: &str) -> Result<(), StoreError> {
        let generation = generation_in(new_generation)?;
        self.athlete().write(|connection| {
            write_facts(connection, facts)?;
            connection
                .prepare_cached(
                    "UPDATE session SET sealed = NULL, generation = :generation WHERE id = 1",
                )?
                .execute(named_params! { ":generation": generation })?;
            Ok(())
        })?;
        self.session_changed();
        Ok(())
    }
}

fn read(connection: &Connection) -> Result<Option<StoredSession>, StoreError> {
    let row = connection
        .prepare_cached("SELECT facts, generation, sealed FROM session WHERE id = 1")?
        .query_row([], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?))
        })
        .optional()?;
    row.map(|(facts, generation, sealed)| {
        let generation = u64::try_from(generation)
            .map_err(|_| StoreError::Invalid("negative token generation".to_owned()))?;
        Ok(StoredSession {
            facts,
            generation,
            sealed,
        })
    })
    .transpose()
}

fn write_facts(connection: &Connection, facts: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO session (id, facts) VALUES (1, :facts)
             ON CONFLICT (id) DO UPDATE SET facts = excluded.facts",
        )?
        .execute(named_params! { ":facts": facts })?;
    Ok(())
}

fn generation_in(generation: u64) -> Result<i64, StoreError> {
    i64::try_from(generation).map_err(|_| StoreError::Invalid("token generation".to_owned()))
}
