//! What the screen says about the session, in plain words.

use serde::{Deserialize, Serialize};

use super::facts::VaultCondition;
use super::state::{CredentialState, SignInCause, VaultCause};
use crate::grace::NUDGE_DAYS;
use crate::transport::Trouble;

/// What else the words depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Around {
    /// The vault's condition.
    pub vault: VaultCondition,
    /// New tokens are in memory only.
    pub unsaved: bool,
    /// Why calls are not expected to succeed, if so.
    pub trouble: Option<Trouble>,
    /// The grace that is left, if there is a contact to count from.
    pub days_left: Option<u32>,
    /// The clock is behind what is known to have passed.
    pub clock_suspect: bool,
    /// The grace is over by the date alone: with another date it would be open.
    pub over_by_date: bool,
}

/// Words for the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// A few words, without a full stop; empty when there is nothing to say.
    pub headline: String,
    /// One or two sentences; may be empty.
    pub detail: String,
    /// The one thing to do about it, if there is one.
    pub action: Option<ActionLabel>,
    /// Worth being noticed now. Everything else waits to be looked at.
    pub nudge: bool,
}

/// What a button offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionLabel {
    /// "Sign in".
    SignIn,
    /// "Cancel sign-in".
    CancelSignIn,
    /// "Sync now".
    SyncNow,
    /// "Unlock the keyring".
    UnlockKeyring,
    /// "Check your clock".
    CheckClock,
    /// "Contact support".
    ContactSupport,
}

/// The words for a state.
///
/// From [`NUDGE_DAYS`] on, every state in which the library is open and nothing is exchanged says how long it stays so.
#[must_use]
pub fn words(state: &CredentialState, around: &Around) -> Words {
    let mut words = by_state(state, around);
    let Some(please) = before_it_locks(state) else {
        return words;
    };
    match around.days_left {
        Some(days) if days <= NUDGE_DAYS => {
            if words.headline.is_empty() {
                words = say("Working offline", "", Some(ActionLabel::SyncNow));
            }
            add(&mut words.detail, &stays_open(days, please));
            words.nudge = true;
        }
        Some(days) if matches!(state, CredentialState::Offline(_)) => {
            let open = format!("The library stays open for {days} more days.");
            add(&mut words.detail, &open);
        }
        Some(_) | None => {}
    }
    if around.clock_suspect && !words.headline.is_empty() {
        add(
            &mut words.detail,
            "This computer's date is behind: please check your clock.",
        );
        if words.action == Some(ActionLabel::SyncNow) {
            words.action = Some(ActionLabel::CheckClock);
        }
    }
    words
}

/// Where the service refuses an access token that cannot be renewed, nothing but a sign-in helps if it goes on.
pub(super) fn offer_sign_in(words: &mut Words) {
    add(
        &mut words.detail,
        "It is tried again by itself; if this goes on, please sign in again.",
    );
    if words.action == Some(ActionLabel::SyncNow) {
        words.action = Some(ActionLabel::SignIn);
    }
}

/// What helps before the grace ends, where the library is open and nothing is exchanged with the service.
fn before_it_locks(state: &CredentialState) -> Option<&'static str> {
    match state {
        CredentialState::Offline(_) | CredentialState::OutcomeUnknown(_) => {
            Some("please connect once")
        }
        CredentialState::NeedsSignIn(_) => Some("please sign in"),
        CredentialState::VaultUnavailable(_) => Some("please sync once"),
        CredentialState::SignedOut
        | CredentialState::SigningIn(_)
        | CredentialState::Active
        | CredentialState::GraceExpired(_)
        | CredentialState::Blocked => None,
    }
}

fn by_state(state: &CredentialState, around: &Around) -> Words {
    match state {
        CredentialState::SignedOut => say(
            "Not signed in",
            "Sign in to get your library and plan, or ride your own files.",
            Some(ActionLabel::SignIn),
        ),
        CredentialState::SigningIn(_) => say(
            "Signing in",
            "Please finish it where you began: in the browser, or with the code that was shown.",
            Some(ActionLabel::CancelSignIn),
        ),
        CredentialState::Active | CredentialState::OutcomeUnknown(_) => say("", "", None),
        CredentialState::Offline(trouble) => say(
            "Working offline",
            trouble.words(),
            Some(ActionLabel::SyncNow),
        ),
        CredentialState::VaultUnavailable(VaultCause::NotSaved) => not_saved(around.vault),
        CredentialState::VaultUnavailable(cause) => unavailable(*cause),
        CredentialState::NeedsSignIn(cause) => {
            let mut words = say(
                "Please sign in again",
                sign_in(*cause),
                Some(ActionLabel::SignIn),
            );
            add(
                &mut words.detail,
                "Riding goes on, and your rides wait here until then.",
            );
            words.nudge = true;
            words
        }
        CredentialState::GraceExpired(cause) => expired(*cause, around),
        CredentialState::Blocked => Words {
            nudge: true,
            ..say(
                "This account is blocked",
                "Your rides are kept and can be exported. Please contact support.",
                Some(ActionLabel::ContactSupport),
            )
        },
    }
}

