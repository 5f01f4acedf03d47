//! What a code or a refresh token is worth, decided and noted in one transaction each.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freewheel_protocol::Sha256Digest;
use freewheel_protocol::oauth::OAuthErrorCode;
use rusqlite::Transaction;

use super::refusal::Refusal;
use crate::random::{Token, TokenHash};
use crate::store::refresh_token::{self, Place};
use crate::store::token_family::{self, Revocation};
use crate::store::{Athlete, AthleteId, Store, StoreError, athlete, authorization_code};

/// What the tokens are made from.
pub(crate) struct Grant {
    pub(crate) athlete: Athlete,
    pub(crate) scope: String,
    pub(crate) refresh_token: Option<Token>,
    /// Only a sign-in tells who it was: a refresh does not.
    pub(crate) identity: Option<Identity>,
}

/// What the ID token says beside the name.
pub(crate) struct Identity {
    /// As the app asked with its authorization request.
    pub(crate) nonce: Option<String>,
    /// When the password was right, Unix seconds.
    pub(crate) signed_in_at: Option<i64>,
}

/// Refusals are outcomes too: what they note (a revoked family) is committed.
pub(crate) type Outcome = Result<Grant, Refusal>;

/// When it is, and what the operator allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Unix seconds.
    pub(crate) now: i64,
    /// How long a refresh token lives without being used, in seconds.
    pub(crate) refresh_life: i64,
    /// So many computers stay signed in to one account.
    pub(crate) max_sessions: Option<NonZeroU32>,
}

/// Redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).
pub(crate) fn redeem_code(
    store: &Store,
    code: &str,
    redirect_uri: &str,
    verifier: &str,
    terms: Terms,
) -> Result<Outcome, StoreError> {
    let hash = TokenHash::of(code);
    let token = Token::fresh()?;
    store.write(|tx| {
        let Some(found) = authorization_code::find(tx, &hash)? else {
            return Ok(Err(Refusal::invalid_grant("unknown code")));
        };
        if let Some(family) = &found.family {
            token_family::revoke(tx, family, Revocation::CodeReused, terms.now)?;
            return Ok(Err(Refusal::invalid_grant("the code was used before")));
        }
        if found.expires_at <= terms.now {
            return Ok(Err(Refusal::invalid_grant("the code has expired")));
        }
        if found.redirect_uri != redirect_uri {
            return Ok(Err(Refusal::invalid_grant(
                "redirect_uri is not the one of the request",
            )));
        }
        if !proves(verifier, &found.code_challenge) {
            return Ok(Err(Refusal::invalid_grant(
                "code_verifier does not fit (RFC 7636)",
            )));
        }
        let athlete = match open_account(tx, &found.athlete)? {
            Ok(athlete) => athlete,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (family, refresh_token) = open_family(tx, &athlete.id, &found.scope, token, terms)?;
        authorization_code::spend(tx, &hash, &family)?;
        Ok(Ok(Grant {
            athlete,
            scope: found.scope,
            refresh_token,
            identity: Some(Identity {
                nonce: found.nonce,
                signed_in_at: found.signed_in_at,
            }),
        }))
    })
}

/// Begins a token family; `token` becomes its first refresh token if the scope asks for one.
pub(super) fn open_family(
    tx: &Transaction<'_>,
    athlete: &AthleteId,
    scope: &str,
    token: Token,
    terms: Terms,
) -> Result<(String, Option<Token>), StoreError> {
    let family = token_family::insert(tx, athlete, scope, terms.now)?;
    if !has(scope, "offline_access") {
        return Ok((family, None));
    }
    let expires_at = terms.now + terms.refresh_life;
    refresh_token::insert(tx, &token.hash(), &family, expires_at)?;
    if let Some(most) = terms.max_sessions {
        token_family::revoke_oldest(tx, athlete, most, terms.now)?;
    }
    Ok((family, Some(token)))
}

/// Whether a list of scopes names this one.
pub(super) fn has(scope: &str, wanted: &str) -> bool {
    scope.split(' ').any(|scope| scope == wanted)
}

/// Rotates a refresh token; see [`refresh_token`] for the retry allowance.
pub(crate) fn refresh(store: &Store, presented: &str, terms: Terms) -> Result<Outcome, StoreError> {
    let hash = TokenHash::of(presented);
    let successor = Token::fresh()?;
    store.write(|tx| {
        let unknown = || Ok(Err(Refusal::invalid_grant("unknown refresh token")));
        let Some(token) = refresh_token::find(tx, &hash)? else {
            return unknown();
        };
        let Some(family) = token_family::find(tx, &token.family)? else {
            return unknown();
        };
        if family.revoked {
            return Ok(Err(Refusal::invalid_grant("the sign-in was revoked")));
        }
        if token.expires_at <= terms.now {
            return Ok(Err(Refusal::invalid_grant("the refresh token has expired")));
        }
        let athlete = match open_account(tx, &family.athlete)? {
            Ok(athlete) => athlete,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if token.place == Place::Spent {
            tracing::warn!(
                family = family.id,
                "a replaced refresh token came back; family revoked"
            );
            token_family::revoke(tx, &family.id, Revocation::TokenReused, terms.now)?;
            return Ok(Err(Refusal::invalid_grant(
                "the refresh token was replaced before",
            )));
        }
        let expires_at = terms.now + terms.refresh_life;
        refresh_token::rotate(tx, &hash, &token, &successor.hash(), terms.now, expires_at)?;
        Ok(Ok(Grant {
            athlete,
            scope: family.scope,
            refresh_token: Some(successor),
            identity: None,
        }))
    })
}

/// Ends the sign-in that a refresh token belongs to; an unknown one ends nothing (RFC 7009 §2.2).
pub(crate) fn revoke(store: &Store, token: &str, now: i64) -> Result<(), StoreError> {
    store.write(|tx| match refresh_token::find(tx, &TokenHash::of(token))? {
        Some(token) => token_family::revoke(tx, &token.family, Revocation::Asked, now),
        None => Ok(()),
    })
}

/// Whether `verifier` is what `challenge` was made from by S256.
fn proves(verifier: &str, challenge: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(allowed)
        && URL_SAFE_NO_PAD.encode(Sha256Digest::of(verifier.as_bytes()).0) == challenge
}

pub(super) fn open_account(
    tx: &Transaction<'_>,
    id: &AthleteId,
) -> Result<Result<Athlete, Refusal>, StoreError> {
    Ok(match athlete::by_id(tx, id)? {
        Some(athlete) if athlete.blocked => Err(Refusal::new(
            OAuthErrorCode::AccountBlocked,
            "the account is closed",
        )),
        Some(athlete) => Ok(athlete),
        None => Err(Refusal::invalid_grant("there is no such account")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_the_standard_proves_its_challenge_and_others_do_not() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves(verifier, challenge));
        assert!(!proves(&verifier.to_lowercase(), challenge));
        assert!(!proves("", challenge));
        assert!(!proves(challenge, challenge));
    }
}
