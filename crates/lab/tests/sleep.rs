//! The computer wakes from sleep: what became due meanwhile is tried at once.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test in real time")]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::rig::{Jitter, Links, Rig};
use freewheel_lab::site::{Settings, Site};
use freewheel_sync::clock::Clock as _;
use freewheel_sync::network::{Listening, NetworkProbe, SystemNetwork};
use freewheel_sync::view::{NetworkFact, SyncView};
use freewheel_sync::{Engine, Mode, Ports};
use jiff::SignedDuration;
use tokio::sync::Notify;

const BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS";
/// How long the lane is held back at least.
const HELD: i64 = 20_000;
/// Much shorter than that.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Links of the lab's own, and the system's word of sleep.
struct Computer(Links);

impl NetworkProbe for Computer {
    fn state(&self) -> NetworkFact {
        self.0.state()
    }

    fn listen(&self, changed: Arc<Notify>) -> Option<Listening> {
        self.0.listen(changed)
    }

    fn listen_to_sleep(&self, resumed: Arc<Notify>) -> Option<Listening> {
        SystemNetwork.listen_to_sleep(resumed)
    }
}

/// A bus of the test's own is the system bus of the child that plays the rest.
#[tokio::test]
async fn what_became_due_in_sleep_is_tried_on_waking() {
    let options = SessionOptions::headless(Keyring::Absent);
    let session = DesktopSession::start(options).await.unwrap();
    let played = tokio::task::spawn_blocking({
        let address = session.bus_address();
        move || {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "inside", "--ignored", "--nocapture"])
                .env(BUS, address)
                .output()
                .unwrap()
        }
    });
    let played = played.await.unwrap();
    let said = String::from_utf8_lossy(&played.stdout);
    assert!(
        played.status.success() && said.contains("1 passed"),
        "{played:?}"
    );
}

#[tokio::test]
#[ignore = "it wants a system bus of its own"]
async fn inside() {
    let address = std::env::var(BUS).unwrap();
    let logind = zbus::connection::Builder::address(address.as_str()).unwrap();
    let logind = logind
        .name("org.freedesktop.login1")
        .unwrap()
        .build()
        .await
        .unwrap();
    let mut rig = Rig::new().unwrap();
    rig.jitter = Jitter(0.99);
    let settings = Settings {
        clock: Arc::clone(&rig.clock),
        ..Settings::default()
    };
    let site = Site::with(settings).await.unwrap();
    let ports = Ports {
        network: Arc::new(Computer(Links::default())),
        ..rig.ports()
    };
    let engine = Engine::open(rig.home().unwrap(), ports, Mode::Resident)
        .await
        .unwrap();
    freewheel_lab::rig::sign_in(&engine, &site.url, "demo")
        .await
        .unwrap();
    let away = site.stop().await.unwrap();
    freewheel_lab::rig::ride(&engine, None).await.unwrap();
    let mut view = engine.view();
    let held = |view: &SyncView, now: i64| {
        !view.data.busy && view.data.next_try.is_some_and(|at| at > now + HELD)
    };
    let began = std::time::Instant::now();
    while !held(&engine.view_now(), rig.clock.now().wall.0) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{:#?}",
            engine.view_now().data
        );
        engine.sync_now();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let site = away.start().await.unwrap();

    rig.clock.pass(SignedDuration::from_hours(1));
    for asleep in [true, false] {
        let manager = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
        let told = logind.emit_signal(
            None::<&str>,
            manager.0,
            manager.1,
            "PrepareForSleep",
            &asleep,
        );
        told.await.unwrap();
    }
    let delivered = view.wait_for(|view| view.data.delivered == 1);
    tokio::time::timeout(AT_ONCE, delivered)
        .await
        .expect("it slept on")
        .unwrap();
    drop(site);
}
