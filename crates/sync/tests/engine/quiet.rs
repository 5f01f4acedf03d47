//! Few questions, however often the app is started, asked, or unable to write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use freewheel_lab::port::Port;
use freewheel_sync::clock::{Clock as _, SystemClock};
use freewheel_sync::vault::{Vault, VaultOptions, account_entry};
use freewheel_sync::view::{LibraryQuery, NetworkFact, ServiceState, SyncView};
use freewheel_sync::{Engine, Mode, Ports};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::athlete::{
    Jitter, eventually, home, links, open, ports, ride, sign_in, signed_in, soon, until,
    until_delivered,
};
use crate::site::{Site, Way};

/// A listener in the server's place that counts connections.
struct Counter {
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Counter {
    /// `holds`: connections stay open and are never answered; else they are closed at once.
    fn at(port: &Port, holds: bool) -> Self {
        let listener = port.listen().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut held: Vec<TcpStream> = Vec::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                if holds {
                    held.push(stream);
                }
            }
        });
        Self { connections, task }
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

fn patient() -> Ports {
    Ports {
        entropy: Arc::new(Jitter(0.99)),
        ..ports()
    }
}

#[tokio::test]
async fn a_hundred_starts_in_an_outage_ask_no_more_than_one_app_would() {
    for holds in [false, true] {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
        until(&engine, "a library", |v| {
            v.library.workouts >= 60 && !v.data.busy
        })
        .await;
        engine.shutdown().await;
        drop(engine);
        let away = site.stop().await;
        let counter = Counter::at(away.port(), holds);
        for start in 0..100 {
            let engine = Engine::open(home(folder.path()), patient(), Mode::Resident);
            let engine = soon("a launch", engine).await.unwrap();
            let query = LibraryQuery {
                limit: 1,
                ..LibraryQuery::default()
            };
            assert_eq!(engine.library(query).await.unwrap().rows.len(), 1);
            if start == 0 {
                eventually("a first try", || counter.count() > 0).await;
            } else {
                // Long enough for an app that knows no patience to try again.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // As a crash would end it: nothing is said or saved.
            drop(engine);
        }
        // Two lanes ask; the waits between their tries double from a second on.
        let asked = counter.count();
        assert!(
            (1..=10).contains(&asked),
            "{asked} connections, holding: {holds}"
        );
        counter.task.abort();
        drop(counter.task.await);
        let site = away.start().await;
        let engine = open(folder.path(), Mode::Resident).await;
        soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        until(&engine, "back", |v| {
            v.service.state == ServiceState::Reachable
        })
        .await;
        drop(site);
    }
}

#[tokio::test]
async fn a_plan_outlives_the_app_that_made_it() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(home(folder.path()), patient(), Mode::Resident)
        .await
        .unwrap();
    sign_in(&engine, &site.url, "demo").await.unwrap();
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    site.gate.rule(|line| {
        if line.starts_with("PUT") {
            Way::Later(503, 600)
        } else {
            Way::Through
        }
    });
    ride(&engine).await;
    let planned = until(&engine, "planned", |v| {
        v.data.next_try.is_some() && !v.data.busy
    })
    .await;
    eventually("sent", || site.gate.count("PUT") == 1).await;
    let planned = until(&engine, "put off", |v| {
        let far = planned.library.fresh_at.unwrap() + 300_000;
        !v.data.busy && v.data.next_try.is_some_and(|at| at > far)
    })
    .await;
    drop(engine);
    let engine = Engine::open(home(folder.path()), patient(), Mode::Resident)
        .await
        .unwrap();
    let view = until(&engine, "asked for changes", |v| {
        v.library.fresh_at > planned.library.fresh_at
    })
    .await;
    assert_eq!(view.data.next_try, planned.data.next_try);
    assert_eq!(site.gate.count("PUT"), 1);
}

