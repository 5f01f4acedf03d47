//! First pull: pages applied by the store against parsing them and inserting the same rows into raw SQLite.

use std::time::{Duration, Instant};

use freewheel_lab::generated_library;
use freewheel_protocol::{Change, ChangeKind, ChangesPage};
use freewheel_sync::Home;
use freewheel_sync::store::Store;
use rusqlite::{Connection, params};
use serde_json::Value;
use tempfile::TempDir;

use crate::Trouble;

const OWNER: &str = "https://rides.example|bench";
/// Changes of a page, as the server sends them to the app.
const PAGE: usize = 500;
const AT: i64 = 1_772_352_000_000;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Pulled {
    /// Workouts of each pull.
    pub workouts: u32,
    /// Parse, and insert as text into one table with its key.
    pub bare: Duration,
    /// Parse, and insert into the tables, columns and indexes that the app searches, from values that are there already.
    pub indexed: Duration,
    /// Parse and apply, ours.
    pub ours: Duration,
}

impl Pulled {
    /// Rows of each second.
    #[must_use]
    pub fn rate(&self, time: Duration) -> f64 {
        f64::from(self.workouts) / time.as_secs_f64()
    }
}

/// The pages of a library as they come over the wire.
///
/// # Errors
/// A workout that cannot be written as JSON.
pub fn pages(workouts: u32) -> Result<Vec<String>, Trouble> {
    let library = generated_library::generate(workouts);
    let count = library.len().div_ceil(PAGE);
    let mut pages = Vec::with_capacity(count);
    for (number, part) in library.chunks(PAGE).enumerate() {
        let changes = part.iter().enumerate().map(|(place, each)| {
            Ok(Change {
                kind: ChangeKind::Workout,
                id: each.id.clone(),
                revision: u64::try_from(number * PAGE + place + 1)?,
                deleted: false,
                body: Some(serde_json::to_value(&each.workout)?),
            })
        });
        let page = ChangesPage {
            changes: changes.collect::<Result<_, Trouble>>()?,
            next_cursor: cursor(number + 1),
            more: number + 1 < count,
        };
        pages.push(serde_json::to_string(&page)?);
    }
    Ok(pages)
}

/// One pull of each kind, each into a fresh database.
///
/// # Errors
/// SQLite or the store.
pub fn measure(workouts: u32, pages: &[String]) -> Result<Pulled, Trouble> {
    Ok(Pulled {
        workouts,
        bare: bare(pages)?,
        indexed: indexed(pages)?,
        ours: ours(pages)?,
    })
}

fn ours(pages: &[String]) -> Result<Duration, Trouble> {
    let folder = TempDir::new()?;
    let home = Home::resolve(Some(folder.path().join("home")))?.open()?;
    let store = Store::open(&home)?;
    store.switch_account(Some(OWNER))?;
    let began = Instant::now();
    for (number, text) in pages.iter().enumerate() {
        let page: ChangesPage = serde_json::from_str(text)?;
        let expected = (number > 0).then(|| cursor(number));
        store.apply_page(expected.as_deref(), &page, OWNER, AT)?;
    }
    Ok(began.elapsed())
}

fn bare(pages: &[String]) -> Result<Duration, Trouble> {
    let folder = TempDir::new()?;
    let mut raw = raw(
        &folder,
        "CREATE TABLE workout (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT",
    )?;
    let began = Instant::now();
    for text in pages {
        let page: ChangesPage = serde_json::from_str(text)?;
        let transaction = raw.transaction()?;
        for change in &page.changes {
            let body = change.body.as_ref().map(Value::to_string);
            transaction
                .prepare_cached("INSERT INTO workout (id, body) VALUES (?1, ?2)")?
                .execute(params![change.id, body])?;
        }
        transaction.commit()?;
    }
    Ok(began.elapsed())
}

