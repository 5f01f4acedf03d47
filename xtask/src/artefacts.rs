//! Commands that write or check files of the repository: screenshots, bindings, licences.

use std::process::{Command, ExitCode};

use crate::place::Place;
use crate::step::{self, Outcome};
use crate::{test, tools, ui};

/// Photographs every screen into `docs/screenshots`, in a real window on a screen of its own.
///
/// # Errors
/// When set-up, the build or the window fails.
pub fn screenshots(place: &Place) -> Outcome<ExitCode> {
    test::setup(place)?;
    ui::build(place)?;
    test::build(place)?;
    let mut command = test::cargo_test(place)?;
    command
        .env("FREEWHEEL_SCREENSHOTS", place.at("docs/screenshots"))
        .args([
            "--test",
            "screenshots",
            "--",
            "--include-ignored",
            "--nocapture",
        ]);
    let remedy = "the window's log is in target/test-artifacts";
    step::run("Screenshots into docs/screenshots", &mut command, remedy)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes `ui/src/backend/bindings.ts` anew from the Rust types.
///
/// # Errors
/// When the workspace does not compile.
pub fn bindings(place: &Place) -> Outcome<ExitCode> {
    if !place.at("ui/dist/index.html").exists() {
        ui::build(place)?;
    }
    let mut command = place.cargo();
    command.env("FREEWHEEL_WRITE_BINDINGS", "1").args([
        "test",
        "--workspace",
        "--test",
        "bindings",
    ]);
    step::run(
        "Bindings into ui/src/backend/bindings.ts",
        &mut command,
        "the compiler's words are above",
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Kills the client at 500 seeded points of renewals and sign-ins, and prints a table of what became of its sessions.
/// `cargo xtask test` takes a part of these points.
///
/// # Errors
/// When set-up or the build fails, or a session was lost that could have been saved.
pub fn kills(place: &Place) -> Outcome<ExitCode> {
    test::setup(place)?;
    ui::build(place)?;
    test::build(place)?;
    let mut command = test::cargo_test(place)?;
    command
        .env("FREEWHEEL_KILLS", "500")
        .args(["--test", "kill_session", "--", "--nocapture"]);
    let remedy = "the line with the seed and the list of what was seen stand above";
    step::run("Kills of the client", &mut command, remedy)?;
    Ok(ExitCode::SUCCESS)
}

/// Kills the real app and the real server at 300 moments, and compares every ride in the end.
///
/// # Errors
/// When set-up or the build fails, or a ride is lost or there twice.
pub fn deaths(place: &Place) -> Outcome<ExitCode> {
    test::setup(place)?;
    ui::build(place)?;
    test::build(place)?;
    let mut command = test::cargo_test(place)?;
    command
        .env("FREEWHEEL_DEATHS", "300")
        .args(["--test", "deaths", "--", "--nocapture"]);
    let remedy = "the moments and what was found stand above";
    step::run("Deaths of the app and the server", &mut command, remedy)?;
    Ok(ExitCode::SUCCESS)
}

/// Measures, and writes `docs/bench.md`.
///
/// # Errors
/// When the benchmark does not build or run.
pub fn bench(place: &Place) -> Outcome<ExitCode> {
    crate::packages::install(crate::packages::Purpose::Test)?;
    let mut command = place.cargo();
    command
        .args(["run", "--release", "--package", "freewheel-bench", "--"])
        .arg("--docs")
        .arg(place.at("docs/bench.md"));
    let remedy = "its own words are above";
    step::run("The benchmark, into docs/bench.md", &mut command, remedy)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks licences, bans and sources by `deny.toml`. Advisories are left out: their database is
/// fetched from the network, and this must give the same answer without one.
///
/// # Errors
/// When cargo-deny objects, or cannot be installed.
pub fn deny(place: &Place) -> Outcome<ExitCode> {
    let mut command = Command::new(tools::cargo_deny(place)?);
    command.current_dir(place.root()).args([
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]);
    step::run(
        "Licences, bans, sources",
        &mut command,
        "see deny.toml, which gives its reasons",
    )?;
    Ok(ExitCode::SUCCESS)
}
