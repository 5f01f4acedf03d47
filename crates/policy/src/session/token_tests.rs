//! Refreshes, refusals, lost replies and 401s.

use super::rider::{
    DNS, LOST, Rider, T0, athlete, blocked, contact, intended, later, launched, refused, tokens,
    transient,
};
use super::*;
use crate::definitive::{Refusal, TokenOutcome};
use crate::time::{Millis, WallMs};
use crate::token::Generation;
use crate::transport::Trouble;

#[test]
fn a_lost_reply_is_repeated_once_at_once_and_then_a_refusal_is_put_down_to_it() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    let repeat = Action::RetryRefreshAtOnce {
        generation: Generation(1),
    };
    assert_eq!(rider.does(&transient(LOST)), [repeat]);
    rider.does(&intended(1));
    assert_eq!(rider.does(&transient(LOST)), []);
    assert_eq!(
        rider.state(),
        CredentialState::OutcomeUnknown(Generation(1))
    );
    assert_eq!(rider.access().licensed_library, Library::Open);
    rider.does(&transient(DNS));
    assert_eq!(
        rider.state(),
        CredentialState::OutcomeUnknown(Generation(1)),
        "not forgotten"
    );
    assert_eq!(rider.facts.intent.as_ref().unwrap().attempts, 2);
    rider.does(&refused(Refusal::InvalidGrant));
    let cause = SignInCause::RotationResponseLost;
    assert_eq!(rider.state(), CredentialState::NeedsSignIn(cause));
}

#[test]
fn a_lost_reply_that_the_issuer_forgives_leaves_no_trace() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    rider.does(&transient(LOST));
    rider.does(&Event::TokenAnswer(TokenOutcome::Granted));
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(
        (rider.state(), rider.facts.intent),
        (CredentialState::Active, None)
    );
}

#[test]
fn a_refresh_that_was_abandoned_without_a_word_is_taken_up_again() {
    let mut rider = Rider::signed_in().at(Millis::mins(6));
    rider.does(&intended(1));
    assert_eq!(rider.does(&Event::Tick), [], "it is under way");
    let mut rider = rider.at(Millis::mins(9));
    let again = Action::Refresh {
        reason: RefreshReason::OutcomeUnknown,
    };
    assert_eq!(rider.does(&Event::Tick), [again]);
    rider.does(&intended(1));
    rider.does(&refused(Refusal::InvalidGrant));
    let cause = SignInCause::RotationResponseLost;
    assert_eq!(rider.state(), CredentialState::NeedsSignIn(cause));
}

#[test]
fn killed_between_reply_and_save_counts_as_a_lost_reply() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    let actions = rider.does(&launched(VaultCondition::Ready));
    assert_eq!(
        actions,
        [Action::RetryRefreshAtOnce {
            generation: Generation(1)
        }]
    );
    rider.does(&refused(Refusal::InvalidGrant));
    let cause = SignInCause::RotationResponseLost;
    assert_eq!(rider.state(), CredentialState::NeedsSignIn(cause));
}

#[test]
fn invalid_grant_condemns_the_token_and_only_an_account_code_the_person() {
    #[rustfmt::skip]
    let cases = [
        (Refusal::InvalidGrant,   CredentialState::NeedsSignIn(SignInCause::TokenRefused)),
        (Refusal::AccountBlocked, CredentialState::Blocked),
        (Refusal::InvalidClient,  CredentialState::Offline(Trouble::AppRefused)),
        (Refusal::InvalidRequest, CredentialState::Offline(Trouble::AppRefused)),
        (Refusal::AccessDenied,   CredentialState::Active),
    ];
    for (refusal, want) in cases {
        let mut rider = Rider::signed_in();
        rider.does(&intended(1));
        rider.does(&refused(refusal));
        assert_eq!(rider.state(), want, "{refusal:?}");
        assert!(rider.facts.tokens.is_some(), "nothing is deleted");
    }
}

#[test]
fn a_dead_token_is_never_tried_again_and_a_new_sign_in_drains_the_queue() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    rider.does(&refused(Refusal::InvalidGrant));
    for minutes in 0..1_000 {
        rider = rider.at(Millis::mins(minutes));
        assert_eq!(rider.does(&Event::Tick), []);
    }
    assert_eq!(rider.does(&launched(VaultCondition::Ready)), []);
    assert_eq!(rider.access().uploads, Uploads::Queue);
    rider.does(&Event::SignInStarted);
    rider.does(&Event::SignInCompleted {
        account: athlete("a"),
    });
    assert_eq!(
        rider.does(&Event::TokensSaved(tokens(2, T0))),
        [Action::WakeLanes]
    );
    assert_eq!(rider.access().uploads, Uploads::Send);
}

