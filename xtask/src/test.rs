//! `cargo xtask test`: every check and every test, with a table of them at the end.

use std::fs;
use std::process::{Command, ExitCode, Stdio};

use crate::place::Place;
use crate::step::{self, Failure, Outcome};
use crate::summary::{self, Summary};
use crate::tally::{self, CargoTests};
use crate::{node, packages, tools, ui};

/// Runs all of it. A step that fails does not keep the others from running, except where they
/// could not.
///
/// # Errors
/// Never: each step's failure stands in the table and in the exit code.
pub fn run(place: &Place) -> Outcome<ExitCode> {
    let mut summary = Summary::begin();
    let ready = summary.step("set-up", |_| setup(place))
        && summary.step("user interface: build", |_| ui::build(place));
    if !ready {
        return Ok(summary.end());
    }
    summary.step("formatting", |_| formatting(place));
    summary.step("clippy, warnings denied", |_| clippy(place));
    summary.step("documentation, warnings denied", |_| documentation(place));
    summary.step("user interface: types", |_| ui_script(place, "check"));
    summary.step("user interface: tests", |summary| ui_tests(place, summary));
    if summary.step("build of programs and tests", |_| build(place)) {
        summary.step("Rust tests and window tests", |summary| {
            cargo_tests(place, summary)
        });
    }
    Ok(summary.end())
}

/// A `cargo test` of the whole workspace with the tools' places in its environment.
///
/// Always the whole workspace, so that all commands build the same set of features once. The tests
/// start screens, desktop sessions and keyrings of their own: those of the person at the terminal
/// are hidden from them.
///
/// # Errors
/// When a tool is missing and cannot be installed.
pub fn cargo_test(place: &Place) -> Outcome<Command> {
    let mut test = place.cargo();
    test.args(["test", "--workspace"])
        .env("FREEWHEEL_TAURI_DRIVER", tools::tauri_driver(place)?)
        .env("FREEWHEEL_PYTHON", tools::python(place)?)
        .env(
            "FREEWHEEL_TEST_ARTIFACTS",
            place.in_target("test-artifacts"),
        )
        .env(
            "FREEWHEEL_HOME",
            place.in_target("test-artifacts/home-of-no-one"),
        )
        .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    Ok(test)
}

/// Everything that the tests need.
///
/// # Errors
/// When something is missing and cannot be installed.
pub fn setup(place: &Place) -> Outcome {
    packages::install(packages::Purpose::Test)?;
    node::check()?;
    node::peers(place)?;
    components(place)?;
    tools::python(place)?;
    tools::tauri_driver(place)?;
    Ok(())
}

/// Builds every program and test with the features that the tests use.
///
/// # Errors
/// When something does not compile.
pub fn build(place: &Place) -> Outcome {
    let mut build = place.cargo();
    build.args(["build", "--workspace", "--all-targets"]);
    step::run(
        "Build programs and tests",
        &mut build,
        "the compiler's words are above",
    )
    .map(|_| ())
}

/// Rust's own two tools, which a minimal toolchain lacks.
fn components(place: &Place) -> Outcome {
    let there = |tool: &str| {
        let mut ask = place.cargo();
        ask.args([tool, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        ask.status().is_ok_and(|status| status.success())
    };
    if there("fmt") && there("clippy") {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.args(["component", "add", "rustfmt", "clippy"]);
    let remedy = "install rustfmt and clippy for your Rust (with rustup: the command above)";
    step::run("Rust's formatter and linter", &mut add, remedy).map(|_| ())
}

fn formatting(place: &Place) -> Outcome {
    let mut fmt = place.cargo();
    fmt.args(["fmt", "--all", "--check"]);
    step::run("Formatting", &mut fmt, "cargo fmt --all").map(|_| ())
}

fn clippy(place: &Place) -> Outcome {
    let mut clippy = place.cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    step::run("Clippy", &mut clippy, "each warning above names its place").map(|_| ())
}

fn documentation(place: &Place) -> Outcome {
    let mut doc = place.cargo();
    doc.args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    step::run(
        "Documentation",
        &mut doc,
        "each warning above names its place",
    )
    .map(|_| ())
}

fn ui_script(place: &Place, script: &str) -> Outcome {
    let mut npm = ui::npm(place);
    npm.args(["run", script]);
    step::run(
        &format!("User interface: {script}"),
        &mut npm,
        "its words are above",
    )
    .map(|_| ())
}

fn ui_tests(place: &Place, summary: &mut Summary) -> Outcome {
    let mut npm = ui::npm(place);
    npm.args(["test"]).env("NO_COLOR", "1").env("CI", "1");
    let mut found = None;
    let outcome = step::watch(
        "User interface: tests",
        &mut npm,
        "its words are above",
        |line| {
            found = tally::vitest(line).or(found);
        },
    );
    if let Some(tally) = found {
        summary.tests("Vitest", "", tally);
    }
    outcome?;
    match found {
        Some(tally) if !tally.is_empty() => Ok(()),
        _ => Err(summary::nothing_ran("npm test")),
    }
}

fn cargo_tests(place: &Place, summary: &mut Summary) -> Outcome {
    let artefacts = place.in_target("test-artifacts");
    // What an earlier run left would be taken for this one's.
    let _ = fs::remove_dir_all(&artefacts);
    fs::create_dir_all(&artefacts)
        .map_err(|error| Failure::of("create target/test-artifacts", error.to_string()))?;
    let mut test = cargo_test(place)?;
    test.arg("--no-fail-fast");
    let mut tests = CargoTests::default();
    let remedy = format!(
        "the failures stand above; pictures and logs of window tests are in {}",
        place.show(&artefacts)
    );
    let outcome = step::watch("Rust tests and window tests", &mut test, &remedy, |line| {
        tests.line(line)
    });
    for program in tests
        .programs
        .iter()
        .filter(|program| !program.tally.is_empty())
    {
        summary.tests(&program.name, &program.seconds, program.tally);
    }
    outcome?;
    if tests.total().is_empty() {
        Err(summary::nothing_ran("cargo test --workspace"))
    } else {
        Ok(())
    }
}
