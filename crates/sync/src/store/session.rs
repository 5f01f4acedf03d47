//! Table `session`: one row with the session's facts, what vouches for them, and the sealed tokens.
//!
//! It changes through [`Store::change_session`] alone: whatever a change depends on is read in the transaction that
//! writes it, so no process ever writes back what it read before another one's change.

use std::cell::Cell;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value;

use super::revocation::{self, NewRevocation};
use super::{Store, StoreError, auth_journal, lane, values};

pub(super) const CREATE: &str = "
CREATE TABLE session (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    facts TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    sealed BLOB
) STRICT;
";

/// `vouched` and its `vouched_mac` authenticate the anchor and the mark among the facts; `keyless` notes that the anchor
/// was written since without the key.
pub(super) const ADD_VOUCHER: &str = "
ALTER TABLE session ADD COLUMN vouched TEXT;
ALTER TABLE session ADD COLUMN vouched_mac BLOB;
ALTER TABLE session ADD COLUMN keyless INTEGER NOT NULL DEFAULT 0;
";

/// `owner` is the account a second time; what could not be read in the facts is kept before it is written over.
pub(super) const ADD_OWNER: &str = "
ALTER TABLE session ADD COLUMN owner TEXT;
UPDATE session SET owner = facts -> '$.account'
    WHERE CASE WHEN json_valid(facts) THEN json_type(facts, '$.account') = 'object' END;
CREATE TABLE unread_facts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL, -- Unix ms
    facts BLOB NOT NULL
) STRICT;
";

/// `key_place` is where the key was that sealed the tokens: `keyring` or `key_file`.
pub(super) const ADD_KEY_PLACE: &str = "
ALTER TABLE session ADD COLUMN key_place TEXT;
";

/// How many texts are kept that could not be read; the oldest make room.
const UNREAD: u32 = 10;

/// What is stored of the session. The store does not look inside. What cannot be read counts as not there.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The facts, as JSON.
    pub facts: String,
    /// Bytes of the facts are not text; `U+FFFD` stands for them.
    pub spoilt: bool,
    /// The account, as JSON, where there is one: the facts say it too.
    pub owner: Option<String>,
    /// The generation of the tokens; rises with every rotation, 0 before the first.
    pub generation: u64,
    /// The sealed tokens, when there are any.
    pub sealed: Option<Vec<u8>>,
    /// Where the key that sealed them was, in a word, if that is known.
    pub key_place: Option<String>,
    /// What vouches for the grace among the facts.
    pub voucher: Option<StoredVoucher>,
    /// The anchor among the facts was written without the key.
    pub keyless: bool,
}

/// A text and its MAC.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredVoucher {
    /// What is vouched for, as JSON.
    pub text: String,
    /// The MAC over the text.
    pub mac: Vec<u8>,
}

impl std::fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSession")
            .field("generation", &self.generation)
            .field("sealed", &self.sealed.is_some())
            .field("voucher", &self.voucher.is_some())
            .field("keyless", &self.keyless)
            .finish_non_exhaustive()
    }
}

/// A change of the session that is under way: one transaction, which is committed as a whole or not at all.
pub struct SessionChange<'a> {
    connection: &'a Connection,
    /// Whether anything but the journal was written.
    touched: Cell<bool>,
}

