//! Sending edits: a batch is claimed durably before its request leaves, each with the number of its claim.
//!
//! Of each thing one edit goes at a time, so that the next one knows the revision that it made; of one field they go in the
//! order in which they were made. An edit of a ride waits until the service has the ride.

use freewheel_policy::edit::Field;
use rusqlite::{Connection, ToSql, named_params};
use uuid::Uuid;

use super::edit::{EditTarget, REPLACED, parse_field};
use super::export::parse_id;
use super::outbox::{EntryState, OutboxCounts};
use super::{Store, StoreError, values};

/// An edit that is being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditClaim {
    /// The edit, and its idempotency key.
    pub id: Uuid,
    /// The number of this claim; goes back with its outcome.
    pub claim: u32,
    /// Tries that counted before this one.
    pub attempts: u32,
    /// What is changed.
    pub target: EditTarget,
    /// The field.
    pub field: Field,
    /// What the athlete saw.
    pub was: String,
    /// The value that the athlete wants.
    pub value: String,
    /// The revision that it is made on.
    pub base: u64,
    /// When it was made, in Unix ms.
    pub made: i64,
}

/// The service has the thing that is edited, or it came from there.
const SENDABLE: &str = "(e.target_kind <> 'ride' OR EXISTS
    (SELECT 1 FROM outbox WHERE outbox.id = e.target_id AND outbox.account = e.account
         AND outbox.state = 'delivered'))";

impl Store {
    /// Claims up to `limit` edits that are due, the oldest first, durably; together their values have at most `bytes`
    /// bytes, unless a single one has more. Those that are not due or parked hold no other up.
    ///
    /// # Errors
    /// The claims could not be made durable; nothing was claimed.
    pub fn claim_edits(
        &self,
        account: &str,
        now: i64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<EditClaim>, StoreError> {
        let claims = self.athlete().write(|connection| {
            let mut claims = due(connection, account, now, limit)?;
            let mut size = 0_usize;
            let fitting = claims.iter().take_while(|claim| {
                size = size.saturating_add(claim.value.len());
                size <= bytes
            });
            claims.truncate(fitting.count().max(1));
            for claim in &claims {
                connection
                    .prepare_cached(
                        "UPDATE edit SET state = 'in_flight', claims = :claim WHERE id = :id",
                    )?
                    .execute(
                        named_params! { ":claim": claim.claim, ":id": claim.id.to_string() },
                    )?;
            }
            Ok(claims)
        })?;
        if !claims.is_empty() {
            self.edits_changed();
        }
        Ok(claims)
    }

    /// The service has it as of `revision`. With `moved`, the edit is what made that revision, so what else waits for this
    /// thing on the same base was made on that revision as well. False: the claim is not the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the edit is still in flight.
    pub fn edit_delivered(
        &self,
        account: &str,
        claim: &EditClaim,
        revision: u64,
        moved: bool,
        at: i64,
    ) -> Result<bool, StoreError> {
        let revision = super::change_feed::stored_revision(revision);
        let settled = self.athlete().write(|connection| {
            let settled = settle(
                connection,
                claim,
                "state = 'delivered', revision = :revision, settled_at = :at, reason = NULL,
                 last_error = NULL, parked_version = NULL",
                &[(":revision", &revision), (":at", &at)],
            )?;
            if settled && moved {
                connection
                    .prepare_cached(
                        "UPDATE edit SET base = :revision
                         WHERE target_kind = :kind AND target_id = :target AND account = :account
                             AND state IN ('waiting', 'parked') AND base = :base",
                    )?
                    .execute(named_params! {
                        ":revision": revision,
                        ":kind": claim.target.kind(),
                        ":target": claim.target.id(),
                        ":account": account,
                        ":base": super::change_feed::stored_revision(claim.base),
                    })?;
            }
            Ok(settled)
        })?;
        self.edits_changed();
        Ok(settled)
    }

    /// It is to be sent again at once, on another base. False: the claim is not the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the edit is still in flight.
    pub fn edit_rebased(&self, claim: &EditClaim, base: u64) -> Result<bool, StoreError> {
        let base = super::change_feed::stored_revision(base);
        self.edit_outcome(
            claim,
            "state = 'waiting', due = 0, base = :base",
            &[(":base", &base)],
        )
    }

    /// Somebody else changed the same field to `theirs`, as of `revision`: both are kept until the athlete chooses. One
    /// that the athlete has changed again since is ended: the later change meets the same conflict. False: the claim is not
    /// the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the edit is still in flight.
    pub fn edit_in_conflict(
        &self,
        claim: &EditClaim,
        theirs: &str,
        revision: u64,
        at: i64,
    ) -> Result<bool, StoreError> {
        let revision = super::change_feed::stored_revision(revision);
        let settled = self.athlete().write(|connection| {
            let settled = settle(
                connection,
                claim,
                "state = 'conflict', theirs = :theirs, revision = :revision,
                 reason = 'It was changed elsewhere as well', attempts = attempts + 1",
                &[(":theirs", &theirs), (":revision", &revision)],
            )?;
            if settled {
                make_way(connection, claim, at)?;
            }
            Ok(settled)
        })?;
        self.edits_changed();
        Ok(settled)
    }

    /// Try again at `due`; `words` say why, for people. `spend` counts the try. False: the claim is not the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the edit is still in flight.
    pub fn retry_edit(
        &self,
        claim: &EditClaim,
        due: i64,
        words: &str,
        spend: bool,
    ) -> Result<bool, StoreError> {
        self.edit_outcome(
            claim,
            "state = 'waiting', due = :due, last_error = :words, attempts = attempts + :spent",
            &[
                (":due", &due),
                (":words", &words),
                (":spent", &i64::from(spend)),
            ],
        )
    }

    /// Let go without a verdict (a 401, nothing to send with): counts nothing. False: the claim is not the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the edit is still in flight.
    pub fn release_edit(&self, claim: &EditClaim, due: i64) -> Result<bool, StoreError> {
        self.edit_outcome(claim, "state = 'waiting', due = :due", &[(":due", &due)])
    }

    /// Needs the athlete or another version; one that the athlete has changed again since is ended. False: the claim is not
    /// the current one.
    ///
    /// # Errors
    /// The outcome could not be made durable; the edit is still in flight.
    pub fn park_edit(
        &self,
        claim: &EditClaim,
        reason: &str,
        version: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        let settled = self.athlete().write(|connection| {
            let settled = settle(
                connection,
                claim,
                "state = 'parked', reason = :reason, parked_version = :version,
                 attempts = attempts + 1",
                &[(":reason", &reason), (":version", &version)],
            )?;
            if settled {
                make_way(connection, claim, at)?;
            }
            Ok(settled)
        })?;
        self.edits_changed();
        Ok(settled)
    }

    /// As [`Store::recover_in_flight`], for edits.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn recover_edits(&self) -> Result<usize, StoreError> {
        self.move_edits(
            "UPDATE edit SET state = 'waiting' WHERE state = 'in_flight'",
            &[],
        )
    }

