//! The catalogue of auth failures, played whole by the real command.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;

fn scenario(arguments: &[&str]) -> (i32, Value) {
    let home = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_freewheel"))
        .args(["--json", "scenario"])
        .args(arguments)
        .env("HOME", home.path())
        .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
        .env_remove("FREEWHEEL_HOME")
        .env_remove("FREEWHEEL_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stdout = String::from_utf8(done.stdout).unwrap();
    let stderr = String::from_utf8(done.stderr).unwrap();
    let document = serde_json::from_str(&stdout);
    let document = document.unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        0,
        "the athlete's own folder is not touched"
    );
    (done.status.code().unwrap(), document)
}

/// Row numbers in a document of `list` or `run`.
fn rows(document: &Value) -> BTreeSet<u64> {
    let rows = document["scenarios"].as_array().unwrap();
    rows.iter()
        .map(|row| row["row"].as_u64().unwrap())
        .collect()
}

#[test]
fn every_row_of_the_catalogue_is_a_scenario() {
    let (code, document) = scenario(&["list"]);
    assert_eq!(code, 0);
    let all: BTreeSet<u64> = (1..=u64::from(freewheel_lab::scenario::ROWS)).collect();
    let missing: Vec<_> = all.difference(&rows(&document)).copied().collect();
    assert!(missing.is_empty(), "rows without a scenario: {missing:?}");
}

#[test]
fn every_scenario_ends_as_it_must() {
    let (code, document) = scenario(&["run", "--all"]);
    let reports = document["scenarios"].as_array().unwrap();
    let failed: Vec<&Value> = reports.iter().filter(|row| row["passed"] != true).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(code, 0);
    assert_eq!(rows(&document), rows(&scenario(&["list"]).1));
}

#[test]
fn a_name_that_is_none_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_freewheel"))
        .args(["scenario", "run", "no-such-thing"])
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("scenario list"), "{said}");
}
