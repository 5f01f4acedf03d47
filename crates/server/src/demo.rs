//! The athlete of `--dev`: demo, password demo, with a plan that starts today.

use freewheel_protocol::{PlanItem, PlanState, Profile};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::Map;

use crate::clock::Clock;
use crate::library::Shelf;
use crate::random;
use crate::store::{AthleteId, NewAthlete, Store, StoreError, feed};

const NAME: &str = "demo";

/// Makes the athlete unless there, and plans from today unless something is planned for today or later.
pub(crate) fn set_up(store: &Store, shelf: &Shelf, clock: &dyn Clock) -> Result<(), StoreError> {
    let id = match store.athlete_named(NAME)? {
        Some(athlete) => athlete.id,
        None => {
            let profile = Profile {
                name: "Demo Rider".to_owned(),
                ftp_watts: 220,
                weight_kg: Some(72.0),
                extra: Map::new(),
            };
            let demo = NewAthlete {
                username: NAME,
                password: NAME,
                profile,
            };
            store.add_athlete(&demo, clock.now())?
        }
    };
    plan_from(store, &id, shelf, clock.today())
}

fn plan_from(
    store: &Store,
    athlete: &AthleteId,
    shelf: &Shelf,
    today: Date,
) -> Result<(), StoreError> {
    store.write(|tx| {
        if feed::plan(tx, athlete)?
            .iter()
            .any(|(_, item)| item.date >= today)
        {
            return Ok(());
        }
        for day in &shelf.plan.items {
            let item = PlanItem {
                date: today.saturating_add(i64::from(day.day).days()),
                workout_id: day.workout.clone(),
                state: PlanState::Planned,
                ride_id: None,
                note: day.note.clone(),
                extra: Map::new(),
            };
            feed::put_plan_item(tx, athlete, &random::id()?, &item)?;
        }
        Ok(())
    })
}
