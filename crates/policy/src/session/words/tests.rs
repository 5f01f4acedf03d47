use super::*;
use crate::token::Generation;
use crate::transport::{TransportFailure, Trouble};

const READY: VaultCondition = VaultCondition::Ready;

fn words(
    state: &CredentialState,
    vault: VaultCondition,
    days_left: Option<u32>,
    clock_suspect: bool,
) -> Words {
    let around = Around {
        vault,
        days_left,
        clock_suspect,
        ..Around::default()
    };
    super::words(state, &around)
}

fn states() -> Vec<CredentialState> {
    use CredentialState as S;
    let mut states = vec![
        S::SignedOut,
        S::SigningIn(Box::new(S::Active)),
        S::SigningIn(Box::new(S::GraceExpired(None))),
        S::Active,
        S::OutcomeUnknown(Generation(2)),
        S::GraceExpired(None),
        S::Blocked,
        S::Offline(Trouble::Transport(TransportFailure::NoNetwork)),
        S::Offline(Trouble::Busy),
    ];
    let causes = [
        SignInCause::TokenRefused,
        SignInCause::RotationResponseLost,
        SignInCause::CredentialLost,
        SignInCause::CannotRenew,
        SignInCause::WrongAccount,
    ];
    states.extend(causes.map(S::NeedsSignIn));
    states.extend(causes.map(|cause| S::GraceExpired(Some(cause))));
    states.extend(VAULT_CAUSES.map(S::VaultUnavailable));
    states
}

const VAULT_CAUSES: [VaultCause; 6] = [
    VaultCause::Locked,
    VaultCause::Absent,
    VaultCause::Denied,
    VaultCause::TimedOut,
    VaultCause::Failed,
    VaultCause::NotSaved,
];

/// The right-hand column of the design's table: what must be said, and the one thing to do.
#[test]
fn every_state_says_what_the_design_says_and_offers_one_action() {
    use ActionLabel::*;
    use CredentialState as S;
    let offline = S::Offline(Trouble::Transport(TransportFailure::NoNetwork));
    #[rustfmt::skip]
    let cases = [
        (S::SignedOut,                                     "Not signed in",          "or ride your own files",        Some(SignIn),         false),
        (S::SigningIn(Box::new(S::Active)),                "Signing in",             "with the code that was shown",                Some(CancelSignIn),   false),
        (S::Active,                                        "",                       "",                              None,                 false),
        (S::OutcomeUnknown(Generation(1)),                 "",                       "",                              None,                 false),
        (offline,                                          "Working offline",        "This computer has no network. The library stays open for 9 more days.",
                                                                                                                      Some(SyncNow),        false),
        (S::VaultUnavailable(VaultCause::Locked),          "The keyring is locked",  "Unlock it to sync",             Some(UnlockKeyring),  false),
        (S::VaultUnavailable(VaultCause::TimedOut),        "The keyring does not answer", "waiting for you to unlock it", Some(UnlockKeyring), false),
        (S::VaultUnavailable(VaultCause::Denied),          "The keyring refuses Freewheel", "Allow Freewheel in the keyring", Some(UnlockKeyring), false),
        (S::VaultUnavailable(VaultCause::Absent),          "No keyring found",       "until this system's keyring runs", None,              false),
        (S::VaultUnavailable(VaultCause::Failed),          "The keyring failed",     "will ask it again",             None,                 false),
        (S::VaultUnavailable(VaultCause::NotSaved),        "Your sign-in is not saved", "Is the disk full? It works until you close Freewheel", None, true),
        (S::NeedsSignIn(SignInCause::TokenRefused),        "Please sign in again",   "The service ended this sign-in", Some(SignIn),        true),
        (S::NeedsSignIn(SignInCause::RotationResponseLost), "Please sign in again",  "broke off while your sign-in was being renewed", Some(SignIn), true),
        (S::NeedsSignIn(SignInCause::CredentialLost),      "Please sign in again",   "no longer stored on this computer", Some(SignIn),     true),
        (S::NeedsSignIn(SignInCause::CannotRenew),         "Please sign in again",   "cannot be renewed by itself. Riding goes on", Some(SignIn), true),
        (S::NeedsSignIn(SignInCause::WrongAccount),        "Please sign in again",   "That was another account",      Some(SignIn),         true),
        (S::GraceExpired(None),                            "The library is locked",  "Connect once, or sign in",      Some(SyncNow),        true),
        (S::GraceExpired(Some(SignInCause::TokenRefused)), "The library is locked",  "Sign in to open it again",      Some(SignIn),         true),
        (S::GraceExpired(Some(SignInCause::CannotRenew)),  "The library is locked",  "cannot be renewed by itself. Sign in to open it again", Some(SignIn), true),
        (S::Blocked,                                       "This account is blocked", "kept and can be exported. Please contact support", Some(ContactSupport), true),
    ];
    for (state, headline, says, action, nudge) in cases {
        let words = words(&state, READY, Some(9), false);
        assert_eq!(words.headline, headline, "{state:?}");
        assert!(words.detail.contains(says), "{words:?}");
        assert_eq!((words.action, words.nudge), (action, nudge), "{state:?}");
    }
}

