//! Table `outbox`: what waits for delivery, and what became of it. Nothing here deletes an entry.

use freewheel_protocol::Sha256Digest;
use rusqlite::{Connection, Row, named_params};
use uuid::Uuid;

use super::export::parse_id;
use super::{Store, StoreError, values};

pub(super) const CREATE: &str = "
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    created INTEGER NOT NULL,
    claims INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'in_flight', 'delivered', 'parked')),
    reason TEXT,
    last_error TEXT,
    receipt TEXT,
    delivered_at INTEGER,
    parked_version TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_by_due ON outbox (account, kind, state, due, created, id);
CREATE TRIGGER outbox_keeps_undelivered BEFORE DELETE ON outbox WHEN old.state <> 'delivered'
BEGIN
    SELECT raise(ABORT, 'an undelivered entry is never deleted');
END;
";

/// The kind of a finished ride.
pub const RIDE_KIND: &str = "ride";

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// Waits for its time.
    Waiting,
    /// Is being sent.
    InFlight,
    /// The service has it.
    Delivered,
    /// Needs the athlete, or another version.
    Parked,
}

impl EntryState {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InFlight => "in_flight",
            Self::Delivered => "delivered",
            Self::Parked => "parked",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Waiting, Self::InFlight, Self::Delivered, Self::Parked]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| StoreError::Invalid(format!("outbox state {text}")))
    }
}

/// An entry of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its id, which is also its idempotency key.
    pub id: Uuid,
    /// What it is; [`RIDE_KIND`].
    pub kind: String,
    /// What is sent along, as JSON ([`freewheel_protocol::RideUpload`] for a ride).
    pub body: String,
    /// SHA-256 of the payload.
    pub digest: Sha256Digest,
    /// When it was made, in Unix ms.
    pub created: i64,
    /// Tries that counted.
    pub attempts: u32,
    /// When it may be tried, in Unix ms; 0 means at once.
    pub due: i64,
    /// Where it is.
    pub state: EntryState,
    /// Why it is parked.
    pub reason: Option<String>,
    /// What the last try that failed said, for people.
    pub last_error: Option<String>,
    /// The service's receipt, as JSON.
    pub receipt: Option<String>,
    /// When it was delivered, in Unix ms.
    pub delivered_at: Option<i64>,
}

/// How many entries are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxCounts {
    /// Waiting for their time.
    pub waiting: u32,
    /// Being sent.
    pub in_flight: u32,
    /// Delivered.
    pub delivered: u32,
    /// Parked.
    pub parked: u32,
}

impl OutboxCounts {
    pub(super) fn set(&mut self, state: EntryState, count: u32) {
        match state {
            EntryState::Waiting => self.waiting = count,
            EntryState::InFlight => self.in_flight = count,
            EntryState::Delivered => self.delivered = count,
            EntryState::Parked => self.parked = count,
        }
    }

    /// Those that wait or are being sent.
    #[must_use]
    pub fn undelivered(&self) -> u32 {
        self.waiting.saturating_add(self.in_flight)
    }
}

pub(super) struct NewEntry {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) kind: &'static str,
    pub(super) body: String,
    pub(super) digest: String,
    pub(super) created: i64,
}

/// Adds an entry that is due at once.
pub(super) fn insert(connection: &Connection, entry: &NewEntry) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (id, account, kind, body, digest, created)
             VALUES (:id, :account, :kind, :body, :digest, :created)",
        )?
        .execute(named_params! {
            ":id": entry.id,
            ":account": entry.account,
            ":kind": entry.kind,
            ":body": entry.body,
            ":digest": entry.digest,
            ":created": entry.created,
        })?;
    Ok(())
}

impl Store {
    /// How many entries of an account are where.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn counts(&self, account: &str) -> Result<OutboxCounts, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT state, count(*) FROM outbox WHERE account = :account GROUP BY state",
            )?;
            let mut rows = statement.query(named_params! { ":account": account })?;
            let mut counts = OutboxCounts::default();
            while let Some(row) = rows.next()? {
                counts.set(EntryState::parse(&row.get::<_, String>(0)?)?, row.get(1)?);
            }
            Ok(counts)
        })
    }

    /// All entries of an account, the oldest first.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn entries(&self, account: &str) -> Result<Vec<OutboxEntry>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, kind, body, digest, created, attempts, due, state, reason, last_error,
                     receipt, delivered_at
                 FROM outbox WHERE account = :account ORDER BY created, id",
            )?;
            let mut rows = statement.query(named_params! { ":account": account })?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                entries.push(entry(row)?);
            }
            Ok(entries)
        })
    }

    /// The earliest time at which a waiting entry may be tried, in Unix ms; 0 means at once.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn next_due(&self, kind: &str, account: &str) -> Result<Option<i64>, StoreError> {
        self.athlete().read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT min(due) FROM outbox
                     WHERE account = :account AND kind = :kind AND state = 'waiting'",
                )?
                .query_row(
                    named_params! { ":account": account, ":kind": kind },
                    |row| row.get(0),
                )?)
        })
    }

    /// Ids and digests of what the service said that it has, for comparing with its own list.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn delivered_entries(
        &self,
        kind: &str,
        account: &str,
    ) -> Result<Vec<(Uuid, Sha256Digest)>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, digest FROM outbox
                 WHERE account = :account AND kind = :kind AND state = 'delivered' ORDER BY id",
            )?;
            let mut rows = statement.query(named_params! { ":account": account, ":kind": kind })?;
            let mut delivered = Vec::new();
            while let Some(row) = rows.next()? {
                delivered.push((
                    parse_id(&row.get::<_, String>(0)?)?,
                    parse_digest(&row.get::<_, String>(1)?)?,
                ));
            }
            Ok(delivered)
        })
    }
}

fn entry(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    Ok(OutboxEntry {
        id: parse_id(&row.get::<_, String>("id")?)?,
        kind: row.get("kind")?,
        body: row.get("body")?,
        digest: parse_digest(&row.get::<_, String>("digest")?)?,
        created: row.get("created")?,
        attempts: values::count(row, "attempts")?,
        due: row.get("due")?,
        state: EntryState::parse(&row.get::<_, String>("state")?)?,
        reason: row.get("reason")?,
        last_error: row.get("last_error")?,
        receipt: row.get("receipt")?,
        delivered_at: row.get("delivered_at")?,
    })
}

pub(super) fn parse_digest(text: &str) -> Result<Sha256Digest, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Invalid(format!("digest {text}")))
}
