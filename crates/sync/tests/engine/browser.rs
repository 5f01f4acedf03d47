//! What the browser brings back, and when two sign-ins are begun at once.

use std::time::Duration;

use freewheel_sync::Mode;
use serde_json::json;

use crate::athlete::{browse, in_browser, open, signed_in, soon, until};
use crate::forge::Forge;
use crate::forged::sign_in;
use crate::site::{Site, Way};

const TOKEN: &str = "POST /oauth/token";

#[tokio::test]
async fn an_answer_of_another_issuer_ends_the_sign_in_without_a_redemption() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    let announced = "authorization_response_iss_parameter_supported";
    let own = forge.url.clone();
    for (announces, iss, believed) in [
        (true, None, false),
        (true, Some("https://other.example".to_owned()), false),
        (false, Some("https://other.example".to_owned()), false),
        (false, None, true),
        (true, Some(own), true),
    ] {
        forge.says().metadata.insert(announced, json!(announces));
        forge.says().names_itself_in_callback = iss.clone();
        let redeemed = forge.count("POST /token");
        match sign_in(&engine, &forge.url).await {
            Ok(_) => assert!(believed, "{announces} {iss:?}"),
            Err(error) => {
                assert_eq!(error.code(), "sign_in_unbelieved");
                assert!(!believed, "{announces} {iss:?}");
                assert_eq!(forge.count("POST /token"), redeemed);
            }
        }
    }
}

#[tokio::test]
async fn the_browser_is_told_how_it_really_ended_and_a_page_that_is_loaded_again_is_answered() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    forge.says().twist_id = Box::new(|_, claims| claims["nonce"] = json!("another"));
    let started = engine.sign_in(&forge.url).await.unwrap();
    let page = browse(&Forge::agree(&started.url).await).await;
    assert!(
        page.contains("You are not signed in") && page.contains("another sign-in"),
        "{page}"
    );
    soon("the end", engine.sign_in_finished())
        .await
        .unwrap_err();
    forge.says().twist_id = Box::new(|_, _| {});
    let started = engine.sign_in(&forge.url).await.unwrap();
    let callback = Forge::agree(&started.url).await;
    assert!(browse(&callback).await.contains("You are signed in"));
    assert!(browse(&callback).await.contains("was here before"));
    let stranger = callback.replace("state=", "state=x");
    assert!(browse(&stranger).await.contains("Nothing here"));
    soon("the sign-in", engine.sign_in_finished())
        .await
        .unwrap();
    assert_eq!(forge.count("POST /token"), 2, "a code is redeemed once");
}

#[tokio::test]
async fn a_code_that_one_of_two_servers_does_not_know_yet_is_redeemed_all_the_same() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    let mut left = 2;
    site.gate.rule(move |line| {
        if line == TOKEN && left > 0 {
            left -= 1;
            let body = r#"{"error":"invalid_grant"}"#;
            return Way::Say(400, "application/json", body.to_owned());
        }
        Way::Through
    });
    let started = engine.sign_in(&site.url).await.unwrap();
    let page = browse(&in_browser(&started.url, "demo", "allow").await).await;
    assert!(page.contains("You are signed in"), "{page}");
    soon("the sign-in", engine.sign_in_finished())
        .await
        .unwrap();
    assert_eq!(site.gate.count(TOKEN), 3);
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_is_asked_again_and_a_refusal_of_the_app_is_not() {
    for (status, media, body, code, requests) in [
        (502, "text/html", "<html>", None, 2),
        (200, "text/html", "<html>a portal", None, 2),
        (
            401,
            "application/json",
            r#"{"error":"invalid_client"}"#,
            Some("sign_in_not_redeemed"),
            1,
        ),
        (
            400,
            "application/json",
            r#"{"error":"account_blocked"}"#,
            Some("sign_in_not_redeemed"),
            1,
        ),
    ] {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = open(folder.path(), Mode::OneShot).await;
        let mut spoilt = false;
        site.gate.rule(move |line| {
            if line == TOKEN && !spoilt {
                spoilt = true;
                return Way::Say(status, media, body.to_owned());
            }
            Way::Through
        });
        let started = engine.sign_in(&site.url).await.unwrap();
        browse(&in_browser(&started.url, "demo", "allow").await).await;
        let ended = soon("the end", engine.sign_in_finished()).await;
        let ended = ended.err().map(|error| error.code().to_owned());
        assert_eq!(ended.as_deref(), code, "{status} {body}");
        assert_eq!(site.gate.count(TOKEN), requests, "{status} {body}");
    }
}

