//! What becomes of the facts when a refresh or a call was answered, or was not.

use super::event::{Action, Caller, RefreshReason, SavedTokens};
use super::facts::{
    AccessLife, Account, Condemned, Doubt, Facts, Intent, TokenFacts, Unauthorized, VaultCondition,
};
use super::refresh::{may_be_spent, refresh_is_possible};
use crate::definitive::{Refusal, TokenOutcome};
use crate::grace::Anchor;
use crate::time::{Millis, Now, WallMs};
use crate::token::{Fingerprint, Generation};
use crate::transport::Trouble;

/// Between two refreshes that are asked for by 401s in a row.
const REFRESH_AGAIN: Millis = Millis::mins(15);

pub(super) fn intend(
    facts: &mut Facts,
    generation: Generation,
    fingerprint: &Fingerprint,
    now: &Now,
) {
    if !may_be_spent(facts, generation) {
        return;
    }
    facts.asked = Some(now.clone());
    match &mut facts.intent {
        Some(open) if open.generation == generation && open.fingerprint == *fingerprint => {
            open.attempts = open.attempts.saturating_add(1);
            open.sent = now.clone();
            // Still open without a doubt: nobody told how the request before this one ended.
            open.doubt = open.doubt.max(Doubt::Possible);
        }
        Some(_) | None => {
            facts.intent = Some(Intent {
                generation,
                fingerprint: fingerprint.clone(),
                sent: now.clone(),
                attempts: 1,
                doubt: Doubt::None,
                repeated: false,
            });
        }
    }
}

/// Nothing can have been sent for them either, whatever was begun.
pub(super) fn no_refresh_token(facts: &mut Facts, generation: Generation) {
    let stored = facts.tokens.as_mut();
    if let Some(tokens) = stored.filter(|tokens| tokens.generation == generation) {
        tokens.unrenewable = true;
        facts.intent = None;
    }
}

pub(super) fn token_answer(facts: &mut Facts, outcome: &TokenOutcome) -> Vec<Action> {
    match outcome {
        // The intent stays open until the tokens are saved: until then they can still be lost.
        TokenOutcome::Granted => vec![Action::SaveTokens],
        TokenOutcome::Superseded => {
            facts.intent = None;
            vec![Action::RereadTokens]
        }
        TokenOutcome::Transient { trouble, .. } => {
            facts.trouble = Some(*trouble);
            not_settled(facts, *trouble)
        }
        TokenOutcome::Definitive(refusal) => {
            refused(facts, *refusal);
            vec![]
        }
    }
}

fn not_settled(facts: &mut Facts, trouble: Trouble) -> Vec<Action> {
    let possible = refresh_is_possible(facts);
    let Some(intent) = &mut facts.intent else {
        return vec![];
    };
    if trouble.reply_lost() {
        intent.doubt = Doubt::Lost;
    } else if trouble.may_have_acted() {
        intent.doubt = intent.doubt.max(Doubt::Possible);
    }
    if trouble.reply_lost() && possible && !intent.repeated {
        intent.repeated = true;
        return vec![Action::RetryRefreshAtOnce {
            generation: intent.generation,
        }];
    }
    if intent.doubt == Doubt::None {
        facts.intent = None; // The issuer has not acted on it: as if it had never been sent.
    }
    vec![]
}

/// A refusal counts for the token that was sent. When that is no longer the newest one, or nobody knows any more
/// what was sent, it changes nothing.
fn refused(facts: &mut Facts, refusal: Refusal) {
    if facts.unsaved.is_some() {
        return; // The token was spent for those, and its intent stays open until they are saved.
    }
    let Some(intent) = facts.intent.take() else {
        return;
    };
    let stored = facts.tokens.as_ref().map(|tokens| tokens.generation);
    if stored != Some(intent.generation) {
        return;
    }
    match refusal {
        // A block outlasts its tokens: only a renewal or a new sign-in lifts it.
        Refusal::InvalidGrant if facts.condemned == Some(Condemned::Account) => return,
        Refusal::InvalidGrant => {
            facts.condemned = Some(Condemned::Token {
                generation: intent.generation,
                reply_lost: intent.doubt != Doubt::None,
            });
            return;
        }
        Refusal::AccountBlocked => facts.condemned = Some(Condemned::Account),
        // Codes of a sign-in; a refresh is not answered with them.
        Refusal::AccessDenied | Refusal::ExpiredToken => {}
        // These tell of the app or the request. Signing in again would not help.
        Refusal::InvalidClient
        | Refusal::UnauthorizedClient
        | Refusal::InvalidRequest
        | Refusal::UnsupportedGrantType
        | Refusal::InvalidScope => facts.trouble = Some(Trouble::AppRefused),
    }
    if intent.doubt != Doubt::None {
        facts.intent = Some(intent); // Nothing was said of the token: an earlier reply may still have rotated it.
    }
}