#[tokio::test]
async fn a_profile_that_cannot_be_written_does_not_ask_again_and_again() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    let athlete = rusqlite::Connection::open(folder.path().join("athlete.db")).unwrap();
    let full =
        "CREATE TRIGGER full_i BEFORE INSERT ON lane BEGIN SELECT raise(ABORT, 'disk full'); END;
        CREATE TRIGGER full_u BEFORE UPDATE ON lane BEGIN SELECT raise(ABORT, 'disk full'); END;";
    athlete.execute_batch(full).unwrap();
    let before = site.gate.log().len();
    let saved = ride(&engine).await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = site.gate.log().split_off(before);
    assert!(asked.len() <= 4, "{asked:?}");
    athlete
        .execute_batch("DROP TRIGGER full_i; DROP TRIGGER full_u;")
        .unwrap();
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    until_delivered(&engine, &saved).await;
}

#[tokio::test]
async fn a_server_on_this_computer_needs_no_network() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports {
        network: links(NetworkFact::Down),
        ..ports()
    };
    let engine = Engine::open(home(folder.path()), ports, Mode::Resident)
        .await
        .unwrap();
    sign_in(&engine, &site.url, "demo").await.unwrap();
    let view = until(&engine, "a library", |v| v.library.workouts >= 60).await;
    assert_eq!(
        view.network,
        NetworkFact::Down,
        "the screen says what the system says"
    );
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    assert_eq!(engine.view_now().session.state, "active");
}

#[tokio::test]
async fn without_a_network_a_server_elsewhere_is_not_asked() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    engine.shutdown().await;
    drop(engine);
    move_account(folder.path(), &site, "https://ride.example.org").await;

    let ports = Ports {
        network: links(NetworkFact::Down),
        ..ports()
    };
    let engine = Engine::open(home(folder.path()), ports, Mode::Resident)
        .await
        .unwrap();
    let view = until(&engine, "offline", |v| v.session.state == "offline").await;
    assert_eq!(
        view.session.server.as_deref(),
        Some("https://ride.example.org")
    );
    assert!(
        view.session.library_open && view.session.detail.contains("no network"),
        "{view:?}"
    );
    let saved = ride(&engine).await;
    assert_eq!(crate::athlete::card(&engine, &saved).await.attempts(), 0);
    let athlete = rusqlite::Connection::open(folder.path().join("athlete.db")).unwrap();
    let plan = |lane: &str| -> String {
        let sql = "SELECT state -> '$.plan.reason' FROM lane WHERE lane = ?1";
        athlete.query_row(sql, [lane], |row| row.get(0)).unwrap()
    };
    eventually("plans without a network", || {
        plan("rides").contains("no_network") && plan("library").contains("no_network")
    })
    .await;
    let view = until(&engine, "waiting", |v| v.data.waiting == 1).await;
    assert_eq!(
        view.service.state,
        ServiceState::Unknown,
        "nobody was asked"
    );
    assert_eq!(view.data.next_try, None);
    let budgets: i64 = athlete
        .query_row(
            "SELECT count(*) FROM budget WHERE origin LIKE 'https:%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(budgets, 0, "no attempt was paid for");
}

/// The service said when. A ride of another process is work like any other, and not the athlete's order to sync.
#[tokio::test]
async fn a_ride_of_another_process_waits_as_the_service_asked() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    site.gate.only("PUT /v1/rides", || Way::Later(503, 600));
    ride(&engine).await;
    let held = |v: &SyncView| v.data.next_try.is_some() && !v.data.busy;
    until(&engine, "held back", held).await;
    let beside = Engine::open(home(folder.path()), ports(), Mode::OneShot)
        .await
        .unwrap();
    // While the second is ridden, the first one would long be sent.
    for waiting in 2..=3 {
        ride(&beside).await;
        beside.ride_ended().await;
        until(&engine, "it waits too", |v| v.data.waiting == waiting).await;
    }
    assert_eq!(site.gate.count("PUT /v1/rides"), 1);
}

