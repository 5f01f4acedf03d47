//! The keys that sign tokens: ES256, kept in the database. The newest signs; one that was replaced stays published
//! until the last token that it signed is over.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use freewheel_protocol::oauth::Claims;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rusqlite::Connection;
use serde::Serialize;

use crate::store::{Store, StoreError, signing_key};

/// A signing key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system could not make a key.
    #[error("no key could be made")]
    Make,
    /// A key cannot be used, or a token cannot be signed.
    #[error(transparent)]
    Use(#[from] jsonwebtoken::errors::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the first key when there is none, and notes how long the tokens of the newest one live, in seconds.
pub(crate) fn set_up(store: &Store, now: Timestamp, token_life: i64) -> Result<(), KeyError> {
    if store.read(signing_key::newest)?.is_none() {
        let pkcs8 = generate()?;
        store.write(|tx| signing_key::insert(tx, &pkcs8, now))?;
    }
    store.write(|tx| signing_key::note_life(tx, token_life))?;
    Ok(())
}

/// Makes a new signing key; a running server uses it for the next token. The one before it stays published until its
/// last token is over. Returns the new key's id.
///
/// # Errors
/// No key could be made, or the database's.
pub fn rotate_keys(store: &Store, now: Timestamp) -> Result<String, KeyError> {
    let pkcs8 = generate()?;
    let id = SigningKey::from_pkcs8(&pkcs8)?.id;
    store.write(|tx| signing_key::replace(tx, &pkcs8, now))?;
    Ok(id)
}

fn generate() -> Result<Vec<u8>, KeyError> {
    let pair =
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Make)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Make)?;
    Ok(pkcs8.as_ref().to_vec())
}

/// Keys that were read before, by their number in the database: reading them again costs more than asking which count.
#[derive(Default)]
pub(crate) struct KeyCache(Mutex<BTreeMap<i64, Arc<SigningKey>>>);

impl KeyCache {
    /// The keys that count at `now`, as the database has them at this moment.
    pub(crate) fn keys(&self, db: &Connection, now: i64) -> Result<Keys, StoreError> {
        let rows = signing_key::published(db, now)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = Vec::with_capacity(rows.len());
        for (number, pkcs8) in rows {
            let key = match known.get(&number) {
                Some(key) => Arc::clone(key),
                None => Arc::new(SigningKey::from_pkcs8(&pkcs8).map_err(|error| {
                    StoreError::Damaged {
                        table: "signing_key",
                        reason: format!("key {number}: {error}"),
                    }
                })?),
            };
            keys.push((number, key));
        }
        *known = keys.iter().cloned().collect();
        Ok(Keys(keys.into_iter().map(|(_, key)| key).collect()))
    }
}

/// The keys that count, the newest first.
pub(crate) struct Keys(Vec<Arc<SigningKey>>);

impl Keys {
    /// The public keys, for everybody.
    pub(crate) fn public_set(&self) -> JwkSet {
        JwkSet {
            keys: self.0.iter().map(|key| key.jwk.clone()).collect(),
        }
    }

    /// A signed token of the type `typ` (`at+jwt` for access tokens, RFC 9068 §2.1).
    pub(crate) fn sign<T: Serialize>(&self, typ: &str, claims: &T) -> Result<String, KeyError> {
        let key = self.0.first().ok_or(KeyError::Make)?;
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(key.id.clone());
        header.typ = Some(typ.to_owned());
        Ok(jsonwebtoken::encode(&header, claims, &key.private)?)
    }

    /// The claims of a token that one of these keys signed for `audience`, unless its time is over.
    ///
    /// Times are checked here and not by the library, which reads the system's clock.
    pub(crate) fn verify(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now: i64,
    ) -> Result<Claims, &'static str> {
        const FOREIGN: &str = "the access token is not one of this server";
        let header = jsonwebtoken::decode_header(token).map_err(|_| FOREIGN)?;
        let named = |key: &&Arc<SigningKey>| Some(&key.id) == header.kid.as_ref();
        let key = self.0.iter().find(named).ok_or(FOREIGN)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.required_spec_claims =
            HashSet::from(["iss", "aud", "sub", "exp"].map(str::to_owned));
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        let claims = jsonwebtoken::decode::<Claims>(token, &key.public, &validation)
            .map_err(|_| FOREIGN)?
            .claims;
        if claims.exp <= now {
            return Err("the access token has expired");
        }
        Ok(claims)
    }
}

/// One key.
pub(crate) struct SigningKey {
    id: String,
    private: EncodingKey,
    public: DecodingKey,
    jwk: Jwk,
}

impl SigningKey {
    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let private = EncodingKey::from_ec_der(pkcs8);
        let mut jwk = Jwk::from_encoding_key(&private, Algorithm::ES256)?;
        // The key's id is its RFC 7638 thumbprint: stable, and unique without a register.
        let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let public = DecodingKey::from_jwk(&jwk)?;
        Ok(Self {
            id,
            private,
            public,
            jwk,
        })
    }
}
