//! The app beside its window: closed into the tray, started without a window, ended from the tray's menu.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod stage;

use std::time::Duration;

use freewheel_lab::LabError;
use freewheel_lab::desktop::panel::Panel;
use freewheel_lab::program::Program;
use freewheel_lab::programs;
use freewheel_lab::wait::{Seen, until};
use freewheel_lab::window::windows_of;
use stage::{SOON, Stage, go, ride_to_history, wait_for_attr};

const ROW: &str = "[data-test='ride-row']";

async fn windows(stage: &Stage, pid: u32, wanted: usize) {
    let seen = until("the window", SOON, async || {
        Ok(Seen::from(windows_of(&stage.session, pid)? == wanted))
    });
    seen.await.unwrap();
}

async fn notice(panel: &Panel, title: &str) -> String {
    let told = until(title, SOON, async || {
        let found = panel.notices().into_iter().find(|(each, _)| each == title);
        Ok::<_, LabError>(found.map(|(_, body)| body))
    });
    told.await.unwrap()
}

async fn labels(panel: &Panel) -> Vec<String> {
    let entries = panel.menu().await.unwrap();
    entries
        .into_iter()
        .map(|entry| entry.label)
        .filter(|label| !label.is_empty())
        .collect()
}

#[tokio::test]
async fn closed_into_the_tray_the_app_delivers_and_says_so_and_ends_from_there() {
    let mut stage = Stage::set((1280, 800)).await;
    let panel = Panel::show(&stage.session).await.unwrap();
    let window = stage.open().await;
    stage.sign_in(&window).await;
    let pid = window.pid().unwrap();
    assert_eq!(
        labels(&panel).await,
        ["Nothing waits", "Open Freewheel", "Sync now", "Quit"]
    );

    go(&window, "today").await;
    window.find("[data-test='start']").await.unwrap();
    stage.server.kill9();
    window.click("[data-test='start']").await.unwrap();
    ride_to_history(&window, 3).await;
    wait_for_attr(&window, ROW, "data-delivery", "waiting", SOON).await;
    until("the menu's word of it", SOON, async || {
        Ok::<_, LabError>(Seen::from(labels(&panel).await[0] == "1 ride waiting"))
    })
    .await
    .unwrap();

    window.ask_to_close().unwrap();
    windows(&stage, pid, 0).await;
    let body = notice(&panel, "Freewheel goes on in the background").await;
    assert!(body.contains("tray"), "{body}");

    // Nobody looks, and the service returns.
    stage.server.start_again().await.unwrap();
    panel.choose("Sync now").await.unwrap();
    notice(&panel, "Your ride was delivered").await;
    assert_eq!(stage.server_rides().len(), 1);
    assert_eq!(window.pid().unwrap(), pid, "it was another process");

    panel.choose("Open Freewheel").await.unwrap();
    windows(&stage, pid, 1).await;
    wait_for_attr(&window, ROW, "data-delivery", "delivered", SOON).await;

    // It is told once.
    window.ask_to_close().unwrap();
    windows(&stage, pid, 0).await;
    panel.choose("Quit").await.unwrap();
    let ended = until("the end of the app", SOON, async || {
        Ok::<_, LabError>(Seen::from(window.pid().is_err()))
    });
    ended.await.unwrap();
    let told = panel.notices();
    let told: Vec<_> = told.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(
        told,
        [
            "Freewheel goes on in the background",
            "Your ride was delivered"
        ]
    );
}

#[tokio::test]
async fn the_athlete_may_choose_that_closing_ends_the_app_also_where_there_is_a_tray() {
    let stage = Stage::set((1280, 800)).await;
    let _panel = Panel::show(&stage.session).await.unwrap();
    let window = stage.open().await;
    go(&window, "account").await;
    let stays = "[data-test='stays']";
    window.find(stays).await.unwrap();
    assert_eq!(window.attr(stays, "disabled").await.unwrap(), None);
    window.click(stays).await.unwrap();
    window
        .find("[data-test='stays']:not(:checked)")
        .await
        .unwrap();
    window.quit().await.unwrap();

    let window = stage.open().await;
    go(&window, "account").await;
    window
        .find("[data-test='stays']:not(:checked)")
        .await
        .unwrap();
    window.quit().await.unwrap();
}

#[tokio::test]
async fn started_in_the_background_it_has_no_window_until_somebody_wants_one() {
    let stage = Stage::set((1280, 800)).await;
    let panel = Panel::show(&stage.session).await.unwrap();
    let start = |arguments: &[&str], name: &str| {
        let mut command = stage.session.command(programs::desktop_app().unwrap());
        command.arg("--home").arg(stage.home()).args(arguments);
        Program::start(name, &mut command, &stage.session.logs()).unwrap()
    };
    let mut app = start(&["--background"], "background");
    assert_eq!(labels(&panel).await[1], "Open Freewheel");
    assert_eq!(windows_of(&stage.session, app.id()).unwrap(), 0);

    // A second start at login shows nothing either.
    let mut again = start(&["--background"], "again");
    assert!(again.wait(SOON).await.unwrap().success());
    assert_eq!(windows_of(&stage.session, app.id()).unwrap(), 0);
    // One by the athlete does.
    let mut wanted = start(&[], "wanted");
    assert!(wanted.wait(SOON).await.unwrap().success());
    windows(&stage, app.id(), 1).await;

    panel.choose("Quit").await.unwrap();
    assert!(
        app.wait(SOON + Duration::from_secs(10))
            .await
            .unwrap()
            .success()
    );
}
