//! The real app and the real server die (SIGKILL) at random moments of riding, finishing, claiming, sending and receiving.
//! In the end every ride is at the server once, byte for byte.
//!
//! `FREEWHEEL_DEATHS` says how often (8 unless it is set), `FREEWHEEL_SEED` with which moments.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]
#![allow(clippy::print_stdout, reason = "a long run tells how far it is")]

#[allow(
    dead_code,
    reason = "it gives more kinds of choices than are made here"
)]
#[path = "../../crates/lab/tests/kill_session/chance.rs"]
mod chance;
#[path = "../stage/mod.rs"]
mod stage;

use std::collections::BTreeMap;
use std::time::Duration;

use chance::Chance;
use freewheel_lab::wait::Seen;
use freewheel_lab::window::Window;
use rusqlite::{Connection, OpenFlags};
use stage::{SOON, Stage, go, number, wait_for_attr, wait_for_number};

const RIDE: &str = "[data-test='ride']";
const UNFINISHED: &str = "[data-test='unfinished']";
/// For what was put off, with an unoptimised build on a busy machine.
const IN_THE_END: Duration = Duration::from_secs(300);

/// Where in the life of a ride death comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Riding,
    Finishing,
    /// Saved just now: the entry is claimed, sent and confirmed in these milliseconds.
    Sending,
    /// The athlete asked for everything that waits.
    Syncing,
}

/// Who dies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dies {
    App,
    Server,
    AppThenServer,
    ServerThenApp,
}

#[tokio::test]
async fn killed_at_any_moment_the_app_and_the_server_keep_every_ride_once() {
    let deaths = setting("FREEWHEEL_DEATHS", 8);
    let seed = setting("FREEWHEEL_SEED", 1);
    println!("{deaths} deaths, seed {seed}");
    let mut chance = Chance::of(seed);
    let mut stage = Stage::set((1280, 800)).await;
    let window = stage.open().await;
    stage.sign_in(&window).await;
    window.quit().await.unwrap();

    let mut seen = BTreeMap::new();
    for death in 0..deaths {
        let moment = match chance.below(4) {
            0 => Moment::Riding,
            1 => Moment::Finishing,
            2 => Moment::Sending,
            _ => Moment::Syncing,
        };
        let dies = match chance.below(4) {
            0 => Dies::App,
            1 => Dies::Server,
            2 => Dies::AppThenServer,
            _ => Dies::ServerThenApp,
        };
        *seen.entry((moment, dies)).or_insert(0) += 1;
        live_and_die(&mut stage, &mut chance, moment, dies).await;
        if death % 20 == 19 {
            let rides = frozen(&stage).len();
            println!("{} deaths, {rides} rides", death + 1);
        }
    }
    println!("{seen:#?}");
    all_is_well_in_the_end(&stage).await;
}

/// One opening of the app, up to the death of somebody; the server runs afterwards.
async fn live_and_die(stage: &mut Stage, chance: &mut Chance, moment: Moment, dies: Dies) {
    let window = stage.open().await;
    go(&window, "today").await;
    begin(&window, chance).await;
    let saved = ride_up_to(&window, moment).await;
    tokio::time::sleep(Duration::from_millis(chance.below(match moment {
        Moment::Riding => 1500,
        Moment::Finishing | Moment::Sending | Moment::Syncing => 250,
    })))
    .await;
    let gap = Duration::from_millis(chance.below(120));
    match dies {
        Dies::App => window.kill9().await.unwrap(),
        Dies::Server => {
            stage.server.kill9();
            tokio::time::sleep(gap * 4).await;
            window.quit().await.unwrap();
        }
        Dies::AppThenServer => {
            window.kill9().await.unwrap();
            tokio::time::sleep(gap).await;
            stage.server.kill9();
        }
        Dies::ServerThenApp => {
            stage.server.kill9();
            tokio::time::sleep(gap).await;
            window.kill9().await.unwrap();
        }
    }
    if dies != Dies::App {
        stage.server.start_again().await.unwrap();
    }
    if let Some(ride) = saved {
        let digest = frozen(stage).get(&ride).cloned().flatten();
        assert!(digest.is_some(), "the screen said that {ride} is saved");
    }
}

