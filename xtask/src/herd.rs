//! The herd: a fleet of clients in an outage, simulated by `freewheel-fleet`.

use std::process::ExitCode;

use crate::place::Place;
use crate::step::{self, Outcome};

/// Simulates and writes `docs/herd.md` and `docs/herd.svg`. `arguments` are the simulation's own; `--help` lists them.
///
/// It is a release build, of a crate without its heavier half: a million clients take minutes as it is.
///
/// # Errors
/// The crate does not compile, the arguments are not understood, or the files cannot be written.
pub fn run(place: &Place, arguments: &[String]) -> Outcome<ExitCode> {
    let mut command = place.cargo();
    command
        .args(["run", "--release", "--package", "freewheel-sim"])
        .args(["--no-default-features", "--bin", "freewheel-fleet", "--"])
        .arg("--docs")
        .arg(place.at("docs"))
        .args(arguments);
    let remedy = "its own words are above; `cargo xtask herd --help` tells what it takes";
    step::run(
        "The herd, into docs/herd.md and docs/herd.svg",
        &mut command,
        remedy,
    )?;
    Ok(ExitCode::SUCCESS)
}
