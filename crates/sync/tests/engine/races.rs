//! Two at once: a token is spent once, and a moment is read where its order is settled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use freewheel_lab::rig::LabClock;
use freewheel_policy::time::Now;
use freewheel_sync::clock::{Clock, SystemClock};
use freewheel_sync::{Engine, Mode, Ports, Renewal};
use jiff::SignedDuration;
use rusqlite::Connection;
use tokio::sync::Notify;

use crate::athlete::{eventually, home, open, ports, sign_in, signed_in, soon};
use crate::site::{Site, Way};

const TOKEN: &str = "POST /oauth/token";
const METADATA: &str = "GET /.well-known/openid-configuration";

fn database(folder: &Path) -> Connection {
    let database = Connection::open(home(folder).athlete_db()).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    database
}

/// A renewal that has read the tokens, and has not yet written that it will spend them.
async fn about_to_spend(
    site: &Site,
    folder: &Path,
) -> (tokio::task::JoinHandle<Renewal>, Arc<Notify>) {
    let forget = "DELETE FROM lane WHERE lane LIKE 'issuer%'";
    database(folder).execute(forget, []).unwrap();
    let engine = open(folder, Mode::OneShot).await;
    let bell = Arc::new(Notify::new());
    let held = Arc::clone(&bell);
    let asked = site.gate.count(METADATA);
    site.gate
        .first(1, METADATA, move || Way::Hold(Arc::clone(&held)));
    let renewal = tokio::spawn(async move { engine.renew().await });
    eventually("the metadata is asked for", || {
        site.gate.count(METADATA) > asked
    })
    .await;
    (renewal, bell)
}

#[tokio::test]
async fn a_token_is_not_spent_after_a_sign_out() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let (renewal, bell) = about_to_spend(&site, folder.path()).await;
    let spent = site.gate.count(TOKEN);
    soon("signing out", engine.sign_out()).await.unwrap();
    bell.notify_one();
    let renewal = soon("the renewal", renewal).await.unwrap();
    assert_eq!(renewal, Renewal::NotPossible);
    assert_eq!(site.gate.count(TOKEN), spent);
}

/// However it came about that there are newer ones: the older token was spent for them.
#[tokio::test]
async fn a_token_is_not_spent_once_newer_ones_are_stored() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    drop(signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await);
    let (renewal, bell) = about_to_spend(&site, folder.path()).await;
    let spent = site.gate.count(TOKEN);
    let newer = "UPDATE session SET generation = generation + 1, facts = json_set(
        facts, '$.tokens.generation', generation + 1)";
    database(folder.path()).execute(newer, []).unwrap();
    bell.notify_one();
    let renewal = soon("the renewal", renewal).await.unwrap();
    assert_eq!(renewal, Renewal::Fresh);
    assert_eq!(site.gate.count(TOKEN), spent);
    let intent = "SELECT facts -> '$.intent' FROM session";
    let intent: String = database(folder.path())
        .query_row(intent, [], |row| row.get(0))
        .unwrap();
    assert_eq!(intent, "null");
}

/// Tells a new millisecond at every reading, and knows which of them were taken while a change of the store was open.
struct Witness {
    system: SystemClock,
    readings: AtomicI64,
    database: Mutex<Option<PathBuf>>,
    inside: Mutex<BTreeSet<i64>>,
}

impl Witness {
    fn changes(&self) -> bool {
        let Some(path) = self.database.lock().unwrap().clone() else {
            return false;
        };
        let database = Connection::open(path).unwrap();
        database.busy_timeout(Duration::ZERO).unwrap();
        let taken = database.execute_batch("BEGIN IMMEDIATE; ROLLBACK;");
        let busy = |error: rusqlite::Error| {
            error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
        };
        taken.is_err_and(busy)
    }
}

