//! Whose a token is, and whose call an answer is to: nothing goes to anybody else, and nothing counts for anybody else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freewheel_sync::vault::{Vault, VaultOptions, account_entry};
use freewheel_sync::{Engine, Mode};
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::Notify;

use crate::athlete::{eventually, home, open, ride, sign_in, signed_in, soon, until};
use crate::forge::Forge;
use crate::forged::{later, signed_in as at_forge, synced, with_clock};
use crate::site::{Site, Way};

const CHANGES: &str = "GET /v1/changes";

fn database(folder: &Path) -> Connection {
    let database = Connection::open(home(folder).athlete_db()).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    database
}

fn facts(folder: &Path) -> Value {
    let facts: String = database(folder)
        .query_row("SELECT facts FROM session", [], |row| row.get(0))
        .unwrap();
    serde_json::from_str(&facts).unwrap()
}

/// Somebody edits where the service is.
fn send_elsewhere(folder: &Path, elsewhere: &Forge) {
    let edit = "UPDATE session SET facts = json_set(facts, '$.account.service', ?1)";
    database(folder).execute(edit, [&elsewhere.url]).unwrap();
}

/// Nothing went elsewhere, and whoever answers there has not lengthened the grace.
fn nothing_went(folder: &Path, elsewhere: &Forge, anchor: &Value) {
    assert_eq!(elsewhere.count("GET /v1/"), 0);
    let now = facts(folder);
    assert_eq!(now["account"].get("service"), None, "{now}");
    assert!(now["anchor"]["server"].as_i64() >= anchor["server"].as_i64());
}

#[tokio::test]
async fn a_service_that_was_edited_gets_no_token_and_lengthens_no_grace() {
    let (forge, elsewhere) = (Forge::start().await, Forge::start().await);
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = at_forge(&forge, folder.path()).await;
    synced(&engine).await;
    let anchor = facts(folder.path())["anchor"].clone();
    // While the app runs.
    send_elsewhere(folder.path(), &elsewhere);
    later(&clock, 5);
    let calls = forge.count("GET /v1/");
    assert_eq!(synced(&engine).await, "active");
    nothing_went(folder.path(), &elsewhere, &anchor);
    assert!(forge.count("GET /v1/") > calls, "it goes where it belongs");
    // While it does not.
    engine.shutdown().await;
    drop(engine);
    send_elsewhere(folder.path(), &elsewhere);
    let engine = with_clock(folder.path(), &clock).await;
    later(&clock, 5);
    assert_eq!(synced(&engine).await, "active");
    nothing_went(folder.path(), &elsewhere, &anchor);
    // And when the token has to be renewed first, it is asked for the service that it was for.
    send_elsewhere(folder.path(), &elsewhere);
    later(&clock, 16);
    assert_eq!(synced(&engine).await, "active");
    nothing_went(folder.path(), &elsewhere, &anchor);
    let renewals = forge.forms("POST /token");
    assert!(renewals.len() > 1 && renewals.iter().all(|form| !form.contains_key("resource")));
}

