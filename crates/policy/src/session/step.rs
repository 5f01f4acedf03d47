//! The one place where a fact changes.

use super::access;
use super::answer::{
    blocked, contact, counts, intend, no_refresh_token, save_failed, saved_tokens, token_answer,
    unauthorized,
};
use super::event::{Action, Event, OpenRide, RefreshReason};
use super::facts::{Account, Doubt, Facts, Principal, SystemNetwork, TokenFacts, VaultCondition};
use super::refresh::{recheck_is_possible, refresh_wanted};
use crate::grace::{mark, mark_is_due};
use crate::time::Now;

/// Applies one event: the facts afterwards, and what is to be done about it.
#[must_use]
pub fn step(facts: &Facts, event: &Event, now: &Now) -> (Facts, Vec<Action>) {
    let mut facts = facts.clone();
    let actions = match event {
        Event::Launched { vault, ride } => launched(&mut facts, *vault, *ride, now),
        Event::Tick => tick(&mut facts, now),
        Event::SignInStarted => {
            facts.signing_in = true;
            facts.wrong_account = false;
            vec![]
        }
        Event::SignInCancelled => {
            facts.signing_in = false;
            facts.arriving = None;
            vec![]
        }
        Event::SignInCompleted { account } => signed_in(&mut facts, account),
        Event::WrongAccount => wrong_account(&mut facts),
        Event::SignOut => sign_out(&mut facts),
        Event::RefreshIntended {
            generation,
            fingerprint,
        } => {
            intend(&mut facts, *generation, fingerprint, now);
            vec![]
        }
        Event::TokenAnswer(outcome) => token_answer(&mut facts, outcome),
        Event::TokensSaved(saved) => saved_tokens(&mut facts, saved, now),
        Event::SaveFailed(tokens) => save_failed(&mut facts, tokens, now),
        Event::Contact {
            server_time,
            caller,
        } => {
            if caller.as_ref().is_none_or(|caller| counts(&facts, caller)) {
                let anchor = facts.anchor.as_ref();
                let offline_grace = anchor.and_then(|anchor| anchor.offline_grace);
                contact(&mut facts, *server_time, offline_grace, now);
            }
            vec![]
        }
        Event::CallFailed(trouble) => {
            facts.trouble = Some(*trouble);
            vec![]
        }
        Event::ApiUnauthorized { generation } => unauthorized(&mut facts, *generation, now),
        Event::AccountBlocked { generation } => blocked(&mut facts, *generation),
        Event::VaultChanged(vault) => {
            let recovered = *vault == VaultCondition::Ready && facts.vault != *vault;
            facts.vault = *vault;
            if recovered {
                woken(&facts, now)
            } else {
                vec![]
            }
        }
        Event::NetworkChanged(network) => {
            facts.network = *network;
            tick(&mut facts, now)
        }
        Event::RideBegan => {
            let access = access(&facts, now);
            facts
                .riding
                .get_or_insert((access.ride, access.licensed_library));
            vec![]
        }
        Event::RideEnded => {
            facts.riding = None;
            vec![]
        }
        Event::AnchorForged => {
            facts.anchor = None;
            facts.mark = None;
            vec![]
        }
        Event::AnchorRestored { anchor, mark } => {
            facts.anchor = Some(anchor.clone());
            facts.mark.clone_from(mark);
            vec![]
        }
        Event::AccountRestored { principal } => {
            restore(&mut facts, principal);
            vec![]
        }
        Event::UnsavedLost => {
            facts.unsaved = None;
            facts.access_in_memory = false;
            reply_counts_as_lost(&mut facts);
            wanted(&facts, now)
        }
        Event::NoRefreshToken { generation } => {
            no_refresh_token(&mut facts, *generation);
            vec![]
        }
    };
    (facts, actions)
}

fn launched(facts: &mut Facts, vault: VaultCondition, ride: OpenRide, now: &Now) -> Vec<Action> {
    facts.vault = vault;
    facts.network = SystemNetwork::Unknown;
    facts.signing_in = false;
    facts.arriving = None;
    facts.unsaved = None;
    facts.access_in_memory = false;
    facts.trouble = None;
    facts.unauthorized = None;
    if ride != OpenRide::UnderWay {
        facts.riding = None;
    }
    reply_counts_as_lost(facts);
    save_mark(facts, now);
    if recheck_is_possible(facts) {
        return vec![Action::Refresh {
            reason: RefreshReason::Recheck,
        }];
    }
    let wanted = wanted(facts, now);
    match &mut facts.intent {
        Some(intent) if !wanted.is_empty() => {
            intent.repeated = true;
            vec![Action::RetryRefreshAtOnce {
                generation: intent.generation,
            }]
        }
        Some(_) | None => wanted,
    }
}

/// The process ended between sending a refresh and saving its outcome.
fn reply_counts_as_lost(facts: &mut Facts) {
    if let Some(intent) = &mut facts.intent {
        intent.doubt = Doubt::Lost;
        intent.repeated = false;
    }
}

fn tick(facts: &mut Facts, now: &Now) -> Vec<Action> {
    if mark_is_due(facts.mark.as_ref(), now) {
        save_mark(facts, now);
    }
    wanted(facts, now)
}

fn signed_in(facts: &mut Facts, account: &Account) -> Vec<Action> {
    let owner = facts.account.as_ref();
    if owner.is_some_and(|owner| !owner.is_same(account)) {
        if !facts.signed_out {
            return wrong_account(facts);
        }
        facts.signing_in = false;
        return vec![Action::OpenProfile {
            account: account.clone(),
        }];
    }
    facts.arriving = Some(account.clone());
    vec![Action::SaveTokens]
}

/// No event but a sign-in makes another athlete of one.
fn restore(facts: &mut Facts, principal: &Principal) {
    let same = |account: &&mut Account| {
        account.issuer == principal.issuer && account.subject == principal.subject
    };
    if let Some(account) = facts.account.as_mut().filter(same) {
        account.service.clone_from(&principal.service);
    }
}

fn wrong_account(facts: &mut Facts) -> Vec<Action> {
    facts.signing_in = false;
    facts.arriving = None;
    facts.wrong_account = true;
    vec![Action::DiscardNewTokens]
}

/// Local first: whether the issuer can be told now or later changes nothing here.
fn sign_out(facts: &mut Facts) -> Vec<Action> {
    let mut actions = vec![Action::ForgetTokens];
    if let Some(TokenFacts {
        generation,
        fingerprint,
        ..
    }) = facts.tokens.take()
    {
        actions.push(Action::RevokeRemotely {
            generation,
            fingerprint,
        });
    }
    *facts = Facts {
        account: facts.account.take(),
        signed_out: true,
        vault: facts.vault,
        network: facts.network,
        riding: facts.riding,
        ..Facts::default()
    };
    actions
}

fn woken(facts: &Facts, now: &Now) -> Vec<Action> {
    let mut actions = wanted(facts, now);
    actions.push(Action::WakeLanes);
    actions
}

fn wanted(facts: &Facts, now: &Now) -> Vec<Action> {
    if facts.unsaved.is_some() {
        return vec![Action::SaveTokens];
    }
    refresh_wanted(facts, now)
        // Nothing that happens makes it urgent; the lane finds it out when it is due.
        .filter(|reason| *reason != RefreshReason::Recheck)
        .map(|reason| Action::Refresh { reason })
        .into_iter()
        .collect()
}

fn save_mark(facts: &mut Facts, now: &Now) {
    if let Some(anchor) = &facts.anchor {
        facts.mark = Some(mark(anchor, facts.mark.as_ref(), now, anchor.limit()));
    }
}