#[tokio::test]
async fn of_many_clicks_at_once_exactly_one_sign_in_stays_and_it_can_be_cancelled() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    let clicks: Vec<_> = (0..20)
        .map(|click| {
            let (engine, url) = (engine.clone(), forge.url.clone());
            tokio::spawn(async move {
                if click % 5 == 4 {
                    return engine.sign_in_with_device(&url).await.map(|_| None);
                }
                engine.sign_in(&url).await.map(|started| Some(started.url))
            })
        })
        .collect();
    let mut urls = Vec::new();
    for click in clicks {
        match soon("a click", click).await.unwrap() {
            Ok(url) => urls.push(url),
            Err(error) => assert_eq!(error.code(), "sign_in_cancelled"),
        }
    }
    let view = until(&engine, "signing in", |v| {
        v.session.state == "signing_in"
            && (v.session.sign_in_url.is_some() || v.session.device.is_some())
    })
    .await;
    assert!(urls.contains(&view.session.sign_in_url));
    // Those that were cancelled listen no more.
    let mut open = Vec::new();
    for url in urls.into_iter().flatten() {
        let callback = Forge::agree(&url).await;
        let port = url::Url::parse(&callback).unwrap().port().unwrap();
        if tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
        {
            open.push(url);
        }
    }
    assert!(open.len() <= 1, "{open:?}");
    assert_eq!(open.pop(), view.session.sign_in_url);
    engine.cancel_sign_in();
    let view = until(&engine, "signed out", |v| v.session.state == "signed_out").await;
    assert!(view.session.sign_in_url.is_none() && view.session.device.is_none());
    // Giving up is no failure.
    assert_ne!(view.session.headline, "The sign-in did not work");
    assert_eq!(
        engine.sign_in_finished().await.unwrap_err().code(),
        "sign_in_cancelled"
    );
    assert_eq!(forge.count("POST /token"), 0);
}

#[tokio::test]
async fn of_two_processes_the_one_that_began_last_stays() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let window = open(folder.path(), Mode::Resident).await;
    let terminal = open(folder.path(), Mode::OneShot).await;
    let first = window.sign_in(&forge.url).await.unwrap();
    let second = terminal.sign_in(&forge.url).await.unwrap();
    let ended = soon("the first", window.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(ended.code(), "sign_in_cancelled");
    assert!(reqwest::get(Forge::agree(&first.url).await).await.is_err());
    // It left the facts to the one that stays.
    assert_eq!(
        until(&terminal, "signing in", |v| v.session.sign_in_url.is_some())
            .await
            .session
            .state,
        "signing_in"
    );
    browse(&Forge::agree(&second.url).await).await;
    soon("the second", terminal.sign_in_finished())
        .await
        .unwrap();
    // Two engines of one process do not hear each other's nudges; the window looks when it is asked.
    let report = soon("a sync", window.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active");
}

#[tokio::test]
async fn two_processes_whose_browsers_come_back_at_once_keep_one_sign_in_and_revoke_the_other() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let window = open(folder.path(), Mode::Resident).await;
    let terminal = open(folder.path(), Mode::OneShot).await;
    let first = window.sign_in(&forge.url).await.unwrap();
    let second = terminal.sign_in(&forge.url).await.unwrap();
    let (first, second) = (
        Forge::agree(&first.url).await,
        Forge::agree(&second.url).await,
    );
    let (_, page) = tokio::join!(reqwest::get(&first), browse(&second));
    assert!(page.contains("You are signed in"));
    let ended = soon("the first", window.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(ended.code(), "sign_in_cancelled");
    soon("the second", terminal.sign_in_finished())
        .await
        .unwrap();
    // Either it was cancelled before it had tokens, or they are over.
    assert_eq!(forge.count("POST /token") - 1, forge.says().revoked.len());
    until(&window, "active", |v| v.session.state == "active").await;
}

#[tokio::test]
async fn another_process_can_give_a_sign_in_up() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let window = open(folder.path(), Mode::Resident).await;
    let terminal = open(folder.path(), Mode::OneShot).await;
    let started = terminal.sign_in(&forge.url).await.unwrap();
    until(&window, "signing in", |v| v.session.state == "signing_in").await;
    window.cancel_sign_in();
    let ended = soon("the end", terminal.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(ended.code(), "sign_in_cancelled");
    assert!(
        reqwest::get(Forge::agree(&started.url).await)
            .await
            .is_err()
    );
    until(&window, "signed out", |v| v.session.state == "signed_out").await;
}

#[tokio::test]
async fn a_sign_in_goes_on_when_another_process_starts_meanwhile() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let terminal = open(folder.path(), Mode::OneShot).await;
    let started = terminal.sign_in(&forge.url).await.unwrap();
    // Whoever becomes the syncer takes an unfinished sign-in for one that died.
    let window = open(folder.path(), Mode::Resident).await;
    until(&window, "signing in", |v| v.session.state == "signing_in").await;
    browse(&Forge::agree(&started.url).await).await;
    soon("the sign-in", terminal.sign_in_finished())
        .await
        .unwrap();
    until(&window, "active", |v| v.session.state == "active").await;
}

#[tokio::test]
async fn another_athletes_tokens_are_revoked_at_once_and_the_owner_keeps_everything() {
    let site = Site::start().await;
    site.add_athlete("ben");
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    let started = engine.sign_in(&site.url).await.unwrap();
    let page = browse(&in_browser(&started.url, "ben", "allow").await).await;
    assert!(page.contains("You are not signed in"), "{page}");
    let error = soon("the end", engine.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "sign_in_wrong_account");
    assert_eq!(site.gate.count("POST /oauth/revoke"), 1);
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert!(report.reached && report.session == "active", "{report:?}");
    assert!(report.workouts >= 60);
}
