use freewheel_sync::store::{Applied, StoreError};
use freewheel_sync::view::LibraryQuery;
use jiff::civil::date;
use serde_json::json;

use super::{
    ANNA, BEN, Profile, START, page, plan_change, profile, tombstone, upsert, workout,
    workout_change,
};

fn names(profile: &Profile) -> Vec<String> {
    let found = profile.store.library(&LibraryQuery::default()).unwrap();
    found.rows.into_iter().map(|row| row.name).collect()
}

fn raw_count(profile: &Profile, sql: &str) -> i64 {
    profile
        .raw("library.db")
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_page_and_its_cursor_move_together_and_once() {
    let profile = profile();
    let store = &profile.store;
    let first = page(
        vec![
            workout_change("w1", 1, &workout("One", 600, 0.6)),
            workout_change("w2", 2, &workout("Two", 600, 0.6)),
            plan_change("p1", 3, "2026-03-01", "w1"),
            upsert(
                "profile",
                "me",
                4,
                json!({ "name": "Anna", "ftp_watts": 250 }),
            ),
        ],
        "c1",
        true,
    );
    let applied = store.apply_page(None, &first, ANNA, START).unwrap();
    assert_eq!(
        applied,
        Applied {
            upserts: 4,
            tombstones: 0,
            skipped: 0
        }
    );
    let state = store.pull_state().unwrap();
    assert_eq!(
        (state.cursor.as_deref(), state.account.as_deref()),
        (Some("c1"), Some(ANNA))
    );
    assert_eq!(state.fresh_at, None, "more is to come");
    assert!(matches!(
        store.apply_page(None, &first, ANNA, START),
        Err(StoreError::CursorMoved)
    ));
    store
        .apply_page(Some("c1"), &page(vec![], "c1", false), ANNA, START + 5)
        .unwrap();
    assert_eq!(store.pull_state().unwrap().fresh_at, Some(START + 5));
    store.mark_fresh(START + 9).unwrap();
    assert_eq!(store.pull_state().unwrap().fresh_at, Some(START + 9));
    assert_eq!(names(&profile), ["One", "Two"]);
    assert_eq!(store.profile().unwrap().unwrap().ftp_watts, 250);
    assert_eq!(store.library_count().unwrap(), 2);
}

#[test]
fn the_same_changes_again_change_nothing() {
    let profile = profile();
    let changes = || {
        vec![
            workout_change("w1", 1, &workout("One", 600, 0.6)),
            plan_change("p1", 2, "2026-03-01", "w1"),
        ]
    };
    profile
        .store
        .apply_page(None, &page(changes(), "c1", true), ANNA, START)
        .unwrap();
    let plan = profile
        .store
        .plan(Some(ANNA), date(2026, 3, 1), date(2026, 3, 1))
        .unwrap();
    profile
        .store
        .apply_page(Some("c1"), &page(changes(), "c2", false), ANNA, START)
        .unwrap();
    assert_eq!(names(&profile), ["One"]);
    assert_eq!(
        profile
            .store
            .plan(Some(ANNA), date(2026, 3, 1), date(2026, 3, 1))
            .unwrap(),
        plan
    );
    let words = LibraryQuery {
        text: "one".to_owned(),
        ..LibraryQuery::default()
    };
    assert_eq!(profile.store.library(&words).unwrap().total, 1);
}

#[test]
fn changes_replace_and_tombstones_remove_from_lists_and_search() {
    let profile = profile();
    let store = &profile.store;
    let first = page(
        vec![
            workout_change("w1", 1, &workout("Alpha", 600, 0.6)),
            workout_change("w2", 2, &workout("Beta", 600, 0.6)),
            plan_change("p1", 3, "2026-03-01", "w1"),
            upsert("flag", "f", 4, json!({ "on": true })),
        ],
        "c1",
        false,
    );
    store.apply_page(None, &first, ANNA, START).unwrap();
    let second = page(
        vec![
            workout_change("w1", 5, &workout("Gamma", 900, 1.0)),
            tombstone("workout", "w2", 6),
            tombstone("plan_item", "p1", 7),
            tombstone("flag", "f", 8),
            tombstone("workout", "never-seen", 9),
        ],
        "c2",
        false,
    );
    let applied = store.apply_page(Some("c1"), &second, ANNA, START).unwrap();
    assert_eq!(
        applied,
        Applied {
            upserts: 1,
            tombstones: 4,
            skipped: 0
        }
    );
    assert_eq!(names(&profile), ["Gamma"]);
    let count = |text: &str| {
        let query = LibraryQuery {
            text: text.to_owned(),
            ..LibraryQuery::default()
        };
        store.library(&query).unwrap().total
    };
    assert_eq!((count("alpha"), count("beta"), count("gamma")), (0, 0, 1));
    assert_eq!(
        store
            .plan(Some(ANNA), date(2026, 1, 1), date(2027, 1, 1))
            .unwrap(),
        []
    );
    assert_eq!(raw_count(&profile, "SELECT count(*) FROM other"), 0);
    assert_eq!(raw_count(&profile, "SELECT count(*) FROM workout_body"), 1);
    let (card, full, zones) = store.workout("w1").unwrap().unwrap();
    assert_eq!((card.seconds, card.segments.len()), (900, 1));
    assert_eq!(full, workout("Gamma", 900, 1.0));
    assert_eq!(zones.iter().sum::<u32>(), 900);
    assert!(store.workout("w2").unwrap().is_none());
}

#[test]
fn what_cannot_be_read_is_kept_raw_and_never_stops_a_page() {
    let profile = profile();
    let store = &profile.store;
    let huge = json!({ "name": "Huge", "steps": [
        { "kind": "steady", "seconds": 4_000_000_000_u32, "power": 0.5 }
    ] });
    let first = page(
        vec![
            upsert("workout", "odd", 1, json!({ "name": 7 })),
            upsert("workout", "huge", 2, huge),
            upsert(
                "workout",
                "own-1",
                3,
                serde_json::to_value(workout("Trick", 60, 1.0)).unwrap(),
            ),
            upsert("plan_item", "p", 4, json!({ "date": "someday" })),
            upsert("profile", "me", 5, json!("who?")),
            upsert("video", "v1", 6, json!({ "of": "a newer version" })),
            workout_change("w1", 7, &workout("Fine", 600, 0.6)),
        ],
        "c1",
        false,
    );
    let applied = store.apply_page(None, &first, ANNA, START).unwrap();
    assert_eq!(
        applied,
        Applied {
            upserts: 2,
            tombstones: 0,
            skipped: 5
        }
    );
    assert_eq!(names(&profile), ["Fine"]);
    assert_eq!(raw_count(&profile, "SELECT count(*) FROM other"), 6);
    // A later, readable version takes its place.
    let second = page(
        vec![workout_change("odd", 8, &workout("Even", 60, 0.6))],
        "c2",
        false,
    );
    store.apply_page(Some("c1"), &second, ANNA, START).unwrap();
    assert_eq!(names(&profile), ["Even", "Fine"]);
    assert_eq!(raw_count(&profile, "SELECT count(*) FROM other"), 5);
}

#[test]
fn fields_of_a_newer_server_are_kept() {
    let profile = profile();
    let mut body = serde_json::to_value(workout("One", 600, 0.6)).unwrap();
    body["colour"] = json!("green");
    profile
        .store
        .apply_page(
            None,
            &page(vec![upsert("workout", "w1", 1, body)], "c1", false),
            ANNA,
            START,
        )
        .unwrap();
    let kept = raw_count(
        &profile,
        "SELECT count(*) FROM workout_body WHERE raw ->> 'colour' = 'green'",
    );
    assert_eq!(kept, 1);
}

#[test]
fn a_rebuild_keeps_the_old_library_until_it_is_whole_and_survives_a_death() {
    let profile = profile();
    let own = workout("Own", 600, 0.6);
    profile.store.import_own(&own, "own.zwo", START).unwrap();
    let first = page(
        vec![
            workout_change("w1", 1, &workout("Kept", 600, 0.6)),
            workout_change("w2", 2, &workout("Lost", 600, 0.6)),
            plan_change("p1", 3, "2026-03-01", "w2"),
        ],
        "c1",
        false,
    );
    profile.store.apply_page(None, &first, ANNA, START).unwrap();
    profile.store.begin_rebuild().unwrap();
    let state = profile.store.pull_state().unwrap();
    assert_eq!((state.cursor, state.rebuilding), (None, true));
    let changes = vec![workout_change("w1", 1, &workout("Kept", 600, 0.6))];
    profile
        .store
        .apply_page(None, &page(changes, "r1", true), ANNA, START)
        .unwrap();
    assert_eq!(
        names(&profile),
        ["Kept", "Lost", "Own"],
        "nothing is missing meanwhile"
    );

    let revived = profile.after_death();
    let state = revived.store.pull_state().unwrap();
    assert_eq!(
        (state.cursor.as_deref(), state.rebuilding),
        (Some("r1"), true)
    );
    let changes = vec![workout_change("w3", 2, &workout("New", 600, 0.6))];
    revived
        .store
        .apply_page(Some("r1"), &page(changes, "r2", false), ANNA, START)
        .unwrap();
    assert_eq!(names(&revived), ["Kept", "New", "Own"]);
    assert!(!revived.store.pull_state().unwrap().rebuilding);
    assert_eq!(
        revived
            .store
            .plan(Some(ANNA), date(2026, 3, 1), date(2026, 3, 1))
            .unwrap(),
        []
    );
}

#[test]
fn another_account_gets_nothing_of_the_first() {
    let profile = profile();
    let store = &profile.store;
    store
        .import_own(&workout("Own", 600, 0.6), "own.zwo", START)
        .unwrap();
    let changes = vec![
        workout_change("w1", 1, &workout("Licensed", 600, 0.6)),
        plan_change("p1", 2, "2026-03-01", "w1"),
        upsert(
            "profile",
            "me",
            3,
            json!({ "name": "Anna", "ftp_watts": 250 }),
        ),
        upsert("flag", "f", 4, json!({})),
    ];
    store
        .apply_page(None, &page(changes, "c1", false), ANNA, START)
        .unwrap();
    let refused = store.apply_page(Some("c1"), &page(vec![], "c2", false), BEN, START);
    assert!(matches!(refused, Err(StoreError::OtherAccount)));
    assert!(
        !store.switch_account(Some(ANNA)).unwrap(),
        "the same account keeps everything"
    );
    assert_eq!(names(&profile), ["Licensed", "Own"]);
    assert!(store.switch_account(Some(BEN)).unwrap());
    assert_eq!(names(&profile), ["Own"]);
    let words = LibraryQuery {
        text: "licensed".to_owned(),
        ..LibraryQuery::default()
    };
    assert_eq!(store.library(&words).unwrap().total, 0);
    assert!(store.profile().unwrap().is_none());
    assert_eq!(
        store
            .plan(Some(BEN), date(2026, 3, 1), date(2026, 3, 1))
            .unwrap(),
        []
    );
    let state = store.pull_state().unwrap();
    assert_eq!(
        (state.account.as_deref(), state.cursor, state.fresh_at),
        (Some(BEN), None, None)
    );
    store
        .apply_page(None, &page(vec![], "b1", false), BEN, START)
        .unwrap();
}

#[test]
fn a_page_that_arrives_after_a_sign_out_does_not_bring_the_library_back() {
    let profile = profile();
    let store = &profile.store;
    assert!(store.switch_account(None).unwrap());
    let licensed = vec![workout_change("w1", 1, &workout("Licensed", 600, 0.6))];
    let refused = store.apply_page(None, &page(licensed, "c1", false), ANNA, START);
    assert!(matches!(refused, Err(StoreError::OtherAccount)));
    assert!(names(&profile).is_empty());
    let state = store.pull_state().unwrap();
    assert_eq!((state.account, state.cursor), (None, None));
}

#[test]
fn a_profile_that_nobody_can_ride_by_does_not_replace_one_that_works() {
    let profile = profile();
    let store = &profile.store;
    let me = |revision, ftp: serde_json::Value| {
        let body = json!({ "name": "Anna", "ftp_watts": ftp });
        upsert("profile", "me", revision, body)
    };
    let good = page(vec![me(1, json!(250))], "c1", false);
    store.apply_page(None, &good, ANNA, START).unwrap();
    for (number, ftp) in [json!(0), json!(-1), json!(70_000), json!("250")]
        .into_iter()
        .enumerate()
    {
        let cursor = format!("c{}", number + 1);
        let bad = page(vec![me(2, ftp)], &format!("c{}", number + 2), false);
        let applied = store.apply_page(Some(&cursor), &bad, ANNA, START).unwrap();
        assert_eq!((applied.upserts, applied.skipped), (0, 1));
        assert_eq!(store.profile().unwrap().unwrap().ftp_watts, 250);
    }
}
