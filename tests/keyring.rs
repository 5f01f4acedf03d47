//! A keyring that is locked when the app starts, in the real window.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

mod stage;

use std::time::{Duration, UNIX_EPOCH};

use freewheel_lab::desktop::PROMPT_GIVES_UP;
use freewheel_lab::wait::Seen;
use freewheel_lab::window::Page;
use serde_json::Value;
use stage::{SESSION, SOON, Stage, go, wait_for_attr, wait_for_number};

const TOTAL: &str = "[data-test='library-total']";
const ROW: &str = "[data-test='ride-row']";

/// The app looks again once a minute, after a call that hung until the keyring gave its prompt up.
const BY_ITSELF: Duration = Duration::from_secs(60 + 2 * PROMPT_GIVES_UP.as_secs());

/// Launches of each kind; they take turns, so that whatever else the machine does meets both kinds.
const LAUNCHES: usize = 5;

/// A launch that waited for the keyring would take 3 s more, which is several times as long.
const BOUND: f64 = 1.5;

/// When the first row of the library is there, in ms since 1970; the app opens on another screen.
const TO_THE_LIBRARY: &str = "const done = arguments[arguments.length - 1];\
    location.hash = '#/library';\
    const row = () => document.querySelector(\"[data-test='workout-row']\");\
    const look = () => row() ? done(performance.timeOrigin + performance.now()) : requestAnimationFrame(look);\
    look();";

/// From the start of the process to the first screen painted with its data, and to the library.
#[derive(Debug, Default)]
struct Launches {
    first: Vec<Duration>,
    library: Vec<Duration>,
}

impl Launches {
    async fn add(&mut self, stage: &Stage) {
        let window = stage.open().await;
        let began = window.began().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let since = |at: Value| Duration::from_secs_f64(at.as_f64().unwrap() / 1000.0) - began;
        let painted =
            "return performance.timeOrigin + performance.getEntriesByName('ready')[0].startTime";
        let first = window.js(painted, Vec::new()).await.unwrap();
        let driver = window.driver();
        let library = driver.execute_async(TO_THE_LIBRARY, Vec::new()).await;
        self.first.push(since(first));
        self.library.push(since(library.unwrap().json().clone()));
        window.quit().await.unwrap();
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

#[tokio::test]
async fn with_a_locked_keyring_whose_prompter_never_answers_the_library_is_there_as_fast() {
    let stage = Stage::set((1280, 800)).await;
    let window = stage.open().await;
    stage.sign_in(&window).await;
    go(&window, "library").await;
    wait_for_number(&window, TOTAL, "data-count", 60, SOON).await;
    window.quit().await.unwrap();
    let (mut open, mut locked) = (Launches::default(), Launches::default());
    for _ in 0..LAUNCHES {
        open.add(&stage).await;
        stage.session.lock_keyring().await.unwrap();
        locked.add(&stage).await;
        stage.session.unlock_keyring().await.unwrap();
    }
    for (what, open, locked) in [
        ("first screen", open.first, locked.first),
        ("library", open.library, locked.library),
    ] {
        let (usual, late) = (median(&open), median(&locked));
        let ratio = late.as_secs_f64() / usual.as_secs_f64();
        println!("start to {what}: keyring open {usual:.2?}, locked {late:.2?}, ratio {ratio:.2}");
        println!("  open {open:.2?}, locked {locked:.2?}");
        assert!(ratio <= BOUND, "{what}: {ratio:.2}");
    }
}

#[tokio::test]
async fn a_keyring_that_is_locked_at_launch_is_noticed_when_it_opens() {
    let stage = Stage::set((1280, 800)).await;
    let window = stage.open().await;
    stage.sign_in(&window).await;
    // Today's workout is on this computer.
    go(&window, "today").await;
    window.find("[data-test='start']").await.unwrap();
    window.quit().await.unwrap();
    stage.session.lock_keyring().await.unwrap();
    let window = stage.open().await;
    wait_for_attr(
        &window,
        SESSION,
        "data-state",
        "vault_unavailable",
        Duration::from_secs(60),
    )
    .await;
    // Riding needs no keyring.
    go(&window, "today").await;
    window.click("[data-test='start']").await.unwrap();
    wait_for_attr(&window, "[data-test='ride']", "data-state", "ready", SOON).await;
    window.keys(" ").await.unwrap();
    wait_for_number(&window, "[data-test='ride']", "data-durable", 5, SOON).await;
    window.keys("f").await.unwrap();
    window.click("[data-test='finish']").await.unwrap();
    window.find("[data-test='saved']").await.unwrap();
    window.click("[data-test='to-history']").await.unwrap();
    wait_for_attr(&window, ROW, "data-delivery", "waiting", SOON).await;
    assert_eq!(stage.server_rides(), []);

    // Unlocked elsewhere; nobody touches the app.
    stage.session.unlock_keyring().await.unwrap();
    wait_for_attr(&window, ROW, "data-delivery", "delivered", BY_ITSELF).await;
    assert_eq!(stage.server_rides().len(), 1);
    window.quit().await.unwrap();

    // The same, and the athlete asks.
    stage.session.lock_keyring().await.unwrap();
    let window = stage.open().await;
    wait_for_attr(
        &window,
        SESSION,
        "data-state",
        "vault_unavailable",
        Duration::from_secs(60),
    )
    .await;
    stage.session.unlock_keyring().await.unwrap();
    window.click("[data-test='sync-now']").await.unwrap();
    // The call that hangs ends when the keyring gives its prompt up; the one that was asked for comes after it.
    let bound = PROMPT_GIVES_UP + SOON;
    let open = window.wait_for("an open session", bound, async |page: &Page| {
        if page.has("[data-test='sync-now']:enabled").await? {
            page.click("[data-test='sync-now']").await?;
        }
        Ok(Seen::from(!page.has(SESSION).await?))
    });
    open.await.unwrap();
}