impl Clock for Witness {
    fn now(&self) -> Now {
        let mut inside = self.inside.lock().unwrap();
        let mut now = self.system.now();
        let reading = self.readings.fetch_add(1, Ordering::Relaxed);
        now.wall.0 += reading;
        now.boot.0 += reading as u64;
        if self.changes() {
            inside.insert(now.wall.0);
        }
        now
    }
}

/// Else a change that waited for another process's is older than the one before it.
#[tokio::test]
async fn the_clock_is_read_in_the_change_that_it_dates() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Witness {
        system: SystemClock::new(),
        readings: AtomicI64::new(0),
        database: Mutex::default(),
        inside: Mutex::default(),
    });
    let ports = Ports {
        clock: Arc::clone(&clock) as _,
        ..ports()
    };
    let engine = Engine::open(home(folder.path()), ports, Mode::OneShot);
    let engine = engine.await.unwrap();
    *clock.database.lock().unwrap() = Some(home(folder.path()).athlete_db());
    sign_in(&engine, &site.url, "demo").await.unwrap();
    assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Fresh);
    soon("signing out", engine.sign_out()).await.unwrap();
    let inside = clock.inside.lock().unwrap().clone();
    let database = database(folder.path());
    let mut journal = database
        .prepare("SELECT at, event FROM auth_journal ORDER BY seq")
        .unwrap();
    let notes = journal.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let notes: Vec<(i64, String)> = notes.unwrap().map(Result::unwrap).collect();
    for wanted in ["sign_in_completed", "tokens_saved", "sign_out"] {
        let noted = |(_, event): &&(i64, String)| event.contains(wanted);
        let dated: Vec<_> = notes.iter().filter(noted).collect();
        assert!(!dated.is_empty(), "{wanted}: {notes:?}");
        for (at, event) in dated {
            assert!(inside.contains(at), "{event}");
        }
    }
}

/// A sign-in may wait long for a renewal of another process, and for the keyring. Its tokens are as old as their answer.
#[tokio::test]
async fn tokens_are_as_old_as_their_answer_whatever_they_waited_for() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clock = LabClock::shared();
    let with_lab_clock = Ports {
        clock: Arc::clone(&clock) as _,
        ..ports()
    };
    let engine = Engine::open(home(folder.path()), with_lab_clock, Mode::OneShot);
    let engine = engine.await.unwrap();
    sign_in(&engine, &site.url, "demo").await.unwrap();
    let other = open(folder.path(), Mode::OneShot).await;
    let bell = Arc::new(Notify::new());
    let held = Arc::clone(&bell);
    site.gate
        .first(1, TOKEN, move || Way::Hold(Arc::clone(&held)));
    let asked = site.gate.count(TOKEN);
    let renewal = tokio::spawn(async move { other.renew().await });
    eventually("a renewal", || site.gate.count(TOKEN) > asked).await;
    let before = clock.now();
    let arrival = tokio::spawn({
        let (engine, url) = (engine.clone(), site.url.clone());
        async move { sign_in(&engine, &url, "demo").await }
    });
    let mark = "SELECT count(*) FROM lane WHERE lane = 'sign in'";
    let waits = || {
        let newest: i64 = database(folder.path())
            .query_row(mark, [], |row| row.get(0))
            .unwrap();
        // Taken by its own sign-in: what came is being kept.
        site.gate.count(TOKEN) > asked + 1 && newest == 0
    };
    eventually("the sign-in waits for the renewal", waits).await;
    clock.pass(SignedDuration::from_secs(25));
    bell.notify_one();
    assert_eq!(soon("the renewal", renewal).await.unwrap(), Renewal::Fresh);
    soon("the sign-in", arrival).await.unwrap().unwrap();
    let at = "SELECT facts ->> '$.anchor.at.wall' FROM session";
    let at: i64 = database(folder.path())
        .query_row(at, [], |row| row.get(0))
        .unwrap();
    let late = at - before.wall.0;
    assert!(late < 20_000, "{late} ms after it was asked for");
}
