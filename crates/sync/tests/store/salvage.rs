//! A damaged `athlete.db`: kept as it was, and what can be read of it saved.

use std::fs;
use std::path::{Path, PathBuf};

use freewheel_ride::journal::Journal as _;
use freewheel_sync::Home;
use freewheel_sync::lease::{Lease, LeaseKind};
use freewheel_sync::store::{RideJournal, Store, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

use super::opening::break_table;
use super::{ANNA, Profile, START, header, home_at, profile, sample, workout};

/// Finished rides; every other one is Anna's.
const RIDES: u32 = 40;

/// A profile with rides, one of them open, their queue, an own workout and a session; closed.
fn lived_in() -> (TempDir, Home) {
    let Profile { dir, home, store } = {
        let profile = profile();
        for number in 0..RIDES {
            profile.ride((number % 2 == 0).then_some(ANNA), number);
        }
        profile
    };
    let open = RideJournal::new(store.clone(), Some(ANNA.to_owned()));
    open.begin(&header(99)).unwrap();
    let samples: Vec<_> = (0..3_000).map(sample).collect();
    open.append(header(99).id, &samples, &[]).unwrap();
    let own = workout("Mine", 600, 0.6);
    store.import_own(&own, "mine.zwo", START).unwrap();
    store.put_lane_state("session", "{}").unwrap();
    drop((open, store));
    (dir, home)
}

fn kept(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let damaged = |file: &PathBuf| file.to_string_lossy().contains("athlete.db.damaged-");
    files.filter(damaged).collect()
}

fn ask<T: rusqlite::types::FromSql>(home: &Home, sql: &str) -> T {
    let raw = Connection::open(home.athlete_db()).unwrap();
    raw.query_row(sql, [], |row| row.get(0)).unwrap()
}

const QUEUED: &str = "SELECT count(*) FROM outbox JOIN ride ON ride.id = outbox.id
    WHERE outbox.digest = ride.digest AND outbox.account = ride.account
    AND outbox.state = 'waiting' AND outbox.created = ride.finished_at";

#[test]
fn rides_survive_the_loss_of_the_queue_and_are_queued_again() {
    let (dir, home) = lived_in();
    let bodies: String = ask(&home, "SELECT group_concat(body) FROM outbox");
    break_table(&home.athlete_db(), "outbox");
    let before = fs::read(home.athlete_db()).unwrap();
    let store = Store::open(&home).unwrap();
    let [kept] = kept(dir.path()).try_into().unwrap();
    assert_eq!(fs::read(&kept).unwrap(), before, "it is untouched");
    let salvage = store.salvage().unwrap().unwrap();
    assert_eq!((salvage.rides, salvage.queued_again), (41, 20));
    assert_eq!(salvage.kept, kept);
    let words = salvage.words();
    let expected = "The profile database was damaged. 41 rides were saved; what was lost: ";
    assert!(
        words.starts_with(expected) && words.contains("outbox"),
        "{words}"
    );
    assert_eq!(store.counts(ANNA).unwrap().waiting, 20);
    assert_eq!(store.lane_state("session").unwrap().as_deref(), Some("{}"));
    drop(store);
    assert_eq!(ask::<u32>(&home, QUEUED), 20);
    assert_eq!(
        ask::<String>(&home, "SELECT group_concat(body) FROM outbox"),
        bodies
    );
    assert_eq!(ask::<u32>(&home, "SELECT count(*) FROM own_workout"), 1);
    assert_eq!(ask::<u32>(&home, "SELECT count(*) FROM ride_sample"), 3_000);
    // Once is enough, and nothing of the work is left.
    drop(Store::open(&home).unwrap());
    assert_eq!(self::kept(dir.path()).len(), 1);
    for leftover in ["reading", "salvaged", "salvaged-part", "suspect"] {
        assert!(
            !dir.path().join(format!("athlete.db.{leftover}")).exists(),
            "{leftover}"
        );
    }
}

#[test]
fn what_is_behind_a_page_that_cannot_be_read_is_saved_too() {
    let (_dir, home) = lived_in();
    let leaves = leaves(&home.athlete_db(), "ride");
    assert!(leaves.len() > 4, "{leaves:?}");
    let mut bytes = fs::read(home.athlete_db()).unwrap();
    for leaf in [1, 3] {
        bytes[leaves[leaf]..leaves[leaf] + 4096].fill(0xff);
    }
    fs::write(home.athlete_db(), bytes).unwrap();
    // The rides are many: a start does not look through them, and who meets the damage is told.
    let store = Store::open(&home).unwrap();
    assert_eq!(store.salvage().unwrap(), None);
    let error = store.history(Some(ANNA)).unwrap_err();
    assert!(
        matches!(error, StoreError::AthleteDamaged { .. }),
        "{error}"
    );
    assert_eq!(error.code(), "athlete_db_damaged");
    drop(store);
    let store = Store::open(&home).unwrap();
    let salvage = store.salvage().unwrap().unwrap();
    let rides = salvage.tables.iter().find(|table| table.table == "ride");
    let rides = rides.unwrap();
    assert!(!rides.whole && rides.had == Some(41), "{rides:?}");
    assert!((15..41).contains(&rides.saved), "{rides:?}");
    let has = |number: u32| {
        let id = header(number).id;
        ask::<u32>(
            &home,
            &format!("SELECT count(*) FROM ride WHERE id = '{id}'"),
        ) == 1
    };
    // In front of both, between them, and behind.
    assert!(has(0) && has(RIDES - 1) && has(99));
    let saved: Vec<u32> = (0..RIDES).filter(|number| has(*number)).collect();
    let gaps = saved
        .windows(2)
        .filter(|pair| pair[1] - pair[0] > 1)
        .count();
    assert_eq!(gaps, 2, "{saved:?}");
    // What belongs to a lost ride, and to nobody else, is lost with it; the open ride is whole.
    assert_eq!(ask::<u32>(&home, "SELECT count(*) FROM ride_sample"), 3_000);
}

#[test]
fn a_file_that_is_no_database_is_kept_and_the_app_opens() {
    let dir = tempfile::tempdir().unwrap();
    let home = home_at(dir.path());
    let garbage = vec![0x5a_u8; 8192];
    fs::write(home.athlete_db(), &garbage).unwrap();
    let store = Store::open(&home).unwrap();
    let salvage = store.salvage().unwrap().unwrap();
    assert_eq!(salvage.rides, 0);
    assert!(
        salvage.words().contains("perhaps some rows of ride,"),
        "{}",
        salvage.words()
    );
    assert_eq!(fs::read(&salvage.kept).unwrap(), garbage);
    drop(store);
    // A second time, on the same day.
    fs::write(home.athlete_db(), &garbage).unwrap();
    drop(Store::open(&home).unwrap());
    assert_eq!(kept(dir.path()).len(), 2);
}

#[test]
fn a_damaged_file_that_another_process_works_with_is_left() {
    let (dir, home) = lived_in();
    break_table(&home.athlete_db(), "outbox");
    let before = fs::read(home.athlete_db()).unwrap();
    let other = Lease::try_acquire(&home, LeaseKind::Syncer).unwrap();
    let error = Store::open(&home).unwrap_err();
    assert_eq!(error.code(), "athlete_db_damaged");
    assert!(
        error.to_string().contains("close every Freewheel"),
        "{error}"
    );
    assert_eq!(fs::read(home.athlete_db()).unwrap(), before);
    assert!(kept(dir.path()).is_empty());
    drop(other);
    let store = Store::open(&home).unwrap();
    assert_eq!(store.counts(ANNA).unwrap().waiting, 20);
}

#[test]
fn a_salvage_that_a_death_interrupted_is_brought_to_its_end() {
    let (dir, home) = lived_in();
    break_table(&home.athlete_db(), "outbox");
    drop(Store::open(&home).unwrap());
    // As it is when the damaged file is aside, its log not yet, and the fresh one not in its place.
    fs::rename(home.athlete_db(), dir.path().join("athlete.db.salvaged")).unwrap();
    fs::write(dir.path().join("athlete.db-wal"), "the damaged one's").unwrap();
    let store = Store::open(&home).unwrap();
    assert_eq!(store.counts(ANNA).unwrap().waiting, 20);
    drop(store);
    assert_eq!(ask::<u32>(&home, "SELECT count(*) FROM ride"), 41);
    assert_eq!(kept(dir.path()).len(), 2, "the file and its log");
    // As it is when the fresh one was whole, and nothing had been moved: it begins again.
    fs::write(dir.path().join("athlete.db.salvaged"), "of no use").unwrap();
    let store = Store::open(&home).unwrap();
    assert_eq!(store.counts(ANNA).unwrap().waiting, 20);
}

/// Where the leaves of a table lie, in order (SQLite, "Database File Format" §1.6).
fn leaves(database: &Path, table: &str) -> Vec<usize> {
    let raw = Connection::open(database).unwrap();
    raw.pragma_update(None, "journal_mode", "delete").unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
    let root: u32 = raw.query_row(sql, [table], |row| row.get(0)).unwrap();
    drop(raw);
    let bytes = fs::read(database).unwrap();
    let root = (root as usize - 1) * 4096;
    assert_eq!(bytes[root], 0x05, "an interior page");
    let two = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let child = |at: usize| (two(at) * 65_536 + two(at + 2) - 1) * 4096;
    let cells = (0..two(root + 3)).map(|cell| child(root + two(root + 12 + 2 * cell)));
    cells.chain([child(root + 8)]).collect()
}