/// Begins a ride, or goes on with the one that a death left open.
async fn begin(window: &Window, chance: &mut Chance) {
    let left = window.count(UNFINISHED).await.unwrap() > 0;
    if left && chance.coin() {
        window
            .click("[data-test='finish-unfinished']")
            .await
            .unwrap();
        wait_until_gone(window, UNFINISHED).await;
    }
    let goes_on = window.count(UNFINISHED).await.unwrap() > 0;
    let button = if goes_on {
        "[data-test='resume']"
    } else {
        "[data-test='start']"
    };
    window.click(button).await.unwrap();
    window.find(RIDE).await.unwrap();
    let before = number(window, RIDE, "data-durable").await.unwrap();
    let state = window.attr(RIDE, "data-state").await.unwrap();
    if state.as_deref() != Some("riding") {
        window.keys(" ").await.unwrap();
    }
    wait_for_attr(window, RIDE, "data-state", "riding", SOON).await;
    wait_for_number(window, RIDE, "data-durable", before + 2, SOON).await;
}

/// Lives on to the moment; returns the ride that the screen then calls saved, if it does.
async fn ride_up_to(window: &Window, moment: Moment) -> Option<String> {
    if moment == Moment::Riding {
        return None;
    }
    window.keys("f").await.unwrap();
    window.click("[data-test='finish']").await.unwrap();
    if moment == Moment::Finishing {
        return None;
    }
    let ride = window.attr("[data-test='saved']", "data-id").await.unwrap();
    let ride = ride.expect("the summary tells which ride it is");
    if moment == Moment::Syncing {
        window.click("[data-test='to-history']").await.unwrap();
        window.find("[data-test='ride-row']").await.unwrap();
        let sync = "[data-test='sync-now']:not([disabled])";
        // It is disabled while a sync is under way already, which is as good.
        if window.count(sync).await.unwrap() > 0 {
            window.click("[data-test='sync-now']").await.unwrap();
        }
    }
    Some(ride)
}

/// Nobody dies any more: what was left open is finished, and everything is delivered.
async fn all_is_well_in_the_end(stage: &Stage) {
    let window = stage.open().await;
    go(&window, "today").await;
    while window.count(UNFINISHED).await.unwrap() > 0 {
        let id = window.attr(UNFINISHED, "data-id").await.unwrap().unwrap();
        window
            .click("[data-test='finish-unfinished']")
            .await
            .unwrap();
        wait_until_gone(&window, &format!("{UNFINISHED}[data-id='{id}']")).await;
    }
    let delivered = window.wait_for("everything delivered", IN_THE_END, async |page| {
        let data = "[data-test='fact-data']";
        let waiting = number(page, data, "data-waiting").await?;
        let state = page.attr(data, "data-state").await?;
        if waiting == 0 && state.as_deref() == Some("clear") {
            return Ok(Seen::Yes(()));
        }
        if page.count("[data-test='sync-now']:not([disabled])").await? > 0 {
            page.click("[data-test='sync-now']").await?;
        }
        Ok(Seen::NotYet(Some(format!("{waiting} waiting, {state:?}"))))
    });
    delivered.await.unwrap();
    window.quit().await.unwrap();

    let here = frozen(stage);
    let here: BTreeMap<String, String> = here
        .into_iter()
        .map(|(id, digest)| {
            let digest = digest.unwrap_or_else(|| panic!("{id} is still open"));
            (id, digest)
        })
        .collect();
    let there = stage.server_rides();
    let once: BTreeMap<String, String> = there.iter().cloned().collect();
    assert_eq!(once.len(), there.len(), "a ride is there twice: {there:?}");
    assert_eq!(once, here);
    assert!(!here.is_empty(), "nothing was ridden");
    println!("{} rides, each at the server once", here.len());
    stage::garmin_reads(&stage.frozen_files());
}

async fn wait_until_gone(window: &Window, css: &str) {
    let what = format!("the end of {css}");
    let gone = window.wait_for(&what, SOON, async |page| {
        Ok(Seen::from(page.count(css).await? == 0))
    });
    gone.await.unwrap();
}

/// The rides of the profile with the digests of those that are finished, as they are on the disk.
fn frozen(stage: &Stage) -> BTreeMap<String, Option<String>> {
    let path = stage.home().join("athlete.db");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    database.busy_timeout(SOON).unwrap();
    let mut rides = database.prepare("SELECT id, digest FROM ride").unwrap();
    let rides = rides.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rides.unwrap().collect::<Result<_, _>>().unwrap()
}

fn setting(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text}")),
        Err(_) => usual,
    }
}