/// What the sealed tokens say, opened with the profile's own key.
async fn plain(folder: &Path, server: &str) -> (Value, u64, String) {
    let (generation, sealed): (i64, Vec<u8>) = database(folder)
        .query_row("SELECT generation, sealed FROM session", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let account = account_entry(server, "ada");
    let vault = Vault::open(home(folder).root(), VaultOptions::key_file_only());
    let key = vault.key(&account).await.unwrap();
    let plain = key.open(&account, generation as u64, &sealed).unwrap();
    (
        serde_json::from_slice(&plain).unwrap(),
        generation as u64,
        account,
    )
}

#[tokio::test]
async fn tokens_of_a_version_that_did_not_seal_the_account_are_believed_once() {
    let (forge, elsewhere) = (Forge::start().await, Forge::start().await);
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = at_forge(&forge, folder.path()).await;
    synced(&engine).await;
    engine.shutdown().await;
    drop(engine);
    let (mut sealed, generation, account) = plain(folder.path(), &forge.url).await;
    sealed.as_object_mut().unwrap().remove("account").unwrap();
    let vault = Vault::open(home(folder.path()).root(), VaultOptions::key_file_only());
    let key = vault.key(&account).await.unwrap();
    let before = key.seal(&account, generation, sealed.to_string().as_bytes());
    database(folder.path())
        .execute("UPDATE session SET sealed = ?1", [before.unwrap()])
        .unwrap();
    let engine = with_clock(folder.path(), &clock).await;
    assert_eq!(synced(&engine).await, "active");
    let (sealed, ..) = plain(folder.path(), &forge.url).await;
    assert_eq!(sealed["account"]["subject"], "ada", "sealed again");
    engine.shutdown().await;
    drop(engine);
    let anchor = facts(folder.path())["anchor"].clone();
    send_elsewhere(folder.path(), &elsewhere);
    let engine = with_clock(folder.path(), &clock).await;
    assert_eq!(synced(&engine).await, "active");
    nothing_went(folder.path(), &elsewhere, &anchor);
}

fn hold_reply(site: &Site, start: &'static str) -> Arc<Notify> {
    let bell = Arc::new(Notify::new());
    let held = Arc::clone(&bell);
    site.gate
        .first(1, start, move || Way::HoldReply(Arc::clone(&held)));
    bell
}

fn spawn_sync(engine: &Engine) -> tokio::task::JoinHandle<()> {
    let engine = engine.clone();
    tokio::spawn(async move {
        drop(engine.sync(Duration::ZERO).await.unwrap());
    })
}

#[tokio::test]
async fn an_answer_that_comes_after_a_sign_out_is_no_contact() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    let (bell, asked) = (hold_reply(&site, CHANGES), site.gate.count(CHANGES));
    let sync = spawn_sync(&engine);
    eventually("a question", || site.gate.count(CHANGES) > asked).await;
    let other = open(folder.path(), Mode::OneShot).await;
    soon("signing out", other.sign_out()).await.unwrap();
    bell.notify_one();
    soon("the sync", sync).await.unwrap();
    let after = facts(folder.path());
    assert_eq!(after["signed_out"], true);
    assert_eq!(after["anchor"], Value::Null, "{after}");
}

#[tokio::test]
async fn an_answer_to_one_athlete_is_no_contact_of_another() {
    let site = Site::start().await;
    site.add_athlete("ben");
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    let (bell, asked) = (hold_reply(&site, CHANGES), site.gate.count(CHANGES));
    let sync = spawn_sync(&engine);
    eventually("a question", || site.gate.count(CHANGES) > asked).await;
    let other = open(folder.path(), Mode::OneShot).await;
    soon("signing out", other.sign_out()).await.unwrap();
    sign_in(&other, &site.url, "ben").await.unwrap();
    // His calls are refused: a contact would end that.
    let trouble = "UPDATE session SET facts = json_set(facts, '$.trouble', 'access_refused')";
    database(folder.path()).execute(trouble, []).unwrap();
    let before = facts(folder.path());
    assert_eq!(before["account"]["name"], "ben");
    site.gate
        .only("GET /v1/", || Way::Say(500, "text/plain", String::new()));
    bell.notify_one();
    soon("the sync", sync).await.unwrap();
    let after = facts(folder.path());
    assert_eq!(after["anchor"], before["anchor"]);
    assert_ne!(after["trouble"], Value::Null, "{after}");
}

#[tokio::test]
async fn a_lane_that_is_at_work_sends_nothing_more_once_the_athlete_has_signed_out() {
    for second in ["PUT", "GET /v1/rides"] {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
        let rides = if second == "PUT" { 2 } else { 1 };
        for _ in 0..rides {
            ride(&engine).await;
        }
        let bell = hold_reply(&site, "PUT");
        let sync = spawn_sync(&engine);
        eventually("a ride is sent", || site.gate.count("PUT") == 1).await;
        let other = open(folder.path(), Mode::OneShot).await;
        soon("signing out", other.sign_out()).await.unwrap();
        let (sent, listed) = (site.gate.count("PUT"), site.gate.count("GET /v1/rides"));
        bell.notify_one();
        soon("the sync", sync).await.unwrap();
        assert_eq!(site.gate.count("PUT"), sent, "{:?}", site.gate.log());
        assert_eq!(site.gate.count("GET /v1/rides"), listed, "{second}");
        until(&engine, "signed out", |v| v.session.state == "signed_out").await;
    }
}
