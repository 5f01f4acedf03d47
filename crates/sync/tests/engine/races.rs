//! Two at once: a token is spent once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freewheel_sync::{Mode, Renewal};
use rusqlite::Connection;
use tokio::sync::Notify;

use crate::athlete::{eventually, home, open, signed_in, soon};
use crate::site::{Site, Way};

const TOKEN: &str = "POST /oauth/token";
const METADATA: &str = "GET /.well-known/openid-configuration";

fn database(folder: &Path) -> Connection {
    let database = Connection::open(home(folder).athlete_db()).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    database
}

/// A renewal that has read the tokens, and has not yet written that it will spend them.
async fn about_to_spend(
    site: &Site,
    folder: &Path,
) -> (tokio::task::JoinHandle<Renewal>, Arc<Notify>) {
    let forget = "DELETE FROM lane WHERE lane LIKE 'issuer%'";
    database(folder).execute(forget, []).unwrap();
    let engine = open(folder, Mode::OneShot).await;
    let bell = Arc::new(Notify::new());
    let held = Arc::clone(&bell);
    let asked = site.gate.count(METADATA);
    site.gate
        .first(1, METADATA, move || Way::Hold(Arc::clone(&held)));
    let renewal = tokio::spawn(async move { engine.renew().await });
    eventually("the metadata is asked for", || {
        site.gate.count(METADATA) > asked
    })
    .await;
    (renewal, bell)
}

#[tokio::test]
async fn a_token_is_not_spent_after_a_sign_out() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let (renewal, bell) = about_to_spend(&site, folder.path()).await;
    let spent = site.gate.count(TOKEN);
    soon("signing out", engine.sign_out()).await.unwrap();
    bell.notify_one();
    let renewal = soon("the renewal", renewal).await.unwrap();
    assert_eq!(renewal, Renewal::NotPossible);
    assert_eq!(site.gate.count(TOKEN), spent);
}

/// However it came about that there are newer ones: the older token was spent for them.
#[tokio::test]
async fn a_token_is_not_spent_once_newer_ones_are_stored() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    drop(signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await);
    let (renewal, bell) = about_to_spend(&site, folder.path()).await;
    let spent = site.gate.count(TOKEN);
    let newer = "UPDATE session SET generation = generation + 1, facts = json_set(
        facts, '$.tokens.generation', generation + 1)";
    database(folder.path()).execute(newer, []).unwrap();
    bell.notify_one();
    let renewal = soon("the renewal", renewal).await.unwrap();
    assert_eq!(renewal, Renewal::Fresh);
    assert_eq!(site.gate.count(TOKEN), spent);
    let intent = "SELECT facts -> '$.intent' FROM session";
    let intent: String = database(folder.path())
        .query_row(intent, [], |row| row.get(0))
        .unwrap();
    assert_eq!(intent, "null");
}
