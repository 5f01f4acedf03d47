//! A change of the plan in the real window: made with the server dead, there at once and after a restart, and sent by itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod stage;

use freewheel_lab::wait::Seen;
use freewheel_lab::window::Page;
use stage::{SOON, Stage, wait_for_attr, wait_for_number};

const PLANNED: &str = "[data-test='planned']";
const CHANGE: &str = "[data-test='planned'] [data-test='change']";

#[tokio::test]
async fn a_workout_that_is_skipped_with_the_server_dead_is_skipped_at_the_service_when_it_is_back()
{
    let mut stage = Stage::set((1280, 800)).await;
    let window = stage.open().await;
    stage.sign_in(&window).await;
    stage::go(&window, "library").await;
    let total = "[data-test='library-total']";
    wait_for_number(&window, total, "data-count", 60, SOON).await;
    stage.server.kill9();

    stage::go(&window, "today").await;
    window.click("[data-test='skip']").await.unwrap();
    wait_for_attr(&window, PLANNED, "data-state", "skipped", SOON).await;
    window
        .wait_for_text(CHANGE, "Waiting to be sent", SOON)
        .await
        .unwrap();
    let item = window.attr(PLANNED, "data-id").await.unwrap().unwrap();
    window.quit().await.unwrap();

    let window = stage.open().await;
    wait_for_attr(&window, PLANNED, "data-state", "skipped", SOON).await;
    window
        .wait_for_text(CHANGE, "Waiting to be sent", SOON)
        .await
        .unwrap();
    assert_eq!(state_at_the_server(&stage, &item), "planned");

    stage.server.start_again().await.unwrap();
    sync(&window).await;
    gone(&window, CHANGE).await;
    assert_eq!(state_at_the_server(&stage, &item), "skipped");
    wait_for_attr(&window, PLANNED, "data-state", "skipped", SOON).await;

    // The athlete thinks better of it.
    window.click("[data-test='put-back']").await.unwrap();
    wait_for_attr(&window, PLANNED, "data-state", "planned", SOON).await;
    // By itself it would go within the spread of a service that has just come back.
    sync(&window).await;
    gone(&window, CHANGE).await;
    assert_eq!(state_at_the_server(&stage, &item), "planned");
    window.quit().await.unwrap();
}

/// A button that is off while an attempt is under way hears no click.
async fn sync(page: &Page) {
    let button = "[data-test='sync-now']:enabled";
    page.find(button).await.unwrap();
    page.click(button).await.unwrap();
}

/// Waits until nothing stands there.
async fn gone(page: &Page, css: &str) {
    let what = format!("nothing at {css}");
    let seen = page.wait_for(&what, SOON, async |page: &Page| {
        Ok(match page.has(css).await? {
            true => Seen::NotYet(None),
            false => Seen::Yes(()),
        })
    });
    seen.await.unwrap();
}

fn state_at_the_server(stage: &Stage, item: &str) -> String {
    let path = stage.server.data().join("server.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    let sql =
        "SELECT json_extract(body, '$.state') FROM feed WHERE kind = 'plan_item' AND thing_id = ?1";
    database.query_row(sql, [item], |row| row.get(0)).unwrap()
}
