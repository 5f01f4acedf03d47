//! The credential state: derived from the facts, never stored.

use serde::{Deserialize, Serialize};

use super::access::{Access, access};
use super::contact::{has_run_out, is_renewable};
use super::facts::{Condemned, Doubt, Facts, SystemNetwork, VaultCondition};
use super::words::{Around, Words, offer_sign_in, words};
use crate::grace::{self, GraceState};
use crate::time::Now;
use crate::token::Generation;
use crate::transport::{TransportFailure, Trouble};

/// Where the session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialState {
    /// Nobody is signed in.
    SignedOut,
    /// A sign-in is under way; everything else is as in the state that it began from.
    SigningIn(Box<CredentialState>),
    /// All is well.
    Active,
    /// The service cannot be used at the moment.
    Offline(Trouble),
    /// The reply to a refresh was lost: the stored token may or may not be the valid one.
    OutcomeUnknown(Generation),
    /// The credential is there and cannot be read or saved.
    VaultUnavailable(VaultCause),
    /// Only the athlete can help.
    NeedsSignIn(SignInCause),
    /// Too long without contact. A sign-in is needed if there is a cause for it, else contact is enough.
    GraceExpired(Option<SignInCause>),
    /// The account is closed to its owner.
    Blocked,
}

impl CredentialState {
    /// Whether nothing is exchanged before the athlete, or support, does something about it.
    #[must_use]
    pub fn waits_for_the_athlete(&self) -> bool {
        match self {
            Self::SigningIn(from) => from.waits_for_the_athlete(),
            Self::SignedOut
            | Self::NeedsSignIn(_)
            | Self::GraceExpired(Some(_))
            | Self::Blocked => true,
            Self::Active
            | Self::Offline(_)
            | Self::OutcomeUnknown(_)
            | Self::VaultUnavailable(_)
            | Self::GraceExpired(None) => false,
        }
    }

    /// The state's name in views and journals; what it carries is left out.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::SigningIn(_) => "signing_in",
            Self::Active => "active",
            Self::Offline(_) => "offline",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::VaultUnavailable(_) => "vault_unavailable",
            Self::NeedsSignIn(_) => "needs_sign_in",
            Self::GraceExpired(_) => "grace_expired",
            Self::Blocked => "blocked",
        }
    }
}

/// Why the vault is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultCause {
    /// It is locked.
    Locked,
    /// There is none.
    Absent,
    /// It refuses this app.
    Denied,
    /// It did not answer in time.
    TimedOut,
    /// It failed otherwise.
    Failed,
    /// New tokens could not be saved and are in memory only.
    NotSaved,
}

/// Why the athlete has to sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInCause {
    /// The issuer does not accept the refresh token any more.
    TokenRefused,
    /// The issuer rotated the token, the reply was lost, and it does not allow a repetition.
    RotationResponseLost,
    /// This profile has an owner and no credential.
    CredentialLost,
    /// The access token's life is over, and the issuer gave nothing to renew it with. Told by the clock alone.
    CannotRenew,
    /// The last sign-in was made with another account.
    WrongAccount,
}

/// All that a screen needs to know of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Where the session stands.
    pub state: CredentialState,
    /// What the athlete may do.
    pub access: Access,
    /// Days of grace left, a part of a day counted as one; `None` without a contact to count from.
    pub days_left: Option<u32>,
    /// The clock is behind what is known to have passed.
    pub clock_suspect: bool,
    /// What the screen says.
    pub words: Words,
}

/// Derives everything at once.
#[must_use]
pub fn view(facts: &Facts, now: &Now) -> View {
    let state = state(facts, now);
    let grace = grace(facts, now);
    let days_left = grace.map(|grace| grace.days_left());
    let clock_suspect = grace.is_some_and(|grace| grace.clock_suspect);
    let around = Around {
        vault: facts.vault,
        unsaved: facts.unsaved.is_some(),
        trouble: offline(facts),
        days_left,
        clock_suspect,
        over_by_date: grace.is_some_and(|grace| grace.over_by_date),
    };
    let mut words = words(&state, &around);
    if state == CredentialState::Offline(Trouble::AccessRefused) && !is_renewable(facts) {
        offer_sign_in(&mut words);
    }
    View {
        access: access(facts, now),
        state,
        days_left,
        clock_suspect,
        words,
    }
}

/// What the grace clock says; `None` without an anchor, which counts as expired.
#[must_use]
pub fn grace(facts: &Facts, now: &Now) -> Option<GraceState> {
    let anchor = facts.anchor.as_ref()?;
    Some(grace::check(
        anchor,
        facts.mark.as_ref(),
        now,
        anchor.limit(),
    ))
}

/// Derives the credential state.
#[must_use]
pub fn state(facts: &Facts, now: &Now) -> CredentialState {
    let settled = settled(facts, now);
    if facts.signing_in {
        CredentialState::SigningIn(Box::new(settled))
    } else {
        settled
    }
}

fn settled(facts: &Facts, now: &Now) -> CredentialState {
    if facts.account.is_none() || facts.signed_out {
        return CredentialState::SignedOut;
    }
    if facts.condemned == Some(Condemned::Account) {
        return CredentialState::Blocked;
    }
    let sign_in = sign_in_cause(facts, now);
    if !grace(facts, now).is_some_and(|grace| grace.is_open()) {
        return CredentialState::GraceExpired(sign_in);
    }
    if let Some(cause) = sign_in {
        return CredentialState::NeedsSignIn(cause);
    }
    if let Some(cause) = vault_cause(facts) {
        return CredentialState::VaultUnavailable(cause);
    }
    if let Some(intent) = facts
        .intent
        .as_ref()
        .filter(|intent| intent.doubt == Doubt::Lost)
    {
        return CredentialState::OutcomeUnknown(intent.generation);
    }
    offline(facts).map_or(CredentialState::Active, CredentialState::Offline)
}

/// Why calls are not expected to succeed, if so.
pub(super) fn offline(facts: &Facts) -> Option<Trouble> {
    match facts.network {
        SystemNetwork::Down => Some(Trouble::Transport(TransportFailure::NoNetwork)),
        SystemNetwork::Up | SystemNetwork::Unknown => facts.trouble,
    }
}

fn sign_in_cause(facts: &Facts, now: &Now) -> Option<SignInCause> {
    let lost = facts.vault == VaultCondition::Missing || facts.tokens.is_none();
    let cause = match facts.condemned {
        Some(Condemned::Token {
            reply_lost: true, ..
        }) => SignInCause::RotationResponseLost,
        Some(Condemned::Token {
            reply_lost: false, ..
        }) => SignInCause::TokenRefused,
        Some(Condemned::Account) => return None,
        // Those in memory serve, and what is stored is not used meanwhile.
        None if facts.unsaved.is_some() => return None,
        None if lost => SignInCause::CredentialLost,
        None if has_run_out(facts, now) => SignInCause::CannotRenew,
        None => return None,
    };
    Some(if facts.wrong_account {
        SignInCause::WrongAccount
    } else {
        cause
    })
}

fn vault_cause(facts: &Facts) -> Option<VaultCause> {
    if facts.unsaved.is_some() {
        return Some(VaultCause::NotSaved);
    }
    match facts.vault {
        VaultCondition::Ready | VaultCondition::Missing => None,
        VaultCondition::Locked => Some(VaultCause::Locked),
        VaultCondition::Absent => Some(VaultCause::Absent),
        VaultCondition::Denied => Some(VaultCause::Denied),
        VaultCondition::TimedOut => Some(VaultCause::TimedOut),
        VaultCondition::Failed => Some(VaultCause::Failed),
    }
}
