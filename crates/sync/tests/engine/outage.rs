//! The server is away: the app opens, shows, rides, and says so.

use std::time::Duration;

use freewheel_sync::Mode;
use freewheel_sync::view::{Delivery, LibraryQuery, ServiceState, SessionAction};

use crate::athlete::{card, open, ride, signed_in, soon, until};
use crate::site::Site;

#[tokio::test]
async fn an_app_that_starts_in_an_outage_has_everything() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.library.pulling
    })
    .await;
    let today = engine.today().await.unwrap();
    engine.shutdown().await;
    drop(engine);
    let _away = site.stop().await;

    let engine = soon("the launch", open(folder.path(), Mode::Resident)).await;
    let view = engine.view_now();
    assert!(view.session.library_open && view.library.workouts >= 60);
    assert_eq!(engine.today().await.unwrap(), today);
    let query = LibraryQuery {
        limit: 5,
        ..LibraryQuery::default()
    };
    let page = engine.library(query).await.unwrap();
    assert!(engine.workout(&page.rows[0].id).await.unwrap().rideable);
    let view = until(&engine, "unreachable", |v| {
        v.service.state == ServiceState::Unreachable
    })
    .await;
    let cause = view.service.cause.as_deref();
    assert_eq!(cause, Some("The service is not running at its address."));
    assert_eq!(view.session.state, "offline");
    assert_eq!(view.session.headline, "Working offline");
    assert!(view.session.library_open && view.session.action != Some(SessionAction::SignIn));
}

#[tokio::test]
async fn a_sync_in_an_outage_says_what_waits_and_when_it_is_tried() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert!(
        report.reached && report.workouts >= 60 && report.next_try.is_none(),
        "{report:?}"
    );
    let away = site.stop().await;
    let saved = ride(&engine).await;
    let mut since = None;
    for round in 1..=3 {
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert!(!report.reached, "{report:?}");
        assert_eq!((report.waiting, report.delivered), (1, 0));
        assert_eq!(report.session, "offline");
        assert_eq!(
            report.words,
            "The service is not running at its address. 1 ride waiting."
        );
        // The three places that tell the next try agree.
        let Delivery::Waiting {
            next_try,
            attempts,
            words,
        } = card(&engine, &saved).await.delivery
        else {
            panic!("not waiting");
        };
        assert!(report.next_try.is_some());
        assert_eq!(next_try, report.next_try);
        assert_eq!(engine.outbox().await.unwrap()[0].next_try, report.next_try);
        assert_eq!(attempts, round);
        assert!(words.contains("not running"), "{words}");
        let view = until(&engine, "the same", |v| v.data.next_try == next_try).await;
        // The outage began once.
        assert_eq!(*since.get_or_insert(view.service.since), view.service.since);
        assert!(view.service.since.is_some());
    }
    let site = away.start().await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!((report.delivered, report.waiting), (1, 0));
    assert!(report.words.contains("1 ride was delivered."), "{report:?}");
    assert_eq!(site.rides_of(&site.demo()).len(), 1);
}

#[tokio::test]
async fn a_sync_that_may_wait_tries_again_until_the_server_is_back() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let away = site.stop().await;
    let saved = ride(&engine).await;
    let syncing = tokio::spawn({
        let engine = engine.clone();
        async move { engine.sync(Duration::from_secs(60)).await }
    });
    until(&engine, "tried", |v| {
        v.service.state == ServiceState::Unreachable
    })
    .await;
    let site = away.start().await;
    let report = soon("the sync", syncing).await.unwrap().unwrap();
    assert_eq!((report.delivered, report.waiting), (1, 0), "{report:?}");
    assert!(matches!(
        card(&engine, &saved).await.delivery,
        Delivery::Delivered { .. }
    ));
    assert_eq!(site.rides_of(&site.demo()).len(), 1);
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_does_not_hold_up_the_launch() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.library.pulling
    })
    .await;
    engine.shutdown().await;
    drop(engine);
    let away = site.stop().await;
    let silent = away.port().listen().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let (stream, _) = soon("a request", silent.accept()).await.unwrap();
    // The request hangs; nothing else does.
    let all = async {
        assert!(
            !engine
                .library(LibraryQuery {
                    limit: 1,
                    ..LibraryQuery::default()
                })
                .await
                .unwrap()
                .rows
                .is_empty()
        );
        let saved = ride(&engine).await;
        assert!(matches!(
            card(&engine, &saved).await.delivery,
            Delivery::Waiting { .. } | Delivery::Sending
        ));
        engine.shutdown().await;
    };
    tokio::time::timeout(Duration::from_secs(8), all)
        .await
        .expect("something waits for the network");
    drop(stream);
}

#[tokio::test]
async fn what_a_sync_could_not_do_is_done_later_by_itself() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    let asked = engine.view_now().library.fresh_at;
    let away = site.stop().await;
    // The lanes sleep until their next look, minutes away; only the sync finds out.
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert!(!report.reached);
    let site = away.start().await;
    until(&engine, "fresh again", |v| v.library.fresh_at > asked).await;
    drop(site);
}
