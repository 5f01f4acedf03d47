//! `doctor` on real profiles: as they should be, offline, damaged.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
// Watches real processes, so it takes real times.
#![allow(clippy::disallowed_methods)]

mod support;

use std::time::{Duration, Instant};

use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::faults::BlackHole;
use serde_json::Value;
use support::{Host, Profile, ran};
use tokio::runtime::Runtime;

fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut findings = report["findings"].as_array().unwrap().iter();
    let found = findings.find(|found| found["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

fn grade<'a>(report: &'a Value, name: &str) -> &'a str {
    finding(report, name)["grade"].as_str().unwrap()
}

#[test]
fn a_new_profile_is_sound_and_a_key_file_is_told_plainly_after_signing_in() {
    let (host, profile) = (Host::start(), Profile::new());
    let report = profile.json(&["doctor"]);
    assert_eq!(report["opened"], true);
    for name in [
        "profile",
        "athlete_db",
        "library_db",
        "clock",
        "grace",
        "issuer",
        "queue",
    ] {
        assert_eq!(grade(&report, name), "ok", "{report:#}");
    }
    assert_eq!(finding(&report, "session")["facts"]["state"], "signed_out");

    profile.sign_in(&host.url());
    let report = profile.json(&["doctor"]);
    assert_eq!(finding(&report, "session")["facts"]["state"], "active");
    assert_eq!(finding(&report, "issuer")["facts"]["reachable"], true);
    assert_eq!(finding(&report, "grace")["facts"]["open"], true);
    let vault = finding(&report, "vault");
    assert_eq!(vault["facts"]["kind"], "key_file");
    assert!(
        vault["words"].as_str().unwrap().contains("weaker"),
        "{vault}"
    );
    assert_eq!(finding(&report, "key_file")["facts"]["mode"], "600");

    let words = profile.run(&["doctor"]);
    assert_eq!(words.code, 0, "{words:?}");
    assert!(
        words.stdout.contains("OK       session   Signed in."),
        "{words:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_could_read_is_a_problem_once_and_then_put_right() {
    use std::os::unix::fs::PermissionsExt as _;
    let (host, profile) = (Host::start(), Profile::new());
    profile.sign_in(&host.url());
    let file = profile.path().join("vault.key");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let report = profile.json(&["doctor"]);
    assert_eq!(grade(&report, "key_file"), "problem");
    assert_eq!(grade(&profile.json(&["doctor"]), "key_file"), "ok");
}

#[test]
fn a_keyring_is_really_asked_and_each_of_its_conditions_is_named() {
    let (host, profile) = (Host::start(), Profile::new());
    let runtime = Runtime::new().unwrap();
    let options = SessionOptions::headless(Keyring::Unlocked);
    let mut session = runtime.block_on(DesktopSession::start(options)).unwrap();
    let command = |session: &DesktopSession, arguments: &[&str]| {
        let mut command = session.command(env!("CARGO_BIN_EXE_freewheel"));
        command.arg("--home").arg(profile.path()).args(arguments);
        command
    };
    let server = host.url();
    let sign_in = ["--json", "sign-in", "--server", &server, "--no-browser"];
    Profile::sign_in_by(command(&session, &sign_in));

    let vault = |session: &DesktopSession| {
        let began = Instant::now();
        let ran = ran(command(session, &["--json", "doctor"]));
        let took = began.elapsed();
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        let report = ran.document();
        let found = finding(&report, "vault");
        let facts = &found["facts"];
        (
            facts["kind"].as_str().unwrap().to_owned(),
            facts["condition"].as_str().unwrap().to_owned(),
            found["remedy"].is_string(),
        )
    };
    let expected =
        |kind: &str, condition: &str, remedy| (kind.to_owned(), condition.to_owned(), remedy);
    assert_eq!(vault(&session), expected("keyring", "ready", false));
    runtime.block_on(session.lock_keyring()).unwrap();
    assert_eq!(vault(&session), expected("none", "locked", true));
    runtime.block_on(session.unlock_keyring()).unwrap();
    assert_eq!(vault(&session), expected("keyring", "ready", false));
    session.stop_keyring();
    assert_eq!(vault(&session), expected("none", "absent", true));
    session.stop_bus();
    assert_eq!(vault(&session), expected("none", "absent", true));
}

#[test]
fn a_black_holed_server_costs_three_seconds_and_is_no_problem() {
    let (mut host, profile) = (Host::start(), Profile::new());
    profile.sign_in(&host.url());
    host.kill();
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let _hole = runtime
        .block_on(BlackHole::open(Some(host.port())))
        .unwrap();
    let began = Instant::now();
    let report = profile.json(&["doctor"]);
    let took = began.elapsed();
    assert_eq!(grade(&report, "issuer"), "note", "{report:#}");
    assert_eq!(finding(&report, "issuer")["facts"]["reachable"], false);
    assert!(
        took >= Duration::from_secs(3),
        "it was really asked: {took:?}"
    );
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_profile_that_cannot_be_opened_is_told_finding_by_finding_and_fails() {
    let profile = Profile::new();
    profile.json(&["doctor"]);
    let path = profile.path().join("athlete.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 9_999).unwrap();
    drop(database);
    let before = std::fs::read(&path).unwrap();
    let ran = profile.run(&["--json", "doctor"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let report = ran.document();
    assert_eq!(report["opened"], false);
    assert_eq!(grade(&report, "athlete_db"), "problem");
    assert_eq!(grade(&report, "library_db"), "ok");
    assert_eq!(grade(&report, "opening"), "problem");
    assert_eq!(std::fs::read(&path).unwrap(), before, "nothing was changed");
}

#[test]
fn nothing_secret_stands_in_a_report() {
    let (host, profile) = (Host::start(), Profile::new());
    profile.sign_in(&host.url());
    let key = std::fs::read_to_string(profile.path().join("vault.key")).unwrap();
    let key = key.lines().nth(1).unwrap().split(' ').nth(1).unwrap();
    let said = [
        profile.run(&["doctor"]).stdout,
        profile.json(&["doctor"]).to_string(),
    ];
    for text in said {
        assert!(!text.contains(key) && !text.contains("eyJ"), "{text}");
        assert!(
            !text.to_lowercase().contains("demo"),
            "not even the name: {text}"
        );
    }
}
