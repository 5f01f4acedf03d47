//! Table `edit`: what the athlete changed about the plan and about rides, in the order in which it was made. Nothing here
//! deletes one that is undelivered; only the athlete ends one, by a later change of the same field or by a choice between
//! two versions.

use freewheel_policy::edit::{Field, Laid, Stage, may_be_replaced};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use super::export::parse_id;
use super::{Store, StoreError, values};

pub(super) const CREATE: &str = "
CREATE TABLE edit (
    number INTEGER PRIMARY KEY, -- the order in which they were made
    id TEXT NOT NULL UNIQUE,
    account TEXT, -- NULL: of a ride that nobody owns; goes nowhere
    target_kind TEXT NOT NULL CHECK (target_kind IN ('plan_item', 'ride')),
    target_id TEXT NOT NULL,
    field TEXT NOT NULL,
    was TEXT NOT NULL,
    value TEXT NOT NULL,
    base INTEGER NOT NULL,
    made INTEGER NOT NULL,
    claims INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'in_flight', 'delivered', 'parked', 'conflict', 'ended')),
    reason TEXT,
    last_error TEXT,
    revision INTEGER,
    theirs TEXT,
    settled_at INTEGER,
    parked_version TEXT,
    CHECK (state <> 'delivered' OR revision IS NOT NULL),
    CHECK (state <> 'conflict' OR (theirs IS NOT NULL AND revision IS NOT NULL))
) STRICT;
CREATE INDEX edit_of_target ON edit (target_kind, target_id, field, number);
CREATE INDEX edit_by_due ON edit (account, state, due, number);
CREATE TRIGGER edit_keeps_undelivered BEFORE DELETE ON edit WHEN old.state NOT IN ('delivered', 'ended')
BEGIN
    SELECT raise(ABORT, 'an undelivered edit is never deleted');
END;
CREATE TRIGGER edit_is_what_was_sent BEFORE UPDATE OF id, account, target_kind, target_id, field, value ON edit
WHEN old.claims > 0
BEGIN
    SELECT raise(ABORT, 'an edit that may have been sent never changes');
END;
";

/// The kind of an edit among the entries that wait for delivery.
pub const EDIT_KIND: &str = "edit";

/// What an edit changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EditTarget {
    /// A planned workout, by its id.
    PlanItem(String),
    /// A ride.
    Ride(Uuid),
}

impl EditTarget {
    /// The stable word of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PlanItem(_) => "plan_item",
            Self::Ride(_) => "ride",
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::PlanItem(id) => id.clone(),
            Self::Ride(id) => id.to_string(),
        }
    }

    pub(super) fn parse(kind: &str, id: String) -> Result<Self, StoreError> {
        match kind {
            "plan_item" => Ok(Self::PlanItem(id)),
            "ride" => Ok(Self::Ride(parse_id(&id)?)),
            other => Err(StoreError::Invalid(format!("target of an edit {other}"))),
        }
    }
}

/// Where an edit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditState {
    /// Waits for its time.
    Waiting,
    /// Is being sent.
    InFlight,
    /// The service has it.
    Delivered,
    /// Needs the athlete, or another version.
    Parked,
    /// Somebody else changed the same field: the athlete chooses.
    Conflict,
    /// The athlete chose otherwise.
    Ended,
}

impl EditState {
    /// All states.
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::InFlight,
        Self::Delivered,
        Self::Parked,
        Self::Conflict,
        Self::Ended,
    ];

    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InFlight => "in_flight",
            Self::Delivered => "delivered",
            Self::Parked => "parked",
            Self::Conflict => "conflict",
            Self::Ended => "ended",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| StoreError::Invalid(format!("state of an edit {text}")))
    }
}

/// A change that the athlete makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEdit {
    /// Its id, which is also its idempotency key.
    pub id: Uuid,
    /// Whose it is; `None` for one of a ride that nobody owns.
    pub account: Option<String>,
    /// What is changed.
    pub target: EditTarget,
    /// The field.
    pub field: Field,
    /// What the athlete saw.
    pub was: String,
    /// The value that the athlete wants.
    pub value: String,
    /// The revision of the target that the athlete saw.
    pub base: u64,
    /// When it is made, in Unix ms.
    pub made: i64,
}

/// An edit as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEdit {
    /// Its id, which is also its idempotency key.
    pub id: Uuid,
    /// What is changed.
    pub target: EditTarget,
    /// The field.
    pub field: Field,
    /// What the athlete saw.
    pub was: String,
    /// The value that the athlete wants.
    pub value: String,
    /// When it was made, in Unix ms.
    pub made: i64,
    /// Tries that counted.
    pub attempts: u32,
    /// When it may be tried, in Unix ms; 0 means at once.
    pub due: i64,
    /// Where it is.
    pub state: EditState,
    /// Why it is parked or ended.
    pub reason: Option<String>,
    /// What the last try that failed said, for people.
    pub last_error: Option<String>,
    /// The revision that it made, or in a conflict the service's.
    pub revision: Option<i64>,
    /// In a conflict, what the service has.
    pub theirs: Option<String>,
    /// When it was delivered or ended, in Unix ms.
    pub settled_at: Option<i64>,
}

