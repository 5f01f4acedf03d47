//! Table `edit`: the receipts of the edits that were applied, each written with its effect.
//!
//! Only what was settled has a receipt. A conflict or a refusal changes nothing, so the same edit may come again: rebased,
//! or to a server that understands it.

use freewheel_protocol::{
    Edit, EditTarget, EditVerdict, EditedField, FieldChange, PlanItem, Problem, ProblemCode,
    RideDetails, Sha256Digest, TargetKind,
};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction};
use uuid::Uuid;

use super::{AthleteId, Store, StoreError, feed, ride};

pub(super) const SCHEMA: &str = "
CREATE TABLE edit (
    athlete_id TEXT NOT NULL REFERENCES athlete (id),
    id TEXT NOT NULL, -- chosen by the client: two athletes may have chosen the same
    content TEXT NOT NULL, -- SHA-256 of target and changes, in hex
    verdict TEXT NOT NULL, -- JSON
    made TEXT NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (athlete_id, id)
) STRICT, WITHOUT ROWID;
";

impl Store {
    /// Applies an edit and writes its receipt, in one transaction. The same edit again gets its first verdict.
    ///
    /// # Errors
    /// The database's; nothing was applied.
    pub fn take_edit(
        &self,
        athlete: &AthleteId,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<EditVerdict, StoreError> {
        let content = content(edit)?;
        self.write(|tx| {
            if let Some((known, verdict)) = receipt(tx, athlete, edit.id)? {
                return Ok(if known == content {
                    verdict
                } else {
                    refused(
                        ProblemCode::EditIdReused,
                        "another edit has this id already",
                    )
                });
            }
            let verdict = apply(tx, athlete, edit)?;
            match verdict {
                EditVerdict::Applied { .. } | EditVerdict::Already { .. } => {
                    insert(tx, athlete, edit, &content, &verdict, now)?;
                }
                EditVerdict::Conflict { .. }
                | EditVerdict::Refused { .. }
                | EditVerdict::Unknown => {}
            }
            Ok(verdict)
        })
    }
}

/// A refusal for this reason.
pub(crate) fn refused(code: ProblemCode, why: impl Into<String>) -> EditVerdict {
    let status = match code {
        ProblemCode::NotFound => 404,
        ProblemCode::EditIdReused => 409,
        ProblemCode::Internal => 500,
        _ => 422,
    };
    let problem = Problem::new(code, status, "The edit was not applied", Some(why.into()));
    EditVerdict::Refused { problem }
}

/// What an edit wants. Its base is no part of it: an edit that was rebased is the same edit.
fn content(edit: &Edit) -> Result<String, StoreError> {
    let wanted = serde_json::to_vec(&(&edit.target, &edit.changes))?;
    Ok(Sha256Digest::of(&wanted).to_string())
}

fn receipt(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    id: Uuid,
) -> Result<Option<(String, EditVerdict)>, StoreError> {
    let sql = "SELECT content, verdict FROM edit WHERE athlete_id = ?1 AND id = ?2";
    let found = tx
        .query_row(sql, (athlete.as_str(), id.to_string()), |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    found
        .map(|(content, verdict)| Ok((content, serde_json::from_str(&verdict)?)))
        .transpose()
}

fn insert(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    edit: &Edit,
    content: &str,
    verdict: &EditVerdict,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO edit (athlete_id, id, content, verdict, made, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            athlete.as_str(),
            edit.id.to_string(),
            content,
            serde_json::to_string(verdict)?,
            edit.made.to_string(),
            now.to_string(),
        ),
    )?;
    Ok(())
}

fn apply(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    edit: &Edit,
) -> Result<EditVerdict, StoreError> {
    let fields: Result<Vec<EditedField>, _> = edit.changes.iter().map(FieldChange::read).collect();
    let fields = match fields {
        Ok(fields) if fields.is_empty() => return Ok(unreadable("it changes nothing")),
        Ok(fields) => fields,
        Err(error) => return Ok(unreadable(error.to_string())),
    };
    let EditTarget { kind, id } = &edit.target;
    match kind {
        TargetKind::PlanItem => edit_plan_item(tx, athlete, id, edit.base, fields),
        TargetKind::Ride => edit_ride(tx, athlete, id, edit.base, fields),
        TargetKind::Other(kind) => Ok(unreadable(format!("a {kind} cannot be edited here"))),
    }
}

fn unreadable(why: impl Into<String>) -> EditVerdict {
    refused(ProblemCode::EditUnreadable, why)
}

fn edit_plan_item(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    id: &str,
    base: u64,
    fields: Vec<EditedField>,
) -> Result<EditVerdict, StoreError> {
    let Some((revision, item)) = feed::plan_item_at(tx, athlete, id)? else {
        return Ok(refused(
            ProblemCode::NotFound,
            "you have no planned workout with this id",
        ));
    };
    let mut wanted = item.clone();
    for field in fields {
        match field {
            EditedField::PlanDate(date) => wanted.date = date,
            EditedField::PlanState(state) => wanted.state = state,
            EditedField::RideTitle(_) | EditedField::RideNote(_) | EditedField::RideRpe(_) => {
                return Ok(unreadable("a planned workout has no such field"));
            }
        }
    }
    if wanted == item {
        return Ok(EditVerdict::Already { revision });
    }
    if revision != base {
        let current = plan_fields(item);
        return Ok(EditVerdict::Conflict { revision, current });
    }
    feed::put_plan_item(tx, athlete, id, &wanted)?;
    let revision = feed::head(tx)?;
    Ok(EditVerdict::Applied { revision })
}

fn plan_fields(item: PlanItem) -> Vec<FieldChange> {
    vec![
        EditedField::PlanDate(item.date).into(),
        EditedField::PlanState(item.state).into(),
    ]
}

fn edit_ride(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    id: &str,
    base: u64,
    fields: Vec<EditedField>,
) -> Result<EditVerdict, StoreError> {
    let name = match id.parse() {
        Ok(id) => ride::name(tx, athlete, id)?,
        Err(_) => None,
    };
    let Some(name) = name else {
        return Ok(refused(
            ProblemCode::NotFound,
            "you have no ride with this id here",
        ));
    };
    let (revision, details) = feed::ride_details_at(tx, athlete, id)?.unwrap_or_default();
    let mut wanted = details.clone();
    for field in fields {
        match field {
            EditedField::RideTitle(title) => {
                wanted.title = Some(title).filter(|title| *title != name)
            }
            EditedField::RideNote(note) => wanted.note = Some(note).filter(|note| !note.is_empty()),
            EditedField::RideRpe(rpe) => wanted.rpe = rpe,
            EditedField::PlanDate(_) | EditedField::PlanState(_) => {
                return Ok(unreadable("a ride has no such field"));
            }
        }
    }
    if wanted == details {
        return Ok(EditVerdict::Already { revision });
    }
    if revision != base {
        let current = ride_fields(details, name);
        return Ok(EditVerdict::Conflict { revision, current });
    }
    feed::put_ride_details(tx, athlete, id, &wanted)?;
    let revision = feed::head(tx)?;
    Ok(EditVerdict::Applied { revision })
}

fn ride_fields(details: RideDetails, name: String) -> Vec<FieldChange> {
    vec![
        EditedField::RideTitle(details.title.unwrap_or(name)).into(),
        EditedField::RideNote(details.note.unwrap_or_default()).into(),
        EditedField::RideRpe(details.rpe).into(),
    ]
}
