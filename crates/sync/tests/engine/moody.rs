//! A keyring in any mood, under the real vault: what is kept stays kept, whatever the mood.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use freewheel_sync::vault::{KeyringChoice, VaultOptions};
use keyring_core::api::{Credential, CredentialApi, CredentialStoreApi};
use keyring_core::{Entry, Error, Result};

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Open,
    Locked,
    /// It refuses this program.
    Denied,
    /// There is none.
    Absent,
    Failing,
    /// It does not answer until its mood changes.
    Hanging,
    /// It reads, and does not write.
    Full,
}

#[derive(Debug)]
pub struct Moody {
    mood: Mutex<Mood>,
    changed: Condvar,
    kept: Mutex<HashMap<String, Vec<u8>>>,
}

impl Moody {
    pub fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            mood: Mutex::new(mood),
            changed: Condvar::new(),
            kept: Mutex::default(),
        })
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
        self.changed.notify_all();
    }

    /// How many keys it keeps.
    pub fn keys(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    pub fn forget_all(&self) {
        self.kept.lock().unwrap().clear();
    }

    /// A vault over this keyring that waits for it no longer than a moment.
    pub fn vault(self: &Arc<Self>) -> VaultOptions {
        VaultOptions {
            timeout: Duration::from_millis(300),
            keyring: KeyringChoice::Given(Arc::new(Store(Arc::clone(self)))),
        }
    }

    fn answers(&self, writes: bool) -> Result<()> {
        let mood = self.mood.lock().unwrap();
        let hangs = |mood: &mut Mood| *mood == Mood::Hanging;
        let mood = self.changed.wait_while(mood, hangs).unwrap();
        match *mood {
            Mood::Open => Ok(()),
            Mood::Locked => Err(Error::NoStorageAccess(Box::new(
                secret_service::Error::Locked,
            ))),
            Mood::Denied => Err(Error::NoStorageAccess("interaction is not allowed".into())),
            Mood::Absent => Err(Error::NoDefaultStore),
            Mood::Failing => Err(Error::BadStoreFormat("torn".to_owned())),
            Mood::Full if writes => Err(Error::BadStoreFormat("no room".to_owned())),
            Mood::Full => Ok(()),
            Mood::Hanging => unreachable!(),
        }
    }
}

#[derive(Debug)]
struct Store(Arc<Moody>);

#[derive(Debug)]
struct Kept(Arc<Moody>, String);

impl CredentialStoreApi for Store {
    fn vendor(&self) -> String {
        "moody".to_owned()
    }

    fn id(&self) -> String {
        "moody".to_owned()
    }

    fn build(&self, _: &str, user: &str, _: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let kept = Kept(Arc::clone(&self.0), user.to_owned());
        Ok(Entry::new_with_credential(Arc::new(kept)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for Kept {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.0.answers(true)?;
        let mut kept = self.0.kept.lock().unwrap();
        kept.insert(self.1.clone(), secret.to_owned());
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.0.answers(false)?;
        let kept = self.0.kept.lock().unwrap();
        kept.get(&self.1).cloned().ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        self.0.answers(true)?;
        let removed = self.0.kept.lock().unwrap().remove(&self.1);
        removed.map(drop).ok_or(Error::NoEntry)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