/// A program that was killed leaves plans of any kind behind, due or not: `made` and `due` are seconds from now.
#[tokio::test]
async fn without_a_network_no_plan_that_was_left_behind_makes_an_attempt() {
    const LANES: [&str; 3] = ["session", "library", "rides"];
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    engine.shutdown().await;
    drop(engine);
    move_account(folder.path(), &site, "https://ride.example.org").await;
    let athlete = rusqlite::Connection::open(folder.path().join("athlete.db")).unwrap();
    let mut saved = None;
    for (reason, made, due) in [
        ("backoff", -60, -1),
        ("backoff", 600, 900),
        ("backoff", -1, 1),
        ("retry_after", -60, -1),
        ("budget", -60, -1),
        ("sync_now", -1, -1),
        ("returned", -60, -1),
        ("work", -1, -1),
        ("idle", -60, -1),
        ("no_session", -60, -1),
    ] {
        let now = SystemClock::new().now().wall.0;
        let plan = json!({
            "made": now + made * 1_000, "due": now + due * 1_000, "reason": reason,
        });
        let state = json!({ "plan": plan, "attempt": 3, "last_success": null, "at_work": true });
        for lane in LANES {
            let sql = "INSERT OR REPLACE INTO lane (lane, state) VALUES (?1, ?2)";
            athlete.execute(sql, (lane, state.to_string())).unwrap();
        }
        let ports = Ports {
            network: links(NetworkFact::Down),
            ..ports()
        };
        let engine = Engine::open(home(folder.path()), ports, Mode::Resident);
        let engine = soon("a launch", engine).await.unwrap();
        if saved.is_none() {
            saved = Some(ride(&engine).await);
        }
        let of = |lane: &str| -> (String, bool, u32) {
            let sql =
                "SELECT state ->> '$.plan.reason', state ->> '$.at_work', state ->> '$.attempt'
                FROM lane WHERE lane = ?1";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            athlete.query_row(sql, [lane], row).unwrap()
        };
        eventually("every lane waits for the network", || {
            LANES.iter().all(|lane| {
                let (reason, at_work, _) = of(lane);
                reason == "no_network" && !at_work
            })
        })
        .await;
        for lane in LANES {
            assert_eq!(of(lane).2, 3, "{lane} tried, after {reason} {made} {due}");
        }
        let view = until(&engine, "waiting", |v| v.data.waiting == 1).await;
        assert_eq!(view.service.state, ServiceState::Unknown, "{reason}");
        assert_eq!(view.data.next_try, None, "{reason}");
        engine.shutdown().await;
    }
    let sql = "SELECT count(*) FROM budget WHERE origin LIKE 'https:%'";
    let budgets: i64 = athlete.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(budgets, 0, "no attempt was paid for");
}

trait Attempts {
    fn attempts(&self) -> u32;
}

impl Attempts for freewheel_sync::view::RideCard {
    fn attempts(&self) -> u32 {
        match &self.delivery {
            freewheel_sync::view::Delivery::Waiting { attempts, .. } => *attempts,
            other => panic!("{other:?}"),
        }
    }
}

/// Makes the account of this profile one of the server at `issuer`, tokens and key included.
async fn move_account(folder: &std::path::Path, site: &Site, issuer: &str) {
    let athlete = rusqlite::Connection::open(folder.join("athlete.db")).unwrap();
    let sql = "SELECT facts, generation, sealed FROM session";
    let (facts, generation, sealed): (String, i64, Vec<u8>) = athlete
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    let subject = site.demo().as_str().to_owned();
    let (old, new) = (
        account_entry(&site.url, &subject),
        account_entry(issuer, &subject),
    );
    let vault = Vault::open(folder, VaultOptions::key_file_only());
    let plain = vault
        .key(&old)
        .await
        .unwrap()
        .open(&old, generation as u64, &sealed);
    let key = vault.create_key(&new).await.unwrap();
    // As a version sealed it that did not vouch for the grace: what vouches for it is of the account that was.
    let mut plain: serde_json::Value = serde_json::from_slice(&plain.ok().unwrap()).unwrap();
    plain.as_object_mut().unwrap().remove("vouched").unwrap();
    let sealed = key
        .seal(&new, generation as u64, plain.to_string().as_bytes())
        .unwrap();
    let facts = facts.replace(&site.url, issuer);
    athlete
        .execute(
            "UPDATE session SET facts = ?1, sealed = ?2, vouched = NULL, vouched_mac = NULL",
            rusqlite::params![facts, sealed],
        )
        .unwrap();
}
