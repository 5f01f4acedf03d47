//! Whether an access token of another issuer counts, given the keys that the issuer publishes (RFC 9068 §4).

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::{Known, OutsideIssuer};

/// The issuer's clock and ours may differ by so much.
const LEEWAY_SECONDS: i64 = 60;
/// A subject has at most 255 characters (OpenID Connect Core 1.0 §2).
const MAX_SUBJECT: usize = 255;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct OutsideClaims {
    /// Who it is, for the issuer.
    pub(crate) sub: String,
    exp: i64,
    nbf: Option<i64>,
    /// What to call them, if the issuer tells.
    pub(crate) name: Option<String>,
}

/// Why a token is not believed with these keys.
pub(super) enum Doubt {
    /// Whatever the keys.
    Final(&'static str),
    /// Newer keys may help.
    Keys(&'static str),
}

/// Asymmetric algorithms only; of them those that the metadata names, or all when it names none.
pub(super) fn pinned(advertised: &[String]) -> Vec<Algorithm> {
    let accepted = [
        ("ES256", Algorithm::ES256),
        ("EdDSA", Algorithm::EdDSA),
        ("RS256", Algorithm::RS256),
    ];
    let named = |name: &str| advertised.is_empty() || advertised.iter().any(|other| other == name);
    accepted
        .into_iter()
        .filter(|(name, _)| named(name))
        .map(|(_, algorithm)| algorithm)
        .collect()
}

/// The claims of `token`, or why it does not count.
pub(super) fn check(
    token: &str,
    known: &Known,
    issuer: &OutsideIssuer,
    now: i64,
) -> Result<OutsideClaims, Doubt> {
    let header = jsonwebtoken::decode_header(token)
        .map_err(|_| Doubt::Final("the access token is not a JWT"))?;
    if !is_access_token(header.typ.as_deref()) || !known.algorithms.contains(&header.alg) {
        return Err(Doubt::Final(
            "the access token is not of a kind that counts here",
        ));
    }
    let key = match &header.kid {
        Some(kid) => known.keys.find(kid),
        None => known
            .keys
            .keys
            .first()
            .filter(|_| known.keys.keys.len() == 1),
    };
    let key = key.ok_or(Doubt::Keys(
        "the issuer does not publish the key of this token",
    ))?;
    let key =
        usable(key, header.alg).ok_or(Doubt::Final("the key of this token is of another kind"))?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[&issuer.url]);
    validation.set_audience(&[&issuer.audience]);
    let claims = jsonwebtoken::decode::<OutsideClaims>(token, &key, &validation)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => Doubt::Keys("the signature of this token is wrong"),
            _ => Doubt::Final(
                "the access token is not from this service's issuer, or not for this service",
            ),
        })?
        .claims;
    in_time(&claims, now)?;
    if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT {
        return Err(Doubt::Final("the access token does not say whose it is"));
    }
    Ok(claims)
}

/// RFC 9068 §4; some issuers leave the type out or say `JWT`.
fn is_access_token(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| {
        ["at+jwt", "application/at+jwt", "jwt"]
            .iter()
            .any(|good| typ.eq_ignore_ascii_case(good))
    })
}

fn usable(key: &Jwk, algorithm: Algorithm) -> Option<DecodingKey> {
    let for_signatures = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    let for_this = key
        .common
        .key_algorithm
        .is_none_or(|named| named == KeyAlgorithm::from(algorithm));
    if for_signatures && for_this {
        DecodingKey::from_jwk(key).ok()
    } else {
        None
    }
}

/// Times are checked here and not by the library, which reads the system's clock.
fn in_time(claims: &OutsideClaims, now: i64) -> Result<(), Doubt> {
    if claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
        return Err(Doubt::Final("the access token has expired"));
    }
    if claims
        .nbf
        .is_some_and(|from| from > now.saturating_add(LEEWAY_SECONDS))
    {
        return Err(Doubt::Final("the access token is not valid yet"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_asymmetric_algorithms_that_the_issuer_names_count() {
        for (advertised, expected) in [
            (
                &[][..],
                &[Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256][..],
            ),
            (&["RS256", "HS256", "none"], &[Algorithm::RS256]),
            (&["HS256"], &[]),
        ] {
            let advertised: Vec<String> =
                advertised.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(pinned(&advertised), expected, "{advertised:?}");
        }
    }

    #[test]
    fn a_token_counts_within_its_time_and_a_minute_around_it() {
        let claims = |exp, nbf| OutsideClaims {
            sub: "s".to_owned(),
            exp,
            nbf,
            name: None,
        };
        for (exp, nbf, good) in [
            (1000, None, true),
            (941, None, true),
            (940, None, false),
            (2000, Some(1060), true),
            (2000, Some(1061), false),
            (i64::MAX, Some(i64::MIN), true),
            (i64::MIN, None, false),
        ] {
            assert_eq!(
                in_time(&claims(exp, nbf), 1000).is_ok(),
                good,
                "{exp} {nbf:?}"
            );
        }
    }
}
