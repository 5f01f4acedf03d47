//! `POST /v1/edits`: what the athlete changes about the plan and about rides, a verdict per item.
//!
//! An edit says which fields of one thing get which values, and on which revision of the thing it was made. Its id
//! (UUIDv7) is its idempotency key: the server applies it once and answers a repetition from its receipt. An edit that
//! was rebased keeps its id, so the base is no part of what the receipt compares.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::changes::PlanState;
use crate::open_enum;
use crate::problem::Problem;

/// The most edits in one request.
pub const MAX_EDITS: usize = 100;

/// The largest request that a server takes, in bytes.
pub const MAX_EDITS_BYTES: usize = 1024 * 1024;

/// The longest title of a ride, in characters.
pub const MAX_TITLE_CHARACTERS: usize = 200;

/// The longest note of a ride, in characters.
pub const MAX_NOTE_CHARACTERS: usize = 4000;

/// The request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditBatch {
    /// At most [`MAX_EDITS`], each an [`Edit`]. Raw, so that one that cannot be read spoils no other.
    pub edits: Vec<Value>,
}

/// One edit: all of its changes apply, or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// Chosen by the client; also the idempotency key.
    pub id: Uuid,
    /// When the athlete made it.
    pub made: Timestamp,
    /// What is changed.
    pub target: EditTarget,
    /// The revision of the target that it was made on; 0 for a ride whose details were never changed.
    pub base: u64,
    /// The fields, each with its new value; at least one.
    pub changes: Vec<FieldChange>,
    /// Fields of a newer peer, kept as they came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What an edit changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditTarget {
    /// What `id` names.
    pub kind: TargetKind,
    /// The id of the plan item or of the ride.
    pub id: String,
}

open_enum! {
    /// The kinds of things that can be edited.
    pub enum TargetKind {
        /// A planned workout.
        PlanItem = "plan_item",
        /// The details of a ride; what was recorded never changes.
        Ride = "ride",
    }
}

open_enum! {
    /// The fields that can be edited.
    pub enum FieldName {
        /// The day of a planned workout, `YYYY-MM-DD`.
        PlanDate = "plan_date",
        /// What became of a planned workout, a [`PlanState`].
        PlanState = "plan_state",
        /// The title of a ride, a string of 1 to [`MAX_TITLE_CHARACTERS`].
        RideTitle = "ride_title",
        /// The athlete's note on a ride, a string of at most [`MAX_NOTE_CHARACTERS`]; empty for none.
        RideNote = "ride_note",
        /// How hard a ride was, a [`Rpe`], or `null` for none.
        RideRpe = "ride_rpe",
    }
}

/// A field and its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub field: FieldName,
    /// Its value, kept raw so that those of fields that this version does not know survive.
    pub value: Value,
}

/// A field and its value, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditedField {
    /// See [`FieldName::PlanDate`].
    PlanDate(Date),
    /// See [`FieldName::PlanState`]; never `Other`.
    PlanState(PlanState),
    /// See [`FieldName::RideTitle`].
    RideTitle(String),
    /// See [`FieldName::RideNote`].
    RideNote(String),
    /// See [`FieldName::RideRpe`].
    RideRpe(Option<Rpe>),
}

/// Why a change could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// No such field in this version.
    #[error("there is no field “{0}” that can be edited")]
    Unknown(String),
    /// The value is not one of the field's.
    #[error("{0} does not take this value")]
    Value(FieldName),
}

impl FieldChange {
    /// Reads the value as the field wants it.
    ///
    /// # Errors
    /// The field is unknown, or the value is not one that it takes.
    pub fn read(&self) -> Result<EditedField, FieldError> {
        let wrong = || FieldError::Value(self.field.clone());
        let text = || self.value.as_str().ok_or_else(wrong);
        match &self.field {
            FieldName::PlanDate => text()?
                .parse()
                .map(EditedField::PlanDate)
                .map_err(|_| wrong()),
            FieldName::PlanState => match PlanState::from(text()?) {
                PlanState::Other(_) => Err(wrong()),
                state => Ok(EditedField::PlanState(state)),
            },
            FieldName::RideTitle => {
                let title = text()?;
                let fits =
                    !title.trim().is_empty() && title.chars().count() <= MAX_TITLE_CHARACTERS;
                fits.then(|| EditedField::RideTitle(title.to_owned()))
                    .ok_or_else(wrong)
            }
            FieldName::RideNote => {
                let note = text()?;
                let fits = note.chars().count() <= MAX_NOTE_CHARACTERS;
                fits.then(|| EditedField::RideNote(note.to_owned()))
                    .ok_or_else(wrong)
            }
            FieldName::RideRpe => Option::<Rpe>::deserialize(&self.value)
                .map(EditedField::RideRpe)
                .map_err(|_| wrong()),
            FieldName::Other(name) => Err(FieldError::Unknown(name.clone())),
        }
    }
}