#[test]
fn what_is_locked_says_what_stays_open_and_what_waits_says_so() {
    for state in states() {
        let words = words(&state, READY, Some(0), false);
        match state {
            CredentialState::GraceExpired(_) => assert!(
                words
                    .detail
                    .ends_with("Your own files and rides stay open."),
                "{words:?}"
            ),
            CredentialState::NeedsSignIn(_) => {
                assert!(words.detail.contains("Riding goes on"), "{words:?}");
            }
            CredentialState::VaultUnavailable(VaultCause::NotSaved) => {
                assert!(words.detail.contains("saving is tried again"), "{words:?}");
            }
            CredentialState::VaultUnavailable(_) => {
                assert!(
                    words.detail.contains("Riding works without it."),
                    "{words:?}"
                );
            }
            CredentialState::SignedOut
            | CredentialState::SigningIn(_)
            | CredentialState::Active
            | CredentialState::Offline(_)
            | CredentialState::OutcomeUnknown(_)
            | CredentialState::Blocked => {}
        }
    }
}

#[test]
fn offline_is_neutral_and_nudges_from_day_10_on() {
    let offline = CredentialState::Offline(Trouble::Transport(TransportFailure::NoNetwork));
    let open = "This computer has no network. The library stays open for";
    let cases = [
        (Some(14), format!("{open} 14 more days."), false),
        (Some(5), format!("{open} 5 more days."), false),
        (
            Some(4),
            format!("{open} 4 more days: please connect once before then."),
            true,
        ),
        (
            Some(2),
            format!("{open} 2 more days: please connect once before then."),
            true,
        ),
        (
            Some(1),
            format!("{open} less than a day: please connect once before then."),
            true,
        ),
        (
            Some(0),
            format!("{open} less than a day: please connect once before then."),
            true,
        ),
        (None, "This computer has no network.".to_owned(), false),
    ];
    for (days, detail, nudge) in cases {
        let words = words(&offline, READY, days, false);
        assert_eq!(words.headline, "Working offline");
        assert_eq!((words.detail, words.nudge), (detail, nudge), "{days:?}");
    }
}

/// States in which the library is open although nothing is exchanged, and what helps.
#[test]
fn no_open_library_locks_without_a_word_from_day_10_on() {
    use CredentialState as S;
    let sign_in = S::NeedsSignIn(SignInCause::TokenRefused);
    let locked = S::VaultUnavailable(VaultCause::Locked);
    let lost = S::OutcomeUnknown(Generation(2));
    let cases = [
        (&sign_in, "please sign in before then."),
        (&locked, "please sync once before then."),
        (&lost, "please connect once before then."),
    ];
    for (state, ending) in cases {
        let early = words(state, READY, Some(5), false);
        assert!(!early.detail.contains("stays open"), "{early:?}");
        let late = words(state, READY, Some(4), false);
        let says = format!("The library stays open for 4 more days: {ending}");
        assert!(late.detail.ends_with(&says), "{late:?}");
        assert!(late.nudge);
        assert_ne!((late.headline.as_str(), late.action), ("", None));
    }
    for state in [
        S::Active,
        S::SignedOut,
        S::Blocked,
        S::SigningIn(Box::new(sign_in)),
    ] {
        assert_eq!(
            words(&state, READY, Some(1), false),
            words(&state, READY, Some(9), false)
        );
    }
}