#[test]
fn one_401_refreshes_once_and_more_of_them_never_lock_out() {
    let mut rider = Rider::signed_in();
    let first = rider.does(&Event::ApiUnauthorized {
        generation: Generation(1),
    });
    let refresh = Action::Refresh {
        reason: RefreshReason::Unauthorized,
    };
    assert_eq!(
        first,
        [
            Action::DropAccessToken {
                generation: Generation(1)
            },
            refresh.clone()
        ]
    );
    rider.does(&intended(1));
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    let late = rider.does(&Event::ApiUnauthorized {
        generation: Generation(1),
    });
    assert_eq!(
        late,
        [Action::WakeLanes],
        "a late answer to the older token"
    );
    for _ in 0..60 {
        assert_eq!(
            rider.does(&Event::ApiUnauthorized {
                generation: Generation(2)
            }),
            []
        );
        assert_eq!(rider.does(&Event::Tick), []);
    }
    assert_eq!(
        rider.state(),
        CredentialState::Offline(Trouble::AccessRefused)
    );
    assert!(rider.access().calls, "the lanes go on at their own pace");
    let mut rider = rider.at(Millis::mins(16));
    let again = rider.does(&Event::ApiUnauthorized {
        generation: Generation(2),
    });
    assert!(again.contains(&refresh), "no relaunch is needed");
    rider.does(&Event::TokensSaved(tokens(3, T0)));
    rider.does(&contact(3, T0));
    assert_eq!(
        (rider.state(), rider.facts.unauthorized),
        (CredentialState::Active, None)
    );
}

#[test]
fn tokens_that_are_not_saved_work_from_memory_and_are_never_spent() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    assert_eq!(
        rider.does(&Event::TokenAnswer(TokenOutcome::Granted)),
        [Action::SaveTokens]
    );
    rider.does(&Event::SaveFailed(tokens(2, T0)));
    assert_eq!(
        rider.state(),
        CredentialState::VaultUnavailable(VaultCause::NotSaved)
    );
    assert_eq!(rider.access().uploads, Uploads::Send);
    let mut rider = rider.at(Millis::hours(5));
    assert_eq!(
        rider.does(&Event::Tick),
        [Action::SaveTokens],
        "and no refresh"
    );
    rider.does(&Event::VaultChanged(VaultCondition::Locked));
    assert_eq!(
        rider.does(&Event::VaultChanged(VaultCondition::Ready)),
        [Action::SaveTokens, Action::WakeLanes]
    );
    assert_eq!(refresh_wanted(&rider.facts, &rider.now), None);
    assert_eq!(
        rider.does(&Event::ApiUnauthorized {
            generation: Generation(2)
        }),
        []
    );
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(rider.state(), CredentialState::Active);
}

#[test]
fn a_refresh_is_wanted_from_half_of_the_tokens_life_on_whatever_the_wall_clock_says() {
    for wrong_by in [-20 * 365, -1, 0, 1, 365] {
        let mut rider = Rider::signed_in();
        let mut wants = |span: Millis| {
            rider.now = later(span);
            rider.now.wall = WallMs(rider.now.wall.0 + wrong_by * 86_400_000);
            rider.does(&Event::Tick)
        };
        assert_eq!(wants(Millis::mins(4)), [], "{wrong_by} days");
        let wanted = Action::Refresh {
            reason: RefreshReason::HalfLife,
        };
        assert_eq!(wants(Millis::mins(6)), [wanted], "{wrong_by} days");
    }
}

#[test]
fn an_older_generation_never_replaces_a_newer_one_and_the_loser_reads_again() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::TokensSaved(tokens(5, T0)));
    rider.does(&Event::TokensSaved(tokens(4, T0)));
    let before = rider.facts.clone();
    let same = Event::TokensSaved(tokens(5, T0.plus(Millis::days(1))));
    assert_eq!(rider.does(&same), []);
    assert_eq!(rider.facts, before, "told twice");
    assert_eq!(
        rider.facts.tokens.as_ref().unwrap().generation,
        Generation(5)
    );
    rider.does(&intended(4));
    let actions = rider.does(&Event::TokenAnswer(TokenOutcome::Superseded));
    assert_eq!(actions, [Action::RereadTokens]);
    assert_eq!(rider.state(), CredentialState::Active);
}

