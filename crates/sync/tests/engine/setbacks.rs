//! What this computer itself gets wrong: a disk that does not take a write, a key that is away, a clock that was moved,
//! a sign-in that was left behind. Each ends by itself, without a restart.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freewheel_lab::rig::change_known_issuer;
use freewheel_sync::view::{Delivery, ServiceState, SyncView};
use freewheel_sync::{Engine, Mode};
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::Notify;

use crate::athlete::{
    card, eventually, home, id, open, ride, sign_in, signed_in, soon, until, until_delivered,
};
use crate::site::{Site, Way};
use crate::tokens::with_clock;

const TOKEN: &str = "POST /oauth/token";
const DISK: &str = "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";

/// The profile's precious database, past the engine.
fn database(folder: &Path) -> Connection {
    let connection = Connection::open(home(folder).athlete_db()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

/// A lane's state as it is stored.
fn lane(folder: &Path, name: &str) -> Value {
    let sql = "SELECT state FROM lane WHERE lane = ?1";
    let state: Option<String> = database(folder)
        .query_row(sql, [name], |row| row.get(0))
        .ok();
    state.map_or(Value::Null, |state| serde_json::from_str(&state).unwrap())
}

/// Milliseconds from the making of a lane's plan until it is due; none while only an event ends the wait.
fn planned(folder: &Path, name: &str) -> Option<i64> {
    let plan = &lane(folder, name)["plan"];
    Some(plan["due"].as_i64()? - plan["made"].as_i64()?)
}

fn settled(view: &SyncView) -> bool {
    view.library.workouts >= 60 && !view.data.busy
}

#[tokio::test]
async fn a_delivery_that_could_not_be_noted_is_settled_in_the_same_run() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", settled).await;
    let full = format!(
        "CREATE TRIGGER full BEFORE UPDATE ON outbox WHEN NEW.state IN ('delivered', 'parked') {DISK}"
    );
    database(folder.path()).execute_batch(&full).unwrap();
    let saved = ride(&engine).await;
    let demo = site.demo();
    eventually("the server has it", || site.rides_of(&demo).len() == 1).await;
    eventually("the lane gave up", || {
        lane(folder.path(), "rides")["at_work"] == false
    })
    .await;
    database(folder.path())
        .execute_batch("DROP TRIGGER full")
        .unwrap();
    // Something happens to be synced: the ride is not left in flight until the next start.
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!((report.waiting, report.delivered), (0, 1), "{report:?}");
    until_delivered(&engine, &saved).await;
    assert_eq!(site.rides_of(&demo).len(), 1);
}

#[tokio::test]
async fn renewed_tokens_that_no_disk_takes_are_kept_in_memory_and_saved_later() {
    for all in [false, true] {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let (engine, clock) = with_clock(&site, folder.path(), Mode::Resident).await;
        until(&engine, "a library", settled).await;
        let bell = Arc::new(Notify::new());
        let held = Arc::clone(&bell);
        let mut once = false;
        site.gate.rule(move |line| {
            if line == TOKEN && !once {
                once = true;
                return Way::Hold(Arc::clone(&held));
            }
            Way::Through
        });
        let tokens = site.gate.count(TOKEN);
        clock.set_minutes(16);
        engine.sync_now();
        eventually("a renewal", || site.gate.count(TOKEN) > tokens).await;
        // From here on nothing, or only no token, can be written down.
        let which = if all { "" } else { "OF sealed" };
        let full = format!("CREATE TRIGGER full BEFORE UPDATE {which} ON session {DISK}");
        database(folder.path()).execute_batch(&full).unwrap();
        bell.notify_one();
        eventually("the lane gave up", || {
            lane(folder.path(), "session")["at_work"] == false
        })
        .await;
        // Rides go on with what is in memory, or wait; the old token is not spent again.
        let saved = ride(&engine).await;
        clock.set_minutes(20);
        engine.sync_now();
        if !all {
            until_delivered(&engine, &saved).await;
        }
        database(folder.path())
            .execute_batch("DROP TRIGGER full")
            .unwrap();
        soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        until_delivered(&engine, &saved).await;
        until(&engine, "active", |v| v.session.state == "active").await;
        assert_eq!(site.gate.count(TOKEN) - tokens, 1, "{all}");
        engine.shutdown().await;
        drop(engine);
        // What was saved is what the issuer gave last.
        let engine = open(folder.path(), Mode::OneShot).await;
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert_eq!(report.session, "active", "{report:?}");
    }
}

#[tokio::test]
async fn a_profile_whose_folder_takes_no_files_opens_all_the_same() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", settled).await;
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    engine.shutdown().await;
    drop(engine);
    let full = format!(
        "UPDATE ride SET exported = 0; CREATE TRIGGER full BEFORE UPDATE ON session {DISK};
         CREATE TRIGGER full_too BEFORE UPDATE ON ride {DISK}"
    );
    database(folder.path()).execute_batch(&full).unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let view = engine.view_now();
    assert!(view.session.library_open && view.library.workouts >= 60);
    assert_eq!(engine.history().await.unwrap().len(), 1);
}

