//! What is stored of the issuer: nobody else can say there where tokens are sent, and no other sign-in disturbs it.

use std::path::Path;
use std::time::Duration;

use freewheel_lab::rig::change_known_issuer;
use freewheel_sync::{Engine, Mode};
use serde_json::Value;

use crate::athlete::{home, signed_in, soon, until};
use crate::site::{Site, Way};

const METADATA: &str = "GET /.well-known/openid-configuration";

async fn after_a_quarter(folder: &Path) -> Engine {
    let (ports, clock) = crate::tokens::later_ports();
    clock.set_minutes(16);
    let engine = Engine::open(home(folder), ports, Mode::OneShot).await;
    engine.unwrap()
}

fn replace(folder: &Path, from: &str, to: &str) {
    let database = rusqlite::Connection::open(folder.join("athlete.db")).unwrap();
    let sql =
        "UPDATE lane SET state = replace(state, ?1, ?2) WHERE lane = 'issuer' AND instr(state, ?1)";
    assert_eq!(database.execute(sql, [from, to]).unwrap(), 1);
}

#[tokio::test]
async fn a_token_endpoint_that_somebody_wrote_into_the_profile_is_never_asked() {
    let (site, elsewhere) = (Site::start().await, Site::start().await);
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    engine.shutdown().await;
    drop(engine);
    for endpoint in ["token", "revoke"] {
        let path = format!("/oauth/{endpoint}");
        replace(
            folder.path(),
            &format!("{}{path}", site.url),
            &format!("{}{path}", elsewhere.url),
        );
    }
    let engine = after_a_quarter(folder.path()).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active", "{report:?}");
    soon("signing out", engine.sign_out()).await.unwrap();
    assert!(
        elsewhere.gate.log().is_empty(),
        "{:?}",
        elsewhere.gate.log()
    );
    assert_eq!(
        site.gate.count("POST /oauth/token"),
        2,
        "sign-in and renewal"
    );
    assert_eq!(site.gate.count("POST /oauth/revoke"), 1);
}

#[tokio::test]
async fn a_sign_in_elsewhere_that_comes_to_nothing_leaves_what_is_known_of_the_issuer() {
    let (site, elsewhere) = (Site::start().await, Site::start().await);
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    engine.sign_in(&elsewhere.url).await.unwrap();
    engine.cancel_sign_in();
    until(&engine, "active again", |v| v.session.state == "active").await;
    engine.shutdown().await;
    drop(engine);
    let asked = (
        site.gate.count(METADATA),
        site.gate.count("GET /oauth/jwks"),
    );
    assert!(asked.0 > 0 && asked.1 > 0, "{asked:?}");
    site.gate.only(METADATA, || Way::LoseRequest);
    let engine = after_a_quarter(folder.path()).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active", "{report:?}");
    let now = (
        site.gate.count(METADATA),
        site.gate.count("GET /oauth/jwks"),
    );
    assert_eq!(now, asked);
}

#[tokio::test]
async fn what_a_version_before_stored_of_the_issuer_is_asked_for_again() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    engine.shutdown().await;
    drop(engine);
    let database = rusqlite::Connection::open(folder.path().join("athlete.db")).unwrap();
    let sql = "UPDATE lane SET state = state ->> '$.text' WHERE lane = 'issuer'";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
    drop(database);
    let asked = site.gate.count(METADATA);
    for more in [1, 1] {
        let engine = after_a_quarter(folder.path()).await;
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert_eq!(report.session, "active", "{report:?}");
        engine.shutdown().await;
        assert_eq!(site.gate.count(METADATA), asked + more);
    }
}

#[tokio::test]
async fn an_endpoint_that_passes_no_check_does_not_count_although_the_key_authenticates_it() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    engine.shutdown().await;
    drop(engine);
    let asked = site.gate.count(METADATA);
    let plain = |known: &mut Value| {
        known["metadata"]["token_endpoint"] = "http://192.0.2.1/token".into();
    };
    change_known_issuer(folder.path(), plain).await.unwrap();
    let engine = after_a_quarter(folder.path()).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active", "{report:?}");
    assert_eq!(site.gate.count(METADATA), asked + 1);
}
