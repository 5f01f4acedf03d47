//! Finds, makes and removes keys: first the key file, then the keyring. Everything here may block.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::key::VaultKey;
use super::key_file::KeyFile;
use super::keyring::{Keyring, KeyringChoice};
use super::{VaultError, VaultKind};

/// What is asked of the chest, for which account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Errand {
    Find(String),
    /// As `Find`, and nobody is asked for a password.
    Glance(String),
    Create(String),
    /// As `Create`, and nobody is asked for a password; nor does the key go to the key file.
    CreateQuietly(String),
    Delete(String),
    /// As `Delete`, and nobody is asked for a password.
    DeleteQuietly(String),
}

/// Where a new key goes that the keyring cannot keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fallback {
    KeyFile,
    Nowhere,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Answer {
    Key(VaultKey, VaultKind),
    Removed,
}

impl Answer {
    pub(super) fn kind(&self) -> VaultKind {
        match self {
            Self::Key(_, kind) => *kind,
            Self::Removed => VaultKind::Unknown,
        }
    }

    pub(super) fn into_key(self) -> Result<VaultKey, VaultError> {
        match self {
            Self::Key(key, kind) => Ok(key.found_in(kind)),
            Self::Removed => Err(VaultError::Missing),
        }
    }
}

/// The places of one profile.
#[derive(Debug)]
pub(super) struct Chest {
    keyring: Keyring,
    key_file: KeyFile,
    lock: PathBuf,
    /// Names the profile: another profile folder of the same athlete has keys of its own.
    profile: Option<String>,
}

/// Whether the athlete may be asked for the keyring's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompt {
    Allowed,
    Never,
}

impl Chest {
    pub(super) fn new(home: &Path, profile: Option<String>, choice: KeyringChoice) -> Self {
        Self {
            keyring: Keyring::new(choice),
            key_file: KeyFile::new(home),
            lock: home.join("vault.lock"),
            profile,
        }
    }

    /// Without a keyring there is nothing to wait for.
    pub(super) fn never_waits(&self) -> bool {
        self.keyring.is_none()
    }

    pub(super) fn run(&self, errand: &Errand) -> Result<Answer, VaultError> {
        match errand {
            Errand::Find(account) => self.find(account),
            Errand::Glance(account) => self.glance(account),
            Errand::Create(account) => self.create(account, Fallback::KeyFile),
            Errand::CreateQuietly(account) => self.create_quietly(account),
            Errand::Delete(account) => self.delete(account),
            Errand::DeleteQuietly(account) => self.delete_quietly(account),
        }
    }

    pub(super) fn find_in_file(&self, account: &str) -> Result<Option<Answer>, VaultError> {
        Ok(self
            .key_file
            .read(account)?
            .map(|key| Answer::Key(key, VaultKind::KeyFile)))
    }

    pub(super) fn damaged_line(&self) -> Option<usize> {
        self.key_file.damaged_line()
    }

    fn find(&self, account: &str) -> Result<Answer, VaultError> {
        self.look(account, Prompt::Allowed)
    }

    fn glance(&self, account: &str) -> Result<Answer, VaultError> {
        self.look(account, Prompt::Never)
    }

    /// A key file that cannot be opened keeps nobody from the keyring; it counts only where the keyring has no key.
    fn look(&self, account: &str, prompt: Prompt) -> Result<Answer, VaultError> {
        let in_file = self.find_in_file(account);
        if let Ok(Some(answer)) = in_file {
            return Ok(answer);
        }
        let error = match self.find_in_keyring(account, prompt) {
            Ok(key) => return Ok(Answer::Key(key, VaultKind::Keyring)),
            // The key file is all there is, and it was just read.
            Err(VaultError::Absent(_)) if self.keyring.is_none() => VaultError::Missing,
            Err(error) => error,
        };
        match (&error, in_file) {
            (VaultError::Missing | VaultError::Absent(_), Err(file)) => Err(file),
            _ => Err(error),
        }
    }

