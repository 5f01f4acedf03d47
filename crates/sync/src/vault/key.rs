//! The key of one account, and what is done with it.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::hex;
use super::{VaultError, VaultKind};

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// First byte of everything sealed in this format.
const FORMAT: u8 = 1;

/// One account's key. Cheap to clone; wiped from memory with the last clone.
#[derive(Clone)]
pub struct VaultKey {
    bytes: Arc<Zeroizing<[u8; KEY_BYTES]>>,
    kept_in: VaultKind,
}

/// What was to be opened is not what was sealed with this key for this account and generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed bytes do not belong to this key, account and generation")]
pub struct SealBroken;

impl VaultKey {
    /// Seals `plain` (XChaCha20-Poly1305, a random nonce) so that it opens only for the same account and generation.
    ///
    /// # Errors
    /// [`VaultError::Failed`] when the system gives no random bytes.
    pub fn seal(
        &self,
        account: &str,
        generation: u64,
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(no_random)?;
        let aad = bound_to(account, generation);
        let sealed = self
            .cipher()
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: plain,
                    aad: &aad,
                },
            )
            .map_err(|_| VaultError::Failed("too much to seal at once".to_owned()))?;
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        out.push(FORMAT);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what [`VaultKey::seal`] made.
    ///
    /// # Errors
    /// [`SealBroken`] for other bytes, another key, another account or another generation.
    pub fn open(
        &self,
        account: &str,
        generation: u64,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealBroken> {
        let (format, rest) = sealed.split_first().ok_or(SealBroken)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealBroken)?;
        if *format != FORMAT {
            return Err(SealBroken);
        }
        let aad = bound_to(account, generation);
        self.cipher()
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: text,
                    aad: &aad,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| SealBroken)
    }

    /// Names a token without revealing it: 16 hex digits of a keyed hash. Equal tokens have equal fingerprints, and
    /// only under the same key.
    #[must_use]
    pub fn fingerprint(&self, token: &[u8]) -> String {
        let tag = self.tag(b"freewheel fingerprint 1", token);
        hex(tag.get(..8).unwrap_or(&tag))
    }

    /// HMAC-SHA256 (RFC 2104) of `bytes` under a key derived from this one.
    #[must_use]
    pub fn mac(&self, bytes: &[u8]) -> [u8; 32] {
        self.tag(b"freewheel mac 1", bytes)
    }

    /// Whether `tag` is [`VaultKey::mac`] of `bytes`; takes the same time wherever they differ.
    #[must_use]
    pub fn has_mac(&self, bytes: &[u8], tag: &[u8]) -> bool {
        let key = self.derived(b"freewheel mac 1");
        keyed(&key[..]).is_some_and(|mac| mac.chain_update(bytes).verify_slice(tag).is_ok())
    }

    /// A new random key.
    pub(super) fn generate() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        getrandom::fill(&mut bytes[..]).map_err(no_random)?;
        Ok(Self {
            bytes: Arc::new(bytes),
            kept_in: VaultKind::Unknown,
        })
    }

    /// The key that was kept as `bytes`.
    pub(super) fn from_kept(bytes: &[u8]) -> Result<Self, VaultError> {
        let bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| {
            VaultError::Failed(format!(
                "the kept key has {} bytes instead of {KEY_BYTES}",
                bytes.len()
            ))
        })?;
        Ok(Self {
            bytes: Arc::new(Zeroizing::new(bytes)),
            kept_in: VaultKind::Unknown,
        })
    }

    /// Where it is kept.
    #[must_use]
    pub fn kept_in(&self) -> VaultKind {
        self.kept_in
    }

    /// The same, kept there.
    pub(super) fn found_in(self, kept_in: VaultKind) -> Self {
        Self { kept_in, ..self }
    }

    /// For keeping it.
    pub(super) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let key = self.derived(b"freewheel seal 1");
        XChaCha20Poly1305::new((&*key).into())
    }

    fn tag(&self, purpose: &[u8], bytes: &[u8]) -> [u8; 32] {
        let key = self.derived(purpose);
        keyed(&key[..])
            .map(|mac| mac.chain_update(bytes).finalize().into_bytes().into())
            .unwrap_or_default()
    }

    /// One key per purpose, so that no use can weaken another.
    fn derived(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let mac = keyed(&self.bytes[..]).map(|mac| mac.chain_update(purpose));
        Zeroizing::new(
            mac.map(|mac| mac.finalize().into_bytes().into())
                .unwrap_or_default(),
        )
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey(..)")
    }
}

/// HMAC takes keys of any length, so this is never `None`.
fn keyed(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(key).ok()
}

fn bound_to(account: &str, generation: u64) -> Vec<u8> {
    let mut aad = generation.to_be_bytes().to_vec();
    aad.extend_from_slice(account.as_bytes());
    aad
}

fn no_random(error: getrandom::Error) -> VaultError {
    VaultError::Failed(format!("the system gives no random bytes: {error}"))
}