impl StoredEdit {
    /// For laying it over the service's state; none for one that is not to be shown.
    #[must_use]
    pub fn laid(&self) -> Option<Laid> {
        let stage = match self.state {
            EditState::Waiting | EditState::InFlight | EditState::Parked => Stage::Unconfirmed,
            EditState::Delivered => {
                let revision = self
                    .revision
                    .and_then(|revision| u64::try_from(revision).ok());
                Stage::Confirmed(revision.unwrap_or_default())
            }
            EditState::Conflict | EditState::Ended => return None,
        };
        Some(Laid {
            field: self.field,
            value: self.value.clone(),
            stage,
        })
    }
}

/// Why an edit ended that a later one of the same field takes the place of.
pub(super) const REPLACED: &str = "Replaced by a later change";
/// Why an edit ended that the athlete gave up.
const LET_GO: &str = "The service's version was kept";
/// Why an edit ended that the athlete wants in spite of what the service has.
const MADE_AGAIN: &str = "Made again on the service's version";

const COLUMNS: &str =
    "id, target_kind, target_id, field, was, value, made, attempts, due, state, reason,
     last_error, revision, theirs, settled_at";

impl Store {
    /// Notes a change, durably. It takes the place of an earlier one of the same field that was not sent; one that needs
    /// the athlete has what it needs. Returns the id that the change has.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn put_edit(&self, new: &NewEdit) -> Result<Uuid, StoreError> {
        let id = self.athlete().write(|connection| {
            let id = match replaceable(connection, new)? {
                Some(id) => {
                    connection
                        .prepare_cached(
                            "UPDATE edit SET value = :value, made = :made WHERE id = :id",
                        )?
                        .execute(named_params! {
                            ":value": new.value, ":made": new.made, ":id": id,
                        })?;
                    parse_id(&id)?
                }
                None => insert(connection, &on_what_was_taken(connection, new)?)?,
            };
            end_earlier(connection, new)?;
            Ok(id)
        })?;
        self.edits_changed();
        Ok(id)
    }

    /// All edits of an account, the oldest first, without those that are settled since before `since` (Unix ms).
    ///
    /// # Errors
    /// The database could not be read.
    pub fn edits(&self, account: &str, since: i64) -> Result<Vec<StoredEdit>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM edit
                 WHERE account = :account AND (settled_at IS NULL OR settled_at >= :since)
                 ORDER BY number"
            ))?;
            let rows = statement.query(named_params! { ":account": account, ":since": since })?;
            stored_edits(rows)
        })
    }

    /// The edits of `account` (and, of rides, nobody's) of a kind of target that may show, in order.
    pub(super) fn edits_to_lay(
        &self,
        account: Option<&str>,
        kind: &str,
    ) -> Result<Vec<StoredEdit>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM edit
                 WHERE target_kind = :kind AND (account IS NULL OR account = :account)
                     AND state <> 'ended'
                 ORDER BY number"
            ))?;
            let rows = statement.query(named_params! { ":account": account, ":kind": kind })?;
            stored_edits(rows)
        })
    }

    /// The athlete keeps the service's version, or gives up an edit that the service does not take. Returns whether it was
    /// one to choose about.
    ///
    /// # Errors
    /// The choice could not be made durable.
    pub fn let_edit_go(&self, account: &str, id: Uuid, at: i64) -> Result<bool, StoreError> {
        let ended = self
            .athlete()
            .write(|connection| Ok(end(connection, account, id, LET_GO, at)?.is_some()))?;
        self.edits_changed();
        Ok(ended)
    }

    /// The athlete keeps their own version: the edit is made again, under the id `again`, on what the service has. Returns
    /// whether it was one to choose about.
    ///
    /// # Errors
    /// The choice could not be made durable.
    pub fn make_edit_again(
        &self,
        account: &str,
        id: Uuid,
        again: Uuid,
        at: i64,
    ) -> Result<bool, StoreError> {
        let made = self.athlete().write(|connection| {
            let Some(ended) = end(connection, account, id, MADE_AGAIN, at)? else {
                return Ok(false);
            };
            let base = ended
                .revision
                .and_then(|revision| u64::try_from(revision).ok());
            let new = NewEdit {
                id: again,
                account: Some(account.to_owned()),
                target: ended.target,
                field: ended.field,
                was: ended.theirs.unwrap_or(ended.was),
                value: ended.value,
                base: base.unwrap_or_default(),
                made: at,
            };
            insert(connection, &new)?;
            Ok(true)
        })?;
        self.edits_changed();
        Ok(made)
    }
}

