use std::fs;

use freewheel_sync::store::{Store, StoreError};
use freewheel_sync::view::LibraryQuery;

use super::{ANNA, START, home_at, page, profile, workout, workout_change};

#[test]
fn a_newer_athlete_database_is_refused_and_not_touched() {
    let profile = profile();
    // The number stands in the write-ahead log only, as after the death of the newer version.
    let newer = profile.raw("athlete.db");
    newer.pragma_update(None, "user_version", 999).unwrap();
    let files = ["athlete.db", "athlete.db-wal"];
    let contents = || files.map(|file| fs::read(profile.dir.path().join(file)).unwrap());
    let before = contents();
    let error = Store::open(&profile.home).unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found: 999, .. }),
        "{error}"
    );
    assert_eq!(error.code(), "store_too_new");
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(contents(), before);
}

#[test]
fn a_library_that_is_no_database_is_set_aside_and_own_workouts_come_back() {
    let profile = profile();
    let own = profile
        .store
        .import_own(&workout("Mine", 600, 0.6), "mine.zwo", START)
        .unwrap();
    drop(profile.store);
    for round in 1..=2 {
        fs::write(
            profile.home.library_db(),
            b"not a database, not even close to one",
        )
        .unwrap();
        let store = Store::open(&profile.home).unwrap();
        let found = store.library(&LibraryQuery::default()).unwrap();
        assert_eq!(
            found.rows.iter().map(|row| &row.id).collect::<Vec<_>>(),
            [&own]
        );
        assert!(
            profile
                .dir
                .path()
                .join(format!("library.db.damaged-{round}"))
                .exists()
        );
    }
}

#[test]
fn a_newer_library_is_set_aside_because_it_can_be_pulled_again() {
    let profile = profile();
    profile
        .raw("library.db")
        .pragma_update(None, "user_version", 999)
        .unwrap();
    drop(profile.store);
    let store = Store::open(&profile.home).unwrap();
    assert_eq!(store.library_count().unwrap(), 0);
    assert!(profile.dir.path().join("library.db.newer-1").exists());
}

/// Where the damage lies decides whether opening or a later call meets it first.
#[test]
fn a_library_with_broken_pages_is_replaced_on_the_spot() {
    for broken in [
        "workout",
        "workout_by_name",
        "workout_body",
        "workout_text_data",
        "feed_meta",
    ] {
        let profile = profile();
        let own = profile
            .store
            .import_own(&workout("Mine", 600, 0.6), "mine.zwo", START)
            .unwrap();
        let changes = (0..200)
            .map(|n| workout_change(&format!("w{n:03}"), n + 1, &workout("Theirs", 600, 0.7)))
            .collect();
        profile
            .store
            .apply_page(None, &page(changes, "c1", false), ANNA, START)
            .unwrap();
        drop(profile.store);
        break_table(&profile.home.library_db(), broken);

        let store = Store::open(&profile.home).unwrap();
        let words = LibraryQuery {
            text: "mine".to_owned(),
            ..LibraryQuery::default()
        };
        let ids = |query: &LibraryQuery| {
            let found = store.library(query).unwrap();
            found.rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        // Each of these meets some of the damage; after all of them the library is whole again.
        store.pull_state().unwrap();
        ids(&words);
        assert!(store.workout(&own).unwrap().is_some(), "{broken}");
        assert_eq!(ids(&LibraryQuery::default()), [own.as_str()], "{broken}");
        assert_eq!(ids(&words), [own.as_str()], "{broken}");
        assert_eq!(
            store.pull_state().unwrap().cursor,
            None,
            "everything is pulled again"
        );
        assert!(profile.dir.path().join("library.db.damaged-1").exists());
        assert!(!profile.dir.path().join("library.db.damaged-2").exists());
    }
}

/// Overwrites the first page of a table or an index.
pub(super) fn break_table(database: &std::path::Path, name: &str) {
    let raw = rusqlite::Connection::open(database).unwrap();
    raw.pragma_update(None, "journal_mode", "delete").unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
    let root: u32 = raw.query_row(sql, [name], |row| row.get(0)).unwrap();
    let size: u32 = raw
        .query_row("PRAGMA page_size", [], |row| row.get(0))
        .unwrap();
    drop(raw);
    let mut bytes = fs::read(database).unwrap();
    bytes[((root - 1) * size) as usize..(root * size) as usize].fill(0xff);
    fs::write(database, bytes).unwrap();
}

#[test]
fn a_folder_in_place_of_the_library_is_set_aside() {
    let profile = profile();
    drop(profile.store);
    for file in ["library.db", "library.db-wal", "library.db-shm"] {
        let _ = fs::remove_file(profile.dir.path().join(file));
    }
    fs::create_dir(profile.home.library_db()).unwrap();
    assert_eq!(
        Store::open(&profile.home).unwrap().library_count().unwrap(),
        0
    );
}

#[test]
fn processes_that_start_together_on_a_fresh_profile_all_open_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = home_at(dir.path());
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Store::open(&home).map(|_| ())))
            .collect();
        for thread in opened {
            thread.join().unwrap().unwrap();
        }
    });
}

#[tokio::test]
async fn blocking_calls_run_beside_the_async_threads() {
    let profile = profile();
    let count = profile.store.run(Store::library_count).await.unwrap();
    assert_eq!(count, 0);
    let failed = profile
        .store
        .run(|_| -> Result<(), StoreError> { panic!("on purpose") })
        .await;
    assert!(matches!(failed, Err(StoreError::Stopped)));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_waited_for_at_the_end() {
    let profile = profile();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    let store = profile.store.clone();
    let task = tokio::spawn(async move {
        let call = move |store: &Store| {
            let _ = begun.send(());
            let _ = goes_on.recv();
            store.put_lane_state("late", "written")
        };
        store.run(call).await
    });
    begins.await.unwrap();
    task.abort();
    let settled = profile.store.settled();
    let mut settled = std::pin::pin!(settled);
    tokio::select! {
        biased;
        () = &mut settled => panic!("the call is still under way"),
        () = std::future::ready(()) => {}
    }
    go_on.send(()).unwrap();
    settled.await;
    assert_eq!(
        profile.store.lane_state("late").unwrap().as_deref(),
        Some("written")
    );
}
