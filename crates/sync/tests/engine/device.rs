//! Signing in with a code that is typed on another device.

use std::time::Duration;

use freewheel_sync::Mode;
use serde_json::json;

use crate::athlete::{open, soon, until};
use crate::forge::Forge;
use crate::site::Site;

const TOKEN: &str = "POST /token";

#[tokio::test]
async fn a_code_is_shown_and_asked_about_as_slowly_as_the_issuer_wants_until_it_is_confirmed() {
    let forge = Forge::start().await;
    forge.says().device_answers = vec![
        json!({"error": "authorization_pending"}),
        json!({"error": "slow_down"}),
    ];
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    let started = engine.sign_in_with_device(&forge.url).await.unwrap();
    assert_eq!(started.user_code, "ABCD-EFGH");
    assert_eq!(started.expires_in_seconds, 600);
    let view = until(&engine, "a code", |v| v.session.device.is_some()).await;
    assert_eq!(view.session.state, "signing_in");
    assert!(view.session.sign_in_url.is_none());
    let shown = view.session.device.unwrap();
    assert_eq!(shown.verification_uri, format!("{}/activate", forge.url));
    assert_eq!(
        shown.verification_uri_complete,
        started.verification_uri_complete
    );
    let name = soon("the sign-in", engine.sign_in_finished()).await;
    assert_eq!(name.unwrap(), "ada");
    let view = until(&engine, "active", |v| v.session.state == "active").await;
    assert!(view.session.device.is_none());
    let at: Vec<_> = {
        let says = forge.says();
        let asked = says.log.iter().filter(|seen| seen.line == TOKEN);
        asked.map(|seen| seen.at).collect()
    };
    assert_eq!(at.len(), 3);
    assert!(at[1] - at[0] >= Duration::from_millis(950));
    assert!(
        at[2] - at[1] >= Duration::from_millis(5_950),
        "slow_down adds five seconds"
    );
    let begun = forge.forms("POST /device").remove(0);
    assert_eq!(begun["client_id"], "freewheel-desktop");
    assert_eq!(begun["scope"], "openid profile offline_access freewheel");
}

#[tokio::test]
async fn a_no_and_a_code_that_is_too_old_end_it_and_the_next_code_works() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    for (error, code) in [
        ("access_denied", "sign_in_declined"),
        ("expired_token", "sign_in_code_expired"),
        ("invalid_client", "sign_in_not_redeemed"),
    ] {
        forge.says().device_answers = vec![json!({ "error": error })];
        engine.sign_in_with_device(&forge.url).await.unwrap();
        let failure = soon("the end", engine.sign_in_finished())
            .await
            .unwrap_err();
        assert_eq!(failure.code(), code, "{error}");
        let view = until(&engine, "signed out, and told why", |v| {
            v.session.state == "signed_out" && v.session.headline == "The sign-in did not work"
        })
        .await;
        assert!(view.session.device.is_none());
    }
    // By this computer's own reckoning: the issuer goes on saying "pending".
    forge.says().device_answers = vec![json!({"error": "authorization_pending"}); 9];
    forge
        .says()
        .device_authorization
        .insert("expires_in", json!(2));
    engine.sign_in_with_device(&forge.url).await.unwrap();
    let failure = soon("the end", engine.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(failure.code(), "sign_in_code_expired");
    assert!(failure.to_string().contains("ask for a new one"));
    forge.change(|says| {
        says.device_authorization.clear();
        says.device_answers.clear();
    });
    engine.sign_in_with_device(&forge.url).await.unwrap();
    soon("the sign-in", engine.sign_in_finished())
        .await
        .unwrap();
    until(&engine, "active", |v| v.session.state == "active").await;
}

