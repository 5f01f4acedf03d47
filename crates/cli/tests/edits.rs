//! Changes from the terminal: made offline, delivered, and chosen where two computers disagree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use serde_json::Value;
use support::{Host, Profile};

const NO_ID: &str = "01890000-0000-7000-8000-000000000000";
const MONTH: [&str; 4] = ["plan", "list", "--days", "28"];

/// A profile of the demo athlete that knows the plan, and the plan item that comes last in four weeks.
fn planned(host: &Host) -> (Profile, String) {
    let profile = Profile::new();
    profile.sign_in(&host.url());
    profile.json(&["sync"]);
    let plan = profile.json(&MONTH);
    let last = plan["planned"].as_array().unwrap().last().unwrap();
    let id = last["plan_item_id"].as_str().unwrap().to_owned();
    (profile, id)
}

/// A planned workout as the profile shows it.
fn item(profile: &Profile, id: &str) -> Value {
    let plan = profile.json(&["plan", "list", "--days", "366"]);
    let mut items = plan["planned"].as_array().unwrap().iter();
    let found = items.find(|item| item["plan_item_id"] == id);
    found.unwrap_or_else(|| panic!("{plan}")).clone()
}

/// A day in reach, `days` after today.
fn day(profile: &Profile, days: i64) -> String {
    let plan = profile.json(&["plan", "list"]);
    let today: jiff::civil::Date = plan["from"].as_str().unwrap().parse().unwrap();
    let day = today.checked_add(jiff::Span::new().days(days)).unwrap();
    day.to_string()
}

#[test]
fn what_is_changed_with_the_server_dead_shows_at_once_and_is_delivered_when_it_returns() {
    let mut host = Host::start();
    let (profile, id) = planned(&host);
    host.kill();
    let to = day(&profile, 100);
    let moved = profile.run(&["plan", "move", &id, &to]);
    assert_eq!(moved.code, 0, "{moved:?}");
    assert!(
        moved.stdout.contains(&format!("Moved to {to}.")),
        "{moved:?}"
    );
    profile.json(&["plan", "skip", &id]);
    let ridden = profile.json(&["ride", "--free", "--speed", "60", "--stop-after", "30"]);
    let ride = ridden["ride"]["id"].as_str().unwrap();
    profile.json(&["rides", "rename", ride, "Hills"]);
    profile.json(&["rides", "note", ride, "windy"]);
    profile.json(&["rides", "rpe", ride, "7"]);

    let seen = item(&profile, &id);
    assert_eq!(
        (&seen["date"], &seen["state"]),
        (&to.clone().into(), &"skipped".into())
    );
    assert_eq!(seen["edit"]["words"], "Waiting to be sent");
    let rides = profile.json(&["rides", "list"]);
    let told = &rides["rides"][0];
    assert_eq!(
        (&told["name"], &told["note"]),
        (&"Hills".into(), &"windy".into())
    );
    assert_eq!(told["rpe"], 7);
    let outbox = profile.json(&["outbox", "list"]);
    assert_eq!(outbox["entries"].as_array().unwrap().len(), 6, "{outbox}");
    let edit = outbox["entries"][1]["id"].as_str().unwrap();
    assert_eq!(outbox["entries"][1]["kind"], "edit");
    let file = profile.json(&["outbox", "export", edit]);
    let file = profile
        .path()
        .parent()
        .unwrap()
        .join(file["file"].as_str().unwrap());
    let kept: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(
        (&kept["field"], &kept["value"]),
        (&"plan_date".into(), &to.clone().into())
    );

    host.restart();
    let delivered = profile.json(&["sync"]);
    assert_eq!(delivered["waiting"], 0, "{delivered}");
    let other = Profile::new();
    other.sign_in(&host.url());
    other.json(&["sync"]);
    let there = item(&other, &id);
    assert_eq!(
        (&there["date"], &there["state"]),
        (&to.into(), &"skipped".into())
    );
    profile.json(&["plan", "undo", &id]);
    profile.json(&["sync"]);
    other.json(&["sync"]);
    assert_eq!(item(&other, &id)["state"], "planned");
}

#[test]
fn two_computers_that_disagree_are_settled_by_the_athlete() {
    for (version, stays) in [("mine", 101), ("service", 100)] {
        let host = Host::start();
        let (one, id) = planned(&host);
        let (other, _) = planned(&host);
        let (theirs, mine) = (day(&one, 100), day(&one, 101));
        one.json(&["plan", "move", &id, &theirs]);
        one.json(&["sync"]);
        other.json(&["plan", "move", &id, &mine]);
        other.json(&["sync"]);
        let outbox = other.json(&["outbox", "list"]);
        assert_eq!(outbox["entries"][0]["state"], "conflict", "{outbox}");
        let edit = outbox["conflicts"][0]["id"].as_str().unwrap();
        let words = other.run(&["outbox", "list"]).stdout;
        assert!(words.contains("was changed here and elsewhere"), "{words}");
        assert!(
            words.contains(&format!("freewheel outbox keep {edit} mine|service")),
            "{words}"
        );

        let retry = other.run(&["--json", "outbox", "retry", edit]);
        assert_eq!(
            (retry.code, retry.error_code().as_str()),
            (1, "two_versions")
        );

        other.json(&["outbox", "keep", edit, version]);
        other.json(&["sync"]);
        one.json(&["sync"]);
        let stays = day(&one, stays);
        assert_eq!(item(&one, &id)["date"], stays, "{version}");
        assert_eq!(item(&other, &id)["date"], stays, "{version}");
        let empty = other.json(&["outbox", "list"]);
        assert_eq!(empty["entries"].as_array().unwrap().len(), 0, "{empty}");
        let again = other.run(&["--json", "outbox", "keep", edit, version]);
        assert_eq!(
            (again.code, again.error_code().as_str()),
            (1, "conflict_unknown")
        );
    }
}

#[test]
fn what_cannot_be_changed_exits_1_and_says_where_to_look() {
    let profile = Profile::new();
    let cases: [(&[&str], &str, &str); 5] = [
        (
            &["plan", "move", "nope", "2026-03-02"],
            "plan_item_unknown",
            "plan list",
        ),
        (&["plan", "done", "nope"], "plan_item_unknown", "plan list"),
        (
            &["rides", "rename", NO_ID, "Hills"],
            "ride_unknown",
            "rides list",
        ),
        (
            &["rides", "rename", NO_ID, " "],
            "edit_invalid",
            "at least one letter",
        ),
        (
            &["outbox", "keep", NO_ID, "mine"],
            "conflict_unknown",
            "outbox list",
        ),
    ];
    for (arguments, code, words) in cases {
        let json = profile.run(&[&["--json"], arguments].concat());
        assert_eq!(
            (json.code, json.error_code().as_str()),
            (1, code),
            "{json:?}"
        );
        let people = profile.run(arguments);
        assert!(people.stderr.contains(words), "{arguments:?}: {people:?}");
    }
    let usage: [&[&str]; 5] = [
        &["plan", "move", "x", "tomorrow"],
        &["plan", "skip"],
        &["rides", "rpe", NO_ID, "0"],
        &["rides", "rpe", NO_ID, "11"],
        &["outbox", "keep", NO_ID, "both"],
    ];
    for arguments in usage {
        assert_eq!(profile.run(arguments).code, 2, "{arguments:?}");
    }
}
