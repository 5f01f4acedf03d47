//! Durable enqueue against a raw SQLite commit of the same bytes.

use std::path::Path;
use std::time::Duration;

use freewheel_sync::Home;
use freewheel_sync::store::{RideJournal, Store};
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::Trouble;
use crate::rides::{HOUR_OF_FIT, begin, bytes, finished};
use crate::times::Times;

/// Whose rides they are.
const OWNER: &str = "https://rides.example|bench";

/// Rounds that warm both up and do not count.
const WARM: u32 = 20;

/// What was measured.
#[derive(Debug)]
pub struct Enqueued {
    /// The raw commits.
    pub floor: Times,
    /// Ours.
    pub ours: Times,
}

impl Enqueued {
    /// The medians, the floor's first.
    #[must_use]
    pub fn medians(&self) -> [Duration; 2] {
        [&self.floor, &self.ours].map(|times| times.quantile(0.5))
    }
}

/// Takes turns: an hour's FIT file frozen and queued by the store, and the same bytes in one raw transaction.
///
/// # Errors
/// SQLite or the store.
pub fn measure(turns: u32) -> Result<Enqueued, Trouble> {
    let folder = TempDir::new()?;
    let journal = journal(folder.path())?;
    let mut raw = raw(folder.path())?;
    let mut measured = Enqueued {
        floor: Times::default(),
        ours: Times::default(),
    };
    for turn in 0..WARM + turns {
        if turn == WARM {
            (measured.floor, measured.ours) = Default::default();
        }
        let id = begin(&journal, turn)?;
        let fit = bytes(turn, HOUR_OF_FIT);
        let copy = fit.clone();
        let ride = finished(id, fit);
        let floor = |measured: &mut Times, raw: &mut Connection| {
            measured.take(|| -> rusqlite::Result<()> {
                let transaction = raw.transaction()?;
                transaction
                    .prepare_cached("INSERT INTO entry (id, body) VALUES (?1, ?2)")?
                    .execute(params![turn, copy])?;
                transaction.commit()
            })
        };
        // Who comes first may find the disk busy with the other's pages.
        if turn % 2 == 0 {
            floor(&mut measured.floor, &mut raw)?;
            measured.ours.take(|| journal.enqueue(&ride))?;
        } else {
            measured.ours.take(|| journal.enqueue(&ride))?;
            floor(&mut measured.floor, &mut raw)?;
        }
    }
    Ok(measured)
}

/// Queues so many rides and writes `mark` to standard error before each and after the last: a program for
/// [`crate::syncs::between_marks`].
///
/// # Errors
/// The store.
pub fn mark_each(rides: u32, mark: &str) -> Result<(), Trouble> {
    use std::io::Write as _;

    let folder = TempDir::new()?;
    let journal = journal(folder.path())?;
    let mut ready = Vec::new();
    for number in 0..rides {
        ready.push(finished(
            begin(&journal, number)?,
            bytes(number, HOUR_OF_FIT),
        ));
    }
    let mark = || std::io::stderr().write_all(format!("{mark}\n").as_bytes());
    for ride in &ready {
        mark()?;
        journal.enqueue(ride)?;
    }
    Ok(mark()?)
}

fn journal(folder: &Path) -> Result<RideJournal, Trouble> {
    let home = Home::resolve(Some(folder.join("home")))?.open()?;
    Ok(RideJournal::new(
        Store::open(&home)?,
        Some(OWNER.to_owned()),
    ))
}

/// WAL and FULL, as the precious database has them; one table, one key.
fn raw(folder: &Path) -> rusqlite::Result<Connection> {
    let raw = Connection::open(folder.join("raw.db"))?;
    raw.pragma_update(None, "journal_mode", "wal")?;
    raw.pragma_update(None, "synchronous", "full")?;
    raw.execute_batch("CREATE TABLE entry (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")?;
    Ok(raw)
}
