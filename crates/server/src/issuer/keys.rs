//! The key that signs tokens: ES256, made at the first start, kept in the database.

use std::collections::HashSet;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use freewheel_protocol::oauth::Claims;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};

use crate::store::{Store, StoreError, signing_key};

/// The signing key cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system could not make a key.
    #[error("no key could be made")]
    Make,
    /// The stored key cannot be used, or a token cannot be signed.
    #[error(transparent)]
    Use(#[from] jsonwebtoken::errors::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs tokens and verifies its own.
pub(crate) struct SigningKey {
    id: String,
    private: EncodingKey,
    public: DecodingKey,
    jwk: Jwk,
}

impl SigningKey {
    /// The key in the database; makes it when there is none.
    pub(crate) fn load_or_make(store: &Store, now: Timestamp) -> Result<Self, KeyError> {
        if let Some(pkcs8) = store.read(signing_key::newest)? {
            return Self::from_pkcs8(&pkcs8);
        }
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Make)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Make)?;
        store.write(|tx| signing_key::insert(tx, pkcs8.as_ref(), now))?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

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

    /// The public keys, for everybody.
    pub(crate) fn public_set(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.jwk.clone()],
        }
    }

    /// A signed token of the type `typ` (`at+jwt` for access tokens, RFC 9068 §2.1).
    pub(crate) fn sign(&self, typ: &str, claims: &Claims) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.clone());
        header.typ = Some(typ.to_owned());
        Ok(jsonwebtoken::encode(&header, claims, &self.private)?)
    }

    /// The claims of a token that this key signed for `audience`, unless its time is over.
    ///
    /// Times are checked here and not by the library, which reads the system's clock.
    pub(crate) fn verify(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now: i64,
    ) -> Result<Claims, &'static str> {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.required_spec_claims =
            HashSet::from(["iss", "aud", "sub", "exp"].map(str::to_owned));
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        let claims = jsonwebtoken::decode::<Claims>(token, &self.public, &validation)
            .map_err(|_| "the access token is not one of this server")?
            .claims;
        if claims.exp <= now {
            return Err("the access token has expired");
        }
        Ok(claims)
    }
}
