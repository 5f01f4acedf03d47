//! Edits: what the athlete changed about the plan and about rides, before and after the service knows.
//!
//! An edit gives one field of one thing a new value. What the screen shows is the service's state with the edits laid
//! over it ([`overlay`]). An edit that was made on a state which is no longer the newest is rebased ([`rebase`]): it
//! stands if nobody else changed its own field, whatever became of the others. Where somebody did, both versions are kept
//! until the athlete chooses; nothing in here ever gives one up.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A field that can be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The day of a planned workout.
    PlanDate,
    /// What became of a planned workout.
    PlanState,
    /// What a ride is called.
    RideTitle,
    /// The athlete's note on a ride.
    RideNote,
    /// How hard a ride was.
    RideRpe,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 5] = [
        Self::PlanDate,
        Self::PlanState,
        Self::RideTitle,
        Self::RideNote,
        Self::RideRpe,
    ];

    /// The stable word, as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlanDate => "plan_date",
            Self::PlanState => "plan_state",
            Self::RideTitle => "ride_title",
            Self::RideNote => "ride_note",
            Self::RideRpe => "ride_rpe",
        }
    }

    /// The field of a stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }

    /// The field in plain words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::PlanDate => "the day of a planned workout",
            Self::PlanState => "what became of a planned workout",
            Self::RideTitle => "the title of a ride",
            Self::RideNote => "the note on a ride",
            Self::RideRpe => "the effort of a ride",
        }
    }
}

/// The fields of a thing, as text: a day `YYYY-MM-DD`, a plan state's stable word, a title, a note, an effort `1` to `10`;
/// an empty text for none.
pub type Fields = BTreeMap<Field, String>;

/// A thing as the service has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its revision; 0 for one that was never changed.
    pub revision: u64,
    /// Its fields.
    pub fields: Fields,
}

/// An edit, as far as the view is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// The field.
    pub field: Field,
    /// The value that the athlete wants.
    pub value: String,
    /// How far it is.
    pub stage: Stage,
}

/// How far an edit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The service has not confirmed it.
    Unconfirmed,
    /// The service has it since this revision.
    Confirmed(u64),
}

/// What the screen shows of a thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Its fields.
    pub fields: Fields,
    /// Those that the service has not confirmed.
    pub waiting: BTreeSet<Field>,
}

/// The service's state with edits laid over it, in the order in which they were made. A confirmed one counts until the
/// revision that it made has come back: in between the screen would fall back to what was before.
#[must_use]
pub fn overlay(known: &Known, edits: &[Laid]) -> View {
    let mut view = View {
        fields: known.fields.clone(),
        waiting: BTreeSet::new(),
    };
    for edit in edits {
        match edit.stage {
            Stage::Confirmed(revision) if revision <= known.revision => continue,
            Stage::Confirmed(_) => _ = view.waiting.remove(&edit.field),
            Stage::Unconfirmed => _ = view.waiting.insert(edit.field),
        }
        view.fields.insert(edit.field, edit.value.clone());
    }
    view
}

/// An edit, as far as rebasing is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The field.
    pub field: Field,
    /// What the athlete saw when making it.
    pub was: String,
    /// The value that the athlete wants.
    pub value: String,
}

/// What becomes of an edit on a newer state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebased {
    /// Its own field is as the athlete saw it: the same edit, on this revision.
    Onto(u64),
    /// The state is as the athlete wants it already.
    AlreadyTrue,
    /// Somebody else changed the same field: both versions are shown, and the athlete chooses.
    Conflict {
        /// What the athlete wants.
        mine: String,
        /// What there is.
        theirs: String,
    },
}

/// Rebases an edit field by field. A field that the state does not have counts as empty.
#[must_use]
pub fn rebase(edit: &Change, current: &Known) -> Rebased {
    let theirs = current
        .fields
        .get(&edit.field)
        .map(String::as_str)
        .unwrap_or_default();
    if theirs == edit.value {
        Rebased::AlreadyTrue
    } else if theirs == edit.was {
        Rebased::Onto(current.revision)
    } else {
        Rebased::Conflict {
            mine: edit.value.clone(),
            theirs: theirs.to_owned(),
        }
    }
}

/// Whether a later edit of the same field of the same thing may take the place of an earlier one. Only while the earlier
/// one was never claimed: otherwise the service may know it, and its id says what it wants.
#[must_use]
pub const fn may_be_replaced(claims: u32) -> bool {
    claims == 0
}

/// What the service said about one edit of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemAnswer {
    /// It is applied, or was so before, as of this revision.
    Applied(u64),
    /// The thing is at another revision, with these fields.
    Conflict(Known),
    /// It was not applied, for the reason of this problem code.
    Refused(String),
    /// Nothing, or nothing that this version understands.
    Unclear,
}

/// What becomes of one edit of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemVerdict {
    /// The service has it.
    Delivered {
        /// The thing's revision with it.
        revision: u64,
    },
    /// Send it again, on this revision.
    Rebase {
        /// The new base.
        base: u64,
    },
    /// Both versions are shown.
    Conflict {
        /// What the service has.
        theirs: String,
        /// The thing's revision.
        revision: u64,
    },
    /// The service cannot take it as it is: show it with the reason.
    Parked(EditPark),
    /// Try again after a backoff.
    Retry,
}

/// Why an edit is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditPark {
    /// The service does not have the thing (any more).
    TargetGone,
    /// The service does not understand it.
    Unreadable,
    /// Another edit has its id.
    IdReused,
    /// It is larger than the service takes.
    TooLarge,
    /// For a reason that this version does not know.
    Refused,
}

impl EditPark {
    /// The reason in plain words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TargetGone => "The service does not have what this change is about.",
            Self::Unreadable => "The service does not understand this change.",
            Self::IdReused => "The service already has another change with this number.",
            Self::TooLarge => "The service does not take a change of this size.",
            Self::Refused => "The service did not take this change.",
        }
    }
}

/// Judges what the service said about one edit. It stands in an answer that is the service's own, so a refusal is one; but
/// only a trouble of the service's is tried again by itself.
#[must_use]
pub fn judge(edit: &Change, answer: &ItemAnswer) -> ItemVerdict {
    match answer {
        ItemAnswer::Applied(revision) => ItemVerdict::Delivered {
            revision: *revision,
        },
        ItemAnswer::Conflict(current) if !current.fields.contains_key(&edit.field) => {
            ItemVerdict::Retry
        }
        ItemAnswer::Conflict(current) => match rebase(edit, current) {
            // Asked again, the service gives its receipt.
            Rebased::Onto(_) | Rebased::AlreadyTrue => ItemVerdict::Rebase {
                base: current.revision,
            },
            Rebased::Conflict { theirs, .. } => ItemVerdict::Conflict {
                theirs,
                revision: current.revision,
            },
        },
        ItemAnswer::Refused(code) => match code.as_str() {
            "not-found" => ItemVerdict::Parked(EditPark::TargetGone),
            "edit-unreadable" => ItemVerdict::Parked(EditPark::Unreadable),
            "edit-id-reused" => ItemVerdict::Parked(EditPark::IdReused),
            "too-large" => ItemVerdict::Parked(EditPark::TooLarge),
            "internal" | "unavailable" | "rate-limited" => ItemVerdict::Retry,
            _ => ItemVerdict::Parked(EditPark::Refused),
        },
        ItemAnswer::Unclear => ItemVerdict::Retry,
    }
}

#[cfg(test)]
mod tests;