#[tokio::test]
async fn used_up_tokens_in_an_outage_are_no_reason_to_try_every_second() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = with_clock(&site, folder.path(), Mode::Resident).await;
    until(&engine, "a library", settled).await;
    let _away = site.stop().await;
    clock.set_minutes(20);
    ride(&engine).await;
    eventually("the rides wait for the session", || {
        let lane = lane(folder.path(), "rides");
        lane["waits_for_session"] == true && lane["at_work"] == false
    })
    .await;
    let wait = planned(folder.path(), "rides");
    assert!(wait.is_none_or(|ms| ms >= 60_000), "{wait:?}");
}

#[tokio::test]
async fn a_key_that_is_away_is_asked_for_now_and_then_and_on_demand() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", settled).await;
    engine.shutdown().await;
    drop(engine);
    let key = folder.path().join("vault.key");
    let away = folder.path().join("away.key");
    std::fs::rename(&key, &away).unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let view = until(&engine, "a credential is missed", |v| {
        v.session.state == "needs_sign_in"
    })
    .await;
    assert!(view.session.library_open && view.library.workouts >= 60);
    let saved = ride(&engine).await;
    eventually("the session lane rests", || {
        lane(folder.path(), "session")["at_work"] == false
    })
    .await;
    let wait = planned(folder.path(), "session");
    assert!(wait.is_none_or(|ms| ms >= 60_000), "{wait:?}");
    std::fs::rename(&away, &key).unwrap();
    engine.sync_now();
    until_delivered(&engine, &saved).await;
    assert_eq!(engine.view_now().session.state, "active");
}

/// A ride that waits, due at `due`, on a profile that nobody has open.
async fn waits_until(site: &Site, folder: &Path, due: &str) -> freewheel_ride::view::RideSaved {
    let engine = signed_in(folder, Mode::OneShot, &site.url, "demo").await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    let saved = ride(&engine).await;
    drop(engine);
    let sql = format!("UPDATE outbox SET due = {due}");
    assert_eq!(database(folder).execute(&sql, []).unwrap(), 1);
    saved
}

#[tokio::test]
async fn a_due_time_from_a_clock_that_was_ahead_holds_no_ride_back() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let next_year = "(unixepoch() + 365 * 86400) * 1000";
    let saved = waits_until(&site, folder.path(), next_year).await;
    let engine = open(folder.path(), Mode::Resident).await;
    until_delivered(&engine, &saved).await;
    assert_eq!(site.rides_of(&site.demo()).len(), 1);
}

