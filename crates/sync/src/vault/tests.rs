//! The vault over keyring-core's mock store and over the key file. The real keyring is tested in the lab.

use std::fs;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use keyring_core::{CredentialStore, Error, mock};

use super::patience::Patience;
use super::*;

const ACCOUNT: &str = "account-1";

fn mock_vault(home: &Path) -> (Vault, Arc<CredentialStore>) {
    let store: Arc<CredentialStore> = mock::Store::new().unwrap();
    let keyring = KeyringChoice::Given(Arc::clone(&store));
    (
        Vault::open(
            home,
            VaultOptions {
                keyring,
                ..VaultOptions::default()
            },
        ),
        store,
    )
}

fn fail_next(store: &Arc<CredentialStore>, error: Error) {
    let entry = store.build("freewheel", ACCOUNT, None).unwrap();
    entry
        .as_any()
        .downcast_ref::<mock::Cred>()
        .unwrap()
        .set_error(error);
}

fn platform(text: &str) -> Box<dyn std::error::Error + Send + Sync> {
    text.to_owned().into()
}

/// As macOS' errors show themselves.
#[derive(thiserror::Error)]
#[error("{message}")]
struct Keychain {
    code: i32,
    message: &'static str,
}

impl std::fmt::Debug for Keychain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.code)
            .field("message", &self.message)
            .finish()
    }
}

#[tokio::test]
async fn what_the_keychain_of_macos_says_by_number_is_told_apart_and_not_asked_twice() {
    let home = tempfile::tempdir().unwrap();
    let (vault, store) = mock_vault(home.path());
    let key = vault.create_key(ACCOUNT).await.unwrap();
    for (code, message, told) in [
        (-25308, "User interaction is not allowed.", "vault_locked"),
        (-128, "User canceled the operation.", "vault_denied"),
        (-25293, "The name is not correct.", "vault_denied"),
        (-25243, "The access is not allowed.", "vault_denied"),
    ] {
        let error = Keychain { code, message };
        fail_next(&store, Error::PlatformFailure(Box::new(error)));
        // A second call would have been answered.
        assert_eq!(vault.key(ACCOUNT).await.unwrap_err().code(), told, "{code}");
        let found = vault.key(ACCOUNT).await.unwrap();
        assert_eq!(found.mac(b"x"), key.mac(b"x"));
    }
}

#[test]
fn entry_names_are_stable_and_differ_by_issuer_and_by_subject() {
    let name = account_entry("http://127.0.0.1:1", "athlete");
    assert_eq!(name, account_entry("http://127.0.0.1:1", "athlete"));
    assert_ne!(name, account_entry("http://127.0.0.1:2", "athlete"));
    assert_ne!(name, account_entry("http://127.0.0.1:1", "athletf"));
    assert_ne!(account_entry("ab", "c"), account_entry("a", "bc"));
    assert!(
        !name.contains("athlete") && name.len() == "account-".len() + 32,
        "{name}"
    );
}

#[tokio::test]
async fn a_sealed_token_opens_only_with_its_key_account_and_generation() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), VaultOptions::key_file_only());
    let key = vault.create_key("account-a").await.unwrap();
    let other = vault.create_key("account-b").await.unwrap();
    let sealed = key.seal("account-a", 7, b"refresh token").unwrap();
    assert_eq!(
        &key.open("account-a", 7, &sealed).unwrap()[..],
        b"refresh token"
    );
    assert!(!sealed.windows(7).any(|window| window == b"refresh"));

    assert_eq!(
        key.open("account-a", 8, &sealed),
        Err(SealBroken),
        "another generation"
    );
    assert_eq!(
        key.open("account-b", 7, &sealed),
        Err(SealBroken),
        "another account"
    );
    assert_eq!(
        other.open("account-a", 7, &sealed),
        Err(SealBroken),
        "another key"
    );
    for index in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[index] ^= 1;
        assert_eq!(
            key.open("account-a", 7, &damaged),
            Err(SealBroken),
            "byte {index} changed"
        );
        assert_eq!(
            key.open("account-a", 7, &sealed[..index]),
            Err(SealBroken),
            "cut at {index}"
        );
    }
    assert_ne!(
        sealed,
        key.seal("account-a", 7, b"refresh token").unwrap(),
        "nonces differ"
    );
}