#[tokio::test]
async fn an_issuer_without_it_and_one_that_shows_nonsense_are_named() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    forge
        .says()
        .metadata
        .insert("device_authorization_endpoint", json!(null));
    let error = engine.sign_in_with_device(&forge.url).await.unwrap_err();
    assert_eq!(error.code(), "sign_in_no_device_grant");
    assert!(error.to_string().contains(&forge.url) && error.to_string().contains("browser"));
    forge.says().metadata.clear();
    for (field, value) in [
        ("verification_uri", json!("javascript:alert(1)")),
        ("verification_uri", json!("http://192.0.2.7/activate")),
        ("user_code", json!("")),
        ("user_code", json!("AB\u{1b}[2J")),
        ("user_code", json!("A".repeat(500))),
        ("device_code", json!("")),
    ] {
        forge.change(|says| says.device_authorization = [(field, value)].into());
        let error = engine.sign_in_with_device(&forge.url).await.unwrap_err();
        assert_eq!(error.code(), "sign_in_unsuitable");
        assert!(error.to_string().contains(field), "{error}");
    }
    let complete = json!("file:///etc/passwd");
    let complete = [("verification_uri_complete", complete)];
    forge.change(|says| says.device_authorization = complete.into());
    let started = engine.sign_in_with_device(&forge.url).await.unwrap();
    assert_eq!(started.verification_uri_complete, None);
    assert_eq!(engine.view_now().session.account, None);
    engine.shutdown().await;
}

#[tokio::test]
async fn giving_a_code_up_asks_no_more() {
    let forge = Forge::start().await;
    forge.says().device_answers = vec![json!({"error": "authorization_pending"}); 99];
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    engine.sign_in_with_device(&forge.url).await.unwrap();
    until(&engine, "a code", |v| v.session.device.is_some()).await;
    engine.cancel_sign_in();
    let ended = soon("the end", engine.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(ended.code(), "sign_in_cancelled");
    until(&engine, "signed out", |v| v.session.state == "signed_out").await;
    let asked = forge.count(TOKEN);
    // A browser sign-in at the same server goes on for longer than the interval, and no device code is asked about.
    let started = engine.sign_in(&forge.url).await.unwrap();
    let callback = Forge::agree(&started.url).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    crate::athlete::browse(&callback).await;
    soon("the sign-in", engine.sign_in_finished())
        .await
        .unwrap();
    assert_eq!(forge.count(TOKEN), asked + 1);
}

#[tokio::test]
async fn the_real_server_signs_in_a_device_and_tells_a_no() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let started = engine.sign_in_with_device(&site.url).await.unwrap();
    on_another_device(&site.url, &started.user_code, "deny").await;
    let ended = soon("the end", engine.sign_in_finished())
        .await
        .unwrap_err();
    assert_eq!(ended.code(), "sign_in_declined");
    let started = engine.sign_in_with_device(&site.url).await.unwrap();
    let complete = started.verification_uri_complete.unwrap();
    assert!(
        crate::athlete::browse(&complete)
            .await
            .contains(&started.user_code)
    );
    on_another_device(&site.url, &started.user_code, "allow").await;
    soon("the sign-in", engine.sign_in_finished())
        .await
        .unwrap();
    until(&engine, "a library", |v| {
        v.session.state == "active" && v.library.workouts >= 60
    })
    .await;
}

/// Types the code, name and password, and answers the last page.
async fn on_another_device(server: &str, code: &str, answer: &str) {
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut page = String::new();
    for (path, fields) in [
        ("/oauth/device/code", vec![("user_code", code)]),
        (
            "/oauth/sign-in",
            vec![("username", "demo"), ("password", "demo")],
        ),
        ("/oauth/consent", vec![("answer", answer)]),
    ] {
        let key = page.split_once("name=\"request\" value=\"");
        let key = key.map(|(_, rest)| rest.split_once('"').unwrap().0.to_owned());
        let form: Vec<_> = fields
            .into_iter()
            .chain(key.as_deref().map(|key| ("request", key)))
            .collect();
        let sent = browser.post(format!("{server}{path}")).form(&form).send();
        let sent = sent.await.unwrap();
        assert!(sent.status().is_success(), "{path} {}", sent.status());
        page = sent.text().await.unwrap();
    }
}
