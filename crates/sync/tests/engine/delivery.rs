//! A ride on its way to the server: late, interrupted, repeated, and there exactly once.

use std::sync::Arc;

use freewheel_sync::view::Delivery;
use freewheel_sync::{Engine, Mode};
use tokio::sync::Notify;

use crate::athlete::{card, eventually, id, open, ride, signed_in, soon, until, until_delivered};
use crate::site::{Site, Way};

#[tokio::test]
async fn a_ride_of_an_outage_is_delivered_by_itself_when_the_server_is_back() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let away = site.stop().await;
    let saved = ride(&engine).await;
    until(&engine, "unreachable, with the ride waiting", |v| {
        v.service.since.is_some() && v.data.waiting == 1 && v.session.state == "offline"
    })
    .await;
    let site = away.start().await;
    until_delivered(&engine, &saved).await;
    let view = until(&engine, "active", |v| v.session.state == "active").await;
    assert!(view.session.headline.is_empty());
    until(&engine, "reachable", |v| v.service.since.is_none()).await;
    let rides = site.rides_of(&site.demo());
    assert_eq!(rides.len(), 1);
    assert_eq!(rides[0].id.0, id(&saved));
    assert_eq!(
        rides[0].digest.to_string(),
        card(&engine, &saved).await.digest
    );
}

#[tokio::test]
async fn an_app_that_dies_while_sending_delivers_once() {
    for the_server_got_it in [false, true] {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
        until(&engine, "a library", |v| v.library.workouts >= 60).await;
        let bell = Arc::new(Notify::new());
        let held = Arc::clone(&bell);
        site.gate.rule(move |line| match line.starts_with("PUT") {
            true => Way::Hold(Arc::clone(&held)),
            false => Way::Through,
        });
        let saved = ride(&engine).await;
        eventually("the request arrives", || site.gate.count("PUT") > 0).await;
        assert!(matches!(
            card(&engine, &saved).await.delivery,
            Delivery::Sending
        ));
        if the_server_got_it {
            // It is taken while the app dies: the answer finds nobody.
            bell.notify_one();
            let demo = site.demo();
            eventually("the server has it", || site.rides_of(&demo).len() == 1).await;
        }
        drop(engine);
        site.gate.through();
        let engine = open(folder.path(), Mode::Resident).await;
        until_delivered(&engine, &saved).await;
        let rides = site.rides_of(&site.demo());
        assert_eq!(rides.len(), 1, "{:?}", site.gate.log());
        assert_eq!(
            rides[0].digest.to_string(),
            card(&engine, &saved).await.digest
        );
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_the_ride_is_there_once() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let mut lost = 0;
    site.gate.rule(move |line| {
        if line.starts_with("PUT") && lost < 2 {
            lost += 1;
            return Way::LoseReply;
        }
        Way::Through
    });
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    assert_eq!(site.gate.count("PUT"), 3);
    assert_eq!(site.rides_of(&site.demo()).len(), 1);
}

#[tokio::test]
async fn a_ride_that_the_server_cannot_read_holds_up_nothing_and_can_be_tried_again() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    let unread = ride(&engine_offline(&engine, &site).await).await;
    let fine = ride(&engine).await;
    let path = format!("PUT /v1/rides/{}", unread.id);
    site.gate.rule(move |line| {
        if line == path {
            let body =
                r#"{"type":"about:blank","title":"no","status":422,"code":"ride-unreadable"}"#;
            return Way::Say(422, "application/problem+json", body.to_owned());
        }
        Way::Through
    });
    soon("a sync", engine.sync(std::time::Duration::ZERO))
        .await
        .unwrap();
    let view = until(&engine, "one parked", |v| {
        v.data.parked == 1 && v.data.waiting == 0
    })
    .await;
    assert_eq!(view.session.state, "active");
    assert!(matches!(
        card(&engine, &fine).await.delivery,
        Delivery::Delivered { .. }
    ));
    let Delivery::Parked { reason } = card(&engine, &unread).await.delivery else {
        panic!("not parked");
    };
    assert_eq!(reason, "The service could not read this ride.");
    let file = engine
        .export_ride(id(&unread), folder.path())
        .await
        .unwrap();
    assert!(file.is_file(), "a parked ride can be exported");
    site.gate.through();
    engine.retry_ride(id(&unread)).await.unwrap();
    until_delivered(&engine, &unread).await;
    assert_eq!(site.rides_of(&site.demo()).len(), 2);
}

/// From now on the server loses every request.
async fn engine_offline(engine: &Engine, site: &Site) -> Engine {
    until(engine, "a library", |v| v.library.workouts >= 60).await;
    site.gate.rule(|_| Way::LoseRequest);
    engine.clone()
}

#[tokio::test]
async fn a_ride_that_the_server_lost_is_sent_again() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    engine.shutdown().await;
    assert_eq!(site.sql("DELETE FROM ride"), 1);
    // Six hours later: the lists are compared.
    let athlete = rusqlite::Connection::open(folder.path().join("athlete.db")).unwrap();
    let told = "UPDATE lane SET state = state - 22000000 WHERE lane = 'rides-confirmed-at'";
    assert_eq!(athlete.execute(told, []).unwrap(), 1);
    let engine = open(folder.path(), Mode::OneShot).await;
    soon("a sync", engine.sync(std::time::Duration::ZERO))
        .await
        .unwrap();
    assert_eq!(site.rides_of(&site.demo()).len(), 1);
    until_delivered(&engine, &saved).await;
}
