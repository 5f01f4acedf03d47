//! Keyrings in every mood: nobody is kept from signing in, riding or uploading by one, and each recovers without a
//! restart.

use std::time::Duration;

use freewheel_lab::rig::{PATIENCE, Rig};
use freewheel_policy::session::{CredentialState, SignInCause, VaultCause};
use freewheel_sync::{Mode, Renewal};

use crate::athlete::{eventually, soon};
use crate::moody::{Mood, Moody};
use crate::site::{Site, Way};

const TOKEN: &str = "POST /oauth/token";
const DISK: &str = "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";

async fn settled(rig: &Rig) {
    let library = |v: &freewheel_sync::view::SyncView| v.library.workouts >= 60 && !v.data.busy;
    rig.until("a library", PATIENCE, library).await.unwrap();
}

fn rig(moody: &std::sync::Arc<Moody>) -> Rig {
    let mut rig = Rig::new().unwrap();
    rig.vault = moody.vault();
    rig
}

#[tokio::test]
async fn a_sign_in_whose_key_cannot_be_kept_works_from_memory_and_is_saved_when_the_keyring_is_back()
 {
    for mood in [Mood::Locked, Mood::Hanging, Mood::Failing] {
        let (site, moody) = (Site::start().await, Moody::new(mood));
        let mut rig = rig(&moody);
        rig.launch(Mode::Resident).await.unwrap();
        rig.sign_in(&site.url, "demo").await.unwrap();
        settled(&rig).await;
        let view = rig.engine().unwrap().view_now().session;
        assert_eq!(
            (view.state.as_str(), view.vault.as_str()),
            ("vault_unavailable", "memory")
        );
        let state = rig.session().unwrap().state;
        assert_eq!(
            state,
            CredentialState::VaultUnavailable(VaultCause::NotSaved),
            "{mood:?}"
        );
        assert!(view.library_open && !view.headline.is_empty(), "{view:?}");
        let saved = rig.ride().await.unwrap();
        rig.until_delivered(&saved, PATIENCE).await.unwrap();

        moody.set(Mood::Open);
        rig.engine().unwrap().sync_now();
        let kept = rig.until("saved in the keyring", PATIENCE, |v| {
            v.session.state == "active" && v.session.vault == "keyring"
        });
        assert!(kept.await.is_ok(), "{mood:?}");
        rig.close().await;
        let engine = rig.launch(Mode::OneShot).await.unwrap();
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert_eq!(report.session, "active", "{mood:?}");
        assert_eq!(site.gate.count(TOKEN), 1, "one sign-in, no renewal");
    }
}

