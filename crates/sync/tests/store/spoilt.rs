//! Single values whose bytes are damaged, in pages that SQLite finds sound.

use freewheel_sync::store::{Store, check_databases};
use rusqlite::Connection;

use super::{ANNA, Profile, START, home_at, profile, workout};

/// Changes `athlete.db` while nobody has it open, and opens it again.
fn reopened(profile: Profile, sql: &str) -> (Profile, Result<Store, String>) {
    let Profile { dir, home, store } = profile;
    drop(store);
    let raw = Connection::open(home.athlete_db()).unwrap();
    let changed = raw.execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
    drop(raw);
    let opened = Store::open(&home).map_err(|error| error.to_string());
    let store = opened
        .clone()
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    (Profile { dir, home, store }, opened)
}

#[test]
fn what_a_lane_or_a_budget_remembers_counts_as_nothing_where_its_bytes_are_no_text() {
    let profile = profile();
    profile.store.put_lane_state("library", "{}").unwrap();
    profile.store.put_lane_state("rides", "{}").unwrap();
    profile
        .store
        .put_budget("http://127.0.0.1:1", "{}")
        .unwrap();
    let (profile, _) = reopened(
        profile,
        "UPDATE lane SET state = cast(x'7bff7d' AS TEXT) WHERE lane = 'library'",
    );
    let (profile, _) = reopened(profile, "UPDATE budget SET state = cast(x'ff' AS TEXT)");
    let store = &profile.store;
    assert_eq!(store.lane_state("library").unwrap(), None);
    assert_eq!(store.lane_state("rides").unwrap().as_deref(), Some("{}"));
    assert_eq!(store.budget("http://127.0.0.1:1").unwrap(), None);
    store.put_lane_state("library", "{}").unwrap();
    assert_eq!(store.lane_state("library").unwrap().as_deref(), Some("{}"));
    assert_eq!(
        store.salvage().unwrap(),
        None,
        "nothing has to be rebuilt for that"
    );
}

#[test]
fn a_session_with_damaged_values_is_read_as_far_as_it_goes() {
    let profile = profile();
    let facts = r#"{"account":null,"tokens":{"generation":7}}"#;
    profile
        .store
        .change_session(|change| {
            change.put_facts(facts)?;
            change.put_tokens(7, Some(b"sealed"))
        })
        .unwrap();
    let (profile, _) = reopened(profile, "UPDATE session SET generation = -1");
    let stored = profile.store.session().unwrap().unwrap();
    assert_eq!(stored.generation, 7, "as the facts say");
    assert!(!stored.spoilt);
    let (profile, _) = reopened(
        profile,
        "UPDATE session SET facts = cast(x'7b22ff227d' AS TEXT), vouched = cast(x'ff' AS TEXT), vouched_mac = x'00'",
    );
    let stored = profile.store.session().unwrap().unwrap();
    assert!(stored.spoilt && stored.voucher.is_none());
    assert_eq!(stored.generation, 0);
    assert_eq!(stored.sealed.as_deref(), Some(&b"sealed"[..]));
}

#[test]
fn an_entry_with_damaged_text_is_queued_anew_and_the_damaged_file_is_kept() {
    for column in ["body", "last_error", "account"] {
        let profile = profile();
        let ride = profile.ride(Some(ANNA), 1);
        let spoil = format!("UPDATE outbox SET {column} = cast(x'7bff' AS TEXT)");
        let (profile, _) = reopened(profile, &spoil);
        let salvage = profile.store.salvage().unwrap().unwrap();
        assert_eq!((salvage.rides, salvage.queued_again), (1, 1), "{column}");
        assert!(salvage.kept.exists());
        let claim = profile
            .store
            .claim_due("ride", ANNA, START * 2)
            .unwrap()
            .unwrap();
        assert_eq!(claim.id, ride);
    }
}

#[test]
fn a_ride_with_damaged_text_keeps_its_file() {
    let profile = profile();
    let ride = profile.ride(Some(ANNA), 1);
    let raw = profile.raw("athlete.db");
    raw.execute_batch("DROP TRIGGER ride_is_frozen").unwrap();
    drop(raw);
    let (profile, _) = reopened(profile, "UPDATE ride SET name = cast(x'52ff6465' AS TEXT)");
    // The rides are many: a start does not look through them, and who meets the damage is told.
    let error = profile.store.history(Some(ANNA)).unwrap_err();
    assert_eq!(error.code(), "athlete_db_damaged", "{error}");
    let [athlete, _] = check_databases(&profile.home);
    assert!(athlete.fault.unwrap().contains("ride"));
    let (profile, _) = reopened(profile, "UPDATE outbox SET due = due");
    assert!(profile.store.salvage().unwrap().is_some());
    let [athlete, _] = check_databases(&profile.home);
    assert_eq!(athlete.fault, None);
    let history = profile.store.history(Some(ANNA)).unwrap();
    assert_eq!(history.len(), 1);
    assert!(history[0].name.starts_with('R') && history[0].name.ends_with("de"));
    let claim = profile
        .store
        .claim_due("ride", ANNA, START * 2)
        .unwrap()
        .unwrap();
    assert_eq!(claim.id, ride);
}

#[test]
fn numbers_that_make_no_sense_keep_nobody_from_the_queue() {
    let profile = profile();
    let ride = profile.ride(Some(ANNA), 1);
    let (profile, _) = reopened(profile, "UPDATE outbox SET attempts = -4, claims = 1 << 40");
    assert_eq!(profile.store.entries(ANNA).unwrap().len(), 1);
    assert_eq!(profile.store.history(Some(ANNA)).unwrap().len(), 1);
    let claim = profile
        .store
        .claim_due("ride", ANNA, START * 2)
        .unwrap()
        .unwrap();
    assert_eq!(claim.id, ride);
    profile
        .store
        .delivered(ride, claim.attempt, "{}", START)
        .unwrap();
}

#[test]
fn an_own_workout_with_damaged_text_does_not_keep_the_app_from_opening() {
    let profile = profile();
    for name in ["Mine", "Yours"] {
        let own = workout(name, 600, 0.6);
        profile.store.import_own(&own, "mine.zwo", START).unwrap();
    }
    let (profile, _) = reopened(
        profile,
        "UPDATE own_workout SET workout = cast(x'ff' AS TEXT) WHERE name = 'Mine'",
    );
    assert!(profile.store.salvage().unwrap().is_some());
    assert_eq!(profile.store.library_count().unwrap(), 2);
}

#[test]
fn a_profile_of_the_first_format_opens_whatever_its_facts_are() {
    let first = include_str!("../../../lab/scenarios/49-first-format.sql");
    for (facts, owner) in [
        ("facts", true),
        ("substr(facts, 1, 20)", false),
        ("''", false),
        ("cast(x'ff' AS TEXT)", false),
        ("'[]'", false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let home = home_at(dir.path());
        let raw = Connection::open(home.athlete_db()).unwrap();
        raw.execute_batch(first).unwrap();
        let spoil = format!("UPDATE session SET facts = {facts}");
        assert_eq!(raw.execute(&spoil, []).unwrap(), 1);
        drop(raw);
        let store = Store::open(&home).unwrap();
        let stored = store.session().unwrap().unwrap();
        assert_eq!(stored.owner.is_some(), owner, "{facts}");
    }
}
