//! `rides`: what was ridden, and where it is.

use std::path::Path;
use std::process::ExitCode;

use freewheel_ride::view::RideSaved;
use freewheel_sync::EngineError;
use freewheel_sync::view::{EditRequest, RideCard, UnfinishedRide};
use serde_json::json;
use uuid::Uuid;

use super::plan;
use crate::arguments::Rides;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::table::{Set, Table};
use crate::words::{Here, counted, length, plain, with_unit};

const SEE_LIST: &str = "`freewheel rides list` shows the ids.";

/// Does what was asked about rides.
pub async fn run(profile: &Profile, output: Output, command: Rides) -> Result<ExitCode, Failure> {
    match command {
        Rides::List => list(profile, output).await,
        Rides::Export { id, path } => export(profile, output, id, &path).await,
        Rides::Finish { id } => finish(profile, output, id).await,
        Rides::Rename { id, title } => {
            let (ride_id, done) = (id.to_string(), format!("The ride is called “{title}”."));
            let edit = EditRequest::RenameRide { ride_id, title };
            plan::change(profile, output, edit, &done, SEE_LIST).await
        }
        Rides::Note { id, note } => {
            let ride_id = id.to_string();
            let done = if note.trim().is_empty() {
                "The note is gone."
            } else {
                "The note is written."
            };
            let edit = EditRequest::NoteRide { ride_id, note };
            plan::change(profile, output, edit, done, SEE_LIST).await
        }
        Rides::Rpe { id, effort } => {
            let ride_id = id.to_string();
            let done = match effort {
                Some(effort) => format!("The effort was {effort} of 10."),
                None => "The rating is gone.".to_owned(),
            };
            let edit = EditRequest::RateRide {
                ride_id,
                rpe: effort,
            };
            plan::change(profile, output, edit, &done, SEE_LIST).await
        }
    }
}

async fn list(profile: &Profile, output: Output) -> Result<ExitCode, Failure> {
    let rides = profile.engine.history().await?;
    let unfinished = profile.engine.today().await?.unfinished;
    output.answer(&json!({ "rides": rides, "unfinished": unfinished }), || {
        let parts = [
            open(&unfinished, &profile.here),
            finished(&rides, &profile.here),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return "No rides yet. `freewheel ride --today` starts today's workout.".to_owned();
        }
        parts.join("\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn finished(rides: &[RideCard], here: &Here) -> Option<String> {
    if rides.is_empty() {
        return None;
    }
    let mut table = Table::new(&[
        ("Started", Set::Left),
        ("Ride", Set::Left),
        ("Length", Set::Right),
        ("Power", Set::Right),
        ("TSS", Set::Right),
        ("Effort", Set::Right),
        ("State", Set::Whole),
        ("Id", Set::Whole),
        ("Note", Set::Left),
    ]);
    for ride in rides {
        let simulated = if ride.simulated { " (simulated)" } else { "" };
        table.row([
            here.day_and_time(ride.started_at),
            format!("{}{simulated}", ride.name),
            length(ride.summary.seconds),
            with_unit(ride.summary.average_power, "W"),
            ride.summary
                .tss
                .map_or_else(|| "–".to_owned(), |tss| format!("{tss:.0}")),
            ride.rpe
                .map_or_else(|| "–".to_owned(), |rpe| rpe.to_string()),
            here.delivery(&ride.delivery),
            ride.id.clone(),
            ride.note.clone().unwrap_or_default(),
        ]);
    }
    Some(format!(
        "{}{}",
        table.render(),
        counted(rides.len(), "ride", "rides")
    ))
}

fn open(rides: &[UnfinishedRide], here: &Here) -> Option<String> {
    if rides.is_empty() {
        return None;
    }
    let mut lines = vec!["Left open:".to_owned()];
    for ride in rides {
        let (id, name) = (plain(&ride.id), plain(&ride.name));
        let (at, safe) = (here.day_and_time(ride.started_at), length(ride.seconds));
        lines.push(format!("  {at}  {name}  {safe} safe"));
        lines.push(format!("    finish: freewheel rides finish {id}"));
        lines.push(format!("    go on:  freewheel ride --resume {id}"));
    }
    Some(format!("{}\n", lines.join("\n")))
}

/// Writes a ride's file to a folder or a path.
pub async fn export(
    profile: &Profile,
    output: Output,
    id: Uuid,
    path: &Path,
) -> Result<ExitCode, Failure> {
    let file = profile
        .engine
        .export_ride(id, path)
        .await
        .map_err(|error| naming(error, id))?;
    output.answer(&json!({ "id": id, "file": file }), || {
        format!("Written to {}", plain(&file.display().to_string()))
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn finish(profile: &Profile, output: Output, id: Uuid) -> Result<ExitCode, Failure> {
    must_be_open(profile, id).await?;
    let saved = profile.engine.finish_unfinished(id).await?;
    profile.engine.ride_ended().await;
    output.answer(&json!({ "state": "saved", "ride": saved }), || {
        self::saved(&saved)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Only a ride that was left open can be finished or gone on with.
pub async fn must_be_open(profile: &Profile, id: Uuid) -> Result<(), Failure> {
    let open = profile.engine.today().await?.unfinished;
    if open.iter().any(|ride| ride.id == id.to_string()) {
        return Ok(());
    }
    Err(Failure::new(UNKNOWN_RIDE, format!("no ride {id} was left open")).hint(SEE_LIST))
}

/// A ride that is safe, in words.
pub fn saved(saved: &RideSaved) -> String {
    let summary = &saved.summary;
    let parts = [
        Some(length(summary.seconds)),
        summary
            .average_power
            .map(|watts| format!("average {watts} W")),
        summary
            .normalized_power
            .map(|watts| format!("normalised {watts} W")),
        summary.tss.map(|tss| format!("TSS {tss:.0}")),
        summary.work_kj.map(|work| format!("{work:.0} kJ")),
        summary.average_cadence.map(|rpm| format!("{rpm} rpm")),
        summary.average_heart_rate.map(|bpm| format!("{bpm} bpm")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!(
        "Saved: {} ({})\nRide {}. `freewheel rides list` shows where it is, `freewheel sync` \
         delivers it.",
        plain(&saved.name),
        parts.join(", "),
        plain(&saved.id)
    )
}

/// An unknown ride is named, with the place to look.
fn naming(error: EngineError, id: Uuid) -> Failure {
    let failure = Failure::from(error);
    if failure.code != UNKNOWN_RIDE {
        return failure;
    }
    Failure::new(UNKNOWN_RIDE, format!("there is no ride {id}")).hint(SEE_LIST)
}

/// The engine's code for a ride that this profile does not have.
const UNKNOWN_RIDE: &str = "ride_unknown";
