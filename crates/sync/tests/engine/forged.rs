//! Tokens that prove nothing: refused at a sign-in, and never the end of a session.

use std::sync::Arc;
use std::time::Duration;

use freewheel_lab::rig::LabClock;
use freewheel_sync::{Engine, EngineError, Mode, Ports};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::athlete::{browse, home, open, ports, soon, until};
use crate::forge::{Forge, Key};

const JWKS: &str = "GET /jwks";
const TOKEN: &str = "POST /token";

/// Signs in where everybody agrees.
pub async fn sign_in(engine: &Engine, server: &str) -> Result<String, EngineError> {
    let started = engine.sign_in(server).await?;
    browse(&Forge::agree(&started.url).await).await;
    soon("the end of the sign-in", engine.sign_in_finished()).await
}

/// An engine by that clock.
pub async fn with_clock(folder: &std::path::Path, clock: &Arc<LabClock>) -> Engine {
    let ports = Ports {
        clock: Arc::clone(clock) as _,
        ..ports()
    };
    Engine::open(home(folder), ports, Mode::OneShot)
        .await
        .unwrap()
}

/// Signed in, with a clock that can be put forward.
pub async fn signed_in(forge: &Forge, folder: &std::path::Path) -> (Engine, Arc<LabClock>) {
    let clock = LabClock::shared();
    let engine = with_clock(folder, &clock).await;
    sign_in(&engine, &forge.url).await.unwrap();
    (engine, clock)
}

pub fn later(clock: &LabClock, minutes: i64) {
    clock.pass(SignedDuration::from_mins(minutes));
}

pub async fn synced(engine: &Engine) -> String {
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    report.session
}

#[tokio::test]
async fn a_forged_id_token_signs_nobody_in_and_says_why() {
    type Twist = fn(&mut Value, &mut Value);
    let cases: [(&str, Twist); 12] = [
        ("algorithm", |header, _| header["alg"] = json!("none")),
        ("algorithm", |header, _| header["alg"] = json!("HS256")),
        ("algorithm", |header, _| header["alg"] = json!("RS256")),
        ("unknown key", |header, _| header["kid"] = json!("other")),
        ("malformed", |_, claims| claims["exp"] = json!("4102444800")),
        ("malformed", |_, claims| claims["nbf"] = json!("0")),
        ("malformed", |_, claims| claims["iat"] = json!("0")),
        ("not valid at this time", |_, claims| {
            claims["exp"] = json!(1)
        }),
        ("this issuer", |_, claims| {
            claims["iss"] = json!("https://id.example.org")
        }),
        ("aud", |_, claims| claims["aud"] = json!("another")),
        ("another sign-in", |_, claims| {
            claims["nonce"] = json!("another")
        }),
        ("names nobody", |_, claims| claims["sub"] = json!("")),
    ];
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    for (words, twist) in cases {
        forge.says().twist_id = Box::new(twist);
        let error = sign_in(&engine, &forge.url).await.unwrap_err();
        assert_eq!(error.code(), "sign_in_unbelieved", "{words}");
        assert!(error.to_string().contains(words), "{error} lacks {words}");
        until(&engine, "signed out", |v| v.session.state == "signed_out").await;
    }
    for seal in ["", "AAAA"] {
        forge.says().twist_id = Box::new(|_, _| {});
        forge.says().seal = Some(seal.to_owned());
        let error = sign_in(&engine, &forge.url).await.unwrap_err();
        assert_eq!(error.code(), "sign_in_unbelieved", "{seal}");
    }
    forge.says().seal = None;
    sign_in(&engine, &forge.url).await.unwrap();
    assert_eq!(synced(&engine).await, "active");
}

#[tokio::test]
async fn audiences_names_and_access_tokens_of_other_providers_are_taken() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::OneShot).await;
    forge.says().opaque = true;
    forge.says().twist_id = Box::new(|_, claims| {
        claims["aud"] = json!(["freewheel-desktop", "another"]);
        claims["azp"] = json!("freewheel-desktop");
        claims["name"] = Value::Null;
        claims["preferred_username"] = json!("ada_l");
        claims["email"] = json!("ada@example.org");
    });
    assert_eq!(sign_in(&engine, &forge.url).await.unwrap(), "ada_l");
    assert_eq!(synced(&engine).await, "active");
    assert!(
        forge
            .says()
            .bearers
            .iter()
            .all(|bearer| bearer.starts_with("Bearer opaque-"))
    );
    assert!(!forge.says().bearers.is_empty());
}

