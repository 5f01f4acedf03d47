//! Two athletes on one profile: what is one's stays one's.

use std::time::Duration;

use freewheel_sync::Mode;
use freewheel_sync::view::Delivery;

use crate::athlete::{card, ride, sign_in, signed_in, soon, until, until_delivered};
use crate::site::{Site, Way};

#[tokio::test]
async fn a_queued_ride_waits_for_its_owner_through_another_athletes_session() {
    let site = Site::start().await;
    let ben = site.add_athlete("ben");
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    site.gate.rule(|line| {
        if line.starts_with("PUT") {
            Way::LoseRequest
        } else {
            Way::Through
        }
    });
    let hers = ride(&engine).await;
    until(&engine, "waiting", |v| v.data.waiting == 1).await;
    soon("signing out", engine.sign_out()).await.unwrap();
    site.gate.through();
    let view = until(&engine, "signed out", |v| v.session.state == "signed_out").await;
    assert!(view.session.account.is_none());
    // Own rides never lock: until somebody else signs in they are shown and can be exported, and nothing is promised.
    let kept = card(&engine, &hers).await.delivery;
    assert!(
        matches!(kept, Delivery::Waiting { next_try: None, .. }),
        "{kept:?}"
    );
    assert_eq!(engine.outbox().await.unwrap().len(), 1);
    let id = hers.id.parse().unwrap();
    engine.export_ride(id, folder.path()).await.unwrap();

    sign_in(&engine, &site.url, "ben").await.unwrap();
    let view = until(&engine, "ben's", |v| {
        v.session.account.as_deref() == Some("ben") && v.library.workouts >= 60
    })
    .await;
    assert_eq!((view.data.waiting, view.data.parked), (0, 0));
    assert!(engine.history().await.unwrap().is_empty());
    assert!(engine.outbox().await.unwrap().is_empty());
    let his = ride(&engine).await;
    until_delivered(&engine, &his).await;
    assert_eq!(site.rides_of(&ben).len(), 1);
    assert!(site.rides_of(&site.demo()).is_empty());
    assert!(
        engine
            .export_ride(hers.id.parse().unwrap(), folder.path())
            .await
            .is_err()
    );
    soon("signing out", engine.sign_out()).await.unwrap();

    sign_in(&engine, &site.url, "demo").await.unwrap();
    until_delivered(&engine, &hers).await;
    let (hers, his) = (card(&engine, &hers).await, his.id);
    assert!(matches!(hers.delivery, Delivery::Delivered { .. }));
    assert!(
        engine
            .history()
            .await
            .unwrap()
            .iter()
            .all(|ride| ride.id != his)
    );
    assert_eq!(site.rides_of(&site.demo()).len(), 1);
    assert_eq!(site.rides_of(&ben).len(), 1);
}

#[tokio::test]
async fn another_account_cannot_take_over_a_profile_that_is_signed_in() {
    let site = Site::start().await;
    site.add_athlete("ben");
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let error = sign_in(&engine, &site.url, "ben").await.unwrap_err();
    assert_eq!(error.code(), "sign_in_wrong_account");
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active");
    let name = engine.view_now().session.account;
    assert_ne!(name.as_deref(), Some("ben"));
}

#[tokio::test]
async fn signing_out_works_without_the_server_and_forgets_the_tokens() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let away = site.stop().await;
    let saved = ride(&engine).await;
    soon("signing out", engine.sign_out()).await.unwrap();
    until(&engine, "signed out", |v| v.session.state == "signed_out").await;
    let site = away.start().await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "signed_out");
    assert!(site.rides_of(&site.demo()).is_empty());
    sign_in(&engine, &site.url, "demo").await.unwrap();
    until_delivered(&engine, &saved).await;
}
