//! Table `revocation`: sign-ins that are over here, until their issuers know and their keys are gone.

use rusqlite::{Connection, named_params};

use super::session::generation_of;
use super::{Store, StoreError, values};

pub(super) const CREATE: &str = "
CREATE TABLE revocation (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    issuer TEXT NOT NULL,
    generation INTEGER NOT NULL,
    sealed BLOB, -- NULL once the issuer knows, or when there is nothing to tell
    tries INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL -- Unix ms
) STRICT;
";

/// A sign-in that is over.
#[derive(Debug, Clone, Copy)]
pub struct NewRevocation<'a> {
    /// The account's entry in the vault.
    pub account: &'a str,
    /// The issuer's address.
    pub issuer: &'a str,
    /// The generation that the tokens were sealed with.
    pub generation: u64,
    /// The sealed tokens; none when there is nothing to tell.
    pub sealed: Option<&'a [u8]>,
    /// When the issuer is told first, Unix ms.
    pub due: i64,
}

/// What is left to do about a sign-in that is over.
#[derive(Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the queue.
    pub id: i64,
    /// The account's entry in the vault, whose key sealed the tokens.
    pub account: String,
    /// The issuer's address.
    pub issuer: String,
    /// The generation that the tokens were sealed with.
    pub generation: u64,
    /// The sealed tokens; none once the issuer knows: what is left then is the key.
    pub sealed: Option<Vec<u8>>,
    /// Tries so far.
    pub tries: u32,
    /// When to try next, Unix ms.
    pub due: i64,
}

impl std::fmt::Debug for Revocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revocation")
            .field("id", &self.id)
            .field("told", &self.sealed.is_none())
            .field("tries", &self.tries)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// What is left to do, the oldest first.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, account, issuer, generation, sealed, tries, due
                 FROM revocation ORDER BY id",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Revocation {
                    id: row.get("id")?,
                    account: row.get("account")?,
                    issuer: row.get("issuer")?,
                    generation: generation_of(row)?.unwrap_or_default(),
                    sealed: row.get("sealed")?,
                    tries: values::count(row, "tries")?,
                    due: row.get("due")?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Notes a try, and when the next one is due (Unix ms).
    ///
    /// # Errors
    /// It could not be made durable; so for those that follow.
    pub fn put_off_revocation(&self, id: i64, tries: u32, due: i64) -> Result<(), StoreError> {
        self.athlete().write(|connection| {
            connection
                .prepare_cached("UPDATE revocation SET tries = :tries, due = :due WHERE id = :id")?
                .execute(named_params! { ":id": id, ":tries": tries, ":due": due })?;
            Ok(())
        })
    }

    /// The issuer knows, or will not know: the tokens are of no use any more. What is left is the key, at `due`.
    ///
    /// # Errors
    /// As above.
    pub fn revocation_told(&self, id: i64, due: i64) -> Result<(), StoreError> {
        self.athlete().write(|connection| {
            connection
                .prepare_cached(
                    "UPDATE revocation SET sealed = NULL, tries = 0, due = :due WHERE id = :id",
                )?
                .execute(named_params! { ":id": id, ":due": due })?;
            Ok(())
        })
    }

    /// Nothing is left to do.
    ///
    /// # Errors
    /// As above.
    pub fn revocation_done(&self, id: i64) -> Result<(), StoreError> {
        self.athlete().write(|connection| {
            connection
                .prepare_cached("DELETE FROM revocation WHERE id = :id")?
                .execute(named_params! { ":id": id })?;
            Ok(())
        })
    }
}

pub(super) fn insert(connection: &Connection, new: &NewRevocation<'_>) -> Result<(), StoreError> {
    let generation = i64::try_from(new.generation)
        .map_err(|_| StoreError::Invalid("token generation".to_owned()))?;
    connection
        .prepare_cached(
            "INSERT INTO revocation (account, issuer, generation, sealed, due)
             VALUES (:account, :issuer, :generation, :sealed, :due)",
        )?
        .execute(named_params! {
            ":account": new.account,
            ":issuer": new.issuer,
            ":generation": generation,
            ":sealed": new.sealed,
            ":due": new.due,
        })?;
    Ok(())
}
