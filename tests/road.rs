//! The whole road in the real window: sign in, cache, lose the server, ride all the same, deliver exactly once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod stage;

use std::time::Duration;

use freewheel_lab::window::{Page, Window};
use stage::{SOON, Stage, garmin_reads, go, number, wait_for_attr, wait_for_number};

const RIDE: &str = "[data-test='ride']";
const ROW: &str = "[data-test='ride-row']";

/// Signs in, sees the library come, and loses the server and the window.
async fn signed_in_and_then_the_server_died() -> Stage {
    let mut stage = Stage::set((1280, 800)).await;
    let window = stage.open().await;
    stage.sign_in(&window).await;
    go(&window, "library").await;
    wait_for_number(
        &window,
        "[data-test='library-total']",
        "data-count",
        60,
        SOON,
    )
    .await;
    stage.server.kill9();
    window.quit().await.unwrap();
    stage
}

/// Starts today's workout, rides it for some seconds and finishes; returns at the summary.
async fn ride(window: &Window, seconds: i64) {
    go(window, "today").await;
    window.click("[data-test='start']").await.unwrap();
    wait_for_attr(window, RIDE, "data-state", "ready", SOON).await;
    window.keys(" ").await.unwrap();
    wait_for_attr(window, RIDE, "data-state", "riding", SOON).await;
    let bound = SOON + Duration::from_secs(seconds.unsigned_abs());
    wait_for_number(window, RIDE, "data-durable", seconds, bound).await;
    let ridden = number(window, RIDE, "data-ridden").await.unwrap();
    let durable = number(window, RIDE, "data-durable").await.unwrap();
    assert!(
        ridden - durable <= 2,
        "{ridden} s ridden, {durable} s durable"
    );
    window.keys("f").await.unwrap();
    window.click("[data-test='finish']").await.unwrap();
    window.find("[data-test='saved']").await.unwrap();
}

/// From the summary to the history.
async fn on_to_history(window: &Window) {
    window.click("[data-test='to-history']").await.unwrap();
    window.find(ROW).await.unwrap();
}

/// The history's first row waits for delivery; returns when the next try is, in Unix ms.
async fn waits_with_a_next_try(window: &Page) -> i64 {
    wait_for_attr(window, ROW, "data-delivery", "waiting", SOON).await;
    let next_try = wait_for_number(window, ROW, "data-next-try", 1, SOON).await;
    window.wait_for_text(ROW, "next try", SOON).await.unwrap();
    next_try
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test of real processes in real time"
)]
fn now() -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// The server holds exactly the rides that the profile froze, each once.
fn holds_exactly_what_was_frozen(stage: &Stage, count: usize) {
    let rides = stage.server_rides();
    assert_eq!(rides.len(), count, "{rides:?}");
    let mut digests: Vec<_> = rides.into_iter().map(|(_, digest)| digest).collect();
    digests.sort();
    assert_eq!(digests, stage.frozen_digests());
    garmin_reads(&stage.frozen_files());
}

#[tokio::test]
async fn with_the_server_dead_the_planned_workout_is_ridden_and_delivered_once_by_itself_and_on_demand()
 {
    let mut stage = signed_in_and_then_the_server_died().await;
    let window = stage.open().await;

    // Everything is there without the server.
    wait_for_attr(
        &window,
        "[data-test='planned']",
        "data-state",
        "planned",
        SOON,
    )
    .await;
    go(&window, "library").await;
    wait_for_number(
        &window,
        "[data-test='library-total']",
        "data-count",
        60,
        SOON,
    )
    .await;

    ride(&window, 60).await;
    on_to_history(&window).await;
    waits_with_a_next_try(&window).await;
    assert_eq!(stage.server_rides(), [], "nothing can have been delivered");
    let digest = window.attr(ROW, "data-digest").await.unwrap().unwrap();
    assert_eq!(stage.frozen_digests(), [digest]);

    // The server returns; nobody touches the app.
    stage.server.start_again().await.unwrap();
    let next_try = number(&window, ROW, "data-next-try").await.unwrap();
    let until_then = u64::try_from(next_try - now()).unwrap_or(0);
    let bound = Duration::from_millis(until_then) + Duration::from_secs(15);
    wait_for_attr(&window, ROW, "data-delivery", "delivered", bound).await;
    holds_exactly_what_was_frozen(&stage, 1);

    // A second ride, and this time the athlete asks.
    stage.server.kill9();
    ride(&window, 5).await;
    on_to_history(&window).await;
    waits_with_a_next_try(&window).await;
    stage.server.start_again().await.unwrap();
    window.click("[data-test='sync-now']").await.unwrap();
    wait_for_attr(
        &window,
        ROW,
        "data-delivery",
        "delivered",
        Duration::from_secs(10),
    )
    .await;
    holds_exactly_what_was_frozen(&stage, 2);

    // Asking again sends nothing twice.
    window.click("[data-test='sync-now']").await.unwrap();
    wait_for_attr(
        &window,
        "[data-test='fact-data']",
        "data-state",
        "clear",
        SOON,
    )
    .await;
    holds_exactly_what_was_frozen(&stage, 2);
}

#[tokio::test]
async fn killed_after_saved_and_before_delivery_the_ride_is_delivered_once_after_the_next_launch() {
    let mut stage = signed_in_and_then_the_server_died().await;
    let window = stage.open().await;
    ride(&window, 60).await;
    window.kill9().await.unwrap();
    let frozen = stage.frozen_digests();
    assert_eq!(frozen.len(), 1, "saved means saved");

    let window = stage.open().await;
    go(&window, "history").await;
    waits_with_a_next_try(&window).await;
    stage.server.start_again().await.unwrap();
    window.click("[data-test='sync-now']").await.unwrap();
    wait_for_attr(
        &window,
        ROW,
        "data-delivery",
        "delivered",
        Duration::from_secs(10),
    )
    .await;
    holds_exactly_what_was_frozen(&stage, 1);
    assert_eq!(
        stage.frozen_digests(),
        frozen,
        "the frozen file has not changed"
    );
}
