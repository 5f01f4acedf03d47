//! The athlete: opens the app on a profile, signs in through the browser, rides.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freewheel_lab::rig;
pub use freewheel_lab::rig::{Jitter, Links};
use freewheel_ride::view::RideSaved;
use freewheel_sync::clock::SystemClock;
use freewheel_sync::vault::VaultOptions;
use freewheel_sync::view::{Delivery, NetworkFact, RideCard, SyncView};
use freewheel_sync::{Engine, EngineError, Home, Mode, Ports};
use uuid::Uuid;

/// Nothing that works takes as long as this.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Ports with the system's clock, a network that is up, and waits that are a fiftieth of the longest.
pub fn ports() -> Ports {
    Ports {
        clock: Arc::new(SystemClock::new()),
        network: Arc::new(Links::default()),
        entropy: Arc::new(Jitter(0.02)),
        vault: VaultOptions::key_file_only(),
    }
}

pub fn links(fact: NetworkFact) -> Arc<Links> {
    let links = Links::default();
    links.set(fact);
    Arc::new(links)
}

pub fn home(folder: &Path) -> Home {
    rig::home(folder).unwrap()
}

pub async fn open(folder: &Path, mode: Mode) -> Engine {
    Engine::open(home(folder), ports(), mode).await.unwrap()
}

/// An engine on `folder`, signed in as `username`.
pub async fn signed_in(folder: &Path, mode: Mode, server: &str, username: &str) -> Engine {
    let engine = open(folder, mode).await;
    sign_in(&engine, server, username).await.unwrap();
    engine
}

/// Signs in from the first click to the end.
pub async fn sign_in(engine: &Engine, server: &str, username: &str) -> Result<String, EngineError> {
    let started = engine.sign_in(server).await?;
    let callback = in_browser(&started.url, username, "allow").await;
    browse(&callback).await;
    soon("the end of the sign-in", engine.sign_in_finished()).await
}

/// Types name and password, answers the second page, and returns where the browser is sent.
pub async fn in_browser(url: &str, username: &str, answer: &str) -> String {
    let (server, _) = url.split_once("/oauth/").unwrap();
    let page = browse(url).await;
    let form = [
        ("request", request_key(&page)),
        ("username", username.to_owned()),
        ("password", username.to_owned()),
    ];
    let page = browser().post(format!("{server}/oauth/sign-in"));
    let page = page.form(&form).send().await.unwrap();
    let page = page.text().await.unwrap();
    let form = [
        ("request", request_key(&page)),
        ("answer", answer.to_owned()),
    ];
    let consent = browser().post(format!("{server}/oauth/consent"));
    let sent = consent.form(&form).send().await.unwrap();
    assert_eq!(sent.status(), 303);
    sent.headers()["location"].to_str().unwrap().to_owned()
}

pub async fn browse(url: &str) -> String {
    let page = browser().get(url).send().await.unwrap();
    page.text().await.unwrap()
}

fn browser() -> reqwest::Client {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .no_proxy();
    builder.build().unwrap()
}

fn request_key(page: &str) -> String {
    let (_, rest) = page
        .split_once("name=\"request\" value=\"")
        .unwrap_or_else(|| panic!("{page}"));
    rest.split_once('"').unwrap().0.to_owned()
}

/// Rides for a few simulated minutes and finishes.
pub async fn ride(engine: &Engine) -> RideSaved {
    rig::ride(engine, None).await.unwrap()
}

/// Waits until the view is as `wanted` says.
pub async fn until(engine: &Engine, what: &str, wanted: impl FnMut(&SyncView) -> bool) -> SyncView {
    let mut view = engine.view();
    let seen = tokio::time::timeout(PATIENCE, view.wait_for(wanted)).await;
    match seen {
        Ok(seen) => seen.unwrap().clone(),
        Err(_) => panic!("never {what}: {:#?}", engine.view_now()),
    }
}

/// Waits until the ride is delivered.
pub async fn until_delivered(engine: &Engine, ride: &RideSaved) -> SyncView {
    let mut view = engine.view();
    let delivered = async {
        while !matches!(
            card(engine, ride).await.delivery,
            Delivery::Delivered { .. }
        ) {
            view.changed().await.unwrap();
        }
    };
    if tokio::time::timeout(PATIENCE, delivered).await.is_err() {
        panic!(
            "never delivered: {:#?}\n{:#?}",
            card(engine, ride).await,
            engine.view_now()
        );
    }
    until(engine, "quiet again", |view| view.data.waiting == 0).await
}

/// The ride in the history.
pub async fn card(engine: &Engine, ride: &RideSaved) -> RideCard {
    rig::card(engine, &ride.id).await.unwrap()
}

pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| panic!("{what} takes too long"))
}

/// Looks again and again until `wanted` holds, for what no view shows.
pub async fn eventually(what: &str, mut wanted: impl FnMut() -> bool) {
    let look = async {
        while !wanted() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(what, look).await;
}

pub fn id(ride: &RideSaved) -> Uuid {
    ride.id.parse().unwrap()
}