#[tokio::test]
async fn fingerprints_and_macs_are_keyed() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), VaultOptions::key_file_only());
    let key = vault.create_key("account-a").await.unwrap();
    let other = vault.create_key("account-b").await.unwrap();
    let print = key.fingerprint(b"token");
    assert_eq!(print, key.fingerprint(b"token"));
    assert_ne!(print, key.fingerprint(b"tokem"));
    assert_ne!(print, other.fingerprint(b"token"));
    assert_eq!(print.len(), 16);
    let tag = key.mac(b"anchor");
    assert!(key.has_mac(b"anchor", &tag));
    assert!(!key.has_mac(b"anchos", &tag) && !other.has_mac(b"anchor", &tag));
    assert!(!key.has_mac(b"anchor", &tag[..31]) && !key.has_mac(b"anchor", &[]));
    assert_eq!(format!("{key:?}"), "VaultKey(..)");
}

#[tokio::test]
async fn a_key_is_made_once_kept_in_the_keyring_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let (vault, store) = mock_vault(home.path());
    assert_eq!(vault.kind(), VaultKind::Unknown);
    assert_eq!(vault.key(ACCOUNT).await.unwrap_err(), VaultError::Missing);
    let key = vault.create_key(ACCOUNT).await.unwrap();
    assert_eq!(vault.kind(), VaultKind::Keyring);
    assert!(!home.path().join("vault.key").exists());

    let keyring = KeyringChoice::Given(store);
    let again = Vault::open(
        home.path(),
        VaultOptions {
            keyring,
            ..VaultOptions::default()
        },
    );
    let same = again.create_key(ACCOUNT).await.unwrap();
    assert_eq!(same.fingerprint(b"x"), key.fingerprint(b"x"));
    assert_eq!(
        again.key(ACCOUNT).await.unwrap().fingerprint(b"x"),
        key.fingerprint(b"x")
    );

    again.delete_key(ACCOUNT).await.unwrap();
    assert_eq!(vault.key(ACCOUNT).await.unwrap_err(), VaultError::Missing);
    again.delete_key(ACCOUNT).await.unwrap();
}

#[tokio::test]
async fn a_read_that_is_denied_or_fails_is_an_error_and_the_next_one_works() {
    let home = tempfile::tempdir().unwrap();
    let (vault, store) = mock_vault(home.path());
    let key = vault.create_key(ACCOUNT).await.unwrap();
    fail_next(
        &store,
        Error::NoStorageAccess(platform("interaction is not allowed")),
    );
    assert_eq!(vault.key(ACCOUNT).await.unwrap_err().code(), "vault_denied");
    assert_eq!(
        vault.key(ACCOUNT).await.unwrap().fingerprint(b"x"),
        key.fingerprint(b"x")
    );
    fail_next(&store, Error::BadStoreFormat("torn".to_owned()));
    assert_eq!(vault.key(ACCOUNT).await.unwrap_err().code(), "vault_failed");
    assert_eq!(
        vault.key(ACCOUNT).await.unwrap().fingerprint(b"x"),
        key.fingerprint(b"x")
    );
    assert!(
        !home.path().join("vault.key").exists(),
        "reading never makes a key file"
    );
}

#[tokio::test]
async fn a_connection_that_broke_is_made_anew_within_the_same_call() {
    let home = tempfile::tempdir().unwrap();
    let (vault, store) = mock_vault(home.path());
    let key = vault.create_key(ACCOUNT).await.unwrap();
    fail_next(&store, Error::PlatformFailure(platform("connection reset")));
    assert_eq!(
        vault.key(ACCOUNT).await.unwrap().fingerprint(b"x"),
        key.fingerprint(b"x")
    );
}

#[tokio::test]
async fn what_is_kept_but_is_no_key_is_an_error_and_is_not_replaced() {
    let home = tempfile::tempdir().unwrap();
    let (vault, store) = mock_vault(home.path());
    let entry = store.build("freewheel", ACCOUNT, None).unwrap();
    entry.set_secret(b"short").unwrap();
    assert_eq!(vault.key(ACCOUNT).await.unwrap_err().code(), "vault_failed");
    assert_eq!(
        vault.create_key(ACCOUNT).await.unwrap_err().code(),
        "vault_failed"
    );
    assert_eq!(entry.get_secret().unwrap(), b"short");
}

