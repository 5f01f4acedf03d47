//! A profile of the first format with rides in it, brought to today's format; and a damaged one.

use std::path::Path;

use freewheel_lab::rig;
use freewheel_powercut::mark::Mark;
use freewheel_powercut::recording::{Event, Recording};
use freewheel_powercut::stage::Stage;
use freewheel_protocol::Sha256Digest;
use freewheel_sync::store::Store;
use rusqlite::{Connection, named_params};

use super::{nothing_breaks, played_on};

const FIRST_FORMAT: &str = include_str!("../../../lab/scenarios/49-first-format.sql");
const DELIVERED: &str = "019c0000-0000-7000-8000-000000000001";
const OPEN: &str = "019c0000-0000-7000-8000-000000000002";
const SAMPLES: u32 = 30;

#[test]
fn a_migration_is_done_or_not_begun() {
    let stage = Stage::new().unwrap();
    std::fs::create_dir(stage.profile()).unwrap();
    first_format(&stage);
    let mut there = rides();
    there.push(Mark::Tokens { generation: 1 });
    let recording = launched(&stage, &there);
    let outcome = nothing_breaks("migration", &recording, 0..recording.len() + 1);
    assert!(outcome.cuts > 50, "{outcome:?}");
}

/// The launch that finds the damage makes a fresh database beside, and then changes their names.
#[test]
fn a_salvage_is_done_or_begins_again() {
    let stage = Stage::new().unwrap();
    std::fs::create_dir(stage.profile()).unwrap();
    first_format(&stage);
    drop(Store::open(&rig::home(&stage.profile()).unwrap()).unwrap());
    let athlete = stage.profile().join("athlete.db");
    let log = a_log_beside(&athlete);
    break_table(&athlete, "budget");
    let mut there = rides();
    there.push(Mark::Tokens { generation: 1 });
    there.push(Mark::Damaged {
        digest: Sha256Digest::of(&std::fs::read(&athlete).unwrap()).to_string(),
    });
    std::fs::write(stage.profile().join("athlete.db-wal"), log).unwrap();
    let recording = launched(&stage, &there);
    let salvaged = recording.events.iter().any(|event| {
        matches!(event, Event::Name { name, .. } if name.to_string_lossy().contains("damaged-"))
    });
    assert!(salvaged, "nothing was salvaged");
    // What is noted of a salvage names its folder, so the states differ.
    let outcome = nothing_breaks("salvage", &recording, there.len()..recording.len() + 1);
    assert!(outcome.cuts > 50, "{outcome:?}");
}

fn launched(stage: &Stage, there: &[Mark]) -> Recording {
    let marks = there
        .iter()
        .map(|mark| serde_json::to_string(mark).unwrap());
    let story: Vec<String> = std::iter::once("launch".to_owned()).chain(marks).collect();
    let story: Vec<&str> = story.iter().map(String::as_str).collect();
    played_on(stage, &story)
}

/// What is promised of the rides in the profile.
fn rides() -> Vec<Mark> {
    let (ride, open) = (DELIVERED.to_owned(), OPEN.to_owned());
    vec![
        Mark::Saved { ride: ride.clone() },
        Mark::Delivered { ride },
        Mark::Samples {
            ride: open,
            count: SAMPLES,
        },
    ]
}

/// The last sample, as a write-ahead log that is not in the database yet.
fn a_log_beside(athlete: &Path) -> Vec<u8> {
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("athlete.db");
    std::fs::copy(athlete, &copy).unwrap();
    let without = format!("DELETE FROM ride_sample WHERE second = {SAMPLES} - 1");
    for file in [athlete, &copy] {
        let raw = Connection::open(file).unwrap();
        raw.execute(&without, []).unwrap();
    }
    let bytes = |file: &Path| std::fs::read(file).unwrap();
    assert!(bytes(athlete) == bytes(&copy), "what the log belongs to");
    let raw = Connection::open(&copy).unwrap();
    raw.execute(
        "INSERT INTO ride_sample (ride, second, at, position, power)
         SELECT ride, second + 1, at + 1000, position + 1, power FROM ride_sample
         ORDER BY second DESC LIMIT 1",
        [],
    )
    .unwrap();
    std::fs::read(copies.path().join("athlete.db-wal")).unwrap()
}

/// Makes the first page of a table one that no table begins with.
fn break_table(athlete: &Path, table: &str) {
    let raw = Connection::open(athlete).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = :table";
    let page: u32 = raw
        .query_row(sql, named_params! { ":table": table }, |row| row.get(0))
        .unwrap();
    drop(raw);
    let mut bytes = std::fs::read(athlete).unwrap();
    let page = page as usize * 4096;
    bytes[page - 4096..page].fill(0xff);
    std::fs::write(athlete, bytes).unwrap();
}

fn first_format(stage: &Stage) {
    let athlete = Connection::open(stage.profile().join("athlete.db")).unwrap();
    athlete.pragma_update(None, "journal_mode", "wal").unwrap();
    athlete.execute_batch(FIRST_FORMAT).unwrap();
    athlete
        .execute("UPDATE session SET sealed = x'00'", [])
        .unwrap();
    let fit = b"a frozen file".to_vec();
    let digest = Sha256Digest::of(&fit).to_string();
    let account: (String, String) = athlete
        .query_row(
            "SELECT facts ->> '$.account.issuer', facts ->> '$.account.subject' FROM session",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let entry = freewheel_sync::vault::account_entry(&account.0, &account.1);
    let keys = freewheel_sync::vault::key_file_path(&stage.profile());
    std::fs::write(keys, format!("freewheel vault keys 1\n{entry} AAAA\n")).unwrap();
    let account = format!("{}|{}", account.0, account.1);
    let ride = |id: &str| {
        serde_json::json!({
            "id": id, "started_at": "2026-03-01T08:00:00Z", "name": "Ride", "workout": null,
            "workout_id": null, "plan_item_id": null, "ftp_watts": 200, "trainer": "Simulated trainer",
            "simulated": true,
        })
    };
    athlete
        .execute(
            "INSERT INTO ride (id, account, name, started_at, simulated, state, finished_at, exported,
                 digest, header, summary, fit)
             VALUES (:id, :account, 'Ride', 1772352000000, 1, 'finished', 1772352060000, 0,
                 :digest, :header, '{}', :fit)",
            named_params! {
                ":id": DELIVERED, ":account": account, ":digest": digest,
                ":header": ride(DELIVERED).to_string(), ":fit": fit,
            },
        )
        .unwrap();
    athlete
        .execute(
            "INSERT INTO outbox (id, account, kind, body, digest, created, claims, state, receipt, delivered_at)
             VALUES (:id, :account, 'ride', '{}', :digest, 1772352060000, 1, 'delivered', '{}', 1772352061000)",
            named_params! { ":id": DELIVERED, ":account": account, ":digest": digest },
        )
        .unwrap();
    athlete
        .execute(
            "INSERT INTO ride (id, account, name, started_at, simulated, state, header)
             VALUES (:id, :account, 'Ride', 1772355600000, 1, 'open', :header)",
            named_params! { ":id": OPEN, ":account": account, ":header": ride(OPEN).to_string() },
        )
        .unwrap();
    for second in 0..SAMPLES {
        athlete
            .execute(
                "INSERT INTO ride_sample (ride, second, at, position, power)
                 SELECT key, :second, 1772355600000 + 1000 * :second, :second, 200 FROM ride
                 WHERE state = 'open'",
                named_params! { ":second": second },
            )
            .unwrap();
    }
}
