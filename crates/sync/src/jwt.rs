//! Verified claims: signatures against the issuer's keys, algorithms pinned, times by the caller's clock.
//!
//! `jsonwebtoken` verifies signature, issuer and audience. It is told to leave `exp` and `nbf` alone: it reads the
//! system clock by itself, which is wrong on exactly those machines that this project is for.

use freewheel_policy::grace::TOLERANCE;
use freewheel_policy::time::WallMs;
use freewheel_protocol::oauth::Claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer's identifier.
    pub issuer: &'a str,
    /// The audience.
    pub audience: &'a str,
    /// What the issuer's metadata names as its signature algorithms.
    pub algorithms: &'a [Algorithm],
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
    /// Issued by, or for, somebody else.
    #[error("the token is not from this issuer or not for this program")]
    NotOurs,
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

/// Checks a token's signature, issuer and audience, and returns its claims. Times are left to the caller.
///
/// # Errors
/// See [`JwtError`].
pub fn verify(token: &str, keys: &JwkSet, expected: Expected<'_>) -> Result<Claims, JwtError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| JwtError::Opaque)?;
    if !expected.algorithms.contains(&header.alg) {
        return Err(JwtError::Algorithm);
    }
    let key = match &header.kid {
        Some(kid) => keys.find(kid),
        None => keys.keys.first().filter(|_| keys.keys.len() == 1),
    };
    let key = DecodingKey::from_jwk(key.ok_or(JwtError::UnknownKey)?);
    let key = key.map_err(|_| JwtError::UnknownKey)?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.audience]);
    let token = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    token
        .map(|token| token.claims)
        .map_err(|error| kind(&error))
}

/// Checks a token's end against `now`, the server's time where it was told and else this computer's. The time of issue
/// is checked against the server's time only: on a machine whose clock is slow every token is from the future.
/// Tolerance as in [`freewheel_policy::grace::TOLERANCE`].
///
/// # Errors
/// [`JwtError::NotNow`].
pub fn check_times(claims: &Claims, now: WallMs, server: Option<WallMs>) -> Result<(), JwtError> {
    let ended = WallMs(claims.exp.saturating_mul(1000)).plus(TOLERANCE) < now;
    let issued = WallMs(claims.iat.saturating_mul(1000));
    let from_the_future = server.is_some_and(|server| server.plus(TOLERANCE) < issued);
    if ended || from_the_future {
        Err(JwtError::NotNow)
    } else {
        Ok(())
    }
}

/// The signature algorithms of the issuer's metadata that this program accepts: asymmetric ones only.
/// Metadata that names none that we know leaves ES256, the algorithm of our own server.
#[must_use]
pub fn pinned_algorithms(advertised: &[String]) -> Vec<Algorithm> {
    let accepted = [
        ("ES256", Algorithm::ES256),
        ("EdDSA", Algorithm::EdDSA),
        ("RS256", Algorithm::RS256),
    ];
    let advertised = accepted
        .into_iter()
        .filter(|(name, _)| advertised.iter().any(|a| a == name));
    let pinned: Vec<Algorithm> = advertised.map(|(_, algorithm)| algorithm).collect();
    if pinned.is_empty() {
        vec![Algorithm::ES256]
    } else {
        pinned
    }
}

fn kind(error: &jsonwebtoken::errors::Error) -> JwtError {
    match error.kind() {
        ErrorKind::InvalidSignature => JwtError::Signature,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => JwtError::NotOurs,
        ErrorKind::InvalidAlgorithm
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::InvalidAlgorithmName => JwtError::Algorithm,
        // The library's list of kinds is open; whatever else it finds wrong is a malformed token.
        _ => JwtError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_counts_until_its_end_and_a_slow_clock_does_not_make_it_invalid() {
        let claims = |iat, exp| Claims {
            iss: String::new(),
            sub: String::new(),
            aud: String::new(),
            iat,
            exp,
            jti: None,
            nonce: None,
            name: None,
            offline_grace: None,
        };
        let hour = 3600;
        let at = |seconds: i64| WallMs(seconds * 1000);
        let token = claims(100 * hour, 101 * hour);
        for (now, server, valid) in [
            (100 * hour, Some(100 * hour), true),
            (101 * hour + 300, Some(101 * hour + 300), true),
            (101 * hour + 301, Some(101 * hour + 301), false),
            (100 * hour - 300, Some(100 * hour - 300), true),
            (100 * hour - 301, Some(100 * hour - 301), false),
            // The server did not tell the time.
            (98 * hour, None, true),
            (-hour, None, true),
            (101 * hour + 301, None, false),
        ] {
            let checked = check_times(&token, at(now), server.map(at));
            assert_eq!(checked.is_ok(), valid, "{now} {server:?}");
        }
        for extreme in [i64::MIN, i64::MAX] {
            let never = check_times(&claims(extreme, extreme), at(0), Some(at(0)));
            assert_eq!(never, Err(JwtError::NotNow));
        }
    }
}
