//! Tokens and answers of the token endpoint that are unusual: read as they are meant, or not at all.

use std::time::Duration;

use freewheel_sync::view::Delivery;
use freewheel_sync::{Mode, Renewal};
use serde_json::{Value, json};

use crate::athlete::{card, home, open, ride, signed_in as at_site, soon, until};
use crate::forge::Forge;
use crate::forged::{later, sign_in, signed_in, synced, with_clock};
use crate::site::{Site, Way};

const TOKEN: &str = "POST /token";

/// A field of the stored facts.
fn fact(folder: &std::path::Path, path: &str) -> Value {
    let database = rusqlite::Connection::open(home(folder).athlete_db()).unwrap();
    let facts: String = database
        .query_row("SELECT facts FROM session", [], |row| row.get(0))
        .unwrap();
    let facts: Value = serde_json::from_str(&facts).unwrap();
    facts.pointer(path).cloned().unwrap_or_default()
}

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

/// `Date` in the form of RFC 9110 §5.6.7.
fn http_date(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn now() -> i64 {
    use freewheel_sync::clock::{Clock as _, SystemClock};
    SystemClock::new().now().wall.0 / 1000
}

/// The signed time of issue tells when the server's `Date` cannot be right.
#[tokio::test]
async fn a_date_that_contradicts_the_signed_time_of_issue_does_not_count() {
    const DAY: i64 = 86_400;
    for (wrong, signed, contact) in [
        // By so many seconds: the date, what the token says, and what is believed.
        (-10 * DAY, 0, 0),
        (-10 * DAY, -2 * DAY, -2 * DAY),
        (-60, 0, -60),
        (600, 0, 600),
    ] {
        let forge = Forge::start().await;
        forge.says().date = Some(http_date(now() + wrong));
        forge.says().twist_access = Box::new(move |_, claims| {
            let issued = claims["iat"].as_i64().unwrap() + signed;
            claims["iat"] = json!(issued);
        });
        // The times of ID tokens are checked against the date.
        forge.says().twist_id = Box::new(move |_, claims| {
            claims["iat"] = json!(now() + wrong);
        });
        let folder = tempfile::tempdir().unwrap();
        let before = now() + contact;
        let (engine, _clock) = signed_in(&forge, folder.path()).await;
        let anchor = fact(folder.path(), "/anchor/server").as_i64().unwrap() / 1000;
        let expected = before - 1..=now() + contact + 1;
        assert!(expected.contains(&anchor), "{wrong} {signed}: {anchor}");
        assert_eq!(synced(&engine).await, "active", "{wrong}");
    }
}

/// What was not signed by the issuer tells no time.
#[tokio::test]
async fn a_time_of_issue_that_was_not_verified_does_not_count() {
    const DAY: i64 = 86_400;
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    forge.says().seal = Some("AAAA".to_owned());
    forge.says().date = Some(http_date(now() - 10 * DAY));
    later(&clock, 16);
    synced(&engine).await;
    let anchor = fact(folder.path(), "/anchor/server").as_i64().unwrap() / 1000;
    assert!((anchor - (now() - 10 * DAY)).abs() < 60, "{anchor}");
}
