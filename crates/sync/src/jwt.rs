//! Verified claims: signatures against the issuer's keys, algorithms pinned, times by the caller's clock.
//!
//! `jsonwebtoken` verifies the signature and nothing else. Times are not its business: it reads the system clock by
//! itself, which is wrong on exactly those machines that this project is for.

mod claims;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

pub use claims::{Audiences, Claims, Seconds, check_access_times, check_id_times};

/// No token of an issuer comes near this, in bytes.
const MAX_TOKEN: usize = 64 * 1024;
/// At most so many keys are tried on a token that does not name its key.
const MAX_TRIED: usize = 16;

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer's identifier, as its metadata has it.
    pub issuer: &'a str,
    /// What the issuer's metadata names as its signature algorithms.
    pub algorithms: &'a [Algorithm],
    /// Whom the token must be for.
    pub audience: Audience<'a>,
}

/// Whom a token is for.
#[derive(Debug, Clone, Copy)]
pub enum Audience<'a> {
    /// An ID token for this client (OpenID Connect Core §3.1.3.7).
    Client(&'a str),
    /// An access token for one of these (RFC 9068 §4): the API's name, or its address.
    Api(&'a [&'a str]),
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Not a JWT at all: an opaque token, which other issuers use.
    #[error("the token is not a JWT")]
    Opaque,
    /// A JWT whose claims do not have the right types.
    #[error("the token is malformed")]
    Malformed,
    /// Signed with something that the issuer does not use (`none`, HMAC with a public key, …).
    #[error("the token is signed with an algorithm that the issuer does not use")]
    Algorithm,
    /// The key is not among the cached ones: fetch them once more.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The key is known and the signature is not its: fetch the keys once more.
    #[error("the token's signature is wrong")]
    Signature,
    /// Issued by somebody else.
    #[error("the token is not from this issuer")]
    OtherIssuer,
    /// Issued for somebody else.
    #[error("the token is for another program or service (claim “aud”)")]
    OtherAudience,
    /// Past its end, or from the issuer's own future.
    #[error("the token is not valid at this time")]
    NotNow,
}

impl JwtError {
    /// Whether fetching the issuer's keys again may help.
    #[must_use]
    pub fn may_be_stale_keys(self) -> bool {
        matches!(self, Self::UnknownKey | Self::Signature)
    }
}

/// The part of a token's header that matters here (RFC 7515 §4.1).
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
    typ: Option<String>,
}

/// Chooses the cryptography for this process and tries it on the example of RFC 7515 §A.3. Without it no token could
/// be verified; the library would find out by a panic at the first one.
#[must_use]
pub fn is_ready() -> bool {
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    // Refused when it was chosen before, in this process.
    let chosen = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    tracing::trace!(first = chosen.is_ok(), "the cryptography is chosen");
    let read = |key: &DecodingKey| {
        jsonwebtoken::decode::<serde_json::Value>(TOKEN, key, &signature_only(Algorithm::ES256))
    };
    DecodingKey::from_ec_components(X, Y).is_ok_and(|key| read(&key).is_ok())
}

/// Checks a token's signature, issuer and audience, and returns its claims. Times are left to the caller.
///
/// # Errors
/// See [`JwtError`].
pub fn verify(token: &str, keys: &JwkSet, expected: Expected<'_>) -> Result<Claims, JwtError> {
    let header = header(token)?;
    let pinned = expected.algorithms.iter().copied();
    let algorithm = pinned
        .into_iter()
        .find(|pinned| name(*pinned) == Some(header.alg.as_str()))
        .ok_or(JwtError::Algorithm)?;
    // Whoever does not understand a critical extension must not believe the token (RFC 7515 §4.1.11).
    if header.crit.is_some() {
        return Err(JwtError::Malformed);
    }
    let claims = signed_by_one_of(token, keys, header.kid.as_deref(), algorithm)?;
    if claims.iss != expected.issuer {
        return Err(JwtError::OtherIssuer);
    }
    let ours = match expected.audience {
        Audience::Client(client) => claims.is_for_client(client) && !is_access_token(&header),
        Audience::Api(names) => names.iter().any(|name| claims.aud.names(name)),
    };
    if ours {
        Ok(claims)
    } else {
        Err(JwtError::OtherAudience)
    }
}

