//! Several processes on one profile: one syncs, the others ask it, and somebody always takes over.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use freewheel_sync::lease::{Lease, LeaseKind};
use freewheel_sync::{Mode, RideRequest};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::athlete::{home, open, ride, signed_in, soon, until, until_delivered};
use crate::site::{Site, Way};

const FOLDER: &str = "FREEWHEEL_TEST_PROFILE";

/// The other process: a resident engine on the profile, until its input ends. Run by the tests below.
#[tokio::test]
#[ignore = "it is the other process of the tests in this file"]
async fn the_other_process() {
    let folder = std::env::var_os(FOLDER).expect("run by another test");
    let engine = open(Path::new(&folder), Mode::Resident).await;
    std::io::stdout().write_all(b"\nresident\n").unwrap();
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await.unwrap();
    engine.shutdown().await;
}

async fn other_process(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "processes::the_other_process",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = async {
        while lines
            .next_line()
            .await
            .unwrap()
            .expect("the other process ended")
            != "resident"
        {}
    };
    soon("the other process", ready).await;
    // Keeps its output flowing, so that it never waits for us.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

fn somebody_syncs(folder: &Path) -> bool {
    Lease::try_acquire(&home(folder), LeaseKind::Syncer)
        .unwrap()
        .is_none()
}

#[tokio::test]
async fn the_second_process_leaves_syncing_to_the_first_and_takes_over_when_it_ends() {
    for killed in [false, true] {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
        assert!(
            !somebody_syncs(folder.path()),
            "a one-shot engine holds nothing"
        );
        drop(engine);
        let mut first = other_process(folder.path()).await;
        assert!(somebody_syncs(folder.path()));
        let second = open(folder.path(), Mode::Resident).await;
        // The first one delivers what the second one recorded.
        let saved = ride(&second).await;
        until_delivered(&second, &saved).await;
        assert_eq!(site.gate.count("PUT"), 1);

        site.gate.rule(|line| {
            if line.starts_with("PUT") {
                Way::LoseRequest
            } else {
                Way::Through
            }
        });
        let late = ride(&second).await;
        until(&second, "tried", |v| {
            v.data.waiting == 1 && v.service.since.is_some()
        })
        .await;
        if killed {
            first.kill().await.unwrap();
        } else {
            drop(first.stdin.take());
            assert!(soon("its end", first.wait()).await.unwrap().success());
        }
        site.gate.through();
        until_delivered(&second, &late).await;
        assert!(somebody_syncs(folder.path()), "the second has taken over");
        assert_eq!(site.rides_of(&site.demo()).len(), 2);
    }
}

#[tokio::test]
async fn a_sync_is_done_by_the_process_that_runs_already() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let resident = other_process(folder.path()).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert!(report.reached && report.workouts >= 60, "{report:?}");
    site.gate.rule(|line| {
        if line.starts_with("PUT") {
            Way::LoseRequest
        } else {
            Way::Through
        }
    });
    ride(&engine).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!((report.delivered, report.waiting), (0, 1), "{report:?}");
    assert!(report.next_try.is_some());
    site.gate.through();
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert!(report.waiting == 0 && report.reached, "{report:?}");
    assert_eq!(site.rides_of(&site.demo()).len(), 1);
    drop(resident);
}

fn free_ride() -> RideRequest {
    RideRequest {
        workout_id: None,
        plan_item_id: None,
        speed: 200.0,
        autostart: true,
    }
}

#[tokio::test]
async fn a_ride_under_way_in_one_process_is_not_ended_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let rider = open(folder.path(), Mode::OneShot).await;
    let window = open(folder.path(), Mode::OneShot).await;
    let handle = rider.start_ride(free_ride()).await.unwrap();
    let mut frames = handle.frames();
    soon("the first minute", frames.wait_for(|f| f.durable >= 60))
        .await
        .unwrap();
    let unfinished = window.today().await.unwrap().unfinished;
    let id = unfinished[0].id.parse().unwrap();
    let ended = window.finish_unfinished(id).await.unwrap_err();
    assert_eq!(ended.code(), "ride_elsewhere");
    let resumed = window.resume_ride(id, 1.0, false).await.err().unwrap();
    assert_eq!(resumed.code(), "ride_elsewhere");
    let saved = soon("the end of the ride", handle.finish()).await.unwrap();
    drop(handle);
    assert!(saved.summary.seconds >= 60);
    assert_eq!(window.history().await.unwrap().len(), 1);
    // One that a death left open is anybody's.
    let gone = rider.start_ride(free_ride()).await.unwrap();
    let mut frames = gone.frames();
    soon("the first minute", frames.wait_for(|f| f.durable >= 60))
        .await
        .unwrap();
    gone.leave().await.unwrap();
    drop((gone, frames));
    let left = window.today().await.unwrap().unfinished;
    window
        .finish_unfinished(left[0].id.parse().unwrap())
        .await
        .unwrap();
}
