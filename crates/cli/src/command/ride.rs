//! `ride`: a ride in the terminal.

use std::ops::ControlFlow;
use std::process::ExitCode;

use freewheel_ride::RideHandle;
use freewheel_ride::view::{RideCommand, RideState};
use freewheel_sync::RideRequest;
use serde_json::json;
use tokio::sync::oneshot;

use super::{library, live, rides};
use crate::arguments::{Ride, TrainerName};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::profile::Profile;
use crate::words::{length, plain};

/// How a ride in the terminal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Save it.
    Finish,
    /// Keep it open for another time.
    Leave,
}

/// Rides until the workout, the athlete or `--stop-after` ends it.
pub async fn run(profile: &Profile, output: Output, ride: Ride) -> Result<ExitCode, Failure> {
    // Signals are caught before the ride begins: from its first second on, Ctrl-C must not lose it.
    let mut interrupt = Interrupt::listen()?;
    let handle = begin(profile, &ride).await?;
    let facts = handle.facts().clone();
    let whole = match facts.workout_seconds {
        0 => "free ride".to_owned(),
        seconds => length(seconds),
    };
    let announced = format!(
        "Riding: {} ({whole}) · {}",
        plain(&facts.name),
        plain(&facts.trainer)
    );
    // A ride that has begun goes on, whether or not anybody can read about it.
    drop(output.say("riding", &facts.id, &announced));
    match until_end(&handle, output, ride.stop_after, &mut interrupt).await? {
        Ending::Finish => {
            let saved = handle.finish().await?;
            profile.engine.ride_ended().await;
            let document = json!({ "state": "saved", "ride": saved });
            output.answer(&document, || rides::saved(&saved))?;
        }
        Ending::Leave => {
            handle.leave().await?;
            profile.engine.ride_ended().await;
            let seconds = handle.frame().ridden;
            let finish = format!("freewheel rides finish {}", facts.id);
            let resume = format!("freewheel ride --resume {}", facts.id);
            let document = json!({
                "state": "open", "id": facts.id, "name": facts.name, "seconds": seconds,
                "finish": finish, "resume": resume,
            });
            output.answer(&document, || {
                format!(
                    "Left open: {} of {} are safe on this computer.\n  finish: {finish}\n  go on:  \
                     {resume}",
                    length(seconds),
                    plain(&facts.name)
                )
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn begin(profile: &Profile, ride: &Ride) -> Result<RideHandle, Failure> {
    let TrainerName::Sim = ride.trainer;
    if let Some(id) = ride.what.resume {
        rides::must_be_open(profile, id).await?;
        return Ok(profile.engine.resume_ride(id, ride.speed, true).await?);
    }
    let mut request = RideRequest {
        workout_id: ride.what.workout.clone(),
        plan_item_id: ride.plan_item.clone(),
        speed: ride.speed,
        autostart: true,
    };
    if ride.what.today {
        let (plan_item, workout) = todays(profile).await?;
        request.plan_item_id = Some(plan_item);
        request.workout_id = Some(workout);
    }
    let id = request.workout_id.clone().unwrap_or_default();
    let started = profile.engine.start_ride(request).await;
    started.map_err(|error| library::naming(error, &id))
}

/// Plan item and workout: the first of today that is still to be ridden.
async fn todays(profile: &Profile) -> Result<(String, String), Failure> {
    let today = profile.engine.today().await?;
    if today.planned.is_empty() {
        let words = "nothing is planned for today";
        return Err(Failure::new("nothing_planned", words).hint(library::SEE_LIST));
    }
    let mut open = today
        .planned
        .into_iter()
        .filter(|item| item.state == "planned")
        .peekable();
    if open.peek().is_none() {
        let words = "today's workout is done already";
        return Err(Failure::new("nothing_planned", words).hint(library::SEE_LIST));
    }
    open.find_map(|item| item.workout.map(|workout| (item.plan_item_id, workout.id)))
        .ok_or_else(|| {
            let words = "today's workout is not on this computer yet. `freewheel sync` fetches it; \
                     `freewheel ride --free` rides without one.";
            Failure::new("workout_not_cached", words)
        })
}

async fn until_end(
    handle: &RideHandle,
    output: Output,
    stop_after: Option<u32>,
    interrupt: &mut Interrupt,
) -> Result<Ending, Failure> {
    let mut frames = handle.frames();
    loop {
        let frame = frames.borrow_and_update().clone();
        if output.is_live() {
            output.draw(&live::line(handle.facts(), &frame));
        }
        let is_over = matches!(frame.state, RideState::Complete | RideState::Saved);
        if is_over || stop_after.is_some_and(|seconds| frame.ridden >= seconds) {
            clear(output);
            return Ok(Ending::Finish);
        }
        tokio::select! {
            changed = frames.changed() => if changed.is_err() {
                clear(output);
                // The task that records is gone; what it wrote is safe, and finishing says what is wrong.
                return Ok(Ending::Finish);
            },
            () = interrupt.wait() => {
                clear(output);
                if !output.can_ask() {
                    return Ok(Ending::Leave);
                }
                if let ControlFlow::Break(ending) = ask(handle, output, interrupt).await? {
                    return Ok(ending);
                }
            }
        }
    }
}

/// Stops the clock and asks. A second Ctrl-C, or no answer to be had, leaves the ride open.
async fn ask(
    handle: &RideHandle,
    output: Output,
    interrupt: &mut Interrupt,
) -> Result<ControlFlow<Ending>, Failure> {
    handle.command(RideCommand::Pause)?;
    loop {
        output.note("Paused. [f]inish and save, resume [l]ater, or [r]ide on?");
        let answer = tokio::select! {
            answer = typed_line() => answer,
            () = interrupt.wait() => None,
        };
        let Some(answer) = answer else {
            return Ok(ControlFlow::Break(Ending::Leave));
        };
        match answer.trim().to_lowercase().as_str() {
            "f" | "finish" => return Ok(ControlFlow::Break(Ending::Finish)),
            "l" | "later" => return Ok(ControlFlow::Break(Ending::Leave)),
            "r" | "ride" | "ride on" => {
                handle.command(RideCommand::Start)?;
                return Ok(ControlFlow::Continue(()));
            }
            _ => {}
        }
    }
}

/// A line from the keyboard; nothing at its end. Read on a thread of its own: one of the runtime's would keep the program
/// from ending until Enter is pressed.
async fn typed_line() -> Option<String> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let got = std::io::stdin()
            .read_line(&mut line)
            .is_ok_and(|bytes| bytes > 0);
        drop(sender.send(got.then_some(line)));
    });
    receiver.await.ok().flatten()
}

fn clear(output: Output) {
    if output.is_live() {
        output.draw("");
    }
}