/// The signature algorithms of the issuer's metadata that this program accepts: asymmetric ones only.
/// Metadata that names none that we know leaves ES256, the algorithm of our own server.
#[must_use]
pub fn pinned_algorithms(advertised: &[String]) -> Vec<Algorithm> {
    let accepted = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256];
    let advertised = accepted.into_iter().filter(|algorithm| {
        advertised
            .iter()
            .any(|advertised| name(*algorithm) == Some(advertised))
    });
    let pinned: Vec<Algorithm> = advertised.collect();
    if pinned.is_empty() {
        vec![Algorithm::ES256]
    } else {
        pinned
    }
}

/// The name of an algorithm that this program accepts (RFC 7518 §3.1, RFC 8037 §3.1).
fn name(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::ES256 => Some("ES256"),
        Algorithm::EdDSA => Some("EdDSA"),
        Algorithm::RS256 => Some("RS256"),
        // Nothing else is ever pinned.
        _ => None,
    }
}

/// Tells a JWT from an opaque token: three parts, the first of them a JSON object that names an algorithm. `none` is an
/// algorithm too, and no reason to take a token for an opaque one.
fn header(token: &str) -> Result<Header, JwtError> {
    if token.len() > MAX_TOKEN || token.split('.').count() != 3 {
        return Err(JwtError::Opaque);
    }
    let first = token.split('.').next().unwrap_or_default();
    let first = URL_SAFE_NO_PAD.decode(first);
    let object = first
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .filter(|value| value.get("alg").is_some())
        .ok_or(JwtError::Opaque)?;
    serde_json::from_value(object).map_err(|_| JwtError::Malformed)
}

/// An access token must not pass for an ID token (RFC 9068 §5).
fn is_access_token(header: &Header) -> bool {
    header.typ.as_deref().is_some_and(|typ| {
        let typ = typ.to_ascii_lowercase();
        typ == "at+jwt" || typ == "application/at+jwt"
    })
}

/// The claims, if one of the keys that come into question signed them.
fn signed_by_one_of(
    token: &str,
    keys: &JwkSet,
    kid: Option<&str>,
    algorithm: Algorithm,
) -> Result<Claims, JwtError> {
    let candidates = keys
        .keys
        .iter()
        .filter(|key| kid.is_none() || key.common.key_id.as_deref() == kid)
        .filter(|key| may_have_signed(key, algorithm));
    let mut failure = JwtError::UnknownKey;
    for key in candidates.take(MAX_TRIED) {
        let Ok(key) = DecodingKey::from_jwk(key) else {
            continue;
        };
        match jsonwebtoken::decode::<Claims>(token, &key, &signature_only(algorithm)) {
            Ok(token) => return Ok(token.claims),
            Err(error) => failure = kind(&error),
        }
    }
    Err(failure)
}

/// Whether the key is meant for signatures with this algorithm; a key that does not say is (RFC 7517 §4.2, §4.4).
fn may_have_signed(key: &Jwk, algorithm: Algorithm) -> bool {
    let said = key.common.key_algorithm.map(|said| said.to_string());
    let for_signatures = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    for_signatures && said.is_none_or(|said| name(algorithm) == Some(said.as_str()))
}

fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

fn kind(error: &jsonwebtoken::errors::Error) -> JwtError {
    match error.kind() {
        ErrorKind::InvalidSignature => JwtError::Signature,
        // A key of another family than the algorithm's: not the key that signed.
        ErrorKind::InvalidAlgorithm
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::InvalidKeyFormat
        | ErrorKind::InvalidEcdsaKey
        | ErrorKind::InvalidEddsaKey
        | ErrorKind::InvalidRsaKey(_) => JwtError::UnknownKey,
        // The library's list of kinds is open; whatever else it finds wrong is a malformed token.
        _ => JwtError::Malformed,
    }
}

#[cfg(test)]
mod tests;
