//! The same answers whether the server is dead, black-holed or answers 500.

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

use freewheel_lab::faults::{BlackHole, StatusServer};
use serde_json::Value;
use support::{Host, Profile};
use tokio::runtime::Runtime;

/// What one condition gave.
struct Seen {
    status: Value,
    library: String,
    took: Duration,
}

#[test]
fn dead_black_holed_and_500_look_the_same_and_sync_says_when_it_tries_next() {
    let mut host = Host::start();
    let profile = Profile::new();
    profile.sign_in(&host.url());
    profile.json(&["sync"]);
    host.kill();
    profile.json(&["ride", "--free", "--speed", "60", "--stop-after", "30"]);

    let dead = look_and_sync(&profile.copy());
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let port = Some(host.port());
    let hole = runtime.block_on(BlackHole::open(port)).unwrap();
    let black_holed = look_and_sync(&profile.copy());
    drop(hole);
    let trouble = StatusServer::open(port, 500, "text/plain", "broken").unwrap();
    let answers_500 = look_and_sync(&profile.copy());
    assert!(trouble.count() > 0, "sync asked the server");

    for (name, seen) in [("black-holed", &black_holed), ("500", &answers_500)] {
        assert_eq!(seen.status, dead.status, "{name}");
        assert_eq!(seen.library, dead.library, "{name}");
        // A network time-out is seconds; a start of the program is a fraction of one.
        assert!(
            seen.took < dead.took * 3 + Duration::from_millis(500),
            "{name}: {:?}",
            seen.took
        );
    }
}

#[test]
fn sync_says_what_the_session_has_against_it() {
    let (host, profile) = (Host::start(), Profile::new());
    profile.sign_in(&host.url());
    let synced = profile.run(&["sync"]);
    assert!(!synced.stdout.contains("sign in"), "{synced:?}");
    let database = rusqlite::Connection::open(profile.path().join("athlete.db")).unwrap();
    let lost = database.execute("UPDATE session SET sealed = NULL", []);
    assert_eq!(lost.unwrap(), 1);
    drop(database);
    let synced = profile.run(&["sync"]);
    assert_eq!(synced.code, 0, "{synced:?}");
    for words in [
        "Please sign in again.",
        "Your sign-in is no longer stored on this computer.",
        "Nothing waits.",
    ] {
        assert!(synced.stdout.contains(words), "{words}: {synced:?}");
    }
}

fn look_and_sync(profile: &Profile) -> Seen {
    let start = Instant::now();
    let status = profile.json(&["status"]);
    let library = profile.run(&["library", "list"]).stdout;
    let took = start.elapsed();
    assert_eq!(status["data"]["waiting"], 1);
    assert!(library.lines().count() > 60);

    let synced = profile.run(&["sync"]);
    assert_eq!(synced.code, 0, "{synced:?}");
    assert!(synced.stdout.contains("1 ride wait"), "{synced:?}");
    assert!(synced.stdout.contains("next try"), "{synced:?}");
    Seen {
        status,
        library,
        took,
    }
}
