//! The ride of the tour: the planned workout on the simulated trainer.

use std::time::Duration;

use freewheel_ride::RideHandle;
use freewheel_ride::view::{RideFrame, RideSaved};
use freewheel_sync::view::{PlannedCard, TodayView, WorkoutCard};
use freewheel_sync::{Engine, RideRequest};

use super::output::Output;
use super::trouble::Trouble;

/// How many times faster than life.
pub(super) const SPEED: f64 = 60.0;
/// What is told on the way, in seconds of the ride; the last one ends it.
const MARKS: [u32; 3] = [30, 60, 90];
/// A mark is given up after this.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is planned next, and its workout.
pub(super) fn planned(today: &TodayView) -> Result<(&PlannedCard, &WorkoutCard), Trouble> {
    // Just after midnight the server's today may be a day off from here.
    let items = today.planned.iter().chain(&today.upcoming);
    let planned = items
        .filter_map(|item| Some((item, item.workout.as_ref()?)))
        .next();
    planned.ok_or_else(|| Trouble::unlike("the plan", "a workout for today", "none"))
}

/// Rides the first minute and a half, and saves it.
pub(super) async fn ride(
    engine: &Engine,
    today: &TodayView,
    output: &Output,
) -> Result<RideSaved, Trouble> {
    let (item, workout) = planned(today)?;
    let request = RideRequest {
        workout_id: Some(workout.id.clone()),
        plan_item_id: Some(item.plan_item_id.clone()),
        speed: SPEED,
        autostart: true,
    };
    let handle = engine.start_ride(request).await?;
    for mark in MARKS {
        let frame = reach(&handle, mark).await?;
        let behind = f64::from(frame.ridden.saturating_sub(frame.durable)) / SPEED;
        output.say(&format!(
            "second {}: {}; on disk up to second {}, which is {behind:.2} s ago",
            frame.ridden,
            legs(&frame),
            frame.durable
        ));
    }
    let saved = handle
        .finish()
        .await
        .map_err(|error| Trouble::failed("finishing the ride", error))?;
    engine.ride_ended().await;
    Ok(saved)
}

async fn reach(handle: &RideHandle, second: u32) -> Result<RideFrame, Trouble> {
    let mut frames = handle.frames();
    let reached = frames.wait_for(|frame| frame.ridden >= second);
    let what = format!("second {second} of the ride");
    match tokio::time::timeout(PATIENCE, reached).await {
        Ok(Ok(frame)) => Ok(frame.clone()),
        Ok(Err(_)) => Err(Trouble::unlike(
            what,
            "a ride that goes on",
            "one that ended",
        )),
        Err(_) => Err(Trouble::unlike(
            what,
            format!("within {} s", PATIENCE.as_secs()),
            handle.frame().ridden,
        )),
    }
}

fn legs(frame: &RideFrame) -> String {
    let number =
        |value: Option<u16>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    format!(
        "{} W of {} W, {} rpm",
        number(frame.power),
        number(frame.target_power),
        number(frame.cadence.map(u16::from))
    )
}
