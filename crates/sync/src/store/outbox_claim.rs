//! Sending from the outbox: an entry is claimed durably before its request leaves, and each claim has a number, so
//! that an answer to an older one changes nothing.

use freewheel_protocol::Sha256Digest;
use rusqlite::{Connection, OptionalExtension, ToSql, named_params};
use uuid::Uuid;

use super::export::parse_id;
use super::outbox::{RIDE_KIND, parse_digest};
use super::{Store, StoreError, values};

/// An entry that is being sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// The entry, and its idempotency key.
    pub id: Uuid,
    /// The number of this claim; goes back with its outcome.
    pub attempt: u32,
    /// Tries that counted before this one.
    pub attempts: u32,
    /// When the entry was made, in Unix ms.
    pub created: i64,
    /// What is sent along, as JSON ([`freewheel_protocol::RideUpload`] for a ride).
    pub body: String,
    /// The bytes to deliver.
    pub payload: Vec<u8>,
    /// SHA-256 of the payload, checked.
    pub digest: Sha256Digest,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .field("bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Claims the entry that is longest due, durably. Entries that are not due or parked hold nothing up, and one
    /// whose payload is damaged on this computer is parked and passed over.
    ///
    /// # Errors
    /// The claim could not be made durable; nothing was claimed.
    pub fn claim_due(
        &self,
        kind: &str,
        account: &str,
        now: i64,
    ) -> Result<Option<Claim>, StoreError> {
        let (claim, changed) = self.athlete().write(|connection| {
            let mut changed = false;
            while let Some(candidate) = due(connection, kind, account, now)? {
                changed = true;
                match payload(connection, kind, &candidate)? {
                    Some(payload) => {
                        return Ok((Some(claim(connection, candidate, payload)?), changed));
                    }
                    None => park_damaged(connection, &candidate.id)?,
                }
            }
            Ok((None, changed))
        })?;
        if changed {
            self.rides_changed();
        }
        Ok(claim)
    }

    /// The service has it. `receipt` is its answer as JSON. False: the claim is not the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the entry is still in flight.
    pub fn delivered(
        &self,
        id: Uuid,
        attempt: u32,
        receipt: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        self.outcome(
            "UPDATE outbox SET state = 'delivered', receipt = :receipt, delivered_at = :at,
                 reason = NULL, last_error = NULL, parked_version = NULL
             WHERE id = :id AND state = 'in_flight' AND claims = :attempt",
            id,
            attempt,
            &[(":receipt", &receipt), (":at", &at)],
        )
    }

    /// Try again at `due`; `words` say why, for people. `spend` counts the try. False: the claim is not the current
    /// one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the entry is still in flight.
    pub fn retry(
        &self,
        id: Uuid,
        attempt: u32,
        due: i64,
        words: &str,
        spend: bool,
    ) -> Result<bool, StoreError> {
        self.outcome(
            "UPDATE outbox SET state = 'waiting', due = :due, last_error = :words,
                 attempts = attempts + :spent
             WHERE id = :id AND state = 'in_flight' AND claims = :attempt",
            id,
            attempt,
            &[
                (":due", &due),
                (":words", &words),
                (":spent", &i64::from(spend)),
            ],
        )
    }

    /// Let go without a verdict on the entry (a 401, an interrupted process): counts nothing, keeps the last words.
    /// False: the claim is not the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the entry is still in flight.
    pub fn release(&self, id: Uuid, attempt: u32, due: i64) -> Result<bool, StoreError> {
        self.outcome(
            "UPDATE outbox SET state = 'waiting', due = :due
             WHERE id = :id AND state = 'in_flight' AND claims = :attempt",
            id,
            attempt,
            &[(":due", &due)],
        )
    }

    /// Needs the athlete or another version: `reason` is for people, `version` the versions of app and server that
    /// refused it. False: the claim is not the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the entry is still in flight.
    pub fn park(
        &self,
        id: Uuid,
        attempt: u32,
        reason: &str,
        version: &str,
    ) -> Result<bool, StoreError> {
        self.outcome(
            "UPDATE outbox SET state = 'parked', reason = :reason, parked_version = :version,
                 attempts = attempts + 1
             WHERE id = :id AND state = 'in_flight' AND claims = :attempt",
            id,
            attempt,
            &[(":reason", &reason), (":version", &version)],
        )
    }

    fn outcome(
        &self,
        sql: &str,
        id: Uuid,
        attempt: u32,
        values: &[(&str, &dyn ToSql)],
    ) -> Result<bool, StoreError> {
        let id = id.to_string();
        let mut all: Vec<(&str, &dyn ToSql)> = vec![(":id", &id), (":attempt", &attempt)];
        all.extend_from_slice(values);
        Ok(self.move_entries(sql, &all)? > 0)
    }

    pub(super) fn move_entries(
        &self,
        sql: &str,
        values: &[(&str, &dyn ToSql)],
    ) -> Result<usize, StoreError> {
        let moved = self
            .athlete()
            .write(|connection| Ok(connection.prepare_cached(sql)?.execute(values)?))?;
        if moved > 0 {
            self.rides_changed();
        }
        Ok(moved)
    }
}