#[tokio::test]
async fn a_keyring_that_refuses_at_sign_in_is_replaced_by_the_key_file() {
    let home = tempfile::tempdir().unwrap();
    let (vault, store) = mock_vault(home.path());
    fail_next(&store, Error::NoStorageAccess(platform("sandboxed")));
    let key = vault.create_key(ACCOUNT).await.unwrap();
    assert_eq!(vault.kind(), VaultKind::KeyFile);
    let found = vault.key(ACCOUNT).await.unwrap();
    assert_eq!(
        found.fingerprint(b"x"),
        key.fingerprint(b"x"),
        "it is read from there from now on"
    );
    vault.delete_key(ACCOUNT).await.unwrap();
    assert_eq!(vault.key(ACCOUNT).await.unwrap_err(), VaultError::Missing);
}

#[tokio::test]
async fn the_key_file_is_private_survives_a_restart_and_holds_several_accounts() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("vault.key");
    let vault = Vault::open(home.path(), VaultOptions::key_file_only());
    assert_eq!(
        vault.key("account-a").await.unwrap_err(),
        VaultError::Missing
    );
    let first = vault.create_key("account-a").await.unwrap();
    let second = vault.create_key("account-b").await.unwrap();
    assert_eq!(vault.kind(), VaultKind::KeyFile);
    assert_ne!(first.fingerprint(b"x"), second.fingerprint(b"x"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        vault.key("account-a").await.unwrap();
        assert_eq!(mode(), 0o600, "bits that were loosened are tightened");
    }
    let later = Vault::open(home.path(), VaultOptions::key_file_only());
    assert_eq!(
        later.key("account-a").await.unwrap().fingerprint(b"x"),
        first.fingerprint(b"x")
    );
    later.delete_key("account-a").await.unwrap();
    assert_eq!(
        later.key("account-a").await.unwrap_err(),
        VaultError::Missing
    );
    assert_eq!(
        later.key("account-b").await.unwrap().fingerprint(b"x"),
        second.fingerprint(b"x")
    );
    later.delete_key("account-b").await.unwrap();
    assert!(!path.exists(), "an empty key file is not left behind");
}

