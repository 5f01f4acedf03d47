//! The cable is pulled and plugged in again: `freewheel watch` is silent meanwhile and delivers at once afterwards.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "real processes on a real link, in real time"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use freewheel_lab::cable::{self, Cable};
use freewheel_lab::program::Program;
use freewheel_lab::rig;
use freewheel_sync::network::SystemNetwork;
use freewheel_sync::{Engine, Mode, Ports};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);
/// How long nothing is to be heard while the cable is out.
const SILENCE: Duration = Duration::from_secs(8);
/// From the link's return to the first word.
const SPREAD: Duration = Duration::from_secs(2);

#[test]
fn without_a_link_nothing_is_tried_and_with_it_the_ride_goes_at_once() {
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
    let folder = cable.folder().join("profile");
    let engine = engine(&folder).await;
    rig::sign_in(&engine, cable.url(), "demo").await.unwrap();
    engine.sync(Duration::ZERO).await.unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_freewheel"));
    command
        .arg("--home")
        .arg(&folder)
        .args(["--json", "watch"])
        .env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
    let mut watch = Program::start("watch", &mut command, cable.folder()).unwrap();
    seen(&mut watch, "at rest", |view| {
        view["network"] == "up" && view["data"]["busy"] == false
    })
    .await;

    cable.pull().unwrap();
    seen(&mut watch, "the pulled cable", |view| {
        view["network"] == "down"
    })
    .await;
    rig::ride(&engine, None).await.unwrap();
    engine.shutdown().await;
    seen(&mut watch, "the ride", |view| view["data"]["waiting"] == 1).await;
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
        assert!(plugged.elapsed() < PATIENCE, "nothing is tried");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = plugged.elapsed();
    seen(&mut watch, "the delivery", |view| {
        view["data"]["waiting"] == 0 && view["data"]["delivered"] == 1
    })
    .await;
    println!(
        "first word after {began:?}, delivered after {:?}",
        plugged.elapsed()
    );
    // The kernel tells of a carrier up to a second late; the spread is the promise.
    assert!(began < SPREAD + Duration::from_secs(1), "{began:?}");
}

async fn engine(folder: &std::path::Path) -> Engine {
    let ports = Ports {
        network: std::sync::Arc::new(SystemNetwork),
        vault: freewheel_sync::vault::VaultOptions::key_file_only(),
        ..Ports::system()
    };
    Engine::open(rig::home(folder).unwrap(), ports, Mode::OneShot)
        .await
        .unwrap()
}

async fn seen(watch: &mut Program, what: &str, wanted: impl Fn(&Value) -> bool) {
    let line = watch.line(what, PATIENCE, |line| {
        let view: Value = serde_json::from_str(line).ok()?;
        wanted(&view).then_some(())
    });
    line.await.unwrap();
}
