//! Every state of the session in the real window: what it says, what it locks, and what stays open.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod stage;

use std::time::Duration;

use freewheel_lab::wait::Seen;
use freewheel_lab::window::{Page, Window};
use stage::{
    SESSION, SOON, Stage, WITHIN_A_MINUTE, go, ride_to_history, wait_for_attr, wait_for_number,
    wait_for_session,
};

const ROW: &str = "[data-test='ride-row']";
const OWN: &str = "[data-test='own-workouts']";
const START: &str = "[data-test='detail-start']";

/// An access token of this many seconds is renewed after about half of them.
const SHORT_LIFE: [&str; 2] = ["--access-token-life", "8"];

async fn signed_in(stage: &Stage) -> Window {
    let window = stage.open().await;
    stage.sign_in(&window).await;
    go(&window, "library").await;
    let total = "[data-test='library-total']";
    wait_for_number(&window, total, "data-count", 60, SOON).await;
    window
}

/// Own files, free ride, history and export are at hand, whatever is locked.
async fn own_files_can_be_ridden_and_exported(window: &Window, delivery: &str) {
    go(window, "today").await;
    wait_for_number(window, OWN, "data-count", 1, SOON).await;
    window.click(&format!("{OWN} a.line")).await.unwrap();
    window.click(&format!("{START}:enabled")).await.unwrap();
    ride_to_history(window, 3).await;
    wait_for_attr(window, ROW, "data-delivery", delivery, SOON).await;
    window.find("[data-test='export']:enabled").await.unwrap();
    go(window, "today").await;
    window
        .find("[data-test='free-ride']:enabled")
        .await
        .unwrap();
    window
        .find("[data-test='import-own']:enabled")
        .await
        .unwrap();
}

/// The licensed library is listed, says why it is locked, and does not start.
async fn licensed_workouts_are_locked(window: &Window) {
    go(window, "today").await;
    window.find("[data-test='start']:disabled").await.unwrap();
    window
        .wait_for_text("[data-test='locked']", "deleted", SOON)
        .await
        .unwrap();
    go(window, "library").await;
    window.find("[data-test='library-locked']").await.unwrap();
}

#[tokio::test]
async fn signed_out_an_own_file_is_ridden_kept_and_exported_also_while_a_code_is_on_the_screen() {
    let stage = Stage::set((1280, 800)).await;
    stage.import_own();
    let window = stage.open().await;
    wait_for_session(&window, "signed_out", SOON).await;
    window.find("[data-test='signed-out']").await.unwrap();
    own_files_can_be_ridden_and_exported(&window, "local_only").await;
    let ran = stage.cli(&["--json", "rides", "list"]);
    let rides: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let id = rides["rides"][0]["id"].as_str().unwrap();
    let file = stage.session.folder().join("exported.fit");
    let ran = stage.cli(&["rides", "export", id, &file.display().to_string()]);
    assert!(ran.status.success() && file.is_file(), "{ran:?}");

    // A code for another device: shown, in nobody's way, and given up without a trace.
    go(&window, "account").await;
    window
        .click("[data-test='sign-in-with-code']")
        .await
        .unwrap();
    let code = window
        .wait_for_text("[data-test='device-code']", "-", SOON)
        .await
        .unwrap();
    assert!(code.len() >= 9, "{code}");
    let address = window.text("[data-test='device-address']").await.unwrap();
    assert_eq!(address, format!("{}/oauth/device", stage.server.url()));
    wait_for_session(&window, "signing_in", SOON).await;
    own_files_can_be_ridden_and_exported(&window, "local_only").await;
    go(&window, "account").await;
    window.click("[data-test='cancel-sign-in']").await.unwrap();
    window.find("[data-test='server']").await.unwrap();
    wait_for_session(&window, "signed_out", SOON).await;
}

#[tokio::test]
async fn a_sign_in_that_the_operator_ended_is_asked_for_again_and_nothing_is_lost() {
    let stage = Stage::set_with((1280, 800), &[&["--dev"], &SHORT_LIFE[..]].concat()).await;
    stage.import_own();
    let window = signed_in(&stage).await;
    stage.end_every_sign_in();
    wait_for_session(&window, "needs_sign_in", WITHIN_A_MINUTE).await;
    window
        .wait_for_text(SESSION, "Please sign in again", SOON)
        .await
        .unwrap();

    // The library stays open until the grace ends; what is ridden waits.
    go(&window, "today").await;
    window.click("[data-test='start']:enabled").await.unwrap();
    ride_to_history(&window, 3).await;
    wait_for_attr(&window, ROW, "data-delivery", "waiting", SOON).await;
    assert_eq!(stage.server_rides(), []);

    stage.sign_in(&window).await;
    go(&window, "history").await;
    wait_for_attr(&window, ROW, "data-delivery", "delivered", SOON).await;
    assert_eq!(stage.server_rides().len(), 1);
    nothing_is_said(&window).await;
}