#[test]
fn a_refusal_of_a_token_that_is_no_longer_the_newest_changes_nothing() {
    let refusals = [
        Refusal::InvalidGrant,
        Refusal::AccountBlocked,
        Refusal::InvalidClient,
    ];
    for refusal in refusals {
        let mut rider = Rider::signed_in();
        rider.does(&intended(1));
        rider.does(&Event::TokensSaved(tokens(2, T0)));
        rider.does(&refused(refusal));
        assert_eq!(rider.state(), CredentialState::Active, "nobody asked");
        rider.does(&intended(1));
        rider.does(&refused(refusal));
        assert_eq!(rider.state(), CredentialState::Active, "an older one asked");
        rider.does(&intended(2));
        rider.does(&refused(refusal));
        assert_ne!(rider.state(), CredentialState::Active, "the newest");
    }
}

#[test]
fn a_refusal_while_newer_tokens_wait_to_be_saved_leaves_them_and_their_intent() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    rider.does(&Event::SaveFailed(tokens(2, T0)));
    rider.does(&refused(Refusal::InvalidGrant));
    let cause = VaultCause::NotSaved;
    assert_eq!(rider.state(), CredentialState::VaultUnavailable(cause));
    rider.does(&launched(VaultCondition::Ready));
    assert_eq!(
        rider.state(),
        CredentialState::OutcomeUnknown(Generation(1)),
        "they ended with the process"
    );
}

#[test]
fn a_refusal_of_the_app_forgets_no_lost_reply() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    rider.does(&transient(LOST));
    rider.does(&refused(Refusal::InvalidClient));
    assert_eq!(
        rider.state(),
        CredentialState::OutcomeUnknown(Generation(1))
    );
    rider.does(&intended(1));
    rider.does(&refused(Refusal::InvalidGrant));
    let cause = SignInCause::RotationResponseLost;
    assert_eq!(rider.state(), CredentialState::NeedsSignIn(cause));
}

/// An issuer that blocks an account also ends its tokens.
#[test]
fn a_dead_token_lifts_no_block_and_a_new_sign_in_does() {
    let mut rider = Rider::signed_in();
    rider.does(&blocked(1));
    rider.does(&launched(VaultCondition::Ready));
    rider.does(&intended(1));
    rider.does(&refused(Refusal::InvalidGrant));
    assert_eq!(rider.state(), CredentialState::Blocked);
    assert_eq!(rider.access().licensed_library, Library::Locked);
    rider.does(&Event::SignInStarted);
    rider.does(&Event::SignInCompleted {
        account: athlete("a"),
    });
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(rider.state(), CredentialState::Active);
}

#[test]
fn a_refresh_that_ends_while_the_athlete_signs_in_leaves_the_sign_in_alone() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::SignInStarted);
    rider.does(&intended(1));
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(
        rider.state(),
        CredentialState::SigningIn(Box::new(CredentialState::Active))
    );
    rider.does(&Event::SignInCompleted {
        account: athlete("a"),
    });
    rider.does(&Event::TokensSaved(tokens(3, T0)));
    assert_eq!(rider.state(), CredentialState::Active);
}

/// Row 61, with nothing to replace the token by: it stays, and serves the next time.
#[test]
fn a_401_takes_no_token_away_that_cannot_be_replaced() {
    let hindrances = [
        Event::VaultChanged(VaultCondition::Locked),
        Event::VaultChanged(VaultCondition::TimedOut),
        Event::NetworkChanged(SystemNetwork::Down),
    ];
    for hindrance in hindrances {
        let mut rider = Rider::signed_in();
        rider.does(&hindrance);
        let actions = rider.does(&Event::ApiUnauthorized {
            generation: Generation(1),
        });
        assert_eq!(actions, [], "{hindrance:?}");
        assert!(rider.access().calls, "{hindrance:?}");
        assert!(access_token_usable(&rider.facts, &rider.now, Millis::ZERO));
        rider.does(&Event::NetworkChanged(SystemNetwork::Up));
        rider.does(&contact(1, T0));
        assert_eq!(rider.access().uploads, Uploads::Send, "{hindrance:?}");
    }
}
