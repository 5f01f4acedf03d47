//! What is typed wrongly, and what cannot be: each with its exit code and words that help.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use freewheel_lab::port::Port;
use support::{Profile, ran};

const NO_RIDE: &str = "01890000-0000-7000-8000-000000000000";

#[test]
fn usage_errors_exit_2_and_say_what_is_wrong() {
    let profile = Profile::new();
    let cases: [&[&str]; 16] = [
        &[],
        &["fly"],
        &["library"],
        &["library", "search"],
        &["library", "list", "--zone", "blue"],
        &["library", "list", "--limit", "0"],
        &["library", "list", "--min-minutes", "-3"],
        &["library", "import"],
        &["ride"],
        &["ride", "some-workout", "--free"],
        &["ride", "--free", "--speed", "0"],
        &["ride", "--free", "--trainer", "unicycle"],
        &["ride", "--today", "--plan-item", "x"],
        &["rides", "export", "not-an-id"],
        &["sync", "--wait", "soon"],
        &["plan", "list", "--days", "0"],
    ];
    for arguments in cases {
        let words = profile.run(arguments);
        assert_eq!(words.code, 2, "{arguments:?}: {words:?}");
        assert_eq!(words.stdout, "", "{arguments:?}");
        assert!(
            words.stderr.contains("Usage") || words.stderr.contains("--help"),
            "{words:?}"
        );
        if !arguments.is_empty() {
            let json = profile.run(&[&["--json"], arguments].concat());
            assert_eq!(
                (json.code, json.error_code().as_str()),
                (2, "usage"),
                "{arguments:?}"
            );
        }
    }
    assert!(!profile.path().exists(), "a usage error touches no profile");
}

#[test]
fn what_cannot_be_done_exits_1_and_says_what_to_do() {
    let profile = Profile::new();
    let missing = profile.path().join("nowhere");
    let missing = missing.to_str().unwrap();
    let cases: [(&[&str], &str, &str); 12] = [
        (
            &["sign-in", "--no-browser", "--server", "nonsense"],
            "server_address",
            "https://",
        ),
        (
            &["sign-in", "--no-browser", "--server", "http://ride.example"],
            "server_address",
            "https",
        ),
        (
            &["sign-in", "--no-browser", "--server", "ftp://127.0.0.1"],
            "server_address",
            "https://",
        ),
        (
            &["library", "show", "nope"],
            "workout_unknown",
            "library list",
        ),
        (&["ride", "nope"], "workout_unknown", "“nope”"),
        (&["ride", "--today"], "nothing_planned", "library list"),
        (&["rides", "export", NO_RIDE], "ride_unknown", "rides list"),
        (&["rides", "finish", NO_RIDE], "ride_unknown", NO_RIDE),
        (&["ride", "--resume", NO_RIDE], "ride_unknown", NO_RIDE),
        (
            &["outbox", "retry", NO_RIDE],
            "outbox_unknown",
            "outbox list",
        ),
        (&["outbox", "export", NO_RIDE], "ride_unknown", "list"),
        (&["library", "import", missing], "path_missing", "nowhere"),
    ];
    for (arguments, code, words) in cases {
        let json = profile.run(&[&["--json"], arguments].concat());
        assert_eq!(
            (json.code, json.error_code().as_str()),
            (1, code),
            "{arguments:?}: {json:?}"
        );
        assert_eq!(json.stdout, "", "{arguments:?}");
        let people = profile.run(arguments);
        assert_eq!(people.code, 1);
        assert!(people.stderr.starts_with("freewheel: "), "{people:?}");
        assert!(people.stderr.contains(words), "{arguments:?}: {people:?}");
    }
}

#[test]
fn a_server_that_is_not_there_fails_the_sign_in_and_changes_nothing() {
    let profile = Profile::new();
    let nobody_listens = Port::reserve().unwrap();
    let url = nobody_listens.url();
    let failed = profile.run(&["sign-in", "--no-browser", "--server", &url]);
    assert_eq!((failed.code, failed.stdout.as_str()), (1, ""), "{failed:?}");
    assert!(
        failed.stderr.contains(url.trim_start_matches("http://")),
        "{failed:?}"
    );
    assert_eq!(profile.json(&["status"])["session"]["state"], "signed_out");
}

#[test]
fn a_profile_folder_that_cannot_be_used_is_named() {
    let profile = Profile::new();
    std::fs::write(profile.path(), "a file stands here").unwrap();
    let json = profile.run(&["--json", "status"]);
    assert_eq!(
        (json.code, json.error_code().as_str()),
        (1, "home_not_a_folder"),
        "{json:?}"
    );
    let people = profile.run(&["library", "list"]);
    assert_eq!(people.code, 1);
    assert!(
        people.stderr.contains(profile.path().to_str().unwrap()),
        "{people:?}"
    );
    assert_eq!(
        std::fs::read(profile.path()).unwrap(),
        b"a file stands here"
    );
    // Below a file nothing can be made; permission bits would not stop root.
    let mut below = profile.command(&[]);
    below.args([
        "--home",
        profile.path().join("deeper").to_str().unwrap(),
        "status",
    ]);
    assert_ne!(ran(below).code, 0);
}

#[test]
fn the_version_names_the_commit_and_the_day() {
    let version = Profile::new().run(&["--version"]);
    assert_eq!((version.code, version.stderr.as_str()), (0, ""));
    assert_eq!(
        version.stdout.trim(),
        format!("freewheel {}", freewheel_sync::version::LONG)
    );
}

#[test]
fn empty_lists_say_what_to_do() {
    let profile = Profile::new();
    for (arguments, words) in [
        (
            ["rides", "list"],
            "No rides yet. `freewheel ride --today` starts today's workout.",
        ),
        (["library", "list"], "No workouts yet. `freewheel sync`"),
        (["plan", "list"], "Nothing is planned"),
        (["outbox", "list"], "Nothing waits"),
    ] {
        let ran = profile.run(&arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.starts_with(words), "{ran:?}");
        assert!(profile.json(&arguments).is_object());
    }
}

#[test]
fn with_nobody_signed_in_sync_and_sign_out_are_done_and_nothing_happens() {
    let profile = Profile::new();
    for command in ["sync", "sign-out", "status"] {
        let ran = profile.run(&[command]);
        assert_eq!(ran.code, 0, "{command}: {ran:?}");
        assert!(!ran.stdout.is_empty());
    }
}

#[test]
fn what_was_typed_is_repeated_without_steering_the_terminal() {
    let profile = Profile::new();
    for arguments in [
        ["sign-in", "--server", "http://\u{1b}[31mred"],
        ["library", "show", "\u{1b}[2Jnope\u{202e}"],
        ["library", "import", "\u{1b}]0;title\u{7}"],
    ] {
        let words = profile.run(&arguments);
        assert_eq!(words.code, 1, "{words:?}");
        assert!(
            !words.stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{words:?}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_ride_that_nobody_can_read_about_is_ridden_and_saved_all_the_same() {
    let profile = Profile::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut ride = profile.command(&["ride", "--free", "--speed", "500", "--stop-after", "5"]);
    let ended = ride.stdout(full).status().unwrap();
    assert_eq!(ended.code(), Some(1), "the answer could not be written");
    let rides = profile.json(&["rides", "list"]);
    assert_eq!(rides["unfinished"].as_array().unwrap().len(), 0, "{rides}");
    assert_eq!(rides["rides"].as_array().unwrap().len(), 1, "{rides}");
}