impl From<EditedField> for FieldChange {
    fn from(field: EditedField) -> Self {
        let (field, value) = match field {
            EditedField::PlanDate(date) => (FieldName::PlanDate, date.to_string().into()),
            EditedField::PlanState(state) => (FieldName::PlanState, state.as_str().into()),
            EditedField::RideTitle(title) => (FieldName::RideTitle, title.into()),
            EditedField::RideNote(note) => (FieldName::RideNote, note.into()),
            EditedField::RideRpe(rpe) => {
                let value = rpe.map_or(Value::Null, |rpe| rpe.get().into());
                (FieldName::RideRpe, value)
            }
        };
        Self { field, value }
    }
}

/// Rating of perceived exertion for a whole ride: 1 (very easy) to 10 (maximal), whole numbers of Borg's CR10 scale as
/// Foster et al. use it for sessions ("A new approach to monitoring exercise training", J Strength Cond Res 15(1):109–115,
/// 2001). Their 0, rest, is no ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Rpe(u8);

/// A number outside 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the effort is a whole number from 1 to 10, not {0}")]
pub struct RpeError(u8);

impl Rpe {
    /// The number, 1 to 10.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Rpe {
    type Error = RpeError;

    fn try_from(number: u8) -> Result<Self, RpeError> {
        match number {
            1..=10 => Ok(Self(number)),
            _ => Err(RpeError(number)),
        }
    }
}

impl From<Rpe> for u8 {
    fn from(rpe: Rpe) -> Self {
        rpe.0
    }
}

impl fmt::Display for Rpe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The answer: one result per item, in the order of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditResults {
    /// The results.
    pub results: Vec<EditResult>,
}

/// What became of one edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditResult {
    /// The edit.
    pub id: Uuid,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: EditVerdict,
}

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum EditVerdict {
    /// The target is as the edit wants it, since this revision.
    Applied {
        /// The target's new revision.
        revision: u64,
    },
    /// The target was as the edit wants it before it came.
    Already {
        /// The target's revision.
        revision: u64,
    },
    /// The target is not at the edit's base any more; nothing changed, and there is no receipt.
    Conflict {
        /// The target's revision.
        revision: u64,
        /// All fields of the target that can be edited.
        current: Vec<FieldChange>,
    },
    /// It cannot be applied as it is; nothing changed, and there is no receipt.
    Refused {
        /// Why.
        problem: Problem,
    },
    /// A verdict of a newer server.
    #[serde(other)]
    Unknown,
}

/// What the athlete says about a ride, beside what was recorded. In the feed as kind `ride_details` with the ride's id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RideDetails {
    /// What the athlete calls it; absent: as when it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The athlete's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How hard it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpe: Option<Rpe>,
    /// Fields of a newer peer, kept as they came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_takes_its_own_values_and_no_others() {
        let long = "a".repeat(MAX_TITLE_CHARACTERS + 1);
        for (field, value, good) in [
            ("plan_date", json!("2026-03-02"), true),
            ("plan_date", json!("2026-02-30"), false),
            ("plan_date", json!(20260302), false),
            ("plan_state", json!("skipped"), true),
            ("plan_state", json!("done"), true),
            ("plan_state", json!("planned"), true),
            ("plan_state", json!("eaten"), false),
            ("ride_title", json!("Spin"), true),
            ("ride_title", json!(" "), false),
            ("ride_title", json!(long), false),
            ("ride_note", json!(""), true),
            ("ride_note", json!(null), false),
            ("ride_rpe", json!(1), true),
            ("ride_rpe", json!(10), true),
            ("ride_rpe", json!(null), true),
            ("ride_rpe", json!(0), false),
            ("ride_rpe", json!(11), false),
            ("ride_rpe", json!(300), false),
            ("ride_rpe", json!(3.5), false),
            ("ride_rpe", json!("3"), false),
            ("ride_mood", json!("fine"), false),
        ] {
            let change: FieldChange =
                serde_json::from_value(json!({"field": field, "value": value})).unwrap();
            let read = change.read();
            assert_eq!(read.is_ok(), good, "{field} {value}");
            if let Ok(read) = read {
                assert_eq!(FieldChange::from(read), change);
            }
        }
    }

    #[test]
    fn what_a_newer_peer_says_survives() {
        let text = json!({
            "id": "01890a5d-ac96-774b-bcce-b302099a8057", "made": "2026-03-02T08:00:00Z",
            "target": {"kind": "season", "id": "s"}, "base": 3,
            "changes": [{"field": "season_goal", "value": {"watts": 300}}], "device": "bike"
        });
        let edit: Edit = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(edit.target.kind, TargetKind::Other("season".into()));
        assert_eq!(serde_json::to_value(&edit).unwrap(), text);

        let later = json!({"id": edit.id, "verdict": "postponed", "until": "tomorrow"});
        let result: EditResult = serde_json::from_value(later).unwrap();
        assert_eq!(result.verdict, EditVerdict::Unknown);
    }

    #[test]
    fn verdicts_stand_beside_the_id() {
        let id = Uuid::nil();
        let verdict = EditVerdict::Applied { revision: 7 };
        let text = serde_json::to_value(EditResult { id, verdict }).unwrap();
        assert_eq!(text, json!({"id": id, "verdict": "applied", "revision": 7}));
    }
}
