//! Signing in: what comes of it, and what is left when it does not come about.

use freewheel_lab::port::Port;
use freewheel_lab::rig::Rig;
use freewheel_sync::view::{LibraryQuery, SyncView};
use freewheel_sync::{Engine, Mode};
use jiff::SignedDuration;

use crate::athlete::{browse, in_browser, open, sign_in, signed_in, soon, until};
use crate::site::{Site, Way};

#[tokio::test]
async fn signing_in_brings_the_library_and_the_plan() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    assert_eq!(engine.view_now().session.state, "signed_out");
    let started = engine.sign_in(&site.url).await.unwrap();
    let view = until(&engine, "signing in", |v| v.session.sign_in_url.is_some()).await;
    assert_eq!(view.session.state, "signing_in");
    assert_eq!(
        view.session.sign_in_url.as_deref(),
        Some(started.url.as_str())
    );
    let callback = in_browser(&started.url, "demo", "allow").await;
    assert!(browse(&callback).await.contains("You are signed in"));
    let name = soon("the sign-in", engine.sign_in_finished())
        .await
        .unwrap();
    assert!(!name.is_empty());
    let view = until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.library.pulling
    })
    .await;
    assert_eq!(view.session.state, "active");
    assert_eq!(view.session.account.as_deref(), Some(name.as_str()));
    assert_eq!(view.session.server.as_deref(), Some(site.url.as_str()));
    assert!(view.session.library_open && view.session.sign_in_url.is_none());
    assert!(
        !engine.today().await.unwrap().planned.is_empty()
            || !engine.today().await.unwrap().upcoming.is_empty()
    );
    let page = engine
        .library(LibraryQuery {
            limit: 10,
            ..LibraryQuery::default()
        })
        .await
        .unwrap();
    assert!(page.total >= 60 && page.rows.len() == 10);
    let workout = engine.workout(&page.rows[0].id).await.unwrap();
    assert!(workout.rideable);
}

#[tokio::test]
async fn an_answer_with_a_strangers_state_is_passed_over() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let started = engine.sign_in(&site.url).await.unwrap();
    let callback = in_browser(&started.url, "demo", "allow").await;
    let (head, state) = callback.rsplit_once("state=").unwrap();
    let forged = format!("{head}state=x{state}");
    assert!(browse(&forged).await.contains("Nothing here"));
    until(&engine, "still signing in", |v| {
        v.session.state == "signing_in"
    })
    .await;
    browse(&callback).await;
    soon("the sign-in", engine.sign_in_finished())
        .await
        .unwrap();
}

#[tokio::test]
async fn an_answer_to_another_sign_in_is_not_believed() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let before = settled(&engine).await;
    let started = engine.sign_in(&site.url).await.unwrap();
    // Whoever sends the browser to an address with another nonce gets a token for that one.
    let nonce = started
        .url
        .split("nonce=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let other = started.url.replace(nonce, "another-nonce");
    browse(&in_browser(&other, "demo", "allow").await).await;
    let error = soon("the end", engine.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "sign_in_unbelieved");
    until(&engine, "signed out, and told why", |v| {
        v.session.state == before.session.state && v.session.headline == FAILED
    })
    .await;
}

/// What the screen says after a sign-in that came to nothing.
const FAILED: &str = "The sign-in did not work";

#[tokio::test]
async fn that_a_sign_in_did_not_work_is_said_for_a_while_and_not_over_what_comes_after() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let offline = || async {
        site.gate.rule(|line| match line.contains("/v1/") {
            true => Way::LoseRequest,
            false => Way::Through,
        });
        engine.sync_now();
        until(&engine, "offline", |v| v.session.state == "offline").await
    };
    let declined = || async {
        let started = engine.sign_in(&site.url).await.unwrap();
        browse(&in_browser(&started.url, "demo", "deny").await).await;
        let ended = soon("the end", engine.sign_in_finished()).await;
        assert_eq!(ended.unwrap_err().code(), "sign_in_declined");
        until(&engine, "told", |v| {
            v.session.state == "offline" && v.session.headline == FAILED
        })
        .await;
    };
    let before = offline().await;
    assert_ne!(before.session.headline, FAILED);
    declined().await;
    rig.clock.pass(SignedDuration::from_mins(3));
    engine.sync_now();
    let after = until(&engine, "over", |v| v.session.headline != FAILED).await;
    assert_eq!(after.session.headline, before.session.headline);

    declined().await;
    site.gate.through();
    engine.sync_now();
    until(&engine, "active", |v| v.session.state == "active").await;
    let after = offline().await;
    assert_eq!(after.session.headline, before.session.headline);
}

