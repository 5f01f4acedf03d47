//! Editing: what the athlete changes is durable here before anybody is asked, and shows at once.

use std::path::{Path, PathBuf};

use freewheel_policy::edit::Field;
use freewheel_policy::lane::{Lane, LaneOutcome};
use freewheel_protocol::edits::{MAX_NOTE_CHARACTERS, MAX_TITLE_CHARACTERS};
use freewheel_protocol::{PlanState, Rpe};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::Engine;
use super::edit_words;
use crate::error::EngineError;
use crate::lease::nudge::NudgeKind;
use crate::store::{EditState, EditTarget, NewEdit, Store, StoreError, StoredEdit};
use crate::view::{ConflictChoice, ConflictView, EditRequest, PlanMark};

/// One field of one thing, with its new value.
struct Wish {
    target: EditTarget,
    field: Field,
    value: String,
}

impl Engine {
    /// Notes a change of the athlete's. It shows at once and is sent when the service can be reached.
    ///
    /// # Errors
    /// There is no such planned workout or ride, the value is not one that it can have, or the change could not be made
    /// durable.
    pub async fn edit(&self, request: EditRequest) -> Result<(), EngineError> {
        let wish = read(request)?;
        let account = self.account()?;
        let made = self.core.clock().now().wall;
        let id = self.core.entropy().uuid(made);
        let target = wish.target.clone();
        let noted = self
            .store()
            .run(move |store| note(store, account, wish, id, made.0));
        if !noted.await? {
            return Err(unknown(target));
        }
        self.edits_were_made();
        Ok(())
    }