#[tokio::test]
async fn a_sign_in_that_never_reached_a_keyring_ends_with_the_program_and_says_so() {
    let (site, moody) = (Site::start().await, Moody::new(Mood::Locked));
    let mut rig = rig(&moody);
    rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    settled(&rig).await;
    let saved = rig.ride().await.unwrap();
    rig.until_delivered(&saved, PATIENCE).await.unwrap();
    rig.kill();
    moody.set(Mood::Open);
    rig.launch(Mode::Resident).await.unwrap();
    let lost = |v: &freewheel_sync::view::SyncView| v.session.state == "needs_sign_in";
    let view = rig
        .until("a sign-in is needed", PATIENCE, lost)
        .await
        .unwrap();
    assert!(view.session.library_open && view.library.workouts >= 60);
    let lost = CredentialState::NeedsSignIn(SignInCause::CredentialLost);
    assert_eq!(rig.session().unwrap().state, lost);
    let waiting = rig.ride().await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.until_delivered(&waiting, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_keyring_that_refuses_or_is_missing_is_replaced_by_the_key_file() {
    for mood in [Mood::Denied, Mood::Absent, Mood::Full] {
        let (site, moody) = (Site::start().await, Moody::new(mood));
        let mut rig = rig(&moody);
        rig.launch(Mode::Resident).await.unwrap();
        rig.sign_in(&site.url, "demo").await.unwrap();
        let active = |v: &freewheel_sync::view::SyncView| v.session.state == "active";
        let view = rig.until("active", PATIENCE, active).await.unwrap();
        assert_eq!(view.session.vault, "key_file", "{mood:?}");
        assert!(rig.folder().join("vault.key").is_file() && moody.keys() == 0);
    }
}

#[tokio::test]
async fn each_trouble_of_a_keyring_at_launch_has_its_name_and_ends_without_a_restart() {
    let (site, moody) = (Site::start().await, Moody::new(Mood::Open));
    let mut rig = rig(&moody);
    rig.launch(Mode::OneShot).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    for (mood, cause) in [
        (Mood::Locked, VaultCause::Locked),
        (Mood::Denied, VaultCause::Denied),
        (Mood::Absent, VaultCause::Absent),
        (Mood::Failing, VaultCause::Failed),
        (Mood::Hanging, VaultCause::TimedOut),
    ] {
        rig.close().await;
        moody.set(mood);
        rig.launch(Mode::Resident).await.unwrap();
        let unavailable =
            |v: &freewheel_sync::view::SyncView| v.session.state == "vault_unavailable";
        let view = rig
            .until("unavailable", PATIENCE, unavailable)
            .await
            .unwrap();
        assert_eq!(
            rig.session().unwrap().state,
            CredentialState::VaultUnavailable(cause)
        );
        assert!(view.session.library_open);
        let tokens = site.gate.count(TOKEN);
        let renewal = soon("a renewal", rig.engine().unwrap().renew()).await;
        assert_eq!(renewal, Renewal::NotPossible, "{mood:?}");
        assert_eq!(site.gate.count(TOKEN), tokens);
        let saved = rig.ride().await.unwrap();
        moody.set(Mood::Open);
        rig.engine().unwrap().sync_now();
        rig.until_delivered(&saved, PATIENCE).await.unwrap();
        let active = |v: &freewheel_sync::view::SyncView| v.session.state == "active";
        rig.until("active", PATIENCE, active).await.unwrap();
    }
    assert!(
        !rig.folder().join("vault.key").exists(),
        "reading makes no key file"
    );
}

#[tokio::test]
async fn a_profile_that_was_restored_without_its_key_asks_for_a_sign_in_and_keeps_its_queue() {
    let (site, moody) = (Site::start().await, Moody::new(Mood::Open));
    let mut rig = rig(&moody);
    rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    settled(&rig).await;
    site.gate.rule(|line| {
        if line.starts_with("PUT") {
            Way::LoseRequest
        } else {
            Way::Through
        }
    });
    let saved = rig.ride().await.unwrap();
    rig.close().await;
    site.gate.through();
    let mut elsewhere = rig.copied().unwrap();
    let other = Moody::new(Mood::Open);
    elsewhere.vault = other.vault();
    elsewhere.launch(Mode::Resident).await.unwrap();
    let lost = |v: &freewheel_sync::view::SyncView| v.session.state == "needs_sign_in";
    let view = elsewhere
        .until("a sign-in is needed", PATIENCE, lost)
        .await
        .unwrap();
    assert_eq!((view.data.waiting, view.session.library_open), (1, true));
    assert_eq!(
        elsewhere.session().unwrap().state,
        CredentialState::NeedsSignIn(SignInCause::CredentialLost)
    );
    elsewhere.sign_in(&site.url, "demo").await.unwrap();
    elsewhere.until_delivered(&saved, PATIENCE).await.unwrap();
    assert_eq!(site.rides_of(&site.demo()).len(), 1);
}

#[tokio::test]
async fn a_keyring_that_was_emptied_is_told_from_one_that_is_locked() {
    let (site, moody) = (Site::start().await, Moody::new(Mood::Open));
    let mut rig = rig(&moody);
    rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    settled(&rig).await;
    rig.close().await;
    moody.forget_all();
    rig.launch(Mode::Resident).await.unwrap();
    let lost = |v: &freewheel_sync::view::SyncView| v.session.state == "needs_sign_in";
    let view = rig
        .until("a sign-in is needed", PATIENCE, lost)
        .await
        .unwrap();
    assert!(view.session.library_open);
    rig.sign_in(&site.url, "demo").await.unwrap();
    let active = |v: &freewheel_sync::view::SyncView| v.session.state == "active";
    rig.until("active", PATIENCE, active).await.unwrap();
    assert_eq!(moody.keys(), 1);
}

#[tokio::test]
async fn tokens_that_are_unsaved_in_one_process_are_not_spent_by_another() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let first = rig.launch(Mode::OneShot).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    let full = format!("CREATE TRIGGER full BEFORE UPDATE OF sealed ON session {DISK}");
    rig.database().unwrap().execute_batch(&full).unwrap();
    let tokens = site.gate.count(TOKEN);
    assert_eq!(soon("a renewal", first.renew()).await, Renewal::Unsaved);
    let state = rig.session().unwrap().state;
    assert_eq!(
        state,
        CredentialState::VaultUnavailable(VaultCause::NotSaved)
    );
    let memory = |v: &freewheel_sync::view::SyncView| v.session.vault == "memory";
    rig.until("the screen says so", PATIENCE, memory)
        .await
        .unwrap();
    // Whoever asks meanwhile, the old token is not sent; not by this process, and not by the other, which waits.
    assert_eq!(soon("a renewal", first.renew()).await, Renewal::Unsaved);
    let second = rig.another(Mode::OneShot).await.unwrap();
    let asked = tokio::spawn(async move { second.renew().await });
    eventually("the other waits for the lease", || !asked.is_finished()).await;
    rig.database()
        .unwrap()
        .execute_batch("DROP TRIGGER full")
        .unwrap();
    assert_eq!(soon("a renewal", first.renew()).await, Renewal::Fresh);
    assert_eq!(site.gate.count(TOKEN) - tokens, 1, "saved, not asked for");
    assert_eq!(soon("the other", asked).await.unwrap(), Renewal::Fresh);
    assert_eq!(
        site.gate.count(TOKEN) - tokens,
        1,
        "what the first saved is fresh"
    );
    assert_eq!(rig.session().unwrap().state, CredentialState::Active);
}

#[tokio::test]
async fn unsaved_tokens_of_a_process_that_died_are_given_up_by_the_next_one() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let resident = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    settled(&rig).await;
    let full = format!("CREATE TRIGGER full BEFORE UPDATE OF sealed ON session {DISK}");
    rig.database().unwrap().execute_batch(&full).unwrap();
    let other = rig.another(Mode::OneShot).await.unwrap();
    assert_eq!(soon("a renewal", other.renew()).await, Renewal::Unsaved);
    drop(other);
    rig.database()
        .unwrap()
        .execute_batch("DROP TRIGGER full")
        .unwrap();
    // The resident one is not started again: our server gives the same token once more.
    let report = soon("a sync", resident.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active", "{report:?}");
    assert_eq!(soon("a renewal", resident.renew()).await, Renewal::Fresh);
}

#[tokio::test]
async fn a_key_file_that_others_can_read_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    rig.launch(Mode::OneShot).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.close().await;
    let file = rig.folder().join("vault.key");
    let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o664)).unwrap();
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Fresh);
    assert_eq!(mode(), 0o600);
}

/// Another program of this profile told of a locked keyring, and has ended: this one has the key, and goes on.
#[tokio::test]
async fn what_another_program_told_of_the_keyring_does_not_hold_up_one_that_has_the_key() {
    let (site, moody) = (Site::start().await, Moody::new(Mood::Open));
    let mut rig = rig(&moody);
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    settled(&rig).await;
    moody.set(Mood::Locked);
    let database = rig.database().unwrap();
    let sql = "UPDATE session SET facts = json_set(facts, '$.vault', 'locked', '$.access_in_memory', json('false'))";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
    let waits = CredentialState::VaultUnavailable(VaultCause::Locked);
    assert_eq!(rig.session().unwrap().state, waits);
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(rig.session().unwrap().state, CredentialState::Active);
}
