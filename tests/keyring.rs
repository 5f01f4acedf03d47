//! A keyring that is locked when the app starts, in the real window.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod stage;

use std::time::{Duration, Instant};

use freewheel_lab::desktop::PROMPT_GIVES_UP;
use freewheel_lab::wait::Seen;
use freewheel_lab::window::{Page, Window};
use stage::{SOON, Stage, go, wait_for_attr, wait_for_number};

const SESSION: &str = "[data-test='session']";
const ROW: &str = "[data-test='ride-row']";

/// The app looks again once a minute, after a call that hung until the keyring gave its prompt up.
const BY_ITSELF: Duration = Duration::from_secs(60 + 2 * PROMPT_GIVES_UP.as_secs());

/// Opens the app twice and returns how long the library took to be there the faster time: the machine does other things
/// too. The second window stays.
async fn open_to_the_library(stage: &Stage) -> (Window, Duration) {
    let (first, slower) = open_once(stage).await;
    first.quit().await.unwrap();
    let (window, took) = open_once(stage).await;
    (window, took.min(slower))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test of real processes in real time"
)]
async fn open_once(stage: &Stage) -> (Window, Duration) {
    let began = Instant::now();
    let window = stage.open().await;
    go(&window, "library").await;
    let total = "[data-test='library-total']";
    wait_for_number(&window, total, "data-count", 60, SOON).await;
    (window, began.elapsed())
}

#[tokio::test]
async fn a_keyring_that_is_locked_at_launch_holds_nothing_up_and_is_noticed_when_it_opens() {
    let stage = Stage::set((1280, 800)).await;
    let window = stage.open().await;
    stage.sign_in(&window).await;
    window.quit().await.unwrap();
    let (window, unlocked) = open_to_the_library(&stage).await;
    window.quit().await.unwrap();

    stage.session.lock_keyring().await.unwrap();
    let (window, locked) = open_to_the_library(&stage).await;
    // A launch that waited for the keyring would take 3 s longer.
    assert!(
        locked < unlocked + Duration::from_secs(2),
        "locked {locked:?}, unlocked {unlocked:?}"
    );
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
