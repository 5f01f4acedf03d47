//! When a refresh is wanted. Whether it may be tried now is the session lane's plan.

use super::contact::is_renewable;
use super::event::RefreshReason;
use super::facts::{Condemned, Doubt, Facts, SystemNetwork, TokenFacts, VaultCondition};
use crate::grace::{self, Anchor};
use crate::time::{Millis, Now, WallMs};
use crate::token::Generation;

/// A refresh that was sent longer ago than any time-out allows was abandoned without a word.
const UNDER_WAY: Millis = Millis::mins(2);
/// Tokens are not renewed sooner after they were granted, whatever life the issuer gives them.
const LEAST: Millis = Millis::secs(5);

/// Between two questions about a blocked account that nobody asked for: so long, and up to a fifth more.
const RECHECK: Millis = Millis::hours(1);

/// Why a refresh is wanted now, if it is.
///
/// None is wanted while it could not succeed (no network, no credential at hand, a token that the issuer
/// has condemned, no refresh token at all), while one is under way, and while the last one's tokens are unsaved: a token that
/// is not durable is never spent. A blocked account is asked about once in a while.
#[must_use]
pub fn refresh_wanted(facts: &Facts, now: &Now) -> Option<RefreshReason> {
    let tokens = facts.tokens.as_ref()?;
    if recheck_due(facts, now) == Some(Millis::ZERO) {
        return Some(RefreshReason::Recheck);
    }
    if !refresh_is_possible(facts) {
        return None;
    }
    if let Some(intent) = &facts.intent {
        let under_way = now
            .uptime_since(&intent.sent)
            .is_some_and(|since| since < UNDER_WAY);
        match intent.doubt {
            Doubt::None if under_way => return None,
            Doubt::None | Doubt::Lost => return Some(RefreshReason::OutcomeUnknown),
            Doubt::Possible => {}
        }
    }
    let Some(anchor) = &facts.anchor else {
        return Some(RefreshReason::AfterGrace);
    };
    let mark = facts.mark.as_ref();
    if !grace::check(anchor, mark, now, anchor.limit()).is_open() {
        return Some(RefreshReason::AfterGrace);
    }
    if tokens.access.is_none() && facts.unauthorized.is_some() {
        return Some(RefreshReason::Unauthorized);
    }
    let due = half_life(tokens).is_none_or(|half| server_time(facts, anchor, now) >= half);
    due.then_some(RefreshReason::HalfLife)
}

/// How long until a refresh is wanted, zero when it is; `None` while nothing but an event can make one wanted.
#[must_use]
pub fn refresh_due(facts: &Facts, now: &Now) -> Option<Millis> {
    if refresh_wanted(facts, now).is_some() {
        return Some(Millis::ZERO);
    }
    if let Some(recheck) = recheck_due(facts, now) {
        return Some(recheck);
    }
    let possible = refresh_is_possible(facts) && facts.intent.is_none();
    let (tokens, anchor) = (facts.tokens.as_ref()?, facts.anchor.as_ref()?);
    let half = half_life(tokens).filter(|_| possible)?;
    half.since(server_time(facts, anchor, now))
}

/// Whether a blocked account can be asked about once more: only by a renewal, as no other call is made for it.
#[must_use]
pub fn recheck_is_possible(facts: &Facts) -> bool {
    facts.condemned == Some(Condemned::Account) && !facts.signed_out && is_renewable(facts)
}

/// Whether the refresh token of this set may be spent: it is the stored one, still stands, was not spent for tokens that
/// are in memory, and nobody has signed out.
#[must_use]
pub fn may_be_spent(facts: &Facts, generation: Generation) -> bool {
    let stored = facts.tokens.as_ref();
    stored.is_none_or(|stored| stored.generation == generation)
        && is_renewable(facts)
        && !facts.signed_out
        && facts.unsaved.is_none()
        && !matches!(facts.condemned, Some(Condemned::Token { .. }))
}

/// How long until a blocked account is asked about by itself; `None` where it cannot be asked about. Each question counts
/// from when it was sent, whatever came of it: an issuer that cannot be reached is asked no sooner.
fn recheck_due(facts: &Facts, now: &Now) -> Option<Millis> {
    let possible = recheck_is_possible(facts) && is_within_reach(facts);
    let tokens = facts.tokens.as_ref().filter(|_| possible)?;
    let spread = Millis(RECHECK.0 / 5).part(tokens.fingerprint.seed());
    let asked = facts.asked.as_ref();
    let since = asked.and_then(|asked| now.uptime_since(asked));
    Some(since.map_or(Millis::ZERO, |since| RECHECK.plus(spread).less(since)))
}

/// Whether there is a refresh token that may be spent, and a way to the issuer.
pub(super) fn refresh_is_possible(facts: &Facts) -> bool {
    facts.tokens.is_some()
        && is_renewable(facts)
        && !facts.signed_out
        && facts.condemned.is_none()
        && is_within_reach(facts)
}

/// Whether nothing on this computer keeps a request from being made, and its outcome from being saved.
fn is_within_reach(facts: &Facts) -> bool {
    facts.unsaved.is_none()
        && facts.network != SystemNetwork::Down
        && facts.vault == VaultCondition::Ready
}

fn server_time(facts: &Facts, anchor: &Anchor, now: &Now) -> WallMs {
    grace::server_time(anchor, facts.mark.as_ref(), now)
}

/// Between 50 and 60 % of the access token's life, fixed for each token and spread between tokens.
fn half_life(tokens: &TokenFacts) -> Option<WallMs> {
    let access = tokens.access?;
    let spread = Millis(access.life.0 / 10).part(tokens.fingerprint.seed());
    let half = Millis(access.life.0 / 2).max(LEAST);
    Some(access.from.plus(half).plus(spread))
}
