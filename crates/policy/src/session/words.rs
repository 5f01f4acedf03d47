//! What the screen says about the session, in plain words.

use serde::{Deserialize, Serialize};

use super::state::{CredentialState, SignInCause, VaultCause};
use crate::grace::NUDGE_DAYS;

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
    /// "Contact support".
    ContactSupport,
}

/// The words for a state. `days_left` is the grace that is left, if there is a contact to count from.
#[must_use]
pub fn words(state: &CredentialState, days_left: Option<u32>, clock_suspect: bool) -> Words {
    let mut words = by_state(state, days_left);
    let asked_for_contact = match state {
        CredentialState::Offline(_)
        | CredentialState::NeedsSignIn(_)
        | CredentialState::VaultUnavailable(_) => true,
        CredentialState::SignedOut
        | CredentialState::SigningIn(_)
        | CredentialState::Active
        | CredentialState::OutcomeUnknown(_)
        | CredentialState::GraceExpired(_)
        | CredentialState::Blocked => false,
    };
    if asked_for_contact && clock_suspect {
        add(
            &mut words.detail,
            "This computer's date is behind: please check your clock.",
        );
    }
    words.nudge |= asked_for_contact && days_left.is_some_and(|days| days <= NUDGE_DAYS);
    words
}

fn by_state(state: &CredentialState, days_left: Option<u32>) -> Words {
    match state {
        CredentialState::SignedOut => say(
            "Not signed in",
            "Sign in to get your library and plan, or ride your own files.",
            Some(ActionLabel::SignIn),
        ),
        CredentialState::SigningIn(_) => say(
            "Signing in",
            "Please finish in the browser window that has opened.",
            Some(ActionLabel::CancelSignIn),
        ),
        CredentialState::Active | CredentialState::OutcomeUnknown(_) => say("", "", None),
        CredentialState::Offline(trouble) => {
            let mut words = say(
                "Working offline",
                trouble.words(),
                Some(ActionLabel::SyncNow),
            );
            if let Some(days) = days_left {
                add(&mut words.detail, &offline_days(days));
            }
            words
        }
        CredentialState::VaultUnavailable(cause) => vault(*cause),
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
        CredentialState::GraceExpired(cause) => expired(*cause),
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

fn offline_days(days: u32) -> String {
    let left = match days {
        0 => "The library stays open until later today".to_owned(),
        1 => "The library stays open for 1 more day".to_owned(),
        days => format!("The library stays open for {days} more days"),
    };
    if days <= NUDGE_DAYS {
        format!("{left}: please connect once before then.")
    } else {
        left + "."
    }
}

fn vault(cause: VaultCause) -> Words {
    let unlock = Some(ActionLabel::UnlockKeyring);
    match cause {
        VaultCause::Locked => say(
            "The keyring is locked",
            "Unlock it to sync. Riding works without it.",
            unlock,
        ),
        VaultCause::TimedOut => say(
            "The keyring does not answer",
            "It may be waiting for you to unlock it. Riding works without it.",
            unlock,
        ),
        VaultCause::Denied => say(
            "The keyring refuses Freewheel",
            "Allow Freewheel in the keyring to sync. Riding works without it.",
            unlock,
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
        VaultCause::NotSaved => Words {
            nudge: true,
            ..say(
                "Your sign-in could not be saved",
                "It works until you close Freewheel, and saving is tried again. Is the disk full?",
                None,
            )
        },
    }
}

fn expired(cause: Option<SignInCause>) -> Words {
    let kept = "Your own files and rides stay open.";
    let mut words = match cause {
        None => say(
            "The library is locked",
            "Connect once, or sign in, to open it again.",
            Some(ActionLabel::SyncNow),
        ),
        Some(cause) => {
            let mut words = say(
                "The library is locked",
                sign_in(cause),
                Some(ActionLabel::SignIn),
            );
            add(&mut words.detail, "Sign in to open it again.");
            words
        }
    };
    add(&mut words.detail, kept);
    words.nudge = true;
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
mod tests {
    use super::*;
    use crate::transport::{TransportFailure, Trouble};

    #[test]
    fn offline_is_neutral_and_nudges_from_day_10_on() {
        let offline = CredentialState::Offline(Trouble::Transport(TransportFailure::NoNetwork));
        let cases = [
            (14, "stays open for 14 more days.", false),
            (5, "stays open for 5 more days.", false),
            (
                4,
                "stays open for 4 more days: please connect once before then.",
                true,
            ),
            (
                1,
                "stays open for 1 more day: please connect once before then.",
                true,
            ),
            (
                0,
                "stays open until later today: please connect once before then.",
                true,
            ),
        ];
        for (days, ending, nudge) in cases {
            let words = words(&offline, Some(days), false);
            assert_eq!(words.headline, "Working offline");
            assert!(
                words.detail.starts_with("This computer has no network. "),
                "{words:?}"
            );
            assert!(words.detail.ends_with(ending), "{words:?}");
            assert_eq!(words.nudge, nudge, "{days}");
        }
    }

    #[test]
    fn a_suspect_clock_is_told_where_the_grace_counts() {
        let offline = CredentialState::Offline(Trouble::Busy);
        assert!(
            words(&offline, Some(9), true)
                .detail
                .contains("check your clock")
        );
        assert!(
            !words(&offline, Some(9), false)
                .detail
                .contains("check your clock")
        );
        assert_eq!(words(&CredentialState::Active, Some(9), true).detail, "");
    }

    #[test]
    fn a_lost_reply_says_nothing_and_a_lock_says_what_to_do() {
        use crate::token::Generation;
        let quiet = words(
            &CredentialState::OutcomeUnknown(Generation(2)),
            Some(1),
            false,
        );
        assert_eq!((quiet.headline.as_str(), quiet.nudge), ("", false));
        let cases = [
            (
                CredentialState::GraceExpired(None),
                "Connect once",
                ActionLabel::SyncNow,
            ),
            (
                CredentialState::GraceExpired(Some(SignInCause::TokenRefused)),
                "Sign in to open it again",
                ActionLabel::SignIn,
            ),
            (
                CredentialState::Blocked,
                "kept and can be exported",
                ActionLabel::ContactSupport,
            ),
        ];
        for (state, says, action) in cases {
            let words = words(&state, Some(0), false);
            assert!(words.detail.contains(says), "{words:?}");
            assert_eq!(words.action, Some(action));
        }
    }
}
