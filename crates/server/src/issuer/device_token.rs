//! What a device code is worth when the device asks (RFC 8628 §3.4 and §3.5), decided in one transaction.

use freewheel_protocol::oauth::OAuthErrorCode;
use rusqlite::Transaction;

use super::grant::{self, Grant, Identity, Outcome, Terms};
use super::refusal::Refusal;
use crate::random::{Token, TokenHash};
use crate::store::device_grant::{self, DeviceGrant, Word};
use crate::store::sign_in::Proof;
use crate::store::token_family::{self, Revocation};
use crate::store::{Store, StoreError};

/// RFC 8628 §3.5: `slow_down` raises the interval by so much, for good.
const SLOWER_BY_SECONDS: i64 = 5;

/// Redeems a device code, or tells the device what to do.
pub(crate) fn redeem(store: &Store, code: &str, terms: Terms) -> Result<Outcome, StoreError> {
    let hash = TokenHash::of(code);
    let token = Token::fresh()?;
    store.write(|tx| {
        let Some(found) = device_grant::find(tx, &hash)? else {
            return Ok(Err(Refusal::invalid_grant("unknown device code")));
        };
        if let Word::Redeemed(family) = &found.word {
            token_family::revoke(tx, family, Revocation::CodeReused, terms.now)?;
            let text = "the device code was used before";
            return Ok(Err(Refusal::invalid_grant(text)));
        }
        if found.expires_at <= terms.now {
            let text = "the device code has expired; begin again";
            return Ok(Err(Refusal::new(OAuthErrorCode::ExpiredToken, text)));
        }
        match &found.word {
            Word::Allowed(proof) => {
                let outcome = allow(tx, proof, &found.scope, token, terms)?;
                if let Ok((family, _)) = &outcome {
                    device_grant::spend(tx, &hash, family)?;
                }
                Ok(outcome.map(|(_, grant)| grant))
            }
            Word::Denied | Word::Redeemed(_) => Ok(Err(Refusal::new(
                OAuthErrorCode::AccessDenied,
                "the athlete said no",
            ))),
            Word::Open => wait(tx, &hash, &found, terms.now).map(Err),
        }
    })
}

fn allow(
    tx: &Transaction<'_>,
    proof: &Proof,
    scope: &str,
    token: Token,
    terms: Terms,
) -> Result<Result<(String, Grant), Refusal>, StoreError> {
    let athlete = match grant::open_account(tx, &proof.athlete)? {
        Ok(athlete) => athlete,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (family, refresh_token) = grant::open_family(tx, &athlete.id, scope, token, terms)?;
    let grant = Grant {
        athlete,
        scope: scope.to_owned(),
        refresh_token,
        identity: Some(Identity {
            nonce: None,
            signed_in_at: Some(proof.at),
        }),
    };
    Ok(Ok((family, grant)))
}

fn wait(
    tx: &Transaction<'_>,
    hash: &TokenHash,
    found: &DeviceGrant,
    now: i64,
) -> Result<Refusal, StoreError> {
    let too_soon = found
        .asked_at
        .is_some_and(|before| now - before < found.interval_seconds);
    if too_soon {
        let slower = found.interval_seconds + SLOWER_BY_SECONDS;
        device_grant::asked(tx, hash, slower, now)?;
        let text = "asked too soon; wait five seconds longer each time";
        return Ok(Refusal::new(OAuthErrorCode::SlowDown, text));
    }
    device_grant::asked(tx, hash, found.interval_seconds, now)?;
    let text = "the athlete has not answered yet";
    Ok(Refusal::new(OAuthErrorCode::AuthorizationPending, text))
}
