//! The vault port: one random key per account, kept by the system's keyring (or, where there is none, by a key file).
//! Tokens are sealed with that key; the sealed bytes live in the store.
//!
//! The key is small and never changes, so no limit on an entry's size is met and saving tokens stays one transaction
//! of the database.

mod chest;
mod error;
mod key;
mod key_file;
mod keyring;
mod patience;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

pub use error::VaultError;
pub use key::{SealBroken, VaultKey};
pub use keyring::KeyringChoice;

use chest::{Answer, Chest, Errand};
use patience::Patience;

/// How long a call to the keyring may take before the caller goes on without it.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

/// What a vault may use.
#[derive(Debug, Clone)]
pub struct VaultOptions {
    /// How long one call may wait for the keyring.
    pub timeout: Duration,
    /// Which keyring.
    pub keyring: KeyringChoice,
}

impl Default for VaultOptions {
    fn default() -> Self {
        Self {
            timeout: DEFAULT_TIMEOUT,
            keyring: KeyringChoice::System,
        }
    }
}

impl VaultOptions {
    /// Only the key file: for machines and tests without a keyring.
    #[must_use]
    pub fn key_file_only() -> Self {
        Self {
            keyring: KeyringChoice::None,
            ..Self::default()
        }
    }
}

/// Where the key of the last successful call was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultKind {
    /// No call has succeeded yet.
    Unknown,
    /// In the system's keyring.
    Keyring,
    /// In a file that only its owner can read: weaker, and the app says so.
    KeyFile,
}

impl VaultKind {
    /// The word for reports: `none`, `keyring` or `key_file`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "none",
            Self::Keyring => "keyring",
            Self::KeyFile => "key_file",
        }
    }
}

/// Hands out the keys of accounts.
#[derive(Debug)]
pub struct Vault {
    chest: Arc<Chest>,
    patience: Patience<Errand, Answer>,
    kind: AtomicU8,
    timeout: Duration,
}

impl Vault {
    /// Names the vault of the profile folder `home`, with the keyring entries of a profile without a name. Asks nobody
    /// anything, so it never blocks.
    #[must_use]
    pub fn open(home: &Path, options: VaultOptions) -> Self {
        Self::of_profile(home, None, options)
    }

    /// The same, with keyring entries of its own: `profile` is one word
    /// ([`crate::store::Store::profile_name`]).
    #[must_use]
    pub fn of_profile(home: &Path, profile: Option<&str>, options: VaultOptions) -> Self {
        Self {
            chest: Arc::new(Chest::new(
                home,
                profile.map(str::to_owned),
                options.keyring,
            )),
            patience: Patience::default(),
            kind: AtomicU8::new(0),
            timeout: options.timeout,
        }
    }

    /// The key of `account`.
    ///
    /// # Errors
    /// [`VaultError::Missing`] when keyring and key file work but hold no key for the account; else why the keyring
    /// did not answer. Nothing is remembered: the next call tries again.
    pub async fn key(&self, account: &str) -> Result<VaultKey, VaultError> {
        self.run(Errand::Find(account.to_owned())).await?.into_key()
    }

    /// As [`Vault::key`], but a keyring that would ask the athlete for a password is left alone.
    ///
    /// # Errors
    /// As [`Vault::key`]; [`VaultError::Locked`] instead of a prompt.
    pub async fn key_without_asking(&self, account: &str) -> Result<VaultKey, VaultError> {
        self.run(Errand::Glance(account.to_owned()))
            .await?
            .into_key()
    }

    /// The key of `account` in the key file alone.
    ///
    /// # Errors
    /// [`VaultError::Missing`] when it is not there, [`VaultError::Failed`] when the file cannot be opened.
    pub fn key_in_file(&self, account: &str) -> Result<VaultKey, VaultError> {
        let found = self.chest.find_in_file(account)?;
        let key = found.ok_or(VaultError::Missing)?.into_key()?;
        self.kind.store(2, Ordering::Relaxed);
        Ok(key)
    }

    /// The number of the first line of the key file that is damaged, if one is.
    #[must_use]
    pub fn key_file_damage(&self) -> Option<usize> {
        self.chest.damaged_line()
    }

    /// The key of `account`, made and kept if there is none. Goes to the key file only where the keyring is absent,
    /// refuses this program, or cannot store; a locked or silent keyring is an error.
    ///
    /// # Errors
    /// Why the key could neither be read nor kept.
    pub async fn create_key(&self, account: &str) -> Result<VaultKey, VaultError> {
        self.run(Errand::Create(account.to_owned()))
            .await?
            .into_key()
    }

    /// As [`Vault::create_key`], but a keyring that would ask the athlete for a password is left alone, and one that
    /// cannot keep the key is not replaced by the key file.
    ///
    /// # Errors
    /// As [`Vault::create_key`]; [`VaultError::Locked`] instead of a prompt.
    pub async fn create_key_without_asking(&self, account: &str) -> Result<VaultKey, VaultError> {
        self.run(Errand::CreateQuietly(account.to_owned()))
            .await?
            .into_key()
    }

    /// As [`Vault::delete_key`], but a keyring that would ask the athlete for a password is left alone.
    ///
    /// # Errors
    /// As [`Vault::delete_key`]; [`VaultError::Locked`] instead of a prompt.
    pub async fn delete_key_without_asking(&self, account: &str) -> Result<(), VaultError> {
        self.run(Errand::DeleteQuietly(account.to_owned()))
            .await
            .map(drop)
    }

    /// Removes the key of `account`, wherever it is. No key is no error.
    ///
    /// # Errors
    /// Why the keyring could not be asked; the key file's copy is gone by then.
    pub async fn delete_key(&self, account: &str) -> Result<(), VaultError> {
        self.run(Errand::Delete(account.to_owned())).await.map(drop)
    }

    /// Where the last key was found.
    #[must_use]
    pub fn kind(&self) -> VaultKind {
        match self.kind.load(Ordering::Relaxed) {
            1 => VaultKind::Keyring,
            2 => VaultKind::KeyFile,
            _ => VaultKind::Unknown,
        }
    }

    async fn run(&self, errand: Errand) -> Result<Answer, VaultError> {
        let answer = if self.chest.never_waits() {
            self.chest.run(&errand)
        } else if let Errand::Find(account) | Errand::Glance(account) = &errand
            && let Ok(Some(answer)) = self.chest.find_in_file(account)
        {
            Ok(answer)
        } else {
            let chest = Arc::clone(&self.chest);
            self.patience
                .call(errand, self.timeout, move |errand| chest.run(errand))
                .await
        }?;
        match answer.kind() {
            VaultKind::Unknown => {}
            VaultKind::Keyring => self.kind.store(1, Ordering::Relaxed),
            VaultKind::KeyFile => self.kind.store(2, Ordering::Relaxed),
        }
        Ok(answer)
    }
}

/// Where the key goes on a machine without a keyring.
#[must_use]
pub fn key_file_path(home: &Path) -> PathBuf {
    home.join("vault.key")
}

/// The name under which the key of an athlete is kept: stable, and telling nothing about the athlete.
#[must_use]
pub fn account_entry(issuer: &str, subject: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(issuer.as_bytes());
    hash.update([0]);
    hash.update(subject.as_bytes());
    let digest = hash.finalize();
    format!("account-{}", hex(digest.get(..16).unwrap_or(&digest)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