#[tokio::test]
async fn a_blocked_account_locks_the_library_alone_and_opens_again_without_a_launch() {
    let stage = Stage::set((1280, 800)).await;
    stage.import_own();
    let window = signed_in(&stage).await;
    stage.block_the_athlete();
    window.click("[data-test='sync-now']").await.unwrap();
    wait_for_session(&window, "blocked", SOON).await;
    licensed_workouts_are_locked(&window).await;
    own_files_can_be_ridden_and_exported(&window, "waiting").await;
    assert_eq!(stage.server_rides(), []);

    // The one thing to do, with what support needs.
    window.click("[data-test='session-deed']").await.unwrap();
    let report = window
        .wait_for_text("[data-test='support-report']", "blocked", SOON)
        .await;
    assert!(report.unwrap().contains("vault"));
    window.keys(thirtyfour::Key::Escape).await.unwrap();

    assert_eq!(stage.operator("UPDATE athlete SET blocked = 0"), 1);
    window
        .click("[data-test='sync-now']:enabled")
        .await
        .unwrap();
    go(&window, "history").await;
    wait_for_attr(&window, ROW, "data-delivery", "delivered", WITHIN_A_MINUTE).await;
    nothing_is_said(&window).await;
}

#[tokio::test]
async fn when_the_grace_is_over_the_library_locks_a_ride_cut_short_goes_on_and_one_contact_opens_it()
 {
    let grace = ["--dev", "--offline-grace", "20"];
    let mut stage = Stage::set_with((1280, 800), &grace).await;
    stage.import_own();
    let window = signed_in(&stage).await;
    stage.server.kill9();
    // A licensed ride that a death cuts short while the library is still open.
    go(&window, "today").await;
    window.click("[data-test='start']").await.unwrap();
    let ride = "[data-test='ride']";
    wait_for_attr(&window, ride, "data-state", "ready", SOON).await;
    window.keys(" ").await.unwrap();
    wait_for_number(&window, ride, "data-durable", 2, SOON).await;
    window.kill9().await.unwrap();

    let window = stage.open().await;
    wait_for_session(&window, "grace_expired", WITHIN_A_MINUTE).await;
    licensed_workouts_are_locked(&window).await;
    go(&window, "today").await;
    window.click("[data-test='resume']").await.unwrap();
    wait_for_attr(&window, ride, "data-state", "paused", SOON).await;
    window.keys(" ").await.unwrap();
    wait_for_number(&window, ride, "data-durable", 5, SOON).await;
    window.keys("f").await.unwrap();
    window.click("[data-test='finish']").await.unwrap();
    window.click("[data-test='to-history']").await.unwrap();
    wait_for_attr(&window, ROW, "data-delivery", "waiting", SOON).await;
    own_files_can_be_ridden_and_exported(&window, "waiting").await;

    stage.server.start_again().await.unwrap();
    window.click("[data-test='session-deed']").await.unwrap();
    go(&window, "today").await;
    window.find("[data-test='start']:enabled").await.unwrap();
    go(&window, "history").await;
    wait_for_attr(&window, ROW, "data-delivery", "delivered", SOON).await;
    assert_eq!(stage.server_rides().len(), 2);
}

#[tokio::test]
async fn before_signing_out_it_is_said_what_becomes_of_rides_that_wait_and_it_works_offline() {
    let mut stage = Stage::set((1280, 800)).await;
    stage.import_own();
    let window = signed_in(&stage).await;
    stage.server.kill9();
    go(&window, "today").await;
    window.click("[data-test='start']").await.unwrap();
    ride_to_history(&window, 2).await;
    go(&window, "account").await;
    wait_for_attr(&window, "[data-test='vault']", "data-kind", "keyring", SOON).await;
    window.click("[data-test='sign-out']").await.unwrap();
    let words = "[data-test='sign-out-words']";
    window
        .wait_for_text(words, "1 ride still to deliver", SOON)
        .await
        .unwrap();
    window
        .click("[data-test='confirm-sign-out']")
        .await
        .unwrap();
    wait_for_session(&window, "signed_out", SOON).await;
    go(&window, "history").await;
    wait_for_attr(&window, ROW, "data-delivery", "waiting", SOON).await;
    window.find("[data-test='export']:enabled").await.unwrap();
    // What is ridden now is nobody's, and goes nowhere.
    own_files_can_be_ridden_and_exported(&window, "local_only").await;
}

/// The strip falls silent when all is well.
async fn nothing_is_said(window: &Window) {
    let silent = window.wait_for(
        "a silent strip",
        Duration::from_secs(90),
        async |page: &Page| Ok(Seen::from(!page.has(SESSION).await?)),
    );
    silent.await.unwrap();
}