impl Store {
    /// The session as stored; `None` before the first fact.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn session(&self) -> Result<Option<StoredSession>, StoreError> {
        self.athlete().read(read)
    }

    /// When facts were last kept because they could not be read, in Unix ms; none if that never happened.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn facts_unread_at(&self) -> Result<Option<i64>, StoreError> {
        self.athlete().read(|connection| {
            let sql = "SELECT max(at) FROM unread_facts";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
    }

    /// Changes the session in one transaction: `change` sees what is stored at that moment, whichever process stored
    /// it, and nobody else writes until it returns. On a full disk it may be called again, after what it wrote was undone.
    ///
    /// # Errors
    /// Those of `change`, and that nothing could be made durable; nothing has changed then.
    pub fn change_session<T>(
        &self,
        mut change: impl FnMut(&SessionChange<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (value, touched) = self.athlete().write(|connection| {
            let session = SessionChange {
                connection,
                touched: Cell::new(false),
            };
            let value = change(&session)?;
            Ok((value, session.touched.get()))
        })?;
        if touched {
            self.session_changed();
        }
        Ok(value)
    }
}

impl SessionChange<'_> {
    /// The session as stored.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn stored(&self) -> Result<Option<StoredSession>, StoreError> {
        read(self.connection)
    }

    /// Stores the facts; tokens and generation stay.
    ///
    /// # Errors
    /// The database could not be written; so for all that follow.
    pub fn put_facts(&self, facts: &str) -> Result<(), StoreError> {
        self.touched.set(true);
        self.connection
            .prepare_cached(
                "INSERT INTO session (id, facts) VALUES (1, :facts)
                 ON CONFLICT (id) DO UPDATE SET facts = excluded.facts",
            )?
            .execute(named_params! { ":facts": facts })?;
        Ok(())
    }

    /// Stores whose the facts are, which must be there.
    ///
    /// # Errors
    /// As above.
    pub fn put_owner(&self, owner: Option<&str>) -> Result<(), StoreError> {
        self.touched.set(true);
        self.connection
            .prepare_cached("UPDATE session SET owner = :owner WHERE id = 1")?
            .execute(named_params! { ":owner": owner })?;
        Ok(())
    }

    /// Stores where the key of the tokens is, beside facts that must be there.
    ///
    /// # Errors
    /// As above.
    pub fn put_key_place(&self, place: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE session SET key_place = :place WHERE id = 1")?
            .execute(named_params! { ":place": place })?;
        Ok(())
    }

    /// Keeps the stored facts as they are, byte by byte, before they are written over: they could not be read. `at` is
    /// Unix ms.
    ///
    /// # Errors
    /// As above.
    pub fn keep_unread(&self, at: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO unread_facts (at, facts)
                 SELECT :at, cast(facts AS BLOB) FROM session",
            )?
            .execute(named_params! { ":at": at })?;
        self.connection
            .prepare_cached("DELETE FROM unread_facts WHERE seq <= :last")?
            .execute(named_params! {
                ":last": self.connection.last_insert_rowid() - i64::from(UNREAD),
            })?;
        Ok(())
    }

    /// Stores what vouches for the facts, which must be there, or that nothing does.
    ///
    /// # Errors
    /// As above.
    pub fn put_voucher(
        &self,
        voucher: Option<&StoredVoucher>,
        keyless: bool,
    ) -> Result<(), StoreError> {
        self.touched.set(true);
        self.connection
            .prepare_cached(
                "UPDATE session SET vouched = :text, vouched_mac = :mac, keyless = :keyless
                 WHERE id = 1",
            )?
            .execute(named_params! {
                ":text": voucher.map(|voucher| &voucher.text),
                ":mac": voucher.map(|voucher| &voucher.mac),
                ":keyless": keyless,
            })?;
        Ok(())
    }

    /// Stores tokens beside the facts, which must be there; `None` removes them. The generation must rise when tokens
    /// of another generation are stored or any are removed, so that a refresh that is still under way finds out.
    ///
    /// # Errors
    /// As above.
    pub fn put_tokens(&self, generation: u64, sealed: Option<&[u8]>) -> Result<(), StoreError> {
        self.touched.set(true);
        let generation = i64::try_from(generation)
            .map_err(|_| StoreError::Invalid("token generation".to_owned()))?;
        self.connection
            .prepare_cached(
                "UPDATE session SET generation = :generation, sealed = :sealed WHERE id = 1",
            )?
            .execute(named_params! { ":generation": generation, ":sealed": sealed })?;
        Ok(())
    }

    /// Adds an event to the journal.
    ///
    /// # Errors
    /// As above.
    pub fn journal(
        &self,
        at: i64,
        event: &str,
        before_state: &str,
        after_state: &str,
    ) -> Result<(), StoreError> {
        auth_journal::append(self.connection, at, event, before_state, after_state)
    }

    /// Queues what the issuer is to be told of a sign-in that is over.
    ///
    /// # Errors
    /// As above.
    pub fn queue_revocation(&self, new: &NewRevocation<'_>) -> Result<(), StoreError> {
        self.touched.set(true);
        revocation::insert(self.connection, new)
    }

    /// Stores a lane's state.
    ///
    /// # Errors
    /// As above.
    pub fn put_lane_state(&self, name: &str, state: &str) -> Result<(), StoreError> {
        lane::put(self.connection, name, state)
    }
}

fn read(connection: &Connection) -> Result<Option<StoredSession>, StoreError> {
    connection
        .prepare_cached(
            "SELECT facts, owner, generation, sealed, key_place, vouched, vouched_mac, keyless
             FROM session WHERE id = 1",
        )?
        .query_row([], |row| {
            let (facts, sound) = values::text_of_any_bytes(row, "facts")?;
            let voucher = (
                values::text(row, "vouched")?,
                values::bytes(row, "vouched_mac")?,
            );
            Ok(StoredSession {
                generation: generation_of(row)?.unwrap_or_else(|| generation_in(&facts)),
                facts,
                spoilt: !sound,
                owner: values::text(row, "owner")?,
                key_place: values::text(row, "key_place")?,
                sealed: values::bytes(row, "sealed")?,
                voucher: voucher
                    .0
                    .zip(voucher.1)
                    .map(|(text, mac)| StoredVoucher { text, mac }),
                keyless: row.get_ref("keyless")?.as_i64().unwrap_or_default() != 0,
            })
        })
        .optional()
        .map_err(StoreError::from)
}

/// The generation in a row; SQLite has no unsigned numbers, so one below 0 is none.
pub(super) fn generation_of(row: &Row<'_>) -> rusqlite::Result<Option<u64>> {
    let generation = row.get_ref("generation")?.as_i64();
    Ok(generation
        .ok()
        .and_then(|generation| u64::try_from(generation).ok()))
}

/// The facts tell it a second time: what is sealed opens for no other.
fn generation_in(facts: &str) -> u64 {
    let facts: Value = serde_json::from_str(facts).unwrap_or_default();
    let told = facts.pointer("/tokens/generation");
    told.and_then(Value::as_u64).unwrap_or_default()
}
