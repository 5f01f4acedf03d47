//! The store on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

mod edits;
mod feed;
mod opening;
mod outbox;
mod rides;
mod salvage;
mod screens;
mod search;
mod session;
mod spoilt;

use std::path::Path;

use freewheel_protocol::{Change, ChangeKind, ChangesPage};
use freewheel_ride::journal::{FinishedRide, Journal, RideHeader, RideSummary, Sample, TimedEvent};
use freewheel_sync::home::Home;
use freewheel_sync::store::{RideJournal, Store};
use freewheel_workout::{Effort, Step, Workout};
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

const ANNA: &str = "https://example.test|anna";
const BEN: &str = "https://example.test|ben";
/// 2026-03-01T08:00:00Z.
const START: i64 = 1_772_352_000_000;

struct Profile {
    dir: TempDir,
    home: Home,
    store: Store,
}

/// A new profile, whose cache is Anna's.
fn profile() -> Profile {
    let dir = tempfile::tempdir().unwrap();
    let home = home_at(dir.path());
    let store = Store::open(&home).unwrap();
    store.switch_account(Some(ANNA)).unwrap();
    Profile { dir, home, store }
}

fn home_at(path: &Path) -> Home {
    Home::resolve(Some(path.to_owned()))
        .unwrap()
        .open()
        .unwrap()
}

impl Profile {
    /// What a new process finds after this one died: the files as they are now, without a clean close.
    fn after_death(&self) -> Profile {
        let dir = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.dir.path()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            // The shared-memory index is rebuilt from the log.
            if entry.file_type().unwrap().is_file() && !name.ends_with("-shm") {
                std::fs::copy(entry.path(), dir.path().join(name)).unwrap();
            }
        }
        let home = home_at(dir.path());
        let store = Store::open(&home).unwrap();
        Profile { dir, home, store }
    }

    fn raw(&self, database: &str) -> rusqlite::Connection {
        rusqlite::Connection::open(self.dir.path().join(database)).unwrap()
    }

    /// Begins and finishes a ride.
    fn ride(&self, account: Option<&str>, number: u32) -> Uuid {
        let journal = RideJournal::new(self.store.clone(), account.map(str::to_owned));
        let header = header(number);
        journal.begin(&header).unwrap();
        journal.finish(&finished(&header, b"fit")).unwrap();
        header.id
    }
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

/// The header of the n-th ride; later ones begin later.
fn header(number: u32) -> RideHeader {
    RideHeader {
        id: Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)),
        started_at: at(START + i64::from(number) * 60_000),
        name: format!("Ride {number}"),
        workout: None,
        workout_id: None,
        plan_item_id: None,
        ftp_watts: 200,
        trainer: "Simulated trainer".to_owned(),
        simulated: true,
    }
}

fn finished(header: &RideHeader, fit: &[u8]) -> FinishedRide {
    FinishedRide {
        id: header.id,
        fit: [fit, header.id.as_bytes()].concat(),
        summary: RideSummary {
            seconds: 60,
            elapsed_seconds: 70,
            average_power: Some(180),
            max_power: Some(300),
            normalized_power: None,
            intensity_factor: None,
            tss: None,
            work_kj: None,
            average_cadence: None,
            average_heart_rate: None,
            max_heart_rate: None,
        },
    }
}

fn sample(second: u32) -> Sample {
    Sample {
        second,
        at: at(START + i64::from(second) * 1000),
        position: second,
        power: Some(200),
        target: Some(210),
        cadence: Some(90),
        heart_rate: None,
        speed: Some(8.3),
    }
}

fn event(event: freewheel_ride::journal::RideEvent, second: u32) -> TimedEvent {
    TimedEvent {
        event,
        at: at(START + i64::from(second) * 1000),
        second,
    }
}

fn workout(name: &str, seconds: u32, power: f64) -> Workout {
    Workout {
        name: name.to_owned(),
        author: Some("Freewheel".to_owned()),
        description: String::new(),
        tags: Vec::new(),
        steps: vec![Step {
            effort: Effort::Steady {
                seconds,
                power,
                cadence: None,
            },
            cues: Vec::new(),
        }],
    }
}

fn upsert(kind: &str, id: &str, revision: u64, body: serde_json::Value) -> Change {
    Change {
        kind: ChangeKind::from(kind),
        id: id.to_owned(),
        revision,
        deleted: false,
        body: Some(body),
    }
}

fn workout_change(id: &str, revision: u64, workout: &Workout) -> Change {
    upsert(
        "workout",
        id,
        revision,
        serde_json::to_value(workout).unwrap(),
    )
}

fn plan_change(id: &str, revision: u64, date: &str, workout_id: &str) -> Change {
    let body = json!({ "date": date, "workout_id": workout_id, "state": "planned" });
    upsert("plan_item", id, revision, body)
}

fn tombstone(kind: &str, id: &str, revision: u64) -> Change {
    Change {
        kind: ChangeKind::from(kind),
        id: id.to_owned(),
        revision,
        deleted: true,
        body: None,
    }
}

fn page(changes: Vec<Change>, next_cursor: &str, more: bool) -> ChangesPage {
    ChangesPage {
        changes,
        next_cursor: next_cursor.to_owned(),
        more,
    }
}
