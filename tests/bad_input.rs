//! Bad input in the real window: a clear error each time, and nothing lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod stage;

use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::program::Program;
use freewheel_lab::programs;
use freewheel_lab::window::Window;
use stage::{SOON, Stage, go};

#[tokio::test]
async fn a_server_address_that_cannot_be_used_is_refused_with_the_remedy_and_the_next_one_works() {
    let stage = Stage::set((1280, 800)).await;
    let window = stage.open().await;
    go(&window, "account").await;
    for (address, says) in [
        ("nonsense", "not a server address"),
        ("http://ride.example.org", "not encrypted"),
        ("ftp://ride.example.org", "does not start with https://"),
        ("http://127.0.0.1:9", "not running at its address"),
    ] {
        window.fill("[data-test='server']", address).await.unwrap();
        window.click("[data-test='sign-in']").await.unwrap();
        window
            .wait_for_text("[data-test='sign-in-error']", says, SOON)
            .await
            .unwrap();
    }
    window
        .fill("[data-test='server']", stage.server.url())
        .await
        .unwrap();
    window.click("[data-test='sign-in']").await.unwrap();
    let url = window
        .wait_for_text("[data-test='sign-in-url']", "/oauth/authorize", SOON)
        .await;
    assert!(url.unwrap().starts_with(stage.server.url()));
    window.click("[data-test='cancel-sign-in']").await.unwrap();
    window.find("[data-test='server']").await.unwrap();
}

#[tokio::test]
async fn a_second_start_on_the_same_profile_brings_the_first_window_forward_and_ends() {
    let stage = Stage::set((1280, 800)).await;
    let window = stage.open().await;
    let first = window.pid().unwrap();
    let mut command = stage.session.command(programs::desktop_app().unwrap());
    command.env("FREEWHEEL_HOME", stage.home());
    let mut second = Program::start("second", &mut command, &stage.session.logs()).unwrap();
    let status = second.wait(SOON).await.unwrap();
    assert!(status.success(), "{status:?}: {}", second.stderr());
    assert_eq!(window.pid().unwrap(), first);
    // The first one goes on.
    go(&window, "history").await;
    window.find("[data-test='history-empty']").await.unwrap();
}

#[tokio::test]
async fn a_profile_folder_that_cannot_be_made_is_named_in_the_window() {
    let options = SessionOptions {
        display: Some((1280, 800)),
        keyring: Keyring::Unlocked,
    };
    let session = DesktopSession::start(options).await.unwrap();
    let file = session.folder().join("a-file");
    std::fs::write(&file, "in the way").unwrap();
    let home = file.join("profile").display().to_string();
    let app = programs::desktop_app().unwrap();
    let window = Window::open(&session, &app, &[("FREEWHEEL_HOME", &home)])
        .await
        .unwrap();
    window
        .wait_for_text("[data-test='cannot-start']", &home, SOON)
        .await
        .unwrap();
    window
        .wait_for_text("[data-test='cannot-start']", "FREEWHEEL_HOME", SOON)
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "in the way");
}
