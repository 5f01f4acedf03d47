//! The tour: the main job from sign-in to delivery in the terminal, with what was measured.

use std::process::{Command, ExitCode, Stdio};

use crate::desktop;
use crate::place::Place;
use crate::step::{self, Failure, Outcome};

/// Runs the tour and passes its exit code on.
///
/// # Errors
/// When it cannot be started.
pub fn run(place: &Place) -> Outcome<ExitCode> {
    let mut tour = Command::new(place.built("freewheel-tour"));
    println!("    {}\n", step::line(&tour));
    let status = tour
        .current_dir(place.root())
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::of("freewheel-tour", error.to_string()))?;
    Ok(desktop::exit_code(status))
}