    /// Earlier versions named an entry after the account alone, so that the profiles of one athlete shared it. Such a
    /// key is taken over under the profile's own name, and the old entry left: another profile may need it.
    fn find_in_keyring(&self, account: &str, prompt: Prompt) -> Result<VaultKey, VaultError> {
        let own = self.entry(account);
        match self.read(&own, prompt) {
            Err(VaultError::Missing) if own != account => {}
            read => return read,
        }
        let key = self.read(account, prompt)?;
        let may_write =
            prompt == Prompt::Allowed || matches!(self.keyring.would_ask_to_keep(&own), Ok(false));
        if may_write && let Err(error) = self.keyring.write(&own, &key) {
            tracing::info!(code = error.code(), "the key stays under its old name");
        }
        Ok(key)
    }

    fn read(&self, entry: &str, prompt: Prompt) -> Result<VaultKey, VaultError> {
        if prompt == Prompt::Never && self.keyring.would_ask(entry)? {
            return Err(VaultError::Locked);
        }
        self.keyring.read(entry)
    }

    /// The name of the account's entry in the keyring, which all profiles of this computer's user share.
    fn entry(&self, account: &str) -> String {
        match &self.profile {
            Some(profile) => format!("{account}-{profile}"),
            None => account.to_owned(),
        }
    }

    /// Under a lock, so that two processes that sign in at once end with one key.
    fn create(&self, account: &str, fallback: Fallback) -> Result<Answer, VaultError> {
        let _one_at_a_time = self.lock()?;
        let refusal = match self.find(account) {
            Ok(answer) => return Ok(answer),
            Err(VaultError::Missing) => None,
            Err(error @ (VaultError::Absent(_) | VaultError::Denied(_))) => Some(error),
            Err(error) => return Err(error),
        };
        let key = VaultKey::generate()?;
        let refusal = match refusal {
            Some(error) => error,
            None => match self.keyring.write(&self.entry(account), &key) {
                Ok(()) => return Ok(Answer::Key(key, VaultKind::Keyring)),
                Err(VaultError::Locked) => return Err(VaultError::Locked),
                Err(error) => error,
            },
        };
        if fallback == Fallback::Nowhere && !self.keyring.is_none() {
            return Err(refusal);
        }
        tracing::info!(
            code = refusal.code(),
            "the keyring cannot keep the key; it goes to the key file"
        );
        self.key_file.write(account, &key)?;
        Ok(Answer::Key(key, VaultKind::KeyFile))
    }

    fn create_quietly(&self, account: &str) -> Result<Answer, VaultError> {
        if let Ok(Some(answer)) = self.find_in_file(account) {
            return Ok(answer);
        }
        if !self.keyring.is_none() && self.keyring.would_ask_to_keep(&self.entry(account))? {
            return Err(VaultError::Locked);
        }
        self.create(account, Fallback::Nowhere)
    }

    fn delete_quietly(&self, account: &str) -> Result<Answer, VaultError> {
        match self.keyring.would_ask(&self.entry(account)) {
            Ok(true) => Err(VaultError::Locked),
            Ok(false) | Err(_) => self.delete(account),
        }
    }

    fn delete(&self, account: &str) -> Result<Answer, VaultError> {
        let _one_at_a_time = self.lock()?;
        let was_in_file = self.key_file.remove(account)?;
        match self.keyring.delete(&self.entry(account)) {
            Ok(()) | Err(VaultError::Missing) => Ok(Answer::Removed),
            Err(VaultError::Absent(_)) if was_in_file || self.keyring.is_none() => {
                Ok(Answer::Removed)
            }
            Err(error) => Err(error),
        }
    }

    fn lock(&self) -> Result<File, VaultError> {
        let open = || {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&self.lock)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(|error: std::io::Error| {
            VaultError::Failed(format!("{}: {error}", self.lock.display()))
        })
    }
}