fn replaceable(connection: &Connection, new: &NewEdit) -> Result<Option<String>, StoreError> {
    let newest = connection
        .prepare_cached(
            "SELECT id, claims FROM edit
             WHERE target_kind = :kind AND target_id = :target AND field = :field
                 AND account IS :account AND state = 'waiting'
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row(
            named_params! {
                ":kind": new.target.kind(), ":target": new.target.id(),
                ":field": new.field.as_str(), ":account": new.account,
            },
            |row| Ok((row.get(0)?, values::count(row, 1)?)),
        )
        .optional()?;
    Ok(newest.and_then(|(id, claims)| may_be_replaced(claims).then_some(id)))
}

fn insert(connection: &Connection, new: &NewEdit) -> Result<Uuid, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO edit (id, account, target_kind, target_id, field, was, value, base, made)
             VALUES (:id, :account, :kind, :target, :field, :was, :value, :base, :made)",
        )?
        .execute(named_params! {
            ":id": new.id.to_string(),
            ":account": new.account,
            ":kind": new.target.kind(),
            ":target": new.target.id(),
            ":field": new.field.as_str(),
            ":was": new.was,
            ":value": new.value,
            ":base": super::change_feed::stored_revision(new.base),
            ":made": new.made,
        })?;
    Ok(new.id)
}

/// The athlete sees the value of an edit that the service did not take; a change of it is made on what there was before.
fn on_what_was_taken(connection: &Connection, new: &NewEdit) -> Result<NewEdit, StoreError> {
    let was: Option<String> = connection
        .prepare_cached(
            "SELECT was FROM edit
             WHERE target_kind = :kind AND target_id = :target AND field = :field
                 AND account IS :account AND state = 'parked' AND value = :seen
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row(
            named_params! {
                ":kind": new.target.kind(), ":target": new.target.id(),
                ":field": new.field.as_str(), ":account": new.account, ":seen": new.was,
            },
            |row| row.get(0),
        )
        .optional()?;
    let was = was.unwrap_or_else(|| new.was.clone());
    Ok(NewEdit { was, ..new.clone() })
}

/// What waited for the athlete about this field has been answered by the new change.
fn end_earlier(connection: &Connection, new: &NewEdit) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE edit SET state = 'ended', reason = :reason, settled_at = :at
             WHERE target_kind = :kind AND target_id = :target AND field = :field
                 AND account IS :account AND state IN ('parked', 'conflict')",
        )?
        .execute(named_params! {
            ":reason": REPLACED, ":at": new.made,
            ":kind": new.target.kind(), ":target": new.target.id(),
            ":field": new.field.as_str(), ":account": new.account,
        })?;
    Ok(())
}

/// Ends an edit that waits for the athlete.
fn end(
    connection: &Connection,
    account: &str,
    id: Uuid,
    reason: &str,
    at: i64,
) -> Result<Option<StoredEdit>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM edit
         WHERE id = :id AND account = :account AND state IN ('parked', 'conflict')"
    ))?;
    let rows = statement.query(named_params! { ":id": id.to_string(), ":account": account })?;
    let Some(found) = stored_edits(rows)?.pop() else {
        return Ok(None);
    };
    connection
        .prepare_cached(
            "UPDATE edit SET state = 'ended', reason = :reason, settled_at = :at WHERE id = :id",
        )?
        .execute(named_params! { ":id": id.to_string(), ":reason": reason, ":at": at })?;
    Ok(Some(found))
}

fn stored_edits(mut rows: rusqlite::Rows<'_>) -> Result<Vec<StoredEdit>, StoreError> {
    let mut edits = Vec::new();
    while let Some(row) = rows.next()? {
        edits.push(stored_edit(row)?);
    }
    Ok(edits)
}

fn stored_edit(row: &Row<'_>) -> Result<StoredEdit, StoreError> {
    let kind: String = row.get("target_kind")?;
    Ok(StoredEdit {
        id: parse_id(&row.get::<_, String>("id")?)?,
        target: EditTarget::parse(&kind, row.get("target_id")?)?,
        field: parse_field(&row.get::<_, String>("field")?)?,
        was: row.get("was")?,
        value: row.get("value")?,
        made: row.get("made")?,
        attempts: values::count(row, "attempts")?,
        due: row.get("due")?,
        state: EditState::parse(&row.get::<_, String>("state")?)?,
        reason: row.get("reason")?,
        last_error: row.get("last_error")?,
        revision: row.get("revision")?,
        theirs: row.get("theirs")?,
        settled_at: row.get("settled_at")?,
    })
}

pub(super) fn parse_field(text: &str) -> Result<Field, StoreError> {
    Field::parse(text).ok_or_else(|| StoreError::Invalid(format!("field of an edit {text}")))
}