#[tokio::test]
async fn a_no_in_the_browser_leaves_all_as_it_was() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let started = engine.sign_in(&site.url).await.unwrap();
    let callback = in_browser(&started.url, "demo", "deny").await;
    assert!(browse(&callback).await.contains("You are not signed in"));
    let error = soon("the end", engine.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "sign_in_declined");
    until(&engine, "signed out", |v| v.session.state == "signed_out").await;
    // The next one works.
    sign_in(&engine, &site.url, "demo").await.unwrap();
    let view = until(&engine, "active", |v| v.session.state == "active").await;
    assert_eq!(view.session.headline, "");
}

#[tokio::test]
async fn a_cancelled_sign_in_goes_back_to_where_it_began() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let started = engine.sign_in(&site.url).await.unwrap();
    let view = until(&engine, "signing in", |v| v.session.state == "signing_in").await;
    assert!(
        view.session.library_open,
        "the library stays open meanwhile"
    );
    let waiting = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.sign_in_finished().await })
    };
    engine.cancel_sign_in();
    let view = until(&engine, "active again", |v| v.session.state == "active").await;
    assert!(view.session.sign_in_url.is_none());
    // Whoever waited is told, or had not begun to wait yet and is told too.
    assert_eq!(
        soon("the waiter", waiting)
            .await
            .unwrap()
            .unwrap_err()
            .code(),
        "sign_in_cancelled"
    );
    // The page that is still open in the browser changes nothing any more.
    let callback = in_browser(&started.url, "demo", "allow").await;
    assert!(reqwest::get(&callback).await.is_err());
    assert_eq!(
        engine
            .sync(std::time::Duration::ZERO)
            .await
            .unwrap()
            .session,
        "active"
    );
}

#[tokio::test]
async fn a_server_that_is_not_ours_is_named_and_nothing_changes() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let before = settled(&engine).await;
    let html = "<html>Welcome to the hotel</html>";
    let other_issuer = reqwest::get(format!("{}/.well-known/openid-configuration", site.url))
        .await
        .unwrap();
    let other_issuer = other_issuer
        .text()
        .await
        .unwrap()
        .replace("127.0.0.1", "localhost");
    for (media, body, code) in [
        ("text/html", html.to_owned(), "sign_in_server"),
        ("application/json", other_issuer, "sign_in_unsuitable"),
        ("application/json", "{}".to_owned(), "sign_in_unsuitable"),
    ] {
        site.gate.rule(move |_| Way::Say(200, media, body.clone()));
        let error = engine.sign_in(&site.url).await.unwrap_err();
        assert_eq!(error.code(), code);
        let words = error.to_string();
        assert!(
            words.contains(&site.url) && words.contains("go on riding"),
            "{words}"
        );
    }
    for address in ["", "ride.example.org", "http://192.0.2.7:8787"] {
        assert_eq!(
            engine.sign_in(address).await.unwrap_err().code(),
            "server_address"
        );
    }
    assert_eq!(settled(&engine).await, before);
}

#[tokio::test]
async fn signing_in_while_the_server_is_away_leaves_all_as_it_was() {
    let nobody_listens = Port::reserve().unwrap();
    let url = nobody_listens.url();
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let before = settled(&engine).await;
    let error = soon("a refusal", engine.sign_in(&url)).await.unwrap_err();
    assert_eq!(error.code(), "sign_in_server");
    assert!(
        error.to_string().contains("not running at its address"),
        "{error}"
    );
    assert_eq!(settled(&engine).await, before);
}

#[tokio::test]
async fn the_port_of_a_sign_in_is_free_again_when_the_engine_ends() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let started = engine.sign_in(&site.url).await.unwrap();
    let callback = in_browser(&started.url, "demo", "allow").await;
    drop(engine);
    let next = open(folder.path(), Mode::Resident).await;
    // The dropped engine's sign-in keeps neither the port nor the lease.
    soon("a closed port", async {
        while reqwest::get(&callback).await.is_ok() {}
    })
    .await;
    sign_in(&next, &site.url, "demo").await.unwrap();
    until(&next, "a library", |v| v.library.workouts >= 60).await;
}

/// The session part of the view, once nothing moves.
async fn settled(engine: &Engine) -> SyncView {
    let report = engine.sync(std::time::Duration::ZERO).await.unwrap();
    until(engine, "settled", |v| {
        v.session.state == report.session && !v.data.busy
    })
    .await
}
