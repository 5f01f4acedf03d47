//! Edits in plain words.

use freewheel_policy::edit::Field;
use jiff::civil::Date;

use crate::store::{EditTarget, Store, StoreError, StoredEdit};

/// Which part of a thing a field is.
pub(super) fn part(field: Field) -> &'static str {
    match field {
        Field::PlanDate => "Day",
        Field::PlanState => "Done or skipped",
        Field::RideTitle => "Title",
        Field::RideNote => "Note",
        Field::RideRpe => "Effort",
    }
}

/// The value of a field, as an athlete would say it.
pub(super) fn value(field: Field, value: &str) -> String {
    match field {
        Field::PlanDate => match value.parse::<Date>() {
            Ok(day) => day.strftime("%A %-d %B %Y").to_string(),
            Err(_) => value.to_owned(),
        },
        Field::PlanState => match value {
            "planned" => "Still to do".to_owned(),
            "done" => "Done".to_owned(),
            "skipped" => "Skipped".to_owned(),
            other => other.to_owned(),
        },
        Field::RideTitle => value.to_owned(),
        Field::RideNote if value.is_empty() => "No note".to_owned(),
        Field::RideNote => value.to_owned(),
        Field::RideRpe if value.is_empty() => "No rating".to_owned(),
        Field::RideRpe => format!("{value} of 10"),
    }
}

/// What an edit is about: the name of the planned workout or of the ride.
pub(super) fn about(store: &Store, account: &str, edit: &StoredEdit) -> Result<String, StoreError> {
    let name = match &edit.target {
        EditTarget::PlanItem(id) => {
            let item = store.plan_item(Some(account), id)?;
            item.and_then(|(_, card)| Some(card.workout?.name))
        }
        EditTarget::Ride(id) => store.ride(Some(account), *id)?.map(|card| card.name),
    };
    let unnamed = match &edit.target {
        EditTarget::PlanItem(_) => "A planned workout",
        EditTarget::Ride(_) => "A ride",
    };
    Ok(name.unwrap_or_else(|| unnamed.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_as_an_athlete_would() {
        for (field, stored, said) in [
            (Field::PlanDate, "2026-03-03", "Tuesday 3 March 2026"),
            (Field::PlanDate, "someday", "someday"),
            (Field::PlanState, "planned", "Still to do"),
            (Field::PlanState, "skipped", "Skipped"),
            (Field::PlanState, "eaten", "eaten"),
            (Field::RideTitle, "Hills", "Hills"),
            (Field::RideNote, "", "No note"),
            (Field::RideNote, "windy", "windy"),
            (Field::RideRpe, "", "No rating"),
            (Field::RideRpe, "7", "7 of 10"),
        ] {
            assert_eq!(value(field, stored), said);
        }
    }
}
