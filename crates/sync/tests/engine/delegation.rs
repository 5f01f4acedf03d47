//! A service that leaves signing in to another server (RFC 9728, RFC 8707).

use std::sync::Arc;
use std::time::Duration;

use freewheel_lab::rig::LabClock;
use freewheel_sync::{Engine, Mode, Ports};
use jiff::SignedDuration;
use serde_json::json;

use crate::athlete::{home, open, ports, soon, until};
use crate::forge::Forge;
use crate::forged::sign_in;

/// A service that names an issuer, and the issuer, whose tokens are for the service.
async fn two_servers() -> (Forge, Forge) {
    let (service, issuer) = (Forge::start().await, Forge::start().await);
    service.says().protected_resource = Some(json!({
        "resource": service.url,
        "authorization_servers": [issuer.url, "https://id.example.org"],
    }));
    issuer.says().audience = json!(service.url);
    (service, issuer)
}

#[tokio::test]
async fn tokens_come_from_the_issuer_and_go_to_the_service() {
    let (service, issuer) = two_servers().await;
    let folder = tempfile::tempdir().unwrap();
    let clock = LabClock::shared();
    let ports = Ports {
        clock: Arc::clone(&clock) as _,
        ..ports()
    };
    let engine = Engine::open(home(folder.path()), ports, Mode::OneShot)
        .await
        .unwrap();
    sign_in(&engine, &service.url).await.unwrap();
    let view = until(&engine, "active", |v| v.session.state == "active").await;
    assert_eq!(view.session.server.as_deref(), Some(service.url.as_str()));
    for minutes in [0, 16] {
        clock.pass(SignedDuration::from_mins(minutes));
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert!(report.reached && report.session == "active", "{report:?}");
    }
    assert!(service.count("GET /v1/changes") >= 2 && !service.says().bearers.is_empty());
    assert_eq!(issuer.count("GET /v1/"), 0);
    assert_eq!(service.count("POST /token"), 0);
    for request in ["GET /authorize", "POST /token"] {
        let forms = issuer.forms(request);
        assert!(!forms.is_empty());
        for form in forms {
            assert_eq!(form["resource"], service.url, "{request}");
        }
    }
    assert_eq!(issuer.count("POST /token"), 2, "a code and a renewal");
    soon("signing out", engine.sign_out()).await.unwrap();
    assert_eq!(issuer.count("POST /revoke"), 1);
    assert_eq!(service.count("POST /revoke"), 0);
}

#[tokio::test]
async fn a_device_sign_in_asks_for_the_service_too() {
    let (service, issuer) = two_servers().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    engine.sign_in_with_device(&service.url).await.unwrap();
    soon("the sign-in", engine.sign_in_finished())
        .await
        .unwrap();
    for request in ["POST /device", "POST /token"] {
        assert_eq!(issuer.forms(request).remove(0)["resource"], service.url);
    }
    assert_eq!(service.count("POST /device"), 0);
}

#[tokio::test]
async fn what_does_not_name_a_safe_issuer_leaves_the_service_its_own() {
    let service = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    for says in [
        json!({"resource": service.url, "authorization_servers": []}),
        json!({"resource": service.url, "authorization_servers": ["http://id.example.org"]}),
        json!({"resource": "https://other.example", "authorization_servers": ["https://id.example.org"]}),
        json!({"resource": service.url, "authorization_servers": [service.url]}),
        json!({"authorization_servers": 7}),
        json!([]),
    ] {
        service.says().protected_resource = Some(says.clone());
        let signed_in = sign_in(&engine, &service.url).await;
        assert!(signed_in.is_ok(), "{says} {signed_in:?}");
    }
    assert!(
        service
            .forms("GET /authorize")
            .iter()
            .all(|form| !form.contains_key("resource"))
    );
}

#[tokio::test]
async fn an_issuer_that_is_named_and_does_not_answer_is_named_to_the_athlete() {
    let (service, issuer) = two_servers().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    issuer
        .says()
        .metadata
        .insert("code_challenge_methods_supported", json!(["plain"]));
    let error = engine.sign_in(&service.url).await.unwrap_err();
    assert_eq!(error.code(), "sign_in_unsuitable");
    let words = error.to_string();
    assert!(
        words.contains("code_challenge_methods_supported") && words.contains("S256"),
        "{words}"
    );
}
