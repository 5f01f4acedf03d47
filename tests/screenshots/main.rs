//! A picture of every screen, light and dark, in two sizes; and on each of them nothing is cut off at the side.
//!
//! Pictures go to `$FREEWHEEL_SCREENSHOTS`, else to the test's own folder, which is kept only on request.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod album;
mod session;
#[path = "../stage/mod.rs"]
mod stage;

use std::time::Duration;

use album::Album;
use freewheel_lab::window::{Page, Window};
use stage::{Look, SOON, Stage, go, wait_for_attr, wait_for_number};

const RIDE: &str = "[data-test='ride']";

async fn first_row(window: &Page) -> String {
    window.click("[data-test='workout-row']").await.unwrap();
    window.find("[data-test='detail']").await.unwrap();
    window.text("[data-test='detail']").await.unwrap()
}

async fn shoot(look: Look) {
    let mut stage = Stage::set((1280, 800)).await;
    stage.look = look;
    let window = stage.open().await;
    let album = Album::of(look);
    album.take(&window, "today-signed-out").await;
    go(&window, "history").await;
    window.find("[data-test='history-empty']").await.unwrap();
    album.take(&window, "history-empty").await;
    go(&window, "queue").await;
    window.find("[data-test='queue-empty']").await.unwrap();
    album.take(&window, "queue-empty").await;

    go(&window, "account").await;
    window.find("[data-test='server']").await.unwrap();
    album.take(&window, "sign-in").await;
    window.click("[data-test='sign-in']").await.unwrap();
    window.find("[data-test='sign-in-url']").await.unwrap();
    album.take(&window, "signing-in").await;
    window.click("[data-test='cancel-sign-in']").await.unwrap();
    stage.session.opened_url(SOON).await.unwrap();
    window.find("[data-test='server']").await.unwrap();
    stage.sign_in(&window).await;
    album.take(&window, "account").await;

    go(&window, "library").await;
    wait_for_number(
        &window,
        "[data-test='library-total']",
        "data-count",
        60,
        SOON,
    )
    .await;
    album.take(&window, "library").await;
    assert!(!first_row(&window).await.is_empty());
    album.take(&window, "workout").await;
    go(&window, "today").await;
    window.find("[data-test='planned']").await.unwrap();
    album.take(&window, "today").await;

    stage.server.kill9();
    ride_with_pictures(&window, &album).await;
    window.click("[data-test='to-history']").await.unwrap();
    wait_for_attr(
        &window,
        "[data-test='ride-row']",
        "data-delivery",
        "waiting",
        SOON,
    )
    .await;
    album.take(&window, "history-waiting").await;
    go(&window, "queue").await;
    window.find("[data-test='queue-row']").await.unwrap();
    album.take(&window, "queue").await;
    go(&window, "today").await;
    window.find("[data-test='planned']").await.unwrap();
    album.take(&window, "today-offline").await;

    stage.server.start_again().await.unwrap();
    window.click("[data-test='sync-now']").await.unwrap();
    go(&window, "history").await;
    wait_for_attr(
        &window,
        "[data-test='ride-row']",
        "data-delivery",
        "delivered",
        SOON,
    )
    .await;
    album.take(&window, "history").await;
}

/// The ride screen is dark in either look.
async fn ride_with_pictures(window: &Window, album: &Album) {
    window.click("[data-test='start']").await.unwrap();
    wait_for_attr(window, RIDE, "data-state", "ready", SOON).await;
    album.take(window, "ride-ready").await;
    window.keys(" ").await.unwrap();
    // Into the workout, where there is something to see.
    for _ in 0..2 {
        window.keys(thirtyfour::Key::Right).await.unwrap();
    }
    wait_for_number(
        window,
        RIDE,
        "data-durable",
        15,
        SOON + Duration::from_secs(15),
    )
    .await;
    album.take(window, "ride").await;
    window.keys(" ").await.unwrap();
    wait_for_attr(window, RIDE, "data-state", "paused", SOON).await;
    album.take(window, "ride-paused").await;
    window.keys("f").await.unwrap();
    window.find("[data-test='finish']").await.unwrap();
    album.take(window, "ride-finish").await;
    window.click("[data-test='finish']").await.unwrap();
    wait_for_attr(
        window,
        "[data-test='saved']",
        "data-delivery",
        "waiting",
        SOON,
    )
    .await;
    album.take(window, "ride-saved").await;
}

#[tokio::test]
async fn every_screen_in_light_has_its_picture_and_nothing_is_cut_off() {
    shoot(Look::Light).await;
}

#[tokio::test]
async fn every_screen_in_dark_has_its_picture_and_nothing_is_cut_off() {
    shoot(Look::Dark).await;
}

#[tokio::test]
async fn without_a_sign_in_every_state_has_its_picture() {
    session::without_a_sign_in(Look::Light).await;
    session::without_a_sign_in(Look::Dark).await;
}

#[tokio::test]
async fn out_of_contact_every_state_has_its_picture() {
    session::out_of_contact(Look::Light).await;
    session::out_of_contact(Look::Dark).await;
}

#[tokio::test]
async fn with_a_bad_keyring_every_state_has_its_picture() {
    session::with_a_bad_keyring(Look::Light).await;
    session::with_a_bad_keyring(Look::Dark).await;
}
