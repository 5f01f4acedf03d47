//! Where the key is kept: key files that are damaged.

use std::fs;
use std::time::Duration;

use freewheel_lab::rig::{PATIENCE, Rig};
use freewheel_policy::session::{CredentialState, SignInCause};
use freewheel_sync::Mode;
use freewheel_sync::view::SyncView;

use crate::athlete::soon;
use crate::site::Site;

const LOST: CredentialState = CredentialState::NeedsSignIn(SignInCause::CredentialLost);

async fn synced(rig: &mut Rig) -> String {
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    let synced = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    synced.session
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
