//! `freewheel-tour`: the main job in the terminal, for real. See [`freewheel_lab::tour`].

use std::process::ExitCode;

fn main() -> ExitCode {
    freewheel_lab::tour::run()
}