/// The schema of the app's own cache, taken from it, and its very rows: what SQLite alone costs.
fn indexed(pages: &[String]) -> Result<Duration, Trouble> {
    let folder = TempDir::new()?;
    let home = Home::resolve(Some(folder.path().join("home")))?.open()?;
    let store = Store::open(&home)?;
    store.switch_account(Some(OWNER))?;
    for (number, text) in pages.iter().enumerate() {
        let page: ChangesPage = serde_json::from_str(text)?;
        let expected = (number > 0).then(|| cursor(number));
        store.apply_page(expected.as_deref(), &page, OWNER, AT)?;
    }
    let cache = Connection::open(home.library_db())?;
    let rows = rows(&cache)?;
    let schema = schema(&cache)?;
    drop((cache, store));
    let mut raw = raw(&folder, &schema)?;
    let mut rest = rows.as_slice();
    let began = Instant::now();
    for text in pages {
        let page: ChangesPage = serde_json::from_str(text)?;
        let transaction = raw.transaction()?;
        let (now, later) = rest.split_at(page.changes.len().min(rest.len()));
        rest = later;
        for row in now {
            transaction
                .prepare_cached(
                    "INSERT INTO workout (key, id, revision, name, name_key, author, seconds, tss,
                         intensity_factor, zone, own, seen)
                     VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0)",
                )?
                .execute(params![
                    row.key,
                    row.id,
                    row.name,
                    row.name_key,
                    row.author,
                    row.seconds,
                    row.tss,
                    row.intensity_factor,
                    row.zone
                ])?;
            transaction
                .prepare_cached("INSERT INTO workout_body (key, segments, zone_seconds, raw) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![row.key, row.segments, row.zone_seconds, row.raw])?;
            transaction
                .prepare_cached("INSERT INTO workout_text (rowid, name, description, tags, author) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![row.key, row.name, row.description, row.tags, row.author])?;
        }
        transaction.commit()?;
    }
    Ok(began.elapsed())
}

struct Row {
    key: i64,
    id: String,
    name: String,
    name_key: String,
    author: Option<String>,
    seconds: i64,
    tss: f64,
    intensity_factor: f64,
    zone: i64,
    segments: String,
    zone_seconds: String,
    raw: String,
    description: String,
    tags: String,
}

fn rows(cache: &Connection) -> Result<Vec<Row>, Trouble> {
    let mut statement = cache.prepare(
        "SELECT key, id, name, name_key, author, seconds, tss, intensity_factor, zone, segments, zone_seconds, raw
         FROM workout JOIN workout_body USING (key) ORDER BY revision",
    )?;
    let mut read = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = read.next()? {
        let raw: String = row.get(11)?;
        let document: Value = serde_json::from_str(&raw)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let tags = document
            .get("tags")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        rows.push(Row {
            key: row.get(0)?,
            id: row.get(1)?,
            name: row.get(2)?,
            name_key: row.get(3)?,
            author: row.get(4)?,
            seconds: row.get(5)?,
            tss: row.get(6)?,
            intensity_factor: row.get(7)?,
            zone: row.get(8)?,
            segments: row.get(9)?,
            zone_seconds: row.get(10)?,
            description: document.get("description").map(text).unwrap_or_default(),
            tags: tags.iter().map(text).collect::<Vec<_>>().join(" "),
            raw,
        });
    }
    Ok(rows)
}

/// The statements that make the tables, indexes and triggers of workouts, and of nothing else.
fn schema(cache: &Connection) -> Result<String, Trouble> {
    let mut statement = cache.prepare(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name IN ('workout', 'workout_body', 'workout_text')",
    )?;
    let made: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(made.join(";\n"))
}

/// WAL and NORMAL, as the cache has them.
fn raw(folder: &TempDir, schema: &str) -> Result<Connection, Trouble> {
    let raw = Connection::open(folder.path().join("raw.db"))?;
    raw.pragma_update(None, "journal_mode", "wal")?;
    raw.pragma_update(None, "synchronous", "normal")?;
    raw.set_prepared_statement_cache_capacity(64);
    raw.execute_batch(schema)?;
    Ok(raw)
}

fn cursor(number: usize) -> String {
    format!("page-{number}")
}