    /// As [`Store::make_due_by`], for edits.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn make_edits_due_by(&self, account: &str, by: i64) -> Result<usize, StoreError> {
        self.move_edits(
            "UPDATE edit SET due = :by
             WHERE account = :account AND state = 'waiting' AND due > :by",
            &[(":account", &account), (":by", &by)],
        )
    }

    /// The athlete wants a parked edit tried again. Returns whether it was parked.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn unpark_edit(&self, account: &str, id: Uuid) -> Result<bool, StoreError> {
        let moved = self.move_edits(
            "UPDATE edit SET state = 'waiting', due = 0, reason = NULL, parked_version = NULL
             WHERE id = :id AND account = :account AND state = 'parked'",
            &[(":id", &id.to_string()), (":account", &account)],
        )?;
        Ok(moved > 0)
    }

    /// As [`Store::unpark_for_version`], for edits.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn unpark_edits_for_version(
        &self,
        account: &str,
        version: &str,
    ) -> Result<usize, StoreError> {
        self.move_edits(
            "UPDATE edit SET state = 'waiting', due = 0, reason = NULL, parked_version = NULL
             WHERE account = :account AND state = 'parked' AND parked_version IS NOT :version",
            &[(":account", &account), (":version", &version)],
        )
    }

    /// The earliest time at which an edit may be sent, in Unix ms; 0 means at once.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn next_edit_due(&self, account: &str) -> Result<Option<i64>, StoreError> {
        self.athlete().read(|connection| {
            Ok(connection
                .prepare_cached(&format!(
                    "SELECT min(due) FROM edit AS e
                     WHERE account = :account AND state = 'waiting' AND {SENDABLE}"
                ))?
                .query_row(named_params! { ":account": account }, |row| row.get(0))?)
        })
    }

    /// How many edits of an account are where; one in conflict counts as parked.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn edit_counts(&self, account: &str) -> Result<OutboxCounts, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT replace(state, 'conflict', 'parked') AS place, count(*) FROM edit
                 WHERE account = :account AND state <> 'ended' GROUP BY place",
            )?;
            let mut rows = statement.query(named_params! { ":account": account })?;
            let mut counts = OutboxCounts::default();
            while let Some(row) = rows.next()? {
                counts.set(EntryState::parse(&row.get::<_, String>(0)?)?, row.get(1)?);
            }
            Ok(counts)
        })
    }

    fn edit_outcome(
        &self,
        claim: &EditClaim,
        outcome: &str,
        values: &[(&str, &dyn ToSql)],
    ) -> Result<bool, StoreError> {
        let settled = self
            .athlete()
            .write(|connection| settle(connection, claim, outcome, values))?;
        self.edits_changed();
        Ok(settled)
    }

    fn move_edits(&self, sql: &str, values: &[(&str, &dyn ToSql)]) -> Result<usize, StoreError> {
        let moved = self
            .athlete()
            .write(|connection| Ok(connection.prepare_cached(sql)?.execute(values)?))?;
        if moved > 0 {
            self.edits_changed();
        }
        Ok(moved)
    }
}

