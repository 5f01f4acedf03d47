//! Mutation testing: does a test fail when a decision is changed?
//!
//! `cargo mutants` breaks `freewheel-policy` in every way that it knows, one at a time, and runs the crate's tests
//! against each. Nothing is left out. What it found is in `docs/mutation-testing.md`.

use std::process::{Command, ExitCode};

use crate::place::Place;
use crate::step::{self, Outcome};
use crate::tools;

/// The crate that decides everything.
const PACKAGE: &str = "freewheel-policy";
/// Cases of each property for one mutant: what only more of them would notice wants a case in a table.
const CASES: &str = "16";
/// A test run that takes longer, in seconds, is stuck in a loop that the mutant made.
const TIMEOUT: &str = "60";

/// Runs the mutants. Their builds are in a folder of their own, so that nobody else's build waits for them.
///
/// # Errors
/// The tool is missing and cannot be built, or a mutant survived.
pub fn run(place: &Place) -> Outcome<ExitCode> {
    let program = tools::cargo_mutants(place)?;
    let output = place.in_target("mutants");
    let mut command = Command::new(program);
    command
        .current_dir(place.root())
        .env("PROPTEST_CASES", CASES)
        .env("CARGO_PROFILE_TEST_DEBUG", "0")
        // The walks through all facts take longer unoptimised than optimising does.
        .env("CARGO_PROFILE_TEST_OPT_LEVEL", "1")
        .env("CARGO_TARGET_DIR", place.in_target("mutants/build"))
        .args(["mutants", "--package", PACKAGE, "--jobs", "1"])
        .args(["--timeout", TIMEOUT, "--no-shuffle", "--colors", "never"])
        .arg("--output")
        .arg(&output)
        .args(["--", "--lib"]);
    let list = place.show(&output.join("mutants.out/missed.txt"));
    let remedy = format!(
        "{list} has the mutants that no test noticed: write the test, or say in \
         docs/mutation-testing.md why there can be none"
    );
    step::run("Break every decision once", &mut command, &remedy)?;
    Ok(ExitCode::SUCCESS)
}
