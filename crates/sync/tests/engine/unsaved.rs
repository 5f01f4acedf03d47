//! Tokens that live in memory only, beyond the life of their access token.

use std::time::Duration;

use freewheel_lab::rig::{PATIENCE, Rig};
use freewheel_lab::site::{Settings, Site};
use freewheel_policy::session::{CredentialState, Library, VaultCause};
use freewheel_sync::Mode;
use jiff::SignedDuration;

use crate::athlete::{eventually, sign_in, soon};
use crate::moody::{Mood, Moody};
use crate::site::Way;

const TOKEN: &str = "POST /oauth/token";
const NOT_SAVED: CredentialState = CredentialState::VaultUnavailable(VaultCause::NotSaved);

/// A token that is unsaved is never spent, so uploads pause when its access token ends. The athlete is told so, and is
/// not asked to sign in: unlocking the keyring is all that it takes.
#[tokio::test]
async fn a_session_in_memory_outlives_its_access_token_and_never_asks_for_a_sign_in() {
    let moody = Moody::new(Mood::Locked);
    let mut rig = Rig::new().unwrap();
    rig.vault = moody.vault();
    let settings = Settings {
        clock: std::sync::Arc::clone(&rig.clock),
        ..Settings::default()
    };
    let site = Site::with(settings).await.unwrap();
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    let library = |v: &freewheel_sync::view::SyncView| v.library.workouts >= 60 && !v.data.busy;
    rig.until("a library", PATIENCE, library).await.unwrap();

    rig.clock.pass(SignedDuration::from_mins(20));
    let saved = rig.ride().await.unwrap();
    eventually("the token is refused", || site.gate.count("PUT") > 0).await;
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(
        (report.session.as_str(), report.waiting),
        ("vault_unavailable", 1)
    );
    assert_eq!(rig.session().unwrap().state, NOT_SAVED);
    let told = |v: &freewheel_sync::view::SyncView| v.data.waiting == 1 && !v.data.busy;
    let view = rig.until("the ride waits", PATIENCE, told).await.unwrap();
    assert_eq!(view.session.headline, "Your sign-in is not saved");
    for words in ["keyring is locked", "Uploads may pause", "nothing is lost"] {
        assert!(view.session.detail.contains(words), "{view:?}");
    }
    assert!(view.session.library_open);
    assert_eq!(site.gate.count(TOKEN), 1, "it was not spent");

    moody.set(Mood::Open);
    engine.sync_now();
    rig.until_delivered(&saved, PATIENCE).await.unwrap();
    let kept = |v: &freewheel_sync::view::SyncView| {
        v.session.state == "active" && v.session.vault == "keyring"
    };
    rig.until("active, and kept", PATIENCE, kept).await.unwrap();
    assert_eq!(site.gate.count(TOKEN), 2, "saved, then renewed once");
}

const fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

async fn with_long_tokens(rig: &Rig) -> Site {
    let settings = Settings {
        clock: std::sync::Arc::clone(&rig.clock),
        access_token_life: days(30),
        ..Settings::default()
    };
    Site::with(settings).await.unwrap()
}

/// Else whoever unlocks the keyring in the second week without a network is locked out for it.
#[tokio::test]
async fn saving_tokens_late_takes_back_no_contact_that_was_made_with_them() {
    let moody = Moody::new(Mood::Locked);
    let mut rig = Rig::new().unwrap();
    rig.vault = moody.vault();
    let site = with_long_tokens(&rig).await;
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    let library = |v: &freewheel_sync::view::SyncView| v.library.workouts >= 60 && !v.data.busy;
    rig.until("a library", PATIENCE, library).await.unwrap();
    rig.clock.pass(days(10));
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "vault_unavailable");
    assert_eq!(rig.session().unwrap().days_left, Some(14));

    site.gate.rule(|_| Way::LoseRequest);
    moody.set(Mood::Open);
    engine.sync_now();
    let kept = |v: &freewheel_sync::view::SyncView| v.session.vault == "keyring";
    rig.until("kept", PATIENCE, kept).await.unwrap();
    rig.clock.pass(days(5));
    let session = rig.session().unwrap();
    assert_eq!(
        session.access.licensed_library,
        Library::Open,
        "{session:?}"
    );
    assert_eq!(session.days_left, Some(9));
}

#[tokio::test]
async fn tokens_that_are_noted_again_as_unsaved_are_no_contact() {
    let moody = Moody::new(Mood::Locked);
    let mut rig = Rig::new().unwrap();
    rig.vault = moody.vault();
    let site = with_long_tokens(&rig).await;
    rig.launch(Mode::Resident).await.unwrap();
    let second = rig.another(Mode::Resident).await.unwrap();
    sign_in(&second, &site.url, "demo").await.unwrap();
    site.gate.rule(|_| Way::LoseRequest);
    rig.clock.pass(days(10));
    // The one that has them is the syncer now, and begins by putting the profile right.
    rig.close().await;
    let noted = "SELECT count(*) FROM auth_journal WHERE event LIKE '%save_failed%'";
    eventually("it is noted again that they are unsaved", || {
        second.sync_now();
        let noted = rig
            .database()
            .unwrap()
            .query_row(noted, [], |row| row.get(0));
        noted.is_ok_and(|noted: i64| noted >= 2)
    })
    .await;
    assert_eq!(rig.session().unwrap().days_left, Some(4));
    rig.clock.pass(days(5));
    let session = rig.session().unwrap();
    assert_eq!(
        session.access.licensed_library,
        Library::Locked,
        "{session:?}"
    );
}
