//! The app dies, or loses interest, at every point of a renewal: the next one goes on with the same sign-in.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use freewheel_lab::rig::Rig;
use freewheel_policy::session::CredentialState;
use freewheel_sync::{Engine, Mode, Renewal};
use rusqlite::Connection;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::athlete::{eventually, soon};
use crate::site::{Site, Way};

const TOKEN: &str = "POST /oauth/token";

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Opens the profile in a runtime of its own and has the tokens renewed, and kills it all when `until` returns. What
/// was begun on a blocking thread ends, as a write of the system's would.
fn killed_during_a_renewal(rig: &Rig, until: impl FnOnce()) {
    let runtime = runtime();
    let (home, ports) = (rig.home().unwrap(), rig.ports());
    runtime.spawn(async move {
        let engine = Engine::open(home, ports, Mode::OneShot).await.unwrap();
        engine.renew().await
    });
    until();
    runtime.shutdown_background();
}

/// The next launch: the session goes on, without a sign-in, and with tokens that are on disk.
fn goes_on(rig: &mut Rig, what: &str) {
    runtime().block_on(async {
        let engine = rig.launch(Mode::OneShot).await.unwrap();
        assert_eq!(
            soon("a renewal", engine.renew()).await,
            Renewal::Fresh,
            "{what}"
        );
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert_eq!(report.session, "active", "{what}: {report:?}");
        assert_eq!(
            rig.session().unwrap().state,
            CredentialState::Active,
            "{what}"
        );
        rig.close().await;
    });
}

fn signed_in(site: &Site) -> Rig {
    let mut rig = Rig::new().unwrap();
    runtime().block_on(async {
        rig.launch(Mode::OneShot).await.unwrap();
        rig.sign_in(&site.url, "demo").await.unwrap();
        rig.close().await;
    });
    rig
}

fn waits_for(what: &str, wanted: impl FnMut() -> bool) {
    let waiting = Builder::new_current_thread().enable_all().build().unwrap();
    waiting.block_on(eventually(what, wanted));
}

#[test]
fn a_death_at_each_step_of_a_renewal_leaves_a_session_that_goes_on() {
    let serving = runtime();
    let site = serving.block_on(Site::start());
    let mut rig = signed_in(&site);
    // Written down, and on its way.
    let asked = site.gate.count(TOKEN);
    site.gate.only(TOKEN, || Way::Hold(Arc::new(Notify::new())));
    killed_during_a_renewal(&rig, || {
        waits_for("the request", || site.gate.count(TOKEN) > asked);
    });
    site.gate.through();
    goes_on(&mut rig, "before the server saw it");

    // Rotated, and the answer is lost, twice.
    let asked = site.gate.count(TOKEN);
    site.gate.only(TOKEN, || Way::LoseReply);
    killed_during_a_renewal(&rig, || {
        waits_for("both requests", || site.gate.count(TOKEN) > asked + 1);
    });
    site.gate.through();
    goes_on(&mut rig, "after the answer was lost");

    // Answered, and nothing can be written: the reply is here, and not on disk.
    let locked = Arc::new(Mutex::new(None::<Connection>));
    let (lock, home) = (Arc::clone(&locked), rig.home().unwrap());
    site.gate.only(TOKEN, move || {
        let connection = Connection::open(home.athlete_db()).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        *lock.lock().unwrap() = Some(connection);
        Way::Through
    });
    let rotated = "UPDATE refresh_token SET state = state WHERE state <> 'current'";
    let before = site.sql(rotated);
    killed_during_a_renewal(&rig, || {
        waits_for("the rotation", || {
            locked.lock().unwrap().is_some() && site.sql(rotated) > before
        });
    });
    locked.lock().unwrap().take();
    site.gate.through();
    goes_on(&mut rig, "between the answer and the disk");

    // Answered, and the tokens cannot be written.
    let full = "CREATE TRIGGER full BEFORE UPDATE OF sealed ON session
                BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    rig.database().unwrap().execute_batch(full).unwrap();
    killed_during_a_renewal(&rig, || {
        waits_for("that it is noted", || {
            !matches!(rig.session().unwrap().state, CredentialState::Active)
        });
    });
    rig.database()
        .unwrap()
        .execute_batch("DROP TRIGGER full")
        .unwrap();
    goes_on(&mut rig, "with unsaved tokens");
    assert_eq!(
        site.sql("UPDATE token_family SET scope = scope"),
        1,
        "one sign-in"
    );
}

#[test]
fn a_death_at_any_moment_of_a_renewal_leaves_a_session_that_goes_on() {
    const MOMENTS: u32 = 40;
    let serving = runtime();
    let site = serving.block_on(Site::start());
    let mut rig = signed_in(&site);
    for moment in 0..MOMENTS {
        // A renewal takes about 20 ms, most of which is the launch.
        killed_during_a_renewal(&rig, || {
            let alive = Duration::from_micros(u64::from(moment) * 1_500);
            let clock = Builder::new_current_thread().enable_all().build().unwrap();
            clock.block_on(async { tokio::time::sleep(alive).await });
        });
        goes_on(&mut rig, &format!("moment {moment}"));
    }
    assert_eq!(
        site.sql("UPDATE token_family SET scope = scope"),
        1,
        "one sign-in"
    );
    let revoked = "UPDATE token_family SET scope = scope WHERE revoked_at IS NOT NULL";
    assert_eq!(site.sql(revoked), 0);
}

/// Polls `work` so many times and then drops it; what it came to, if it ended before.
async fn for_polls<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (pin!(work), polls);
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn whoever_asked_may_go_away_at_any_poll() {
    const AT_MOST: usize = 400;
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    let mut ended = (false, false);
    for polls in 0..AT_MOST {
        if !ended.0 {
            let renewal = soon("a renewal", for_polls(polls, engine.renew())).await;
            ended.0 = renewal.is_some();
        }
        // Half of the access token's life is over each time, so every sync renews.
        rig.clock.pass(jiff::SignedDuration::from_mins(10));
        let sync = soon("a sync", for_polls(polls, engine.sync(Duration::ZERO))).await;
        ended.1 = sync.is_some();
        assert_eq!(
            soon("a renewal", engine.renew()).await,
            Renewal::Fresh,
            "{polls}"
        );
        if ended == (true, true) {
            break;
        }
    }
    assert_eq!(ended, (true, true));
    assert_eq!(
        site.sql("UPDATE token_family SET scope = scope"),
        1,
        "one sign-in"
    );
    rig.close().await;
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Fresh);
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active");
}

#[tokio::test]
async fn a_renewal_that_finds_the_database_locked_is_saved_when_it_is_not() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    let tokens = site.gate.count(TOKEN);
    let locked = Arc::new(Mutex::new(None::<Connection>));
    let (lock, home) = (Arc::clone(&locked), rig.home().unwrap());
    site.gate.only(TOKEN, move || {
        let connection = Connection::open(home.athlete_db()).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        *lock.lock().unwrap() = Some(connection);
        Way::Through
    });
    assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Unsaved);
    locked.lock().unwrap().take();
    assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Fresh);
    assert_eq!(
        site.gate.count(TOKEN) - tokens,
        1,
        "saved, not asked for again"
    );
    rig.close().await;
    site.gate.through();
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Fresh);
}