#[tokio::test]
async fn rotated_keys_cost_one_request_whether_or_not_they_keep_their_name() {
    for kid in ["second", "first"] {
        let forge = Forge::start().await;
        let folder = tempfile::tempdir().unwrap();
        let (engine, clock) = signed_in(&forge, folder.path()).await;
        assert_eq!(forge.count(JWKS), 1);
        let key = Key::new(kid);
        forge.says().shown = vec![key.clone()];
        forge.says().key = key;
        later(&clock, 16);
        assert_eq!(synced(&engine).await, "active", "{kid}");
        assert_eq!((forge.count(TOKEN), forge.count(JWKS)), (2, 2), "{kid}");
    }
}

#[tokio::test]
async fn keys_that_never_fit_are_asked_for_every_few_minutes_only_and_lock_nobody_out() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    // A key that is not shown: the issuer is half-way through a change.
    forge.says().key = Key::new("second");
    later(&clock, 16);
    assert_eq!(synced(&engine).await, "offline");
    assert!(engine.view_now().session.library_open);
    assert_eq!(forge.count(JWKS), 2);
    for _ in 0..3 {
        later(&clock, 1);
        assert_eq!(synced(&engine).await, "offline");
    }
    engine.shutdown().await;
    let engine = with_clock(folder.path(), &clock).await;
    later(&clock, 1);
    assert_eq!(synced(&engine).await, "offline");
    assert_eq!(forge.count(JWKS), 2, "the limit survives a restart");
    let spent = forge.count(TOKEN);
    assert!(
        spent > 3,
        "each try spends the newest refresh token, which was kept: {spent}"
    );
    // The change is through.
    let shown = forge.says().key.clone();
    forge.says().shown.push(shown);
    later(&clock, 20);
    assert_eq!(synced(&engine).await, "active");
    assert_eq!(forge.count(JWKS), 3);
}

#[tokio::test]
async fn an_access_token_that_is_not_believed_is_never_sent_and_costs_no_session() {
    type Twist = fn(&mut Value, &mut Value);
    let cases: [Twist; 7] = [
        |header, _| header["alg"] = json!("none"),
        |header, _| header["alg"] = json!("HS256"),
        |_, claims| claims["exp"] = json!("4102444800"),
        |_, claims| claims["nbf"] = json!("0"),
        |_, claims| claims["exp"] = json!(1),
        |_, claims| claims["aud"] = json!("another"),
        |_, claims| claims["iss"] = json!("https://id.example.org"),
    ];
    for twist in cases {
        let forge = Forge::start().await;
        let folder = tempfile::tempdir().unwrap();
        let (engine, clock) = signed_in(&forge, folder.path()).await;
        assert_eq!(synced(&engine).await, "active");
        let called = forge.says().bearers.len();
        forge.says().twist_access = Box::new(twist);
        later(&clock, 16);
        assert_eq!(synced(&engine).await, "offline");
        assert!(engine.view_now().session.library_open);
        assert_eq!(
            forge.says().bearers.len(),
            called,
            "nothing was sent with it"
        );
        forge.says().twist_access = Box::new(|_, _| {});
        later(&clock, 16);
        assert_eq!(synced(&engine).await, "active");
    }
}

#[tokio::test]
async fn another_athletes_tokens_are_not_taken() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    let called = forge.says().bearers.len();
    forge.says().subject = "ben".to_owned();
    later(&clock, 16);
    synced(&engine).await;
    assert_eq!(forge.says().bearers.len(), called);
    assert_eq!(engine.view_now().session.account.as_deref(), Some("ada"));
}

#[tokio::test]
async fn a_slow_clock_makes_no_token_invalid() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clock = LabClock::shared();
    clock.turn(SignedDuration::from_hours(-2));
    let engine = with_clock(folder.path(), &clock).await;
    sign_in(&engine, &forge.url).await.unwrap();
    assert_eq!(synced(&engine).await, "active");
    clock.turn(SignedDuration::from_hours(24 * 365));
    assert_eq!(synced(&engine).await, "active");
}

/// The grace in the stored anchor, in ms.
fn offline_grace(folder: &std::path::Path) -> Option<i64> {
    let database = rusqlite::Connection::open(home(folder).athlete_db()).unwrap();
    let sql = "SELECT facts ->> '$.anchor.offline_grace' FROM session";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_token_that_cannot_be_read_lengthens_no_grace() {
    const TWO_DAYS: i64 = 172_800;
    let forge = Forge::start().await;
    forge.says().twist_access = Box::new(|_, claims| claims["offline_grace"] = json!(TWO_DAYS));
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    assert_eq!(offline_grace(folder.path()), Some(TWO_DAYS * 1_000));
    forge.says().opaque = true;
    later(&clock, 16);
    assert_eq!(synced(&engine).await, "active");
    assert_eq!(forge.count(TOKEN), 2);
    assert_eq!(offline_grace(folder.path()), Some(TWO_DAYS * 1_000));
}
