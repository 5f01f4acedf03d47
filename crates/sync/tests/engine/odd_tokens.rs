//! Tokens and answers of the token endpoint that are unusual: read as they are meant, or not at all.

use std::time::Duration;

use freewheel_sync::view::Delivery;
use freewheel_sync::{Mode, Renewal};
use serde_json::json;

use crate::athlete::{card, open, ride, signed_in as at_site, soon, until};
use crate::forge::Forge;
use crate::forged::{later, sign_in, signed_in, synced, with_clock};
use crate::site::{Site, Way};

const TOKEN: &str = "POST /token";

/// RFC 6749 §A.17 allows every printable character in a refresh token.
#[tokio::test]
async fn a_refresh_token_of_any_printable_characters_outlives_the_process() {
    const TAIL: &str = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    let forge = Forge::start().await;
    forge.says().refresh_tail = TAIL;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    engine.shutdown().await;
    drop(engine);
    let engine = with_clock(folder.path(), &clock).await;
    later(&clock, 16);
    assert_eq!(synced(&engine).await, "active");
    let sent = forge.forms(TOKEN);
    assert_eq!(sent[1]["refresh_token"], format!("refresh-2{TAIL}"));
}

/// The document of a refusal is an object (RFC 6749 §5.2); nothing else refuses, however much it looks like one.
#[tokio::test]
async fn a_list_is_no_refusal() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = at_site(folder.path(), Mode::OneShot, &site.url, "demo").await;
    for (status, body) in [
        (400, r#"["invalid_grant"]"#),
        (401, r#"["account_blocked", "no"]"#),
        (400, r#" [ "invalid_grant" ] "#),
    ] {
        site.gate.only("POST /oauth/token", move || {
            Way::Say(status, "application/json", body.to_owned())
        });
        let renewal = soon("a renewal", engine.renew()).await;
        assert!(matches!(renewal, Renewal::Trouble(_)), "{body} {renewal:?}");
    }
    let blocks = || {
        Way::Say(
            403,
            "application/problem+json",
            r#"["account-blocked"]"#.to_owned(),
        )
    };
    site.gate.only("GET /v1/", blocks);
    assert_eq!(synced(&engine).await, "offline");
    site.gate.through();
    assert_eq!(synced(&engine).await, "active");
}

#[tokio::test]
async fn a_list_is_no_receipt() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = at_site(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let saved = ride(&engine).await;
    let waiting = card(&engine, &saved).await;
    let receipt = json!([saved.id, waiting.digest, "2026-01-01T00:00:00Z"]).to_string();
    site.gate.only("PUT", move || {
        Way::Say(200, "application/json", receipt.clone())
    });
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    let delivery = card(&engine, &saved).await.delivery;
    assert!(matches!(delivery, Delivery::Waiting { .. }), "{delivery:?}");
}

/// Else a service could collect, in an honest issuer's name, tokens that are good at that issuer's own API.
#[tokio::test]
async fn tokens_for_another_service_are_not_taken_by_one_that_only_names_the_issuer() {
    let (service, issuer) = (Forge::start().await, Forge::start().await);
    service.says().protected_resource = Some(json!({
        "resource": service.url,
        "authorization_servers": [issuer.url],
    }));
    issuer.says().audience = json!("freewheel-api");
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    let error = sign_in(&engine, &service.url).await.unwrap_err();
    assert_eq!(error.code(), "sign_in_unbelieved", "{error}");
    assert!(error.to_string().contains("aud"), "{error}");
    assert_eq!(service.count("GET /v1/"), 0);
    let named = json!(["freewheel-api", service.url]);
    issuer.says().audience = named;
    sign_in(&engine, &service.url).await.unwrap();
    // An issuer that changes its mind later costs no session, and gets nothing sent.
    until(&engine, "active", |v| v.session.state == "active").await;
}
