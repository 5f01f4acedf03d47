//! The system's keyring, behind the `keyring` crate's stores. Every call may block.

use std::sync::{Arc, Mutex, PoisonError};

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use super::VaultError;
use super::key::VaultKey;

/// The name under which all entries are kept.
const SERVICE: &str = "freewheel";

/// Which keyring a vault uses.
#[derive(Debug, Clone)]
pub enum KeyringChoice {
    /// The platform's own: Secret Service, Keychain, Credential Manager.
    System,
    /// A given store.
    Given(Arc<CredentialStore>),
    /// None: keys go to the key file.
    None,
}

/// A connection to the keyring, made when first needed and made anew when it broke.
#[derive(Debug)]
pub(super) struct Keyring {
    choice: KeyringChoice,
    store: Mutex<Option<Arc<CredentialStore>>>,
}

impl Keyring {
    pub(super) fn new(choice: KeyringChoice) -> Self {
        Self {
            choice,
            store: Mutex::new(None),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self.choice, KeyringChoice::None)
    }

    pub(super) fn read(&self, account: &str) -> Result<VaultKey, VaultError> {
        let kept = Zeroizing::new(self.call(account, Entry::get_secret)?);
        VaultKey::from_kept(&kept)
    }

    /// Whether reading would make the system ask for a password.
    pub(super) fn would_ask(&self, account: &str) -> Result<bool, VaultError> {
        match &self.choice {
            KeyringChoice::System => system::is_locked(account),
            KeyringChoice::Given(_) | KeyringChoice::None => Ok(false),
        }
    }

    /// Whether keeping a key would make the system ask for a password.
    pub(super) fn would_ask_to_keep(&self, account: &str) -> Result<bool, VaultError> {
        match &self.choice {
            KeyringChoice::System => Ok(system::is_locked(account)? || system::keeper_is_locked()?),
            KeyringChoice::Given(_) | KeyringChoice::None => Ok(false),
        }
    }

    pub(super) fn write(&self, account: &str, key: &VaultKey) -> Result<(), VaultError> {
        self.call(account, |entry| entry.set_secret(key.expose()))
    }

    pub(super) fn delete(&self, account: &str) -> Result<(), VaultError> {
        self.call(account, Entry::delete_credential)
    }

    /// A store that was connected earlier may have lost its bus or its service since: such a call is repeated once
    /// over a new connection.
    fn call<T>(
        &self,
        account: &str,
        act: impl Fn(&Entry) -> keyring_core::Result<T>,
    ) -> Result<T, VaultError> {
        let (store, is_new) = self.connected()?;
        let outcome = run(&store, account, &act);
        let Err(Error::PlatformFailure(cause)) = &outcome else {
            return outcome.map_err(|error| explain(&error));
        };
        if let Some(said) = keychain(cause.as_ref()) {
            // It was asked and has answered; asking again could show another prompt.
            return Err(said);
        }
        self.forget();
        if is_new {
            return outcome.map_err(|error| explain(&error));
        }
        let (store, _) = self.connected()?;
        run(&store, account, &act).map_err(|error| explain(&error))
    }

    fn connected(&self) -> Result<(Arc<CredentialStore>, bool), VaultError> {
        let mut slot = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = slot.as_ref() {
            return Ok((Arc::clone(store), false));
        }
        let store = match &self.choice {
            KeyringChoice::System => system::connect()?,
            KeyringChoice::Given(store) => Arc::clone(store),
            KeyringChoice::None => {
                return Err(VaultError::Absent("it was not asked for".to_owned()));
            }
        };
        *slot = Some(Arc::clone(&store));
        Ok((store, true))
    }

    fn forget(&self) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn run<T>(
    store: &Arc<CredentialStore>,
    account: &str,
    act: impl Fn(&Entry) -> keyring_core::Result<T>,
) -> keyring_core::Result<T> {
    act(&store.build(SERVICE, account, None)?)
}

/// The crate's errors in the vault's words.
fn explain(error: &Error) -> VaultError {
    match error {
        Error::NoEntry => VaultError::Missing,
        Error::NoDefaultStore => VaultError::Absent("no store is connected".to_owned()),
        Error::NoStorageAccess(cause) => {
            system::explain(cause.as_ref()).unwrap_or_else(|| VaultError::Denied(cause.to_string()))
        }
        Error::PlatformFailure(cause) => system::explain(cause.as_ref())
            .or_else(|| keychain(cause.as_ref()))
            .unwrap_or_else(|| VaultError::Failed(cause.to_string())),
        // These carry what was kept; it must not reach a log.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            VaultError::Failed("the kept key is not readable".to_owned())
        }
        other => VaultError::Failed(other.to_string()),
    }
}

