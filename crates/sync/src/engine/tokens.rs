//! The token set in memory, and its sealed form.

use std::borrow::Cow;

use freewheel_policy::Generation;
use freewheel_policy::session::Principal;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::vault::{SealBroken, VaultError, VaultKey};

/// The tokens of one generation. Neither shown nor serialized; sealed they go to the store.
pub(crate) struct TokenSet {
    pub(crate) generation: Generation,
    pub(crate) access: SecretString,
    pub(crate) refresh: SecretString,
    /// Whether what was sealed says that the grace is vouched for; everything that is sealed now does.
    pub(crate) vouched: bool,
    /// Whose they are, and where they may be sent. What an older version sealed does not say (see `principal`).
    pub(crate) principal: Option<Principal>,
}

/// Why sealed bytes gave no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// They are not what this key sealed for this account and generation.
    Broken,
    /// This app sealed them, and this version cannot read what they say: a newer one may.
    Unreadable,
}

/// What is sealed. It exists only between the cipher and [`TokenSet`].
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    // Borrowed where JSON writes a token as it is. RFC 6749 §A.12 and §A.17 allow `"` and `\`, which it escapes.
    #[serde(borrow)]
    access: Cow<'a, str>,
    #[serde(borrow)]
    refresh: Cow<'a, str>,
    /// A missing voucher is then not a sign of an older version (see `record`).
    #[serde(default)]
    vouched: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, Principal>>,
}

impl From<SealBroken> for NotOpened {
    fn from(_: SealBroken) -> Self {
        Self::Broken
    }
}

impl From<NotOpened> for VaultError {
    fn from(error: NotOpened) -> Self {
        match error {
            NotOpened::Broken => Self::Missing,
            NotOpened::Unreadable => Self::Failed(
                "this version cannot read the stored sign-in, which a newer one may have written"
                    .to_owned(),
            ),
        }
    }
}

impl TokenSet {
    /// The sealed bytes for the store.
    pub(crate) fn seal(&self, key: &VaultKey, account: &str) -> Result<Vec<u8>, VaultError> {
        let plain = Plain {
            access: self.access.expose_secret().into(),
            refresh: self.refresh.expose_secret().into(),
            vouched: true,
            account: self.principal.as_ref().map(Cow::Borrowed),
        };
        let plain = serde_json::to_vec(&plain).map(Zeroizing::new);
        let plain = plain.map_err(|error| VaultError::Failed(error.to_string()))?;
        key.seal(account, self.generation.0, &plain)
    }

    /// Opens what [`TokenSet::seal`] made.
    pub(crate) fn open(
        key: &VaultKey,
        account: &str,
        generation: Generation,
        sealed: &[u8],
    ) -> Result<Self, NotOpened> {
        let plain = key.open(account, generation.0, sealed)?;
        let plain: Plain<'_> = serde_json::from_slice(&plain).map_err(|_| NotOpened::Unreadable)?;
        Ok(Self {
            generation,
            access: plain.access.into_owned().into(),
            refresh: plain.refresh.into_owned().into(),
            vouched: plain.vouched,
            principal: plain.account.map(Cow::into_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vault::{Vault, VaultOptions};

    const ACCOUNT: &str = "account-1";
    const GENERATION: Generation = Generation(7);

    fn key() -> VaultKey {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let vault = Vault::open(folder.path(), VaultOptions::key_file_only());
        runtime.block_on(vault.create_key(ACCOUNT)).unwrap()
    }

    proptest! {
        /// RFC 6749 §A.12 and §A.17: `1*VSCHAR`, which is every printable character of ASCII.
        #[test]
        fn whatever_an_issuer_may_give_is_sealed_and_opened_again(
            tokens in prop::collection::vec(("[ -~]{1,60}", "[ -~]{0,60}"), 1..20),
        ) {
            let key = key();
            for (access, refresh) in tokens {
                let set = TokenSet {
                    generation: GENERATION,
                    access: access.clone().into(),
                    refresh: refresh.clone().into(),
                    vouched: true,
                    principal: None,
                };
                let sealed = set.seal(&key, ACCOUNT).unwrap();
                let opened = TokenSet::open(&key, ACCOUNT, GENERATION, &sealed);
                let opened = opened.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
                prop_assert_eq!(opened.access.expose_secret(), access);
                prop_assert_eq!(opened.refresh.expose_secret(), refresh);
            }
        }
    }

    #[test]
    fn what_opens_and_cannot_be_read_is_not_lost() {
        let key = key();
        let sealed = key.seal(ACCOUNT, GENERATION.0, b"{\"access\":7}").unwrap();
        let opened = TokenSet::open(&key, ACCOUNT, GENERATION, &sealed).err();
        assert_eq!(opened, Some(NotOpened::Unreadable));
        let other = TokenSet::open(&key, ACCOUNT, Generation(8), &sealed).err();
        assert_eq!(other, Some(NotOpened::Broken));
        for (error, missing) in [(NotOpened::Unreadable, false), (NotOpened::Broken, true)] {
            assert_eq!(VaultError::from(error) == VaultError::Missing, missing);
        }
    }
}