    /// The changes that need the athlete, the oldest first: those of which there are two versions, and those that the
    /// service does not take.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn conflicts(&self) -> Result<Vec<ConflictView>, EngineError> {
        let Some(account) = self.account()? else {
            return Ok(Vec::new());
        };
        let conflicts = self.store().run(move |store| {
            let edits = store.edits(&account, i64::MAX)?.into_iter();
            let needs = [EditState::Conflict, EditState::Parked];
            let edits = edits.filter(|edit| needs.contains(&edit.state));
            edits.map(|edit| conflict(store, &account, edit)).collect()
        });
        Ok(conflicts.await?)
    }

    /// The athlete chooses between two versions; of a change that the service does not take, `Mine` tries again.
    ///
    /// # Errors
    /// The choice could not be made durable.
    pub async fn choose(&self, id: Uuid, choice: ConflictChoice) -> Result<(), EngineError> {
        let Some(account) = self.account()? else {
            return Ok(());
        };
        let now = self.core.clock().now().wall;
        let again = self.core.entropy().uuid(now);
        let chosen = self.store().run(move |store| match choice {
            ConflictChoice::Theirs => store.let_edit_go(&account, id, now.0),
            ConflictChoice::Mine => Ok(store.unpark_edit(&account, id)?
                || store.make_edit_again(&account, id, again, now.0)?),
        });
        chosen.await?;
        self.edits_were_made();
        Ok(())
    }

    /// Writes a change as JSON to a file or into a folder, so that it can be kept elsewhere. Returns where.
    ///
    /// # Errors
    /// There is no such change, or the file could not be written.
    pub async fn export_edit(&self, id: Uuid, to: &Path) -> Result<PathBuf, EngineError> {
        let account = self.account()?.unwrap_or_default();
        let text = self.store().run(move |store| {
            let edits = store.edits(&account, 0)?;
            let found = edits.into_iter().find(|edit| edit.id == id);
            found
                .map(|edit| exported(store, &account, &edit))
                .transpose()
        });
        let text = text.await?.ok_or(EngineError::EditUnknown(id))?;
        let path = if to.is_dir() {
            to.join(format!("change-{id}.json"))
        } else {
            to.to_owned()
        };
        let written = tokio::fs::write(&path, text).await;
        written.map_err(|source| EngineError::Export {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    fn edits_were_made(&self) {
        self.core.refresh_view();
        self.core.wakes.of(Lane::Edits).ring(LaneOutcome::More);
        self.tell_others(NudgeKind::Work);
    }
}

fn unknown(target: EditTarget) -> EngineError {
    match target {
        EditTarget::PlanItem(id) => EngineError::PlanItemUnknown(id),
        EditTarget::Ride(id) => EngineError::RideUnknown(id),
    }
}

/// Reads a request as the field wants it.
fn read(request: EditRequest) -> Result<Wish, EngineError> {
    let invalid = |why: String| EngineError::EditInvalid(why);
    let ride = |id: &str| {
        id.parse()
            .map(EditTarget::Ride)
            .map_err(|_| invalid(format!("“{id}” is not the id of a ride")))
    };
    let (target, field, value) = match request {
        EditRequest::MovePlanned { plan_item_id, date } => {
            let day: Date = date
                .parse()
                .map_err(|_| invalid(format!("“{date}” is not a day; write it as 2026-03-02")))?;
            (
                EditTarget::PlanItem(plan_item_id),
                Field::PlanDate,
                day.to_string(),
            )
        }
        EditRequest::MarkPlanned {
            plan_item_id,
            state,
        } => {
            let state = match state {
                PlanMark::Planned => PlanState::Planned,
                PlanMark::Done => PlanState::Done,
                PlanMark::Skipped => PlanState::Skipped,
            };
            (
                EditTarget::PlanItem(plan_item_id),
                Field::PlanState,
                state.as_str().to_owned(),
            )
        }
        EditRequest::RenameRide { ride_id, title } => {
            let title = title.trim();
            if title.is_empty() {
                return Err(invalid("a title needs at least one letter".to_owned()));
            }
            bounded("title", title, MAX_TITLE_CHARACTERS)?;
            (ride(&ride_id)?, Field::RideTitle, title.to_owned())
        }
        EditRequest::NoteRide { ride_id, note } => {
            let note = note.trim();
            bounded("note", note, MAX_NOTE_CHARACTERS)?;
            (ride(&ride_id)?, Field::RideNote, note.to_owned())
        }
        EditRequest::RateRide { ride_id, rpe } => {
            let rpe = rpe.map(Rpe::try_from).transpose();
            let rpe = rpe.map_err(|error| invalid(error.to_string()))?;
            let value = rpe.map(|rpe| rpe.to_string()).unwrap_or_default();
            (ride(&ride_id)?, Field::RideRpe, value)
        }
    };
    Ok(Wish {
        target,
        field,
        value,
    })
}

fn bounded(what: &str, text: &str, most: usize) -> Result<(), EngineError> {
    if text.chars().count() <= most {
        return Ok(());
    }
    let why = format!("a {what} has at most {most} characters");
    Err(EngineError::EditInvalid(why))
}

/// Notes a change on what the athlete sees. Returns whether there is such a thing.
fn note(
    store: &Store,
    account: Option<String>,
    wish: Wish,
    id: Uuid,
    made: i64,
) -> Result<bool, StoreError> {
    let Some((base, owner, was)) = seen(store, account, &wish)? else {
        return Ok(false);
    };
    if was != wish.value {
        store.put_edit(&NewEdit {
            id,
            account: owner,
            target: wish.target,
            field: wish.field,
            was,
            value: wish.value,
            base,
            made,
        })?;
    }
    Ok(true)
}

/// The revision of the thing, whose it is, and what the athlete sees in the field.
fn seen(
    store: &Store,
    account: Option<String>,
    wish: &Wish,
) -> Result<Option<(u64, Option<String>, String)>, StoreError> {
    match &wish.target {
        EditTarget::PlanItem(item) => {
            let Some((known, card)) = store.plan_item(account.as_deref(), item)? else {
                return Ok(None);
            };
            let was = match wish.field {
                Field::PlanDate => card.date,
                _ => card.state,
            };
            Ok(Some((known.revision, account, was)))
        }
        EditTarget::Ride(ride) => {
            let Some((known, card)) = store.ride_known(account.as_deref(), *ride)? else {
                return Ok(None);
            };
            let was = match wish.field {
                Field::RideTitle => card.name,
                Field::RideNote => card.note.unwrap_or_default(),
                _ => card.rpe.map(|rpe| rpe.to_string()).unwrap_or_default(),
            };
            Ok(Some((known.revision, store.ride_account(*ride)?, was)))
        }
    }
}

fn exported(store: &Store, account: &str, edit: &StoredEdit) -> Result<String, StoreError> {
    let document = serde_json::json!({
        "id": edit.id,
        "about": edit_words::about(store, account, edit)?,
        "target": { "kind": edit.target.kind(), "id": edit.target.id() },
        "field": edit.field,
        "was": edit.was,
        "value": edit.value,
        "service_has": edit.theirs,
        "made": Timestamp::from_millisecond(edit.made).unwrap_or_default(),
    });
    Ok(serde_json::to_string_pretty(&document)?)
}

fn conflict(store: &Store, account: &str, edit: StoredEdit) -> Result<ConflictView, StoreError> {
    let about = edit_words::about(store, account, &edit)?;
    let (plan_item_id, ride_id) = match &edit.target {
        EditTarget::PlanItem(id) => (Some(id.clone()), None),
        EditTarget::Ride(id) => (None, Some(id.to_string())),
    };
    Ok(ConflictView {
        id: edit.id.to_string(),
        plan_item_id,
        ride_id,
        about,
        part: edit_words::part(edit.field).to_owned(),
        mine: edit_words::value(edit.field, &edit.value),
        theirs: edit
            .theirs
            .as_deref()
            .map(|theirs| edit_words::value(edit.field, theirs))
            .unwrap_or_default(),
        refused: edit.reason.filter(|_| edit.state == EditState::Parked),
        made: edit.made,
    })
}
