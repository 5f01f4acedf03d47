//! The token set in memory, and its sealed form.

use freewheel_policy::Generation;
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
}

/// What is sealed. It exists only between the cipher and [`TokenSet`].
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    access: &'a str,
    refresh: &'a str,
    /// A missing voucher is then not a sign of an older version (see `record`).
    #[serde(default)]
    vouched: bool,
}

impl TokenSet {
    /// The sealed bytes for the store.
    pub(crate) fn seal(&self, key: &VaultKey, account: &str) -> Result<Vec<u8>, VaultError> {
        let plain = Plain {
            access: self.access.expose_secret(),
            refresh: self.refresh.expose_secret(),
            vouched: true,
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
    ) -> Result<Self, SealBroken> {
        let plain = key.open(account, generation.0, sealed)?;
        // Tokens are URL-safe text, so nothing in them is escaped and the borrowed form always fits.
        let plain: Plain<'_> = serde_json::from_slice(&plain).map_err(|_| SealBroken)?;
        Ok(Self {
            generation,
            access: plain.access.to_owned().into(),
            refresh: plain.refresh.to_owned().into(),
            vouched: plain.vouched,
        })
    }
}
