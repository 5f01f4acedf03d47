//! An unfinished ride is its owner's to finish, whatever has become of the session; and it opens nothing.

use freewheel_lab::rig::{PATIENCE, Rig};
use freewheel_policy::session::{CredentialState, Library};
use freewheel_sync::view::{LibraryQuery, SyncView};
use freewheel_sync::{Engine, Mode, RideRequest};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::athlete::soon;
use crate::site::{Site, Way};

fn settled(view: &SyncView) -> bool {
    view.library.workouts >= 60 && !view.data.busy
}

async fn licensed(engine: &Engine) -> RideRequest {
    let query = LibraryQuery {
        limit: 1,
        ..LibraryQuery::default()
    };
    RideRequest {
        workout_id: Some(engine.library(query).await.unwrap().rows[0].id.clone()),
        plan_item_id: None,
        speed: 200.0,
        autostart: true,
    }
}

/// Begins a ride of the library and dies in the middle of it.
async fn dies_riding(site: &Site, rig: &mut Rig) -> Uuid {
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.until("a library", PATIENCE, settled).await.unwrap();
    let handle = engine.start_ride(licensed(&engine).await).await.unwrap();
    let mut frames = handle.frames();
    soon("the first minute", frames.wait_for(|f| f.durable >= 60))
        .await
        .unwrap();
    soon("the end of the recording", handle.leave())
        .await
        .unwrap();
    drop((handle, frames));
    let left = engine.today().await.unwrap().unfinished;
    rig.kill();
    left[0].id.parse().unwrap()
}

async fn is_refused(engine: &Engine) {
    let refused = engine
        .start_ride(licensed(engine).await)
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code(), "library_locked");
}

/// Continues the ride for a minute and finishes it.
async fn is_finished(engine: &Engine, ride: Uuid) {
    let handle = engine.resume_ride(ride, 200.0, true).await.unwrap();
    let mut frames = handle.frames();
    soon("another minute", frames.wait_for(|f| f.ridden >= 120))
        .await
        .unwrap();
    is_refused(engine).await;
    let saved = soon("the end of the ride", handle.finish()).await.unwrap();
    engine.ride_ended().await;
    assert!(saved.summary.seconds >= 120);
    let kept = engine.history().await.unwrap();
    assert!(kept.iter().any(|card| card.id == ride.to_string()));
}

#[tokio::test]
async fn after_the_grace_the_ride_goes_on_and_the_library_stays_locked() {
    for mode in [Mode::Resident, Mode::OneShot] {
        let site = Site::start().await;
        let mut rig = Rig::new().unwrap();
        let ride = dies_riding(&site, &mut rig).await;
        site.gate.rule(|_| Way::LoseRequest);
        rig.clock.pass(SignedDuration::from_hours(15 * 24));
        let engine = rig.launch(mode).await.unwrap();
        let locked = |v: &SyncView| v.session.state == "grace_expired" && !v.session.library_open;
        rig.until("locked", PATIENCE, locked).await.unwrap();
        is_refused(&engine).await;
        is_finished(&engine, ride).await;
        is_refused(&engine).await;
        assert_eq!(
            rig.session().unwrap().state,
            CredentialState::GraceExpired(None),
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn after_signing_out_the_ride_is_still_its_owners_and_nobody_elses() {
    let site = Site::start().await;
    site.add_athlete("ben");
    let mut rig = Rig::new().unwrap();
    let ride = dies_riding(&site, &mut rig).await;
    let engine = rig.launch(Mode::Resident).await.unwrap();
    soon("signing out", engine.sign_out()).await.unwrap();
    rig.sign_in(&site.url, "ben").await.unwrap();
    rig.until("a library", PATIENCE, settled).await.unwrap();
    let refused = engine.resume_ride(ride, 1.0, false).await.err().unwrap();
    assert_eq!(refused.code(), "ride_unknown");
    let refused = engine.finish_unfinished(ride).await.unwrap_err();
    assert_eq!(refused.code(), "ride_unknown");
    soon("signing out", engine.sign_out()).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.until("a library", PATIENCE, settled).await.unwrap();
    soon("signing out", engine.sign_out()).await.unwrap();
    let out = |v: &SyncView| v.session.state == "signed_out";
    rig.until("signed out", PATIENCE, out).await.unwrap();
    let handle = engine.resume_ride(ride, 200.0, true).await.unwrap();
    let mut frames = handle.frames();
    soon("another minute", frames.wait_for(|f| f.ridden >= 120))
        .await
        .unwrap();
    let saved = soon("the end of the ride", handle.finish()).await.unwrap();
    engine.ride_ended().await;
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.until_delivered(&saved, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_blocked_athlete_finishes_the_ride() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let ride = dies_riding(&site, &mut rig).await;
    let store = site.server.store();
    store.set_blocked(&site.demo(), true).unwrap();
    let engine = rig.launch(Mode::Resident).await.unwrap();
    engine.sync_now();
    let blocked = |v: &SyncView| v.session.state == "blocked" && !v.session.library_open;
    rig.until("blocked", PATIENCE, blocked).await.unwrap();
    is_finished(&engine, ride).await;
}

#[tokio::test]
async fn a_ride_begun_within_the_grace_keeps_its_library_when_another_process_starts_after_it() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.until("a library", PATIENCE, settled).await.unwrap();
    engine.shutdown().await;
    drop(engine);
    let terminal = rig.launch(Mode::OneShot).await.unwrap();
    site.gate.rule(|_| Way::LoseRequest);
    rig.clock
        .pass(SignedDuration::from_hours(14 * 24) - SignedDuration::from_mins(10));
    let handle = terminal
        .start_ride(licensed(&terminal).await)
        .await
        .unwrap();
    rig.clock.pass(SignedDuration::from_mins(70));
    rig.launch(Mode::Resident).await.unwrap();
    let kept = rig.session().unwrap();
    assert_eq!(kept.state, CredentialState::GraceExpired(None));
    assert_eq!(kept.access.licensed_library, Library::Open);
    soon("the end of the ride", handle.finish()).await.unwrap();
    terminal.ride_ended().await;
    let locked = |v: &SyncView| v.session.state == "grace_expired" && !v.session.library_open;
    rig.until("locked", PATIENCE, locked).await.unwrap();
}