struct Candidate {
    id: String,
    claims: u32,
    attempts: u32,
    created: i64,
    body: String,
    digest: String,
}

fn due(
    connection: &Connection,
    kind: &str,
    account: &str,
    now: i64,
) -> Result<Option<Candidate>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT id, claims, attempts, created, body, digest FROM outbox
             WHERE account = :account AND kind = :kind AND state = 'waiting' AND due <= :now
             ORDER BY due, created, id LIMIT 1",
        )?
        .query_row(
            named_params! { ":account": account, ":kind": kind, ":now": now },
            |row| {
                Ok(Candidate {
                    id: row.get(0)?,
                    claims: values::count(row, 1)?,
                    attempts: values::count(row, 2)?,
                    created: row.get(3)?,
                    body: row.get(4)?,
                    digest: row.get(5)?,
                })
            },
        )
        .optional()?)
}

/// The bytes of an entry, when they still are what was frozen.
fn payload(
    connection: &Connection,
    kind: &str,
    candidate: &Candidate,
) -> Result<Option<Vec<u8>>, StoreError> {
    let bytes: Option<Vec<u8>> = if kind == RIDE_KIND {
        connection
            .prepare_cached("SELECT fit FROM ride WHERE id = :id AND state = 'finished'")?
            .query_row(named_params! { ":id": candidate.id }, |row| row.get(0))
            .optional()?
    } else {
        Some(candidate.body.clone().into_bytes())
    };
    Ok(bytes.filter(|bytes| Sha256Digest::of(bytes).to_string() == candidate.digest))
}

fn claim(
    connection: &Connection,
    candidate: Candidate,
    payload: Vec<u8>,
) -> Result<Claim, StoreError> {
    let attempt = candidate.claims.saturating_add(1);
    connection
        .prepare_cached("UPDATE outbox SET state = 'in_flight', claims = :attempt WHERE id = :id")?
        .execute(named_params! { ":id": candidate.id, ":attempt": attempt })?;
    Ok(Claim {
        id: parse_id(&candidate.id)?,
        attempt,
        attempts: candidate.attempts,
        created: candidate.created,
        body: candidate.body,
        payload,
        digest: parse_digest(&candidate.digest)?,
    })
}

fn park_damaged(connection: &Connection, id: &str) -> Result<(), StoreError> {
    tracing::error!(
        entry = id,
        "the payload of an outbox entry is not what was frozen"
    );
    connection
        .prepare_cached(
            "UPDATE outbox SET state = 'parked',
                 reason = 'The recorded file was damaged on this computer'
             WHERE id = :id",
        )?
        .execute(named_params! { ":id": id })?;
    Ok(())
}
