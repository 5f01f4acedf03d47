//! Where the key is kept: several profiles of one athlete, and key files that are gone or damaged.

use std::fs;
use std::time::Duration;

use freewheel_lab::rig::{PATIENCE, Rig};
use freewheel_policy::session::{CredentialState, SignInCause};
use freewheel_sync::Mode;
use freewheel_sync::view::SyncView;

use crate::athlete::soon;
use crate::moody::{Mood, Moody};
use crate::site::Site;

const LOST: CredentialState = CredentialState::NeedsSignIn(SignInCause::CredentialLost);

async fn synced(rig: &mut Rig) -> String {
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    let synced = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    synced.session
}

#[tokio::test]
async fn signing_out_in_one_profile_leaves_the_same_athletes_other_one() {
    let (site, moody) = (Site::start().await, Moody::new(Mood::Open));
    let (mut first, mut second) = (Rig::new().unwrap(), Rig::new().unwrap());
    for rig in [&mut first, &mut second] {
        rig.vault = moody.vault();
        rig.launch(Mode::OneShot).await.unwrap();
        rig.sign_in(&site.url, "demo").await.unwrap();
    }
    second.close().await;
    assert_eq!(moody.keys(), 2, "each has its own");
    let engine = first.engine().unwrap().clone();
    soon("signing out", engine.sign_out()).await.unwrap();
    assert_eq!(moody.keys(), 1);
    assert_eq!(synced(&mut second).await, "active");
}

#[tokio::test]
async fn a_key_file_that_is_gone_is_a_lost_credential_whatever_the_keyring_says() {
    for mood in [Mood::Absent, Mood::Locked, Mood::Denied, Mood::Open] {
        let (site, moody) = (Site::start().await, Moody::new(Mood::Absent));
        let mut rig = Rig::new().unwrap();
        rig.vault = moody.vault();
        rig.launch(Mode::OneShot).await.unwrap();
        rig.sign_in(&site.url, "demo").await.unwrap();
        rig.close().await;
        fs::remove_file(rig.folder().join("vault.key")).unwrap();
        moody.set(mood);
        assert_eq!(synced(&mut rig).await, "needs_sign_in", "{mood:?}");
        assert_eq!(rig.session().unwrap().state, LOST, "{mood:?}");
        let doctor = rig.engine().unwrap().doctor().await.text();
        assert!(doctor.contains("was kept in"), "{mood:?}: {doctor}");
        moody.set(Mood::Absent);
        rig.sign_in(&site.url, "demo").await.unwrap();
        assert_eq!(synced(&mut rig).await, "active", "{mood:?}");
    }
}

#[tokio::test]
async fn a_damaged_key_file_asks_for_a_sign_in_that_lasts() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    rig.launch(Mode::OneShot).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.close().await;
    let (file, kept) = (
        rig.folder().join("vault.key"),
        rig.folder().join("vault.key.damaged"),
    );
    fs::write(&file, "garbage\n").unwrap();
    assert_eq!(synced(&mut rig).await, "needs_sign_in");
    assert_eq!(rig.session().unwrap().state, LOST);
    let doctor = rig.engine().unwrap().doctor().await.text();
    for words in ["vault.key, line 1, is damaged", "sign in again"] {
        assert!(doctor.contains(words), "{doctor}");
    }
    rig.sign_in(&site.url, "demo").await.unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), "garbage\n");
    assert_eq!(synced(&mut rig).await, "active");
    let in_file = |view: &SyncView| view.session.vault == "key_file";
    rig.until("the key file", PATIENCE, in_file).await.unwrap();
    let doctor = rig.engine().unwrap().doctor().await.text();
    assert!(!doctor.contains("is damaged"), "{doctor}");
}
