//! Two athletes on one profile: what is one's stays one's.

use std::sync::Arc;
use std::time::Duration;

use freewheel_sync::view::Delivery;
use freewheel_sync::{Mode, Renewal};
use tokio::sync::Notify;

use crate::athlete::{
    card, eventually, open, ride, sign_in, signed_in, soon, until, until_delivered,
};
use crate::site::{Site, Way};

const CHANGES: &str = "GET /v1/changes";

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

/// Whether the server has ended the sign-ins that were made so far.
fn revoked(site: &Site) -> bool {
    // Touches nothing; counts what is not revoked.
    site.sql("UPDATE token_family SET revoked_at = revoked_at WHERE revoked_at IS NULL") == 0
}

fn queued(folder: &std::path::Path) -> i64 {
    let database = rusqlite::Connection::open(folder.join("athlete.db")).unwrap();
    let sql = "SELECT count(*) FROM revocation";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_sign_out_without_the_server_reaches_it_later_by_itself() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let away = site.stop().await;
    soon("signing out", engine.sign_out()).await.unwrap();
    assert_eq!(queued(folder.path()), 1);
    assert!(
        folder.path().join("vault.key").exists(),
        "the key is needed"
    );
    let site = away.start().await;
    eventually("the server knows", || revoked(&site)).await;
    eventually("nothing is left", || queued(folder.path()) == 0).await;
    assert!(!folder.path().join("vault.key").exists(), "nor is the key");
    assert_eq!(engine.view_now().session.state, "signed_out");
}

#[tokio::test]
async fn a_sign_out_is_told_after_a_restart_by_a_single_sync() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let away = site.stop().await;
    soon("signing out", engine.sign_out()).await.unwrap();
    drop(engine);
    let engine = open(folder.path(), Mode::OneShot).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "signed_out");
    assert_eq!(queued(folder.path()), 1, "kept until it is told");
    let site = away.start().await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert!(revoked(&site));
    assert_eq!(queued(folder.path()), 0);
}

#[tokio::test]
async fn a_sign_out_is_told_while_another_athlete_is_signed_in_elsewhere() {
    let (hers, his) = (Site::start().await, Site::start().await);
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &hers.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let away = hers.stop().await;
    soon("signing out", engine.sign_out()).await.unwrap();
    his.add_athlete("ben");
    sign_in(&engine, &his.url, "ben").await.unwrap();
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    assert_eq!(queued(folder.path()), 1);
    let hers = away.start().await;
    eventually("her server knows", || revoked(&hers)).await;
    eventually("nothing is left", || queued(folder.path()) == 0).await;
    assert!(!revoked(&his), "his sign-in stands");
    let key = std::fs::read_to_string(folder.path().join("vault.key")).unwrap();
    assert_eq!(key.lines().count(), 2, "a first line, and his key");
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active");
}

#[tokio::test]
async fn signing_in_again_before_the_sign_out_is_told_keeps_the_new_sign_in() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    site.gate.only("POST /oauth/revoke", || Way::LoseRequest);
    soon("signing out", engine.sign_out()).await.unwrap();
    sign_in(&engine, &site.url, "demo").await.unwrap();
    assert_eq!(queued(folder.path()), 1);
    site.gate.through();
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    eventually("nothing is left", || queued(folder.path()) == 0).await;
    let ended = "UPDATE token_family SET scope = scope WHERE revoked_at IS NOT NULL";
    assert_eq!(site.sql(ended), 1, "the old one, and only that");
    assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Fresh);
    engine.shutdown().await;
    let engine = open(folder.path(), Mode::OneShot).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active", "its key is still there");
}

#[tokio::test]
async fn an_issuer_that_will_not_have_it_is_not_told_again_and_a_portal_is_no_issuer() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let portal = || Way::Say(200, "text/html", "<h1>Welcome</h1>".to_owned());
    site.gate.only("POST /oauth/revoke", portal);
    soon("signing out", engine.sign_out()).await.unwrap();
    assert_eq!(queued(folder.path()), 1);
    let body = r#"{"error":"unsupported_token_type"}"#;
    let refuses = move || Way::Say(400, "application/json", body.to_owned());
    site.gate.only("POST /oauth/revoke", refuses);
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(queued(folder.path()), 0);
    let asked = site.gate.count("POST /oauth/revoke");
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(site.gate.count("POST /oauth/revoke"), asked);
}

#[tokio::test]
async fn a_sign_in_that_ends_during_a_renewal_elsewhere_is_the_one_that_counts() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let other = open(folder.path(), Mode::OneShot).await;
    let (bell, mut once) = (Arc::new(Notify::new()), true);
    let held = Arc::clone(&bell);
    site.gate.rule(move |line| {
        if line == "POST /oauth/token" && std::mem::take(&mut once) {
            return Way::Hold(Arc::clone(&held));
        }
        Way::Through
    });
    let asked = site.gate.count("POST /oauth/token");
    let renewal = tokio::spawn(async move { other.renew().await });
    eventually("a renewal", || site.gate.count("POST /oauth/token") > asked).await;
    let arrival = tokio::spawn({
        let (engine, url) = (engine.clone(), site.url.clone());
        async move { sign_in(&engine, &url, "demo").await }
    });
    // The code is redeemed while the renewal is still under way.
    eventually("a sign-in", || {
        site.gate.count("POST /oauth/token") > asked + 1
    })
    .await;
    bell.notify_one();
    assert_eq!(soon("the renewal", renewal).await.unwrap(), Renewal::Fresh);
    soon("the sign-in", arrival).await.unwrap().unwrap();
    // What is stored is of the sign-in: ending the first one changes nothing.
    let first = "UPDATE token_family SET revoked_at = 1, revoked_because = 'asked'
                 WHERE id = (SELECT id FROM token_family ORDER BY created_at, rowid LIMIT 1)";
    assert_eq!(site.sql(first), 1);
    assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Fresh);
}

#[tokio::test]
async fn a_sign_out_while_a_page_of_the_library_is_on_its_way_leaves_none_of_it() {
    let site = Site::start().await;
    let held = Arc::new(Notify::new());
    let hold = Arc::clone(&held);
    site.gate.rule(move |line| {
        if line.starts_with(CHANGES) {
            Way::HoldReply(Arc::clone(&hold))
        } else {
            Way::Through
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    eventually("a question", || site.gate.count(CHANGES) == 1).await;
    until(&engine, "a pull", |v| v.library.pulling).await;
    soon("signing out", engine.sign_out()).await.unwrap();
    held.notify_one();
    let view = until(&engine, "the end of the pull", |v| !v.library.pulling).await;
    assert_eq!(
        (view.library.workouts, &*view.session.state),
        (0, "signed_out")
    );
    let database = rusqlite::Connection::open(folder.path().join("library.db")).unwrap();
    let owned = "SELECT count(*) FROM feed_meta WHERE account IS NOT NULL OR cursor IS NOT NULL";
    let owned: i64 = database.query_row(owned, [], |row| row.get(0)).unwrap();
    assert_eq!(owned, 0);
    assert_eq!(site.gate.count(CHANGES), 1, "{:?}", site.gate.log());
}