#[tokio::test]
async fn a_ride_in_its_own_backoff_goes_when_the_service_is_back() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let in_a_while = "(unixepoch() + 14 * 60) * 1000";
    let saved = waits_until(&site, folder.path(), in_a_while).await;
    let away = site.stop().await;
    let engine = open(folder.path(), Mode::Resident).await;
    until(&engine, "unreachable", |v| {
        v.service.state == ServiceState::Unreachable
    })
    .await;
    assert!(matches!(
        card(&engine, &saved).await.delivery,
        Delivery::Waiting { .. }
    ));
    let site = away.start().await;
    until_delivered(&engine, &saved).await;
    let rides = site.rides_of(&site.demo());
    assert_eq!(rides.len(), 1);
    assert_eq!(rides[0].id.0, id(&saved));
}

#[tokio::test]
async fn a_blocked_account_is_asked_about_when_the_athlete_syncs() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", settled).await;
    site.server.store().set_blocked(&site.demo(), true).unwrap();
    let saved = ride(&engine).await;
    until(&engine, "blocked", |v| v.session.state == "blocked").await;
    let tokens = site.gate.count(TOKEN);
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "blocked", "still");
    assert_eq!(site.gate.count(TOKEN) - tokens, 1, "one question");
    let store = site.server.store();
    store.set_blocked(&site.demo(), false).unwrap();
    engine.sync_now();
    until_delivered(&engine, &saved).await;
    until(&engine, "open", |v| v.session.library_open).await;
}

#[tokio::test]
async fn a_sign_in_that_another_process_left_behind_can_be_given_up() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let window = open(folder.path(), Mode::Resident).await;
    let other = open(folder.path(), Mode::OneShot).await;
    other.sign_in(&site.url).await.unwrap();
    drop(other);
    window.sync_now();
    until(&window, "signing in", |v| v.session.state == "signing_in").await;
    window.cancel_sign_in();
    until(&window, "signed out", |v| v.session.state == "signed_out").await;
    sign_in(&window, &site.url, "demo").await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_moved_is_found_again() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, _) = with_clock(&site, folder.path(), Mode::OneShot).await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    drop(engine);
    let moved = |known: &mut Value| {
        let endpoint = format!("{}/oauth/elsewhere", site.url);
        known["metadata"]["token_endpoint"] = endpoint.into();
    };
    change_known_issuer(folder.path(), moved).await.unwrap();
    let (engine, _clock) = later(folder.path(), 16).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active", "{report:?} {:?}", site.gate.log());
    assert_eq!(site.gate.count("POST /oauth/elsewhere"), 1);
}

#[tokio::test]
async fn what_is_known_of_the_issuer_is_renewed_once_a_day() {
    const METADATA: &str = "GET /.well-known/openid-configuration";
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = with_clock(&site, folder.path(), Mode::OneShot).await;
    let mut asked = site.gate.count(METADATA);
    for (hours, more) in [(23, 0), (25, 1), (48, 0), (51, 1)] {
        clock.set_minutes(hours * 60);
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert_eq!(report.session, "active");
        asked += more;
        eventually("the question", || site.gate.count(METADATA) >= asked).await;
        assert_eq!(site.gate.count(METADATA), asked, "after {hours} h");
    }
}

#[tokio::test]
async fn tokens_of_another_athlete_are_not_taken() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = with_clock(&site, folder.path(), Mode::OneShot).await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    let rival = site.add_athlete("rival");
    let mixed_up = "UPDATE token_family
         SET athlete_id = (SELECT id FROM athlete WHERE username = 'rival')";
    assert!(site.sql(mixed_up) > 0);
    let saved = ride(&engine).await;
    clock.set_minutes(16);
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!((report.delivered, report.waiting), (0, 1), "{report:?}");
    assert!(site.rides_of(&rival).is_empty());
    assert!(matches!(
        card(&engine, &saved).await.delivery,
        Delivery::Waiting { .. }
    ));
}

/// An engine whose clock is so many minutes ahead.
async fn later(folder: &Path, minutes: i64) -> (Engine, Arc<crate::tokens::Later>) {
    let (ports, clock) = crate::tokens::later_ports();
    clock.set_minutes(minutes);
    let engine = Engine::open(home(folder), ports, Mode::OneShot).await;
    (engine.unwrap(), clock)
}
