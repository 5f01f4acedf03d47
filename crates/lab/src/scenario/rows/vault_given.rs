//! A keyring that is given to the vault in place of the system's: it answers as the keyrings of other systems do.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use freewheel_sync::vault::{KeyringChoice, VaultOptions};
use keyring_core::api::{Credential, CredentialApi, CredentialStoreApi};
use keyring_core::{Entry, Error, Result};

/// The longest entry of Windows' Credential Manager (`CRED_MAX_CREDENTIAL_BLOB_SIZE`), in bytes.
const LONGEST: usize = 2560;

/// Such a keyring. What it keeps stays kept, whatever it answers.
#[derive(Debug, Clone, Default)]
pub(super) struct Given(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    kept: BTreeMap<String, Vec<u8>>,
    /// The names of the entries that were asked for, as they came.
    asked: Vec<String>,
    refusal: Option<fn() -> Error>,
}

impl Given {
    /// A vault over it.
    pub(super) fn vault(&self) -> VaultOptions {
        VaultOptions {
            keyring: KeyringChoice::Given(Arc::new(self.clone())),
            ..VaultOptions::default()
        }
    }

    /// From now on every call ends in this error.
    pub(super) fn refuses(&self, with: fn() -> Error) {
        self.inside().refusal = Some(with);
    }

    /// From now on it answers again.
    pub(super) fn answers(&self) {
        self.inside().refusal = None;
    }

    /// The names of the entries that were asked for so far, `service/account`.
    pub(super) fn asked(&self) -> Vec<String> {
        self.inside().asked.clone()
    }

    /// The bytes of each entry.
    pub(super) fn kept(&self) -> Vec<usize> {
        self.inside().kept.values().map(Vec::len).collect()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialStoreApi for Given {
    fn vendor(&self) -> String {
        "Freewheel's lab".to_owned()
    }

    fn id(&self) -> String {
        "given".to_owned()
    }

    fn build(
        &self,
        service: &str,
        account: &str,
        _: Option<&HashMap<&str, &str>>,
    ) -> Result<Entry> {
        let kept = Kept(self.clone(), format!("{service}/{account}"));
        Ok(Entry::new_with_credential(Arc::new(kept)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Debug)]
struct Kept(Given, String);

impl Kept {
    fn asked(&self) -> Result<MutexGuard<'_, Inside>> {
        let mut inside = self.0.inside();
        inside.asked.push(self.1.clone());
        match inside.refusal {
            Some(refusal) => Err(refusal()),
            None => Ok(inside),
        }
    }
}

impl CredentialApi for Kept {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let mut inside = self.asked()?;
        if secret.len() > LONGEST {
            let longest = u32::try_from(LONGEST).unwrap_or(u32::MAX);
            return Err(Error::TooLong("secret".to_owned(), longest));
        }
        inside.kept.insert(self.1.clone(), secret.to_owned());
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.asked()?
            .kept
            .get(&self.1)
            .cloned()
            .ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        let removed = self.asked()?.kept.remove(&self.1);
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