pub(super) fn saved_tokens(facts: &mut Facts, saved: &SavedTokens, now: &Now) -> Vec<Action> {
    if !is_welcome(facts, saved) {
        return vec![];
    }
    facts.tokens = Some(TokenFacts {
        generation: saved.generation,
        fingerprint: saved.fingerprint.clone(),
        access: Some(AccessLife {
            from: saved.server_time,
            life: saved.access_life,
        }),
        refresh_until: saved.refresh_until,
        unrenewable: saved.unrenewable,
    });
    let late = facts.unsaved.take() == Some(saved.generation);
    facts.intent = None;
    facts.vault = VaultCondition::Ready;
    granted(facts, saved, late, now);
    vec![Action::WakeLanes]
}

/// The tokens work from memory, but their generation is not the stored one, and an open intent stays
/// open: should the process end now, they are lost.
pub(super) fn save_failed(facts: &mut Facts, tokens: &SavedTokens, now: &Now) -> Vec<Action> {
    if is_welcome(facts, tokens) {
        let late = facts.unsaved.replace(tokens.generation) == Some(tokens.generation);
        granted(facts, tokens, late, now);
        return vec![Action::WakeLanes];
    }
    vec![]
}

/// Newer wins; and a refresh that ends after the athlete signed out signs nobody in again.
fn is_welcome(facts: &Facts, tokens: &SavedTokens) -> bool {
    let known = facts.tokens.as_ref().map(|known| known.generation);
    let newer = known.is_none_or(|known| tokens.generation > known);
    newer && (!facts.signed_out || facts.arriving.is_some())
}

/// `late`: these tokens were granted before, and only now came, or failed again to come, to the disk.
fn granted(facts: &mut Facts, tokens: &SavedTokens, late: bool, now: &Now) {
    let known = late && facts.arriving.is_none();
    let blocked_since = known && facts.condemned == Some(Condemned::Account);
    // A refresh that ends meanwhile does not end the sign-in that is under way.
    if let Some(account) = facts.arriving.take() {
        facts.account = Some(account);
        facts.signing_in = false;
    }
    facts.signed_out = false;
    facts.wrong_account = false;
    facts.access_in_memory = true;
    facts.condemned = None;
    // The count of 401s stays: fresh tokens alone do not prove that the API accepts them.
    let unauthorized = facts.unauthorized.take();
    contact(facts, tokens.server_time, tokens.offline_grace, now);
    facts.unauthorized = unauthorized;
    if blocked_since {
        facts.condemned = Some(Condemned::Account);
    }
}

/// Whether an answer to this call is a contact of this session. One that comes late may be of the athlete before, or of
/// before a sign-out; one to an older token says nothing of the newer. While an account is blocked no call leaves, so
/// what is answered then left before the block.
pub(super) fn counts(facts: &Facts, caller: &Caller) -> bool {
    let principal = facts.account.as_ref().map(Account::principal);
    principal.as_ref() == Some(&caller.principal)
        && !facts.signed_out
        && facts.condemned != Some(Condemned::Account)
        && newest(facts).is_none_or(|newest| caller.generation >= newest)
}

pub(super) fn contact(facts: &mut Facts, server: WallMs, offline_grace: Option<Millis>, now: &Now) {
    facts.anchor = Some(Anchor {
        server,
        at: now.clone(),
        offline_grace,
    });
    facts.mark = None;
    facts.trouble = None;
    facts.unauthorized = None;
    if facts.condemned == Some(Condemned::Account) {
        facts.condemned = None;
    }
}

/// The set that calls are made with now.
fn newest(facts: &Facts) -> Option<Generation> {
    let stored = facts.tokens.as_ref().map(|tokens| tokens.generation);
    facts.unsaved.or(stored)
}

/// A late answer to an older token may be about somebody else, or about a block that was lifted since.
pub(super) fn blocked(facts: &mut Facts, generation: Generation) -> Vec<Action> {
    if newest(facts) != Some(generation) {
        return vec![Action::WakeLanes];
    }
    facts.condemned = Some(Condemned::Account);
    vec![]
}

pub(super) fn unauthorized(facts: &mut Facts, generation: Generation, now: &Now) -> Vec<Action> {
    if newest(facts) != Some(generation) {
        return vec![Action::WakeLanes]; // A late answer to an older token: send the newer one.
    }
    if !refresh_is_possible(facts) {
        // There is nothing to spend on a refresh, or no way to it: the token stays, and may serve the next time.
        facts.trouble = Some(Trouble::AccessRefused);
        return vec![];
    }
    let streak = facts.unauthorized.take();
    let again = streak.as_ref().is_none_or(|streak| {
        now.uptime_since(&streak.refreshed)
            .is_none_or(|since| since >= REFRESH_AGAIN)
    });
    let count = streak
        .as_ref()
        .map_or(0, |streak| streak.count)
        .saturating_add(1);
    if !again {
        facts.unauthorized = streak.map(|streak| Unauthorized { count, ..streak });
        facts.trouble = Some(Trouble::AccessRefused);
        return vec![];
    }
    if let Some(tokens) = &mut facts.tokens {
        tokens.access = None;
    }
    facts.access_in_memory = false;
    facts.unauthorized = Some(Unauthorized {
        count,
        refreshed: now.clone(),
    });
    vec![
        Action::DropAccessToken { generation },
        Action::Refresh {
            reason: RefreshReason::Unauthorized,
        },
    ]
}
