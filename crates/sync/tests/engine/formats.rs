//! Profiles of every format that was ever in use are opened, and nothing in them is lost.
//!
//! A new format wants a fixture: `FREEWHEEL_WRITE=1 cargo test -p freewheel-sync --test engine formats` writes it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use freewheel_sync::store::check_databases;
use freewheel_sync::view::Delivery;
use freewheel_sync::{Engine, Mode, RideRequest};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::athlete::{home, open, ride, signed_in, soon, until, until_delivered};
use crate::site::Site;

const WRITE: &str = "FREEWHEEL_WRITE";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/formats")
}

fn fixture(format: i64) -> PathBuf {
    folder().join(format!("athlete-{format}.sql"))
}

/// The format that this version writes.
fn newest() -> i64 {
    let dir = tempfile::tempdir().unwrap();
    check_databases(&home(dir.path()))[0].known
}

#[tokio::test]
async fn every_format_that_was_in_use_has_a_profile_here() {
    let newest = fixture(newest());
    if std::env::var_os(WRITE).is_some() && !newest.exists() {
        std::fs::write(&newest, lived_in_profile().await).unwrap();
    }
    assert!(
        newest.exists(),
        "{} is missing: {WRITE}=1 writes it",
        newest.display()
    );
}

#[tokio::test]
async fn a_profile_of_any_format_is_opened_whole() {
    let newest = newest();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let sql = std::fs::read_to_string(&path).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let home = home(dir.path());
        let old = Connection::open(home.athlete_db()).unwrap();
        old.execute_batch(&sql).unwrap();
        let format: i64 = old
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(path, fixture(format));
        let rides = frozen(&old);
        assert_eq!(rides.len(), 2);
        drop(old);

        let engine = open(dir.path(), Mode::OneShot).await;
        let history = engine.history().await.unwrap();
        let mut found: Vec<_> = history
            .iter()
            .map(|ride| (ride.id.clone(), ride.digest.clone()))
            .collect();
        found.sort();
        assert_eq!(found, rides, "{}", path.display());
        let delivered = |ride: &&freewheel_sync::view::RideCard| {
            matches!(ride.delivery, Delivery::Delivered { .. })
        };
        assert_eq!(history.iter().filter(delivered).count(), 1);
        let view = engine.view_now();
        assert_eq!((view.data.waiting, view.data.parked), (1, 0));
        assert_eq!(view.session.account.as_deref(), Some("Demo Rider"));
        assert_eq!(engine.today().await.unwrap().unfinished.len(), 1);
        drop(engine);

        let [athlete, _] = check_databases(&home);
        assert_eq!((athlete.format, athlete.fault), (Some(newest), None));
        let copy = home.root().join(format!("athlete.format-{format}.db"));
        assert_eq!(copy.exists(), format < newest, "{}", copy.display());
        if copy.exists() {
            assert_eq!(frozen(&Connection::open(copy).unwrap()), rides);
        }
        seen += 1;
    }
    assert!(seen > 0, "there are no profiles");
}

fn frozen(database: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT id, digest FROM ride WHERE state = 'finished' ORDER BY id";
    let mut rides = database.prepare(sql).unwrap();
    let rides = rides.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rides.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Signed in, one ride delivered, one waiting, one cut short.
async fn lived_in_profile() -> String {
    let site = Site::start().await;
    let dir = tempfile::tempdir().unwrap();
    let engine = signed_in(dir.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    let first = ride(&engine).await;
    until_delivered(&engine, &first).await;
    let _away = site.stop().await;
    ride(&engine).await;
    cut_short(&engine).await;
    engine.shutdown().await;
    drop(engine);
    dump(&Connection::open(home(dir.path()).athlete_db()).unwrap())
}

async fn cut_short(engine: &Engine) {
    let request = RideRequest {
        workout_id: None,
        plan_item_id: None,
        speed: 200.0,
        autostart: true,
    };
    let handle = engine.start_ride(request).await.unwrap();
    let mut frames = handle.frames();
    soon("some seconds", frames.wait_for(|frame| frame.durable >= 20))
        .await
        .unwrap();
    handle.leave().await.unwrap();
}

/// The whole database as statements.
fn dump(database: &Connection) -> String {
    let format: i64 = database
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    let mut text = format!("PRAGMA journal_mode = wal;\nPRAGMA user_version = {format};\n");
    let schema = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY rowid";
    let mut statement = database.prepare(schema).unwrap();
    let parts = statement.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
        ))
    });
    let parts: Vec<_> = parts.unwrap().collect::<Result<_, _>>().unwrap();
    let of = |kind: &'static str| parts.iter().filter(move |part| part.0 == kind);
    for (_, name, sql) in of("table") {
        writeln!(text, "{sql};").unwrap();
        let mut rows = database
            .prepare(&format!("SELECT * FROM \"{name}\""))
            .unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<String> = (0..columns)
                .map(|column| literal(&row.get(column).unwrap()))
                .collect();
            writeln!(
                text,
                "INSERT INTO \"{name}\" VALUES ({});",
                values.join(", ")
            )
            .unwrap();
        }
    }
    // Triggers last: some would forbid the rows.
    for (_, _, sql) in of("index").chain(of("trigger")) {
        writeln!(text, "{sql};").unwrap();
    }
    text
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}"),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Blob(bytes) => {
            let digits = bytes.iter().fold(String::new(), |mut digits, byte| {
                let _ = write!(digits, "{byte:02x}");
                digits
            });
            format!("x'{digits}'")
        }
    }
}
