//! The cable is pulled and plugged in again under the real window.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a real window on a real link, in real time"
)]

#[path = "stage/mod.rs"]
mod stage;

use std::time::{Duration, Instant};

use freewheel_lab::cable::{self, Cable};
use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::window::Window;
use freewheel_lab::{programs, rig};
use freewheel_sync::vault::VaultOptions;
use freewheel_sync::{Engine, Mode, Ports};
use stage::{SOON, go, ride_to_history, wait_for_attr};

/// How long nothing is to be heard while the cable is out.
const SILENCE: Duration = Duration::from_secs(8);
const NETWORK: &str = "[data-test='fact-network']";
const ROW: &str = "[data-test='ride-row']";

#[test]
fn the_window_is_silent_without_a_link_and_delivers_at_once_with_it() {
    cable::in_own_network("inside").unwrap();
}

#[tokio::test]
#[ignore = "it is the service at the other end of a cable"]
async fn other_end() {
    cable::other_end().await.unwrap();
}

#[tokio::test]
#[ignore = "it changes the network that it runs in"]
async fn inside() {
    let cable = Cable::lay("other_end").await.unwrap();
    let profile = cable.folder().join("profile");
    let ports = Ports {
        vault: VaultOptions::key_file_only(),
        ..Ports::system()
    };
    let engine = Engine::open(rig::home(&profile).unwrap(), ports, Mode::OneShot)
        .await
        .unwrap();
    rig::sign_in(&engine, cable.url(), "demo").await.unwrap();
    engine.sync(Duration::ZERO).await.unwrap();
    engine.shutdown().await;

    let options = SessionOptions {
        display: Some((1280, 800)),
        keyring: Keyring::Absent,
    };
    let session = DesktopSession::start(options).await.unwrap();
    let app = programs::desktop_app().unwrap();
    let env = [("FREEWHEEL_HOME", profile.to_str().unwrap())];
    let window = Window::open(&session, &app, &env).await.unwrap();
    window.find("body[data-ready='true']").await.unwrap();
    wait_for_attr(&window, NETWORK, "data-state", "up", SOON).await;

    cable.pull().unwrap();
    wait_for_attr(&window, NETWORK, "data-state", "down", SOON).await;
    go(&window, "today").await;
    window.click("[data-test='start']").await.unwrap();
    ride_to_history(&window, 5).await;
    wait_for_attr(&window, ROW, "data-delivery", "waiting", SOON).await;

    // What asks meanwhile is the app alone: nobody asks the window anything, once the last answer is acknowledged.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = cable::attempts().unwrap();
    tokio::time::sleep(SILENCE).await;
    assert_eq!(
        cable::attempts().unwrap(),
        before,
        "somebody asked without a link"
    );
    let plugged = Instant::now();
    cable.plug().unwrap();
    while cable::attempts().unwrap() <= before {
        if plugged.elapsed() > SOON {
            panic!("nothing is tried: {}", window.text("body").await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = plugged.elapsed();
    wait_for_attr(&window, ROW, "data-delivery", "delivered", SOON).await;
    println!(
        "first word after {began:?}, delivered after {:?}",
        plugged.elapsed()
    );
    // The kernel tells of a carrier up to a second late; the spread is the promise.
    assert!(began < Duration::from_secs(3), "{began:?}");
    window.quit().await.unwrap();
}