/// What macOS' Keychain means by its numbers (`OSStatus`, `Security/SecBase.h`). Its store hands these on as failures of
/// the platform, and the number is in what their type shows to developers.
fn keychain(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<VaultError> {
    let shown = format!("{cause:?}");
    let (_, number) = shown.strip_prefix("Error {")?.split_once("code: ")?;
    let number = number.split([',', ' ', '}']).next()?;
    match number.parse::<i32>().ok()? {
        // errSecInteractionNotAllowed: it is locked, and nobody could be asked.
        -25_308 => Some(VaultError::Locked),
        // errSecUserCanceled, errSecAuthFailed, errSecNoAccessForItem
        -128 | -25_293 | -25_243 => Some(VaultError::Denied(cause.to_string())),
        _ => None,
    }
}

#[cfg(all(
    unix,
    not(any(target_os = "macos", target_os = "ios", target_os = "android"))
))]
mod system {
    //! Secret Service over D-Bus.

    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use keyring_core::{CredentialStore, Error};
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error as ServiceError};
    use zbus_secret_service_keyring_store::Store;

    use super::{SERVICE, VaultError};

    /// Whether the account's entry is in a locked collection. The `keyring` crate unlocks whatever it finds, with a
    /// prompt; only searching asks nobody anything. No secret travels.
    pub(super) fn is_locked(account: &str) -> Result<bool, VaultError> {
        let search = || {
            let service = SecretService::connect(EncryptionType::Plain)?;
            let attributes = HashMap::from([("service", SERVICE), ("username", account)]);
            let found = service.search_items(attributes)?;
            Ok(found.unlocked.is_empty() && !found.locked.is_empty())
        };
        search().map_err(|error: ServiceError| {
            explain(&error).unwrap_or_else(|| VaultError::Absent(error.to_string()))
        })
    }

    /// Whether the collection that takes new entries is locked. Without one, keeping a key says so.
    pub(super) fn keeper_is_locked() -> Result<bool, VaultError> {
        let look = || {
            let service = SecretService::connect(EncryptionType::Plain)?;
            match service.get_default_collection() {
                Ok(collection) => collection.is_locked(),
                Err(ServiceError::NoResult) => Ok(false),
                Err(error) => Err(error),
            }
        };
        look().map_err(|error: ServiceError| {
            explain(&error).unwrap_or_else(|| VaultError::Absent(error.to_string()))
        })
    }

    /// The `keyring` crate connects once per process and remembers a failure for good, so it is asked once, and later
    /// connections are made with its own store for this platform.
    pub(super) fn connect() -> Result<Arc<CredentialStore>, VaultError> {
        static ASKED: AtomicBool = AtomicBool::new(false);
        if !ASKED.swap(true, Ordering::Relaxed)
            && keyring::Entry::store_status().is_ok()
            && let Some(store) = keyring_core::get_default_store()
        {
            return Ok(store);
        }
        let store: Arc<CredentialStore> = Store::new().map_err(|error| match &error {
            Error::PlatformFailure(cause) => {
                explain(cause.as_ref()).unwrap_or_else(|| VaultError::Absent(cause.to_string()))
            }
            other => VaultError::Absent(other.to_string()),
        })?;
        keyring_core::set_default_store(Arc::clone(&store));
        Ok(store)
    }

    /// Bus errors are told apart by their D-Bus names, which are part of the protocol.
    pub(super) fn explain(
        cause: &(dyn std::error::Error + Send + Sync + 'static),
    ) -> Option<VaultError> {
        let error = cause.downcast_ref::<ServiceError>()?;
        let text = error.to_string();
        let named = |names: &[&str]| names.iter().any(|name| text.contains(name));
        match error {
            ServiceError::Locked | ServiceError::Prompt => Some(VaultError::Locked),
            ServiceError::NoResult => Some(VaultError::Absent(
                "it has no collection to keep keys in".to_owned(),
            )),
            ServiceError::Unavailable => Some(VaultError::Absent(text)),
            _ if named(&["org.freedesktop.Secret.Error.IsLocked"]) => Some(VaultError::Locked),
            _ if named(&["DBus.Error.AccessDenied", "DBus.Error.AuthFailed"]) => {
                Some(VaultError::Denied(text))
            }
            _ if named(&[
                "DBus.Error.ServiceUnknown",
                "DBus.Error.NameHasNoOwner",
                "DBus.Error.Spawn",
            ]) =>
            {
                Some(VaultError::Absent(text))
            }
            _ => None,
        }
    }
}

#[cfg(not(all(
    unix,
    not(any(target_os = "macos", target_os = "ios", target_os = "android"))
)))]
mod system {
    //! Keychain and Credential Manager: no connection that could be missing.

    use std::sync::Arc;

    use keyring_core::CredentialStore;

    use super::VaultError;

    pub(super) fn connect() -> Result<Arc<CredentialStore>, VaultError> {
        if let Err(error) = keyring::Entry::store_status() {
            return Err(VaultError::Absent(error.to_string()));
        }
        keyring_core::get_default_store()
            .ok_or_else(|| VaultError::Absent("no store is connected".to_owned()))
    }

    /// These ask as they see fit; there is no looking without it.
    pub(super) fn is_locked(_account: &str) -> Result<bool, VaultError> {
        Ok(false)
    }

    pub(super) fn keeper_is_locked() -> Result<bool, VaultError> {
        Ok(false)
    }

    pub(super) fn explain(
        _cause: &(dyn std::error::Error + Send + Sync + 'static),
    ) -> Option<VaultError> {
        None
    }
}
