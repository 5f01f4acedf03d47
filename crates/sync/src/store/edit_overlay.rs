//! The service's state with the athlete's edits laid over it, for the screens.

use std::collections::BTreeMap;

use freewheel_policy::edit::{Field, Known, Laid, View, overlay};

use super::edit::{EditState, StoredEdit};
use super::{Store, StoreError};
use crate::view::{EditMark, EditMarkState};

/// The edits of one kind of target, by the target's id.
#[derive(Debug, Default)]
pub(super) struct Edits(BTreeMap<String, Vec<StoredEdit>>);

/// How a thing looks with its edits.
pub(super) struct Seen {
    pub(super) view: View,
    pub(super) mark: Option<EditMark>,
}

impl Edits {
    /// The ids of what was edited.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Lays the edits of a thing over what is known of it.
    pub(super) fn over(&self, id: &str, known: &Known) -> Seen {
        let edits = self.0.get(id).map(Vec::as_slice).unwrap_or_default();
        let laid: Vec<Laid> = edits.iter().filter_map(StoredEdit::laid).collect();
        Seen {
            view: overlay(known, &laid),
            mark: mark(edits),
        }
    }
}

impl Store {
    /// The edits of a kind of target that `account` may see.
    pub(super) fn edits_of(&self, account: Option<&str>, kind: &str) -> Result<Edits, StoreError> {
        let mut edits = Edits::default();
        for edit in self.edits_to_lay(account, kind)? {
            edits.0.entry(edit.target.id()).or_default().push(edit);
        }
        Ok(edits)
    }
}

/// What is to be said about a thing's edits: what needs the athlete before what only waits.
fn mark(edits: &[StoredEdit]) -> Option<EditMark> {
    let find = |wanted: &[EditState]| edits.iter().find(|edit| wanted.contains(&edit.state));
    let mark = |edit: &StoredEdit, state, words: &str| EditMark {
        id: edit.id.to_string(),
        state,
        words: words.to_owned(),
    };
    if let Some(edit) = find(&[EditState::Conflict]) {
        let words = "Changed here and elsewhere";
        return Some(mark(edit, EditMarkState::Conflict, words));
    }
    if let Some(edit) = find(&[EditState::Parked]) {
        let words = edit.reason.as_deref().unwrap_or("The change was not taken");
        return Some(mark(edit, EditMarkState::Parked, words));
    }
    let edit = find(&[EditState::Waiting, EditState::InFlight])?;
    Some(mark(edit, EditMarkState::Waiting, "Waiting to be sent"))
}

/// A field as it is seen; empty when it has no value.
pub(super) fn field(view: &View, field: Field) -> Option<String> {
    view.fields
        .get(&field)
        .filter(|value| !value.is_empty())
        .cloned()
}
