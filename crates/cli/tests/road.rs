//! The whole road through the command line alone: sign in, lose the server, ride, deliver exactly once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use freewheel_protocol::Sha256Digest;
use serde_json::Value;
use support::{Host, Profile, interrupt};

#[test]
fn a_ride_with_the_server_dead_is_delivered_exactly_once_when_it_returns() {
    let mut host = Host::start();
    let profile = Profile::new();

    let signed_in = profile.sign_in(&host.url());
    assert_eq!(signed_in["session"], "active");
    profile.json(&["sync"]);
    let library = profile.json(&["library", "list"]);
    let cached = library["rows"].as_array().unwrap().len();
    assert!(cached >= 60, "{cached} workouts");
    assert_eq!(library["total"], cached);

    host.kill();
    let status = profile.json(&["status"]);
    assert_eq!(status["library"]["workouts"], cached);
    assert_eq!(status["session"]["library_open"], true);
    assert_eq!(profile.json(&["library", "list"]), library);
    let plan = profile.json(&["plan", "list"]);
    assert!(!plan["planned"].as_array().unwrap().is_empty());

    let workout = library["rows"][0]["id"].as_str().unwrap();
    let ridden = profile.json(&["ride", workout, "--speed", "60", "--stop-after", "60"]);
    assert_eq!(ridden["state"], "saved");
    assert!(
        ridden["ride"]["summary"]["seconds"].as_u64().unwrap() >= 60,
        "{ridden}"
    );
    let id = ridden["ride"]["id"].as_str().unwrap();
    assert_eq!(delivery(&profile, id), "waiting");

    let failed_open = profile.json(&["sync"]);
    assert_eq!(failed_open["waiting"], 1, "{failed_open}");
    assert!(failed_open["next_try"].is_i64(), "{failed_open}");
    let words = profile.run(&["sync"]);
    assert_eq!(words.code, 0);
    assert!(words.stdout.contains("1 ride wait"), "{words:?}");
    assert!(words.stdout.contains("next try"), "{words:?}");
    assert_eq!(delivery(&profile, id), "waiting");
    let outbox = profile.json(&["outbox", "list"]);
    assert_eq!(outbox["entries"][0]["id"], id, "{outbox}");

    host.restart();
    let delivered = profile.json(&["sync"]);
    assert_eq!(
        (&delivered["delivered"], &delivered["waiting"]),
        (&1.into(), &0.into()),
        "{delivered}"
    );
    assert_eq!(delivery(&profile, id), "delivered");

    let file = profile.path().join("out.fit");
    profile.json(&["rides", "export", id, file.to_str().unwrap()]);
    let digest = Sha256Digest::of(&std::fs::read(file).unwrap()).to_string();
    let once = vec![(id.to_owned(), digest)];
    assert_eq!(host.rides(), once);
    let again = profile.json(&["sync"]);
    assert_eq!(
        (&again["delivered"], &again["waiting"]),
        (&0.into(), &0.into()),
        "{again}"
    );
    assert_eq!(host.rides(), once);

    profile.json(&["sign-out"]);
    let rides = profile.json(&["rides", "list"]);
    assert_eq!(profile.json(&["status"])["session"]["state"], "signed_out");
    assert!(rides["rides"].is_array(), "{rides}");
}

#[test]
fn todays_workout_rides_with_its_plan_item_and_is_then_done() {
    let host = Host::start();
    let profile = Profile::new();
    profile.sign_in(&host.url());
    profile.json(&["sync"]);
    let planned = profile.json(&["plan", "list", "--days", "28"]);
    let today = planned["from"].as_str().unwrap();
    let items = planned["planned"].as_array().unwrap();
    let due = items.iter().find(|item| item["date"] == today);
    let Some(due) = due else {
        // The plan has rest days.
        let nothing = profile.run(&["--json", "ride", "--today"]);
        assert_eq!(
            (nothing.code, nothing.error_code().as_str()),
            (1, "nothing_planned")
        );
        return;
    };
    profile.json(&["ride", "--today", "--speed", "60", "--stop-after", "30"]);
    let after = profile.json(&["plan", "list", "--days", "1"]);
    let same = after["planned"].as_array().unwrap().iter();
    let same = same
        .clone()
        .find(|item| item["plan_item_id"] == due["plan_item_id"])
        .unwrap();
    assert_eq!(same["state"], "done", "{after}");
}

#[test]
fn an_interrupted_ride_stays_open_and_can_be_finished() {
    let profile = Profile::new();
    let mut child = profile
        .command(&["--json", "ride", "--free", "--speed", "20"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut announced = String::new();
    BufReader::new(child.stderr.as_mut().unwrap())
        .read_line(&mut announced)
        .unwrap();
    assert!(announced.starts_with("{\"riding\""), "{announced}");
    until(|| {
        let rides = profile.json(&["rides", "list"]);
        rides["unfinished"][0]["seconds"].as_u64().unwrap_or(0) > 5
    });
    interrupt(&child);
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let left: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(left["state"], "open");
    let id = left["id"].as_str().unwrap();

    let words = profile.run(&["rides", "list"]);
    assert!(
        words
            .stdout
            .contains(&format!("freewheel rides finish {id}")),
        "{words:?}"
    );
    let saved = profile.json(&["rides", "finish", id]);
    assert_eq!(saved["ride"]["id"], id);
    assert!(
        saved["ride"]["summary"]["seconds"].as_u64().unwrap() > 5,
        "{saved}"
    );
    let rides = profile.json(&["rides", "list"]);
    assert_eq!(rides["unfinished"].as_array().unwrap().len(), 0);
    assert_eq!(
        rides["rides"][0]["delivery"]["state"], "local_only",
        "nobody is signed in"
    );
}

#[test]
fn a_killed_ride_goes_on_where_it_was() {
    let profile = Profile::new();
    let mut child = profile
        .command(&["--json", "ride", "--free", "--speed", "20"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let open = || profile.json(&["rides", "list"])["unfinished"][0].clone();
    until(|| open()["seconds"].as_u64().unwrap_or(0) > 5);
    child.kill().unwrap();
    child.wait().unwrap();
    let safe = open()["seconds"].as_u64().unwrap();
    let id = open()["id"].as_str().unwrap().to_owned();
    let until_second = (safe + 30).to_string();
    let ridden = profile.json(&[
        "ride",
        "--resume",
        &id,
        "--speed",
        "60",
        "--stop-after",
        &until_second,
    ]);
    assert_eq!(
        (&ridden["state"], &ridden["ride"]["id"]),
        (&"saved".into(), &id.as_str().into())
    );
    assert!(
        ridden["ride"]["summary"]["seconds"].as_u64().unwrap() >= safe + 30,
        "{ridden}"
    );
    assert!(open().is_null());
}

#[test]
fn watch_prints_one_document_a_line_until_ctrl_c() {
    let profile = Profile::new();
    let mut child = profile
        .command(&["--json", "watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let view: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(view["session"]["state"], "signed_out");
    interrupt(&child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let profile = Profile::new();
    let mut child = profile
        .command(&["status"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "");
}

fn delivery(profile: &Profile, id: &str) -> String {
    let rides = profile.json(&["rides", "list"]);
    let mut rows = rides["rides"].as_array().unwrap().iter();
    let row = rows
        .find(|row| row["id"] == id)
        .expect("the ride is in the list");
    row["delivery"]["state"].as_str().unwrap().to_owned()
}

/// Asks again and again: each question is a run of the program, which takes its time.
fn until(mut condition: impl FnMut() -> bool) {
    assert!((0..200).any(|_| condition()), "it never came true");
}