#[test]
fn a_suspect_clock_is_told_where_the_grace_counts() {
    for state in states() {
        let (calm, suspect) = (
            words(&state, READY, Some(9), false),
            words(&state, READY, Some(9), true),
        );
        let counts = matches!(
            state,
            CredentialState::Offline(_)
                | CredentialState::NeedsSignIn(_)
                | CredentialState::VaultUnavailable(_)
        );
        assert_eq!(
            suspect.detail.contains("please check your clock"),
            counts,
            "{state:?}"
        );
        if counts && calm.action == Some(ActionLabel::SyncNow) {
            assert_eq!(suspect.action, Some(ActionLabel::CheckClock));
        } else {
            assert_eq!(suspect.action, calm.action, "{state:?}");
        }
    }
}

/// Memory-only after a sign-in: why, and what to do about it.
#[test]
fn tokens_that_are_not_saved_say_truthfully_what_stands_in_the_way() {
    use VaultCondition as V;
    let unlock = Some(ActionLabel::UnlockKeyring);
    let cases = [
        (V::Locked, "The keyring is locked", unlock),
        (V::TimedOut, "waiting for you to unlock it", unlock),
        (V::Denied, "refuses Freewheel", unlock),
        (V::Absent, "keyring is not running", None),
        (V::Failed, "The keyring failed", None),
        (V::Ready, "Is the disk full?", None),
        (V::Missing, "Is the disk full?", None),
    ];
    let state = CredentialState::VaultUnavailable(VaultCause::NotSaved);
    for (vault, says, action) in cases {
        let words = words(&state, vault, Some(14), false);
        assert_eq!(words.headline, "Your sign-in is not saved");
        assert!(words.detail.contains(says), "{words:?}");
        assert!(words.detail.contains("until you close Freewheel"));
        assert!(words.detail.contains("Uploads may pause"), "{words:?}");
        assert_eq!(
            words.detail.contains("disk"),
            matches!(vault, V::Ready | V::Missing)
        );
        assert_eq!((words.action, words.nudge), (action, true), "{vault:?}");
    }
}

/// The library is locked for want of one contact: what keeps it away, and what the athlete can do about that.
#[test]
fn a_locked_library_says_what_keeps_the_contact_away() {
    use crate::transport::TlsCause;
    use ActionLabel::{SignIn, SyncNow, UnlockKeyring};
    use VaultCondition as V;
    let inspected = Trouble::Transport(TransportFailure::Tls {
        cause: TlsCause::UnknownIssuer,
    });
    let connect = "Connect once, or sign in, to open it again.";
    let then = "Freewheel then connects, and the library opens again.";
    #[rustfmt::skip]
    let cases = [
        (V::Locked,   None,                       "The keyring is locked: please unlock it.", then, UnlockKeyring),
        (V::TimedOut, Some(inspected),            "waiting for you to unlock it.", then, UnlockKeyring),
        (V::Denied,   None,                       "please allow it there.", then, UnlockKeyring),
        (V::Absent,   None,                       "keyring is not running.", "or sign in to open the library.", SignIn),
        (V::Failed,   None,                       "The keyring failed.", "or sign in to open the library.", SignIn),
        (V::Ready,    None,                       "", connect, SyncNow),
        (V::Missing,  None,                       "", connect, SyncNow),
        (V::Ready,    Some(inspected),            "opens encrypted connections", connect, SyncNow),
        (V::Ready,    Some(Trouble::Unproven),    "could not be verified.", connect, SyncNow),
        (V::Ready,    Some(Trouble::AppRefused),  "does not accept this version", "as soon as the service does.", SyncNow),
    ];
    for (vault, trouble, cause, then, action) in cases {
        for over_by_date in [false, true] {
            let around = Around {
                vault,
                trouble,
                over_by_date,
                ..Around::default()
            };
            let words = super::words(&CredentialState::GraceExpired(None), &around);
            assert_eq!(words.headline, "The library is locked");
            let (cause_at, then_at) = (words.detail.find(cause), words.detail.find(then));
            assert!(cause_at.is_some() && then_at.is_some(), "{words:?}");
            assert!(cause_at <= then_at, "{words:?}");
            assert_eq!(words.action, Some(action), "{around:?}");
            let date = words.detail.contains("date is wrong, put it right.");
            assert_eq!(date, over_by_date, "{words:?}");
            assert!(words.detail.ends_with("rides stay open."), "{words:?}");
        }
    }
}

