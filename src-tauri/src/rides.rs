//! Commands around the ride in progress.

use freewheel_ride::view::{RideCommand, RideSaved, RideStart, RideState};
use freewheel_ride::{RideError, RideHandle};
use freewheel_sync::RideRequest;
use freewheel_sync::view::UserError;
use tauri::{AppHandle, State};
use uuid::Uuid;

use crate::commands::Answer;
use crate::events;
use crate::state::Shell;

#[tauri::command]
pub(crate) async fn ride_start(
    app: AppHandle,
    shell: State<'_, Shell>,
    workout_id: Option<String>,
    plan_item_id: Option<String>,
) -> Answer<RideStart> {
    let _one = shell.one_at_a_time.lock().await;
    if let Some(ride) = in_progress(&shell) {
        return Ok(ride.facts().clone());
    }
    let request = RideRequest {
        workout_id,
        plan_item_id,
        speed: 1.0,
        autostart: false,
    };
    let ride = shell.engine()?.start_ride(request).await?;
    Ok(take(&app, &shell, ride))
}

#[tauri::command]
pub(crate) async fn ride_resume(
    app: AppHandle,
    shell: State<'_, Shell>,
    id: Uuid,
) -> Answer<RideStart> {
    let _one = shell.one_at_a_time.lock().await;
    if let Some(ride) = in_progress(&shell) {
        return Ok(ride.facts().clone());
    }
    let ride = shell.engine()?.resume_ride(id, 1.0, false).await?;
    Ok(take(&app, &shell, ride))
}

#[tauri::command]
pub(crate) async fn ride_current(shell: State<'_, Shell>) -> Answer<Option<RideStart>> {
    Ok(in_progress(&shell).map(|ride| ride.facts().clone()))
}

#[tauri::command]
pub(crate) async fn ride_command(shell: State<'_, Shell>, command: RideCommand) -> Answer<()> {
    let ride = in_progress(&shell).ok_or_else(no_ride)?;
    ride.command(command).map_err(|error| user_error(&error))
}

#[tauri::command]
pub(crate) async fn ride_finish(shell: State<'_, Shell>) -> Answer<RideSaved> {
    let _one = shell.one_at_a_time.lock().await;
    let ride = in_progress(&shell).ok_or_else(no_ride)?;
    match ride.finish().await {
        Ok(saved) => {
            shell.set_ride(None);
            shell.engine()?.ride_finished();
            Ok(saved)
        }
        // Nothing was ridden: there is nothing to keep, and the athlete goes back.
        Err(RideError::NotBegun) => {
            shell.set_ride(None);
            shell.engine()?.ride_finished();
            Err(UserError {
                code: "nothing_recorded".to_owned(),
                message: "Nothing was ridden, so there is nothing to save.".to_owned(),
            })
        }
        Err(error) => Err(user_error(&error)),
    }
}

#[tauri::command]
pub(crate) async fn ride_finish_unfinished(shell: State<'_, Shell>, id: Uuid) -> Answer<RideSaved> {
    Ok(shell.engine()?.finish_unfinished(id).await?)
}

fn take(app: &AppHandle, shell: &Shell, ride: RideHandle) -> RideStart {
    let start = ride.facts().clone();
    events::forward_ride(app, &ride);
    shell.set_ride(Some(ride));
    start
}

fn in_progress(shell: &Shell) -> Option<RideHandle> {
    shell
        .ride()
        .filter(|ride| ride.frame().state != RideState::Saved)
}

fn no_ride() -> UserError {
    UserError {
        code: "no_ride".to_owned(),
        message: "There is no ride in progress.".to_owned(),
    }
}

fn user_error(error: &RideError) -> UserError {
    UserError {
        code: error.code().to_owned(),
        message: error.to_string(),
    }
}
