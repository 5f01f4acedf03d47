//! `plan`: what is planned, and changing it.

use std::process::ExitCode;

use freewheel_sync::view::{EditRequest, PlanMark, PlannedCard};
use serde_json::json;

use crate::arguments::Plan;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::table::{Set, Table};
use crate::words::{length, plain};

/// Does what was asked about the plan.
pub async fn run(profile: &Profile, output: Output, command: Plan) -> Result<ExitCode, Failure> {
    let mark = |id: String, state| EditRequest::MarkPlanned {
        plan_item_id: id,
        state,
    };
    let (edit, done) = match command {
        Plan::List { days } => return list(profile, output, days).await,
        Plan::Move { id, day } => {
            let edit = EditRequest::MovePlanned {
                plan_item_id: id,
                date: day.to_string(),
            };
            (edit, format!("Moved to {day}."))
        }
        Plan::Skip { id } => (mark(id, PlanMark::Skipped), "Skipped.".to_owned()),
        Plan::Done { id } => (mark(id, PlanMark::Done), "Marked as done.".to_owned()),
        Plan::Undo { id } => (mark(id, PlanMark::Planned), "Still to do.".to_owned()),
    };
    change(profile, output, edit, &done, SEE_LIST).await
}

const SEE_LIST: &str = "`freewheel plan list` shows the ids.";

/// Notes a change and says that it is sent later; where nothing has this id, `hint` says where to look.
pub async fn change(
    profile: &Profile,
    output: Output,
    edit: EditRequest,
    done: &str,
    hint: &str,
) -> Result<ExitCode, Failure> {
    let noted = profile.engine.edit(edit.clone()).await;
    noted.map_err(|error| match error.code() {
        "plan_item_unknown" | "ride_unknown" => Failure::from(error).hint(hint),
        _ => Failure::from(error),
    })?;
    output.answer(&json!({ "state": "saved", "change": edit }), || {
        format!(
            "{} The change is saved; `freewheel sync` sends it.",
            plain(done)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn list(profile: &Profile, output: Output, days: u32) -> Result<ExitCode, Failure> {
    let from = profile.here.today();
    let planned = profile.engine.plan(from, days).await?;
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
        ("Plan id", Set::Whole),
        ("Note", Set::Left),
        ("Your change", Set::Left),
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
            item.plan_item_id.clone(),
            item.note.clone().unwrap_or_default(),
            item.edit
                .as_ref()
                .map(|mark| mark.words.clone())
                .unwrap_or_default(),
        ]);
    }
    table.render()
}