/// It is the cause only where nothing else is known to be.
#[test]
fn a_locked_library_names_a_sign_in_that_is_not_saved() {
    let refused = Trouble::Transport(TransportFailure::Refused);
    for (unsaved, trouble, named) in [
        (true, None, true),
        (false, None, false),
        (true, Some(refused), false),
    ] {
        let around = Around {
            unsaved,
            trouble,
            ..Around::default()
        };
        let words = super::words(&CredentialState::GraceExpired(None), &around);
        let said = words.detail.contains("Your sign-in is not saved.");
        assert_eq!(said, named, "{words:?}");
    }
}

/// A sign-in helps whatever the keyring does, and so does the right date.
#[test]
fn a_locked_library_that_needs_a_sign_in_tells_of_the_date_too() {
    let over = |over_by_date| {
        let around = Around {
            vault: VaultCondition::Locked,
            over_by_date,
            ..Around::default()
        };
        let cause = Some(SignInCause::TokenRefused);
        super::words(&CredentialState::GraceExpired(cause), &around)
    };
    assert!(over(true).detail.contains("date is wrong"));
    assert!(!over(false).detail.contains("date is wrong"));
    assert_eq!(over(true).action, Some(ActionLabel::SignIn));
    assert!(!over(true).detail.contains("keyring"));
}

#[test]
fn the_view_hands_on_what_the_words_need() {
    use super::super::Event;
    use super::super::rider::{Rider, launched};
    use crate::time::{Millis, WallMs};
    let over = |rider: &Rider| {
        let view = super::super::view(&rider.facts, &rider.now);
        assert_eq!(view.state, CredentialState::GraceExpired(None));
        view.words
    };
    let mut rider = Rider::signed_in().at(Millis::days(15));
    assert!(
        !over(&rider).detail.contains("date is wrong"),
        "it is proved"
    );
    rider.does(&Event::CallFailed(Trouble::AppRefused));
    assert!(over(&rider).detail.contains("this version of Freewheel"));
    rider.does(&Event::VaultChanged(VaultCondition::Locked));
    let words = over(&rider);
    assert!(
        words.detail.starts_with("The keyring is locked"),
        "{words:?}"
    );
    assert_eq!(words.action, Some(ActionLabel::UnlockKeyring));

    let mut rider = Rider::signed_in().at(Millis::days(1)).restarted();
    rider.does(&launched(VaultCondition::Ready));
    rider.now.wall = WallMs(rider.now.wall.plus(Millis::days(60)).0);
    assert!(over(&rider).detail.contains("date is wrong"));
}

#[test]
fn every_sentence_ends_and_none_is_said_twice() {
    for state in states() {
        for days in [None, Some(0), Some(1), Some(4), Some(14)] {
            for suspect in [false, true] {
                let words = words(&state, READY, days, suspect);
                assert!(!words.headline.ends_with('.'), "{words:?}");
                assert!(
                    words.detail.is_empty() || words.detail.ends_with(['.', '?']),
                    "{words:?}"
                );
                assert!(!words.detail.contains("  ") && !words.detail.starts_with(' '));
            }
        }
    }
}