#[tokio::test]
async fn a_damaged_key_file_costs_the_keys_that_cannot_be_read_in_it_and_a_copy_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("vault.key");
    let vault = Vault::open(home.path(), VaultOptions::key_file_only());
    let sound = vault.create_key("account-b").await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().nth(1).unwrap();
    let spoilt: [(Vec<u8>, usize, bool); 6] = [
        (b"".to_vec(), 1, false),
        (b"garbage".to_vec(), 1, false),
        (format!("freewheel vault keys 2\n{line}\n").into(), 1, true),
        (format!("{text}account-a notbase64!\n").into(), 3, true),
        ([text.as_bytes(), b"account-a \xff\n"].concat(), 3, true),
        (
            format!("freewheel vault keys 1\naccount-a x\n{line}").into(),
            2,
            true,
        ),
    ];
    for (number, (bytes, damaged, kept)) in (1..).zip(spoilt) {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(vault.key_file_damage(), Some(damaged));
        assert_eq!(
            vault.key("account-a").await.unwrap_err(),
            VaultError::Missing
        );
        let made = vault.create_key("account-a").await.unwrap();
        let name = match number {
            1 => "vault.key.damaged".to_owned(),
            number => format!("vault.key.damaged-{number}"),
        };
        assert_eq!(fs::read(home.path().join(name)).unwrap(), bytes);
        assert_eq!(vault.key_file_damage(), None);
        let again = Vault::open(home.path(), VaultOptions::key_file_only());
        let found = again.key("account-a").await.unwrap();
        assert_eq!(found.mac(b"x"), made.mac(b"x"));
        match again.key("account-b").await {
            Ok(found) => assert!(kept && found.mac(b"x") == sound.mac(b"x"), "{number}"),
            Err(error) => assert!(!kept && error == VaultError::Missing, "{number}"),
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let aside = fs::metadata(home.path().join("vault.key.damaged")).unwrap();
        assert_eq!(aside.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_key_file_that_is_none_keeps_nobody_from_the_keyring() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("vault.key");
    let (vault, _store) = mock_vault(home.path());
    let key = vault.create_key(ACCOUNT).await.unwrap();
    fs::write(&path, "stray").unwrap();
    assert_eq!(vault.key(ACCOUNT).await.unwrap().mac(b"x"), key.mac(b"x"));
    fs::remove_file(&path).unwrap();
    // It cannot even be opened as a file.
    fs::create_dir(&path).unwrap();
    for found in [
        vault.key(ACCOUNT).await,
        vault.key_without_asking(ACCOUNT).await,
        vault.create_key(ACCOUNT).await,
    ] {
        assert_eq!(found.unwrap().mac(b"x"), key.mac(b"x"));
    }
    // Who has no key in the keyring may have it in there.
    let error = vault.key("account-2").await.unwrap_err();
    assert_eq!(error.code(), "vault_failed");
}

#[tokio::test]
async fn profiles_of_one_athlete_have_keys_of_their_own_and_take_over_what_they_shared() {
    let home = tempfile::tempdir().unwrap();
    let (before, store) = mock_vault(home.path());
    let of_profile = |name| {
        let options = VaultOptions {
            keyring: KeyringChoice::Given(Arc::clone(&store)),
            ..VaultOptions::default()
        };
        Vault::of_profile(home.path(), Some(name), options)
    };
    let (first, second, third) = (of_profile("1"), of_profile("2"), of_profile("3"));
    let own = third.create_key(ACCOUNT).await.unwrap();
    assert_eq!(first.key(ACCOUNT).await.unwrap_err(), VaultError::Missing);
    let shared = before.create_key(ACCOUNT).await.unwrap();
    assert_ne!(shared.mac(b"x"), own.mac(b"x"));
    assert_eq!(third.key(ACCOUNT).await.unwrap().mac(b"x"), own.mac(b"x"));
    for vault in [&first, &second] {
        let found = vault.key(ACCOUNT).await.unwrap();
        assert_eq!(found.mac(b"x"), shared.mac(b"x"));
        assert_eq!(found.kept_in(), VaultKind::Keyring);
    }
    first.delete_key(ACCOUNT).await.unwrap();
    // A version before goes on with it, and from now on the second needs it no more.
    assert_eq!(
        before.key(ACCOUNT).await.unwrap().mac(b"x"),
        shared.mac(b"x")
    );
    before.delete_key(ACCOUNT).await.unwrap();
    assert_eq!(
        second.key(ACCOUNT).await.unwrap().mac(b"x"),
        shared.mac(b"x")
    );
    assert_eq!(first.key(ACCOUNT).await.unwrap_err(), VaultError::Missing);
}

/// A question that is answered when the test says so.
fn slow(
    answer: Result<u32, VaultError>,
) -> (
    mpsc::Sender<()>,
    impl FnOnce(&str) -> Result<u32, VaultError>,
) {
    let (release, gate) = mpsc::channel::<()>();
    (release, move |_: &str| {
        gate.recv().ok();
        answer
    })
}

#[tokio::test]
async fn a_call_that_hangs_is_waited_for_no_longer_than_asked_and_its_late_answer_serves_the_next()
{
    let patience = Patience::<&'static str, u32>::default();
    let (release, ask) = slow(Ok(1));
    let short = Duration::from_millis(20);
    assert_eq!(
        patience.call("a", short, |q| ask(q)).await,
        Err(VaultError::TimedOut)
    );
    let not_again = |_: &&str| -> Result<u32, VaultError> { panic!("calls must not pile up") };
    assert_eq!(
        patience.call("a", short, not_again).await,
        Err(VaultError::TimedOut)
    );
    assert_eq!(
        patience.call("b", short, not_again).await,
        Err(VaultError::TimedOut)
    );
    release.send(()).unwrap();
    let long = Duration::from_secs(30);
    assert_eq!(
        patience.call("a", long, not_again).await,
        Ok(1),
        "the late answer"
    );
    assert_eq!(
        patience.call("a", long, |_| Ok(2)).await,
        Ok(2),
        "and only once"
    );
}

#[tokio::test]
async fn a_late_error_or_a_late_answer_to_another_question_is_asked_anew() {
    let long = Duration::from_secs(30);
    for (question, late) in [("a", Err(VaultError::Locked)), ("b", Ok(1))] {
        let patience = Patience::<&'static str, u32>::default();
        let (release, ask) = slow(late);
        let first = patience
            .call(question, Duration::from_millis(20), |q| ask(q))
            .await;
        assert_eq!(first, Err(VaultError::TimedOut));
        release.send(()).unwrap();
        assert_eq!(patience.call("a", long, |_| Ok(3)).await, Ok(3));
    }
}