/// Days are rounded up, so the last one is a part of a day.
fn stays_open(days: u32, please: &str) -> String {
    match days {
        0 | 1 => format!("The library stays open for less than a day: {please} before then."),
        days => format!("The library stays open for {days} more days: {please} before then."),
    }
}

const UNLOCK: Option<ActionLabel> = Some(ActionLabel::UnlockKeyring);

fn unavailable(cause: VaultCause) -> Words {
    match cause {
        VaultCause::Locked => say(
            "The keyring is locked",
            "Unlock it to sync. Riding works without it.",
            UNLOCK,
        ),
        VaultCause::TimedOut => say(
            "The keyring does not answer",
            "It may be waiting for you to unlock it. Riding works without it.",
            UNLOCK,
        ),
        VaultCause::Denied => say(
            "The keyring refuses Freewheel",
            "Allow Freewheel in the keyring to sync. Riding works without it.",
            UNLOCK,
        ),
        VaultCause::Absent => say(
            "No keyring found",
            "Your sign-in cannot be read until this system's keyring runs. Riding works without it.",
            None,
        ),
        VaultCause::Failed => say(
            "The keyring failed",
            "Freewheel will ask it again. Riding works without it.",
            None,
        ),
        VaultCause::NotSaved => not_saved(VaultCondition::Ready),
    }
}

/// A sign-in that lives in memory only: what stands in the way of saving it.
fn not_saved(vault: VaultCondition) -> Words {
    let (cause, action) = in_the_way(vault).unwrap_or(("Is the disk full?", None));
    let mut words = say("Your sign-in is not saved", cause, action);
    add(
        &mut words.detail,
        "It works until you close Freewheel, and saving is tried again. Uploads may pause until then; nothing is lost.",
    );
    words.nudge = true;
    words
}

/// What the vault has against it, and whether the athlete can do something about it; `None` where it answers.
const fn in_the_way(vault: VaultCondition) -> Option<(&'static str, Option<ActionLabel>)> {
    match vault {
        VaultCondition::Locked => Some(("The keyring is locked: please unlock it.", UNLOCK)),
        VaultCondition::TimedOut => Some((
            "The keyring does not answer: it may be waiting for you to unlock it.",
            UNLOCK,
        )),
        VaultCondition::Denied => Some((
            "The keyring refuses Freewheel: please allow it there.",
            UNLOCK,
        )),
        VaultCondition::Absent => Some(("This system's keyring is not running.", None)),
        VaultCondition::Failed => Some(("The keyring failed.", None)),
        VaultCondition::Ready | VaultCondition::Missing => None,
    }
}

fn expired(cause: Option<SignInCause>, around: &Around) -> Words {
    let mut words = match cause {
        None => no_contact(around),
        Some(cause) => {
            let mut words = say("", sign_in(cause), Some(ActionLabel::SignIn));
            add(&mut words.detail, "Sign in to open it again.");
            words
        }
    };
    words.headline = "The library is locked".to_owned();
    if around.over_by_date {
        add(
            &mut words.detail,
            "If this computer's date is wrong, put it right.",
        );
    }
    add(&mut words.detail, "Your own files and rides stay open.");
    words.nudge = true;
    words
}

/// What keeps the one contact away that opens the library again, and what brings it about.
fn no_contact(around: &Around) -> Words {
    if let Some((cause, action)) = in_the_way(around.vault) {
        let mut words = say("", cause, action.or(Some(ActionLabel::SignIn)));
        let then = if action.is_some() {
            "Freewheel then connects, and the library opens again."
        } else {
            "Freewheel connects once it works again; or sign in to open the library."
        };
        add(&mut words.detail, then);
        return words;
    }
    let cause = match around.trouble {
        None if around.unsaved => "Your sign-in is not saved. Is the disk full?",
        None => "",
        Some(trouble) => trouble.words(),
    };
    let mut words = say("", cause, Some(ActionLabel::SyncNow));
    let then = match around.trouble {
        Some(Trouble::AppRefused) => "It opens again as soon as the service does.",
        Some(_) | None => "Connect once, or sign in, to open it again.",
    };
    add(&mut words.detail, then);
    words
}

const fn sign_in(cause: SignInCause) -> &'static str {
    match cause {
        SignInCause::TokenRefused => {
            "The service ended this sign-in, as it does after a new password or a long time unused."
        }
        SignInCause::RotationResponseLost => {
            "The connection broke off while your sign-in was being renewed."
        }
        SignInCause::CredentialLost => "Your sign-in is no longer stored on this computer.",
        SignInCause::CannotRenew => {
            "This service lets a sign-in last for a certain time only, and it cannot be renewed by itself."
        }
        SignInCause::WrongAccount => {
            "That was another account. Please sign in with the one that these rides belong to."
        }
    }
}

fn say(headline: &str, detail: &str, action: Option<ActionLabel>) -> Words {
    Words {
        headline: headline.to_owned(),
        detail: detail.to_owned(),
        action,
        nudge: false,
    }
}

fn add(detail: &mut String, sentence: &str) {
    if !detail.is_empty() {
        detail.push(' ');
    }
    detail.push_str(sentence);
}

#[cfg(test)]
mod tests;
