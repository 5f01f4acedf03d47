//! A disk that is full, or that nobody may write to. Each test runs in a mount namespace of its own, on a disk of its own.
#![cfg(target_os = "linux")]

use std::time::Duration;

use freewheel_lab::disk::{SmallDisk, in_own_mounts};
use freewheel_sync::store::RESERVED_BYTES;
use freewheel_sync::view::Delivery;
use freewheel_sync::{Engine, Home, Mode, RideRequest};

use crate::athlete::{card, home, open, ports, ride, signed_in, soon, until, until_delivered};
use crate::site::Site;

/// Room for a profile with its library, what is kept, and more than must be free before room is kept.
const MEBIBYTES: u32 = 128;

fn disk(folder: &tempfile::TempDir) -> SmallDisk {
    SmallDisk::mount(&folder.path().join("disk"), MEBIBYTES).unwrap()
}

fn kept(home: &Home) -> u64 {
    std::fs::metadata(home.reserve()).map_or(0, |file| file.len())
}

#[test]
fn a_ride_on_a_disk_that_fills_up_is_saved_and_delivered() {
    in_own_mounts("disks::filling_up").unwrap();
}

#[tokio::test]
#[ignore = "it mounts a disk"]
async fn filling_up() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    let engine = signed_in(disk.place(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    assert_eq!(kept(engine.home()), RESERVED_BYTES);
    assert_eq!(engine.view_now().data.disk, None);
    let away = site.stop().await;

    // The disk fills in the middle of a ride.
    let request = RideRequest {
        workout_id: None,
        plan_item_id: None,
        speed: 200.0,
        autostart: true,
    };
    let handle = engine.start_ride(request).await.unwrap();
    let mut frames = handle.frames();
    soon("a beginning", frames.wait_for(|f| f.durable >= 20))
        .await
        .unwrap();
    disk.fill().unwrap();
    soon("a full disk", frames.wait_for(|f| f.durable >= 2400))
        .await
        .unwrap();
    assert_eq!(
        kept(engine.home()),
        0,
        "nothing was given up: the disk was not full"
    );
    let saved = soon("the end of the ride", handle.finish()).await.unwrap();
    engine.ride_ended().await;
    let told = until(&engine, "told of the full disk", |v| v.data.disk.is_some()).await;
    assert!(told.data.disk.unwrap().contains("free some space"));
    assert_eq!(
        until(&engine, "waiting", |v| v.data.waiting == 1)
            .await
            .data
            .parked,
        0
    );

    // It outlives the program, and goes from the full disk.
    engine.shutdown().await;
    drop(engine);
    let engine = open(disk.place(), Mode::Resident).await;
    assert!(matches!(
        card(&engine, &saved).await.delivery,
        Delivery::Waiting { .. }
    ));
    let site = away.start().await;
    engine.sync_now();
    until_delivered(&engine, &saved).await;
    assert_eq!(kept(engine.home()), 0);

    // There is room again: some is kept again, and nothing is said any more.
    disk.empty().unwrap();
    ride(&engine).await;
    until(&engine, "no word of a full disk", |v| v.data.disk.is_none()).await;
    assert_eq!(kept(engine.home()), RESERVED_BYTES);
    drop(site);
}

#[test]
fn the_app_opens_on_a_disk_that_is_full_from_the_start() {
    in_own_mounts("disks::full_from_the_start").unwrap();
}

#[tokio::test]
#[ignore = "it mounts a disk"]
async fn full_from_the_start() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    let engine = signed_in(disk.place(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    engine.shutdown().await;
    drop(engine);
    disk.fill().unwrap();
    let _away = site.stop().await;

    let engine = open(disk.place(), Mode::Resident).await;
    let view = engine.view_now();
    assert!(view.session.library_open && view.library.workouts >= 60);
    let saved = ride(&engine).await;
    assert!(matches!(
        card(&engine, &saved).await.delivery,
        Delivery::Waiting { .. }
    ));
    until(&engine, "told of the full disk", |v| v.data.disk.is_some()).await;
}

#[test]
fn a_disk_that_nobody_may_write_to_is_told_of_and_used_again_when_one_may() {
    in_own_mounts("disks::read_only").unwrap();
}

#[tokio::test]
#[ignore = "it mounts a disk"]
async fn read_only() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    let engine = signed_in(disk.place(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    engine.shutdown().await;
    drop(engine);

    disk.read_only(true).unwrap();
    let refused = Home::resolve(Some(disk.place().to_owned())).unwrap().open();
    let words = refused.unwrap_err().to_string();
    assert!(
        words.contains("cannot be written to") && words.contains("--home"),
        "{words}"
    );

    disk.read_only(false).unwrap();
    let engine = soon(
        "a launch",
        Engine::open(home(disk.place()), ports(), Mode::Resident),
    )
    .await
    .unwrap();
    assert!(matches!(
        card(&engine, &saved).await.delivery,
        Delivery::Delivered { .. }
    ));
    let second = ride(&engine).await;
    until_delivered(&engine, &second).await;
    drop(tokio::time::timeout(Duration::ZERO, site.stop()).await);
}