/// Sets what became of the current claim.
fn settle(
    connection: &Connection,
    claim: &EditClaim,
    outcome: &str,
    values: &[(&str, &dyn ToSql)],
) -> Result<bool, StoreError> {
    let id = claim.id.to_string();
    let mut all: Vec<(&str, &dyn ToSql)> = vec![(":id", &id), (":claim", &claim.claim)];
    all.extend_from_slice(values);
    let sql = format!(
        "UPDATE edit SET {outcome} WHERE id = :id AND state = 'in_flight' AND claims = :claim"
    );
    Ok(connection.prepare_cached(&sql)?.execute(&*all)? > 0)
}

/// An edit that the service did not take ends when the athlete has changed the same field again since. The later one was
/// made on its value, which nobody else ever saw: it is compared with what there was before.
fn make_way(connection: &Connection, claim: &EditClaim, at: i64) -> Result<(), StoreError> {
    let id = claim.id.to_string();
    let followed = connection
        .prepare_cached(
            "UPDATE edit SET was = :was
             WHERE number = (SELECT min(l.number) FROM edit AS l JOIN edit AS e ON e.id = :id
                 WHERE l.number > e.number AND l.account IS e.account AND l.state = 'waiting'
                     AND l.target_kind = e.target_kind AND l.target_id = e.target_id
                     AND l.field = e.field)",
        )?
        .execute(named_params! { ":id": id, ":was": claim.was })?;
    if followed > 0 {
        connection
            .prepare_cached(
                "UPDATE edit SET state = 'ended', settled_at = :at, reason = :reason
                 WHERE id = :id",
            )?
            .execute(named_params! { ":id": id, ":at": at, ":reason": REPLACED })?;
    }
    Ok(())
}

fn due(
    connection: &Connection,
    account: &str,
    now: i64,
    limit: usize,
) -> Result<Vec<EditClaim>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, claims, attempts, target_kind, target_id, field, was, value, base, made
         FROM edit AS e
         WHERE account = :account AND state = 'waiting' AND due <= :now AND {SENDABLE}
             AND NOT EXISTS (SELECT 1 FROM edit AS o
                 WHERE o.target_kind = e.target_kind AND o.target_id = e.target_id
                     AND o.account = e.account AND o.number <> e.number
                     AND (o.state = 'in_flight'
                         OR (o.state = 'waiting' AND o.field = e.field AND o.number < e.number)))
         ORDER BY number LIMIT :limit"
    ))?;
    let mut rows = statement.query(named_params! {
        ":account": account,
        ":now": now,
        ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
    })?;
    let mut claims: Vec<EditClaim> = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get("target_kind")?;
        let target = EditTarget::parse(&kind, row.get("target_id")?)?;
        if claims.iter().any(|claim| claim.target == target) {
            continue; // Its base is what the one before it makes.
        }
        claims.push(EditClaim {
            id: parse_id(&row.get::<_, String>("id")?)?,
            claim: values::count(row, "claims")?.saturating_add(1),
            attempts: values::count(row, "attempts")?,
            target,
            field: parse_field(&row.get::<_, String>("field")?)?,
            was: row.get("was")?,
            value: row.get("value")?,
            base: u64::try_from(row.get::<_, i64>("base")?).unwrap_or_default(),
            made: row.get("made")?,
        });
    }
    Ok(claims)
}
