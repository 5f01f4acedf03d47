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

mod stage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use freewheel_lab::window::{Page, Window};
use stage::{Look, SOON, Stage, go, wait_for_attr, wait_for_number};

const RIDE: &str = "[data-test='ride']";
/// Width, height, and what stands in the file's name.
const SIZES: [(u32, u32, &str); 2] = [(1280, 800, ""), (900, 600, "-small")];

struct Album {
    folder: PathBuf,
    look: Look,
}

impl Album {
    /// Takes a picture in each size.
    async fn take(&self, window: &Page, name: &str) {
        for (width, height, size) in SIZES {
            window.resize(width, height).await.unwrap();
            let resized = "return innerWidth === arguments[0] && innerHeight === arguments[1]";
            let settled = window.wait_for("the size", SOON, async |page: &Page| {
                let size = vec![width.into(), height.into()];
                Ok(page.js(resized, size).await?.as_bool() == Some(true))
            });
            settled.await.unwrap();
            let painted = "const done = arguments[arguments.length - 1];\
                requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 120)));";
            window
                .driver()
                .execute_async(painted, Vec::new())
                .await
                .unwrap();
            let wide = "return document.scrollingElement.scrollWidth > innerWidth";
            let cut = window.js(wide, Vec::new()).await.unwrap();
            assert_eq!(
                cut.as_bool(),
                Some(false),
                "{name} is wider than its {width} px"
            );
            let file = format!("{name}{size}-{}.png", self.look.name());
            window.screenshot(&self.folder.join(file)).await.unwrap();
        }
    }
}

async fn first_row(window: &Page) -> String {
    window.click("[data-test='workout-row']").await.unwrap();
    window.find("[data-test='detail']").await.unwrap();
    window.text("[data-test='detail']").await.unwrap()
}

async fn shoot(look: Look, folder: PathBuf) {
    let mut stage = Stage::set((1280, 800)).await;
    stage.look = look;
    let window = stage.open().await;
    let album = Album { folder, look };
    album.take(&window, "today-signed-out").await;
    go(&window, "history").await;
    window.find("[data-test='history-empty']").await.unwrap();
    album.take(&window, "history-empty").await;

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

/// Where the pictures go; the second value keeps a temporary folder alive.
fn folder() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(folder) = std::env::var_os("FREEWHEEL_SCREENSHOTS") {
        return (PathBuf::from(folder), None);
    }
    if let Some(artifacts) = std::env::var_os("FREEWHEEL_TEST_ARTIFACTS") {
        return (Path::new(&artifacts).join("screenshots"), None);
    }
    let folder = tempfile::tempdir().unwrap();
    (folder.path().to_owned(), Some(folder))
}

#[tokio::test]
async fn every_screen_in_light_has_its_picture_and_nothing_is_cut_off() {
    let (folder, _kept) = folder();
    shoot(Look::Light, folder).await;
}

#[tokio::test]
async fn every_screen_in_dark_has_its_picture_and_nothing_is_cut_off() {
    let (folder, _kept) = folder();
    shoot(Look::Dark, folder).await;
}
