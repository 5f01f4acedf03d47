//! `cargo xtask powercut`: more of what `cargo xtask test` does of power cuts.

use std::process::ExitCode;

use crate::packages;
use crate::place::Place;
use crate::step::{self, Failure, Outcome};

/// What is taken, as the name of the argument and of the variable that the test reads.
const NUMBERS: [(&str, &str); 2] = [
    ("--seeds", "FREEWHEEL_POWERCUT_SEEDS"),
    ("--seed", "FREEWHEEL_SEED"),
];
/// Seeded parts at each cut, when nobody says how many.
const SEEDS: u64 = 20;

/// Cuts the power at every write of each story, `--seeds` times with a seeded part of what was not synced, the first of them
/// being `--seed`.
///
/// # Errors
/// The arguments are not understood, set-up or the build fails, or a promise is broken.
pub fn run(place: &Place, arguments: &[String]) -> Outcome<ExitCode> {
    let mut command = place.cargo();
    command.env("FREEWHEEL_POWERCUT_SEEDS", SEEDS.to_string());
    for (variable, number) in numbers(arguments)? {
        command.env(variable, number.to_string());
    }
    packages::install(packages::Purpose::Test)?;
    command
        .env(
            "FREEWHEEL_TEST_ARTIFACTS",
            place.in_target("test-artifacts"),
        )
        .args(["test", "--workspace", "--test", "power"])
        .args(["--", "--nocapture"]);
    let remedy = "what is broken, and where the disk is kept, stands above";
    step::run("Power cuts", &mut command, remedy)?;
    Ok(ExitCode::SUCCESS)
}

fn numbers(arguments: &[String]) -> Outcome<Vec<(&'static str, u64)>> {
    let mut numbers = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let known = NUMBERS.iter().find(|(name, _)| name == argument);
        let value = arguments.next().and_then(|text| text.parse().ok());
        let (Some((_, variable)), Some(value)) = (known, value) else {
            let why = format!("'{argument}' is not understood here, or wants a number");
            return Err(Failure::of("cargo xtask powercut", why)
                .remedy("cargo xtask powercut [--seeds N] [--seed S]"));
        };
        numbers.push((*variable, value));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers() {
        let read = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
            numbers(&arguments)
        };
        let both = read(&["--seeds", "20", "--seed", "7"]).unwrap();
        let expected = [("FREEWHEEL_POWERCUT_SEEDS", 20), ("FREEWHEEL_SEED", 7)];
        assert_eq!(both, expected);
        assert_eq!(read(&[]).unwrap(), []);
        for wrong in [
            &["--seeds"][..],
            &["--seeds", "x"],
            &["--sed", "1"],
            &["20"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
