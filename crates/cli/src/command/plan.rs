//! `plan`: what is planned.

use std::process::ExitCode;

use freewheel_sync::view::PlannedCard;
use serde_json::json;

use crate::arguments::Plan;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::table::{Set, Table};
use crate::words::length;

/// Does what was asked about the plan.
pub async fn run(profile: &Profile, output: Output, command: &Plan) -> Result<ExitCode, Failure> {
    let Plan::List { days } = command;
    let from = profile.here.today();
    let planned = profile.engine.plan(from, *days).await?;
    output.answer(&json!({ "from": from.to_string(), "days": days, "planned": planned }), || {
        if planned.is_empty() {
            return format!(
                "Nothing is planned for the next {days} days. `freewheel library list` shows what \
                 you can ride."
            );
        }
        table(&planned)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn table(planned: &[PlannedCard]) -> String {
    let mut table = Table::new(&[
        ("Day", Set::Left),
        ("Workout", Set::Left),
        ("Length", Set::Right),
        ("TSS", Set::Right),
        ("State", Set::Left),
        ("Workout id", Set::Whole),
        ("Note", Set::Left),
    ]);
    for item in planned {
        let workout = item.workout.as_ref();
        table.row([
            item.date.clone(),
            workout.map_or_else(
                || "(not on this computer yet)".to_owned(),
                |w| w.name.clone(),
            ),
            workout.map(|w| length(w.seconds)).unwrap_or_default(),
            workout.map(|w| format!("{:.0}", w.tss)).unwrap_or_default(),
            item.state.clone(),
            workout.map(|w| w.id.clone()).unwrap_or_default(),
            item.note.clone().unwrap_or_default(),
        ]);
    }
    table.render()
}
