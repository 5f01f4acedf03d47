//! A provider that gives no refresh token (RFC 6749 §5.1 makes it optional): the sign-in lasts as long as its access token,
//! a 401 costs nothing, and nobody is asked for a renewal that cannot be.

use std::path::Path;
use std::sync::Arc;

use freewheel_lab::rig::LabClock;
use freewheel_sync::view::SessionAction;
use freewheel_sync::{Engine, Renewal};
use jiff::SignedDuration;

use crate::athlete::{home, ride, until};
use crate::forge::Forge;
use crate::forged::{later, sign_in, signed_in, synced, with_clock};

const TOKEN: &str = "POST /token";
/// The access tokens live for 15 minutes.
const DAY: i64 = 24 * 60;

async fn forge() -> Forge {
    let forge = Forge::start().await;
    forge.says().gives_no_refresh = true;
    forge
}

/// The computer starts again, and its wall clock was moved by so many minutes.
async fn restarted(engine: Engine, folder: &Path, clock: &Arc<LabClock>, by: i64) -> Engine {
    engine.shutdown().await;
    clock.reboot();
    clock.turn(SignedDuration::from_mins(by));
    with_clock(folder, clock).await
}

fn called(forge: &Forge) -> usize {
    forge.says().bearers.len()
}

#[tokio::test]
async fn the_sign_in_lasts_as_long_as_its_access_token_and_the_next_one_sends_what_waits() {
    let forge = forge().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    for minutes in [0, 10, 4] {
        later(&clock, minutes);
        assert_eq!(synced(&engine).await, "active", "{minutes}");
        assert_eq!(engine.renew().await, Renewal::NotPossible);
    }
    // The last answer told the server's time, which did not move.
    later(&clock, 16);
    let before = called(&forge);
    ride(&engine).await;
    assert_eq!(synced(&engine).await, "needs_sign_in");
    let view = until(&engine, "over", |view| {
        view.session.state == "needs_sign_in" && view.data.waiting == 1
    })
    .await;
    assert!(view.session.library_open);
    assert_eq!(view.session.headline, "Please sign in again");
    let detail = &view.session.detail;
    assert!(detail.contains("cannot be renewed by itself"), "{detail}");
    assert_eq!(view.session.action, Some(SessionAction::SignIn));
    assert_eq!(view.data.next_try, None);
    assert_eq!(called(&forge), before, "nothing was sent with it");
    assert_eq!(forge.count(TOKEN), 1, "there was nothing to ask with");
    sign_in(&engine, &forge.url).await.unwrap();
    synced(&engine).await;
    assert!(called(&forge) > before, "the lanes go on");
    // This server keeps no rides, so it may have been tried again already.
    assert!(forge.count("PUT /v1/rides/") >= 1, "and send what waited");
}

#[tokio::test]
async fn a_401_costs_neither_the_token_nor_a_request_for_another() {
    let forge = forge().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    assert_eq!(synced(&engine).await, "active");
    for refusals in [1, 3] {
        forge.says().refuses_calls = true;
        for _ in 0..refusals {
            later(&clock, 1);
            let before = called(&forge);
            assert_eq!(synced(&engine).await, "offline", "{refusals}");
            assert!(called(&forge) > before, "it is tried again");
            let view = until(&engine, "offline", |view| view.session.state == "offline").await;
            let session = view.session;
            assert!(session.library_open);
            assert_eq!(session.action, Some(SessionAction::SignIn));
            assert!(session.detail.contains("tried again by itself"));
        }
        forge.says().refuses_calls = false;
        later(&clock, 1);
        assert_eq!(synced(&engine).await, "active", "{refusals}");
        until(&engine, "active", |view| view.session.headline.is_empty()).await;
    }
    assert_eq!(forge.count(TOKEN), 1);
    let says = forge.says();
    let first = says.bearers.first().unwrap();
    assert!(says.bearers.iter().all(|bearer| bearer == first));
}

#[tokio::test]
async fn a_clock_that_goes_forward_and_back_ends_no_sign_in() {
    let forge = forge().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    assert_eq!(synced(&engine).await, "active");
    clock.turn(SignedDuration::from_mins(DAY));
    assert_eq!(synced(&engine).await, "active", "this run knows better");
    clock.turn(SignedDuration::from_mins(-DAY));
    let engine = restarted(engine, folder.path(), &clock, DAY).await;
    assert_eq!(synced(&engine).await, "needs_sign_in");
    until(&engine, "over, and open", |view| {
        view.session.state == "needs_sign_in" && view.session.library_open
    })
    .await;
    let before = called(&forge);
    clock.turn(SignedDuration::from_mins(-DAY));
    assert_eq!(synced(&engine).await, "active", "put right while it runs");
    assert!(called(&forge) > before);
    let engine = restarted(engine, folder.path(), &clock, DAY).await;
    assert_eq!(synced(&engine).await, "needs_sign_in");
    let engine = restarted(engine, folder.path(), &clock, -DAY).await;
    assert_eq!(synced(&engine).await, "active", "put right at a start");
    assert_eq!(forge.count(TOKEN), 1);
}

/// A profile in which it was not noted that there is no refresh token.
#[tokio::test]
async fn a_profile_of_an_older_version_opens_and_its_sign_in_lasts_as_long() {
    let forge = forge().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    engine.shutdown().await;
    let database = rusqlite::Connection::open(home(folder.path()).athlete_db()).unwrap();
    let older = "UPDATE session SET facts = json_remove(facts, '$.tokens.unrenewable')
                 WHERE facts ->> '$.tokens.unrenewable' = 1";
    assert_eq!(database.execute(older, []).unwrap(), 1);
    drop(database);
    let engine = with_clock(folder.path(), &clock).await;
    later(&clock, 12);
    assert_eq!(synced(&engine).await, "active", "later than half its life");
    forge.says().refuses_calls = true;
    assert_eq!(synced(&engine).await, "offline");
    forge.says().refuses_calls = false;
    assert_eq!(synced(&engine).await, "active");
    later(&clock, 16);
    assert_eq!(synced(&engine).await, "needs_sign_in");
    assert_eq!(forge.count(TOKEN), 1);
    sign_in(&engine, &forge.url).await.unwrap();
    assert_eq!(synced(&engine).await, "active");
}

#[tokio::test]
async fn a_token_whose_life_nobody_tells_serves_until_it_is_refused() {
    let forge = forge().await;
    forge.says().tells_no_life = true;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = signed_in(&forge, folder.path()).await;
    for days in [1, 12, 20] {
        later(&clock, days * DAY);
        assert_eq!(synced(&engine).await, "active", "{days} days");
    }
    let engine = restarted(engine, folder.path(), &clock, 0).await;
    assert_eq!(synced(&engine).await, "active");
    forge.says().refuses_calls = true;
    assert_eq!(synced(&engine).await, "offline");
    until(&engine, "an offer to sign in", |view| {
        view.session.action == Some(SessionAction::SignIn)
    })
    .await;
    assert_eq!(forge.count(TOKEN), 1);
}
