use super::rider::*;
use super::*;
use crate::definitive::{Refusal, TokenOutcome};
use crate::time::Millis;
use crate::token::Generation;
use crate::transport::{TransportFailure, Trouble};

#[test]
fn signing_in_leads_to_active_and_cancelling_goes_back() {
    let mut rider = Rider::new();
    assert_eq!(rider.state(), CredentialState::SignedOut);
    rider.does(&Event::SignInStarted);
    assert_eq!(
        rider.state(),
        CredentialState::SigningIn(Box::new(CredentialState::SignedOut))
    );
    rider.does(&Event::SignInCancelled);
    assert_eq!(rider.state(), CredentialState::SignedOut);
    rider.does(&Event::SignInStarted);
    assert_eq!(
        rider.does(&Event::SignInCompleted {
            account: athlete("a")
        }),
        [Action::SaveTokens]
    );
    assert_eq!(
        rider.does(&Event::TokensSaved(tokens(1, T0))),
        [Action::WakeLanes]
    );
    assert_eq!(rider.state(), CredentialState::Active);
    rider.does(&Event::SignInStarted);
    assert_eq!(
        rider.access().uploads,
        Uploads::Send,
        "a sign-in takes nothing away"
    );
}

#[test]
fn every_trouble_fails_open() {
    let transport = [
        TransportFailure::NoNetwork,
        TransportFailure::Dns,
        TransportFailure::Refused,
        TransportFailure::ProxyAuth,
        TransportFailure::Reset,
        TransportFailure::Garbled,
    ];
    let mut troubles: Vec<Trouble> = transport.map(Trouble::Transport).into();
    troubles.extend([429, 500, 502, 503, 504, 520, 526].map(Trouble::Status));
    troubles.extend([
        Trouble::Foreign,
        Trouble::Redirected,
        Trouble::Busy,
        Trouble::Unverified,
    ]);
    for trouble in troubles {
        let mut rider = Rider::signed_in();
        for _ in 0..100 {
            rider.does(&intended(1));
            rider.does(&transient(trouble));
            rider.does(&Event::CallFailed(trouble));
        }
        let access = rider.access();
        assert_eq!(access.licensed_library, Library::Open, "{trouble:?}");
        assert_eq!(access.uploads, Uploads::Queue, "{trouble:?}");
        assert!(rider.facts.tokens.is_some());
        rider.does(&Event::TokensSaved(tokens(2, T0)));
        assert_eq!(rider.state(), CredentialState::Active, "{trouble:?}");
    }
}

#[test]
fn another_account_is_refused_while_signed_in_and_gets_its_own_profile_after_signing_out() {
    let other = Event::SignInCompleted {
        account: athlete("b"),
    };
    let mut rider = Rider::signed_in();
    rider.does(&Event::SignInStarted);
    assert_eq!(rider.does(&other), [Action::DiscardNewTokens]);
    assert_eq!(
        rider.state(),
        CredentialState::Active,
        "the session is untouched"
    );
    rider.does(&intended(1));
    rider.does(&refused(Refusal::InvalidGrant));
    assert_eq!(
        rider.state(),
        CredentialState::NeedsSignIn(SignInCause::WrongAccount)
    );
    rider.does(&Event::SignOut);
    assert_eq!(
        rider.does(&other),
        [Action::OpenProfile {
            account: athlete("b")
        }]
    );
    assert_eq!(
        rider.facts.account,
        Some(athlete("a")),
        "the queue stays with its owner"
    );
}

#[test]
fn signing_out_is_local_first_and_revokes_later() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::NetworkChanged(SystemNetwork::Down));
    let actions = rider.does(&Event::SignOut);
    let revoke = Action::RevokeRemotely {
        generation: Generation(1),
        fingerprint: "fp1".into(),
    };
    assert_eq!(actions, [Action::ForgetTokens, revoke]);
    assert_eq!(rider.state(), CredentialState::SignedOut);
    assert_eq!(rider.access().uploads, Uploads::Kept);
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(
        rider.state(),
        CredentialState::SignedOut,
        "a late refresh signs nobody in"
    );
}

#[test]
fn the_vaults_condition_is_told_and_recovers_without_a_relaunch() {
    use VaultCondition as V;
    let cases = [
        (
            V::Locked,
            CredentialState::VaultUnavailable(VaultCause::Locked),
        ),
        (
            V::Absent,
            CredentialState::VaultUnavailable(VaultCause::Absent),
        ),
        (
            V::Denied,
            CredentialState::VaultUnavailable(VaultCause::Denied),
        ),
        (
            V::TimedOut,
            CredentialState::VaultUnavailable(VaultCause::TimedOut),
        ),
        (
            V::Failed,
            CredentialState::VaultUnavailable(VaultCause::Failed),
        ),
        (
            V::Missing,
            CredentialState::NeedsSignIn(SignInCause::CredentialLost),
        ),
    ];
    for (vault, want) in cases {
        let mut rider = Rider::signed_in();
        assert_eq!(
            rider.does(&launched(vault)),
            [],
            "{vault:?}: nothing to refresh with"
        );
        assert_eq!(rider.state(), want);
        assert_eq!(rider.access().licensed_library, Library::Open, "{vault:?}");
        assert_eq!(rider.access().uploads, Uploads::Queue, "{vault:?}");
        let recovered = rider.does(&Event::VaultChanged(V::Ready));
        assert_eq!(recovered, [Action::WakeLanes]);
        assert_eq!(rider.state(), CredentialState::Active);
    }
    let mut stranger = Rider::new();
    stranger.does(&launched(V::Missing));
    assert_eq!(stranger.state(), CredentialState::SignedOut);
}

#[test]
fn a_vault_that_locks_while_running_leaves_the_token_in_memory() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::VaultChanged(VaultCondition::Locked));
    assert_eq!(rider.access().uploads, Uploads::Send);
    rider.does(&Event::NetworkChanged(SystemNetwork::Down));
    assert_eq!(rider.access().uploads, Uploads::Queue);
}

#[test]
fn after_14_days_the_library_locks_and_one_refresh_is_tried_before_anybody_is_asked() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::NetworkChanged(SystemNetwork::Down));
    let mut rider = rider.at(Millis::days(14));
    assert_eq!(rider.access().licensed_library, Library::Open);
    rider = rider.at(Millis::days(14).plus(Millis(1)));
    assert_eq!(rider.state(), CredentialState::GraceExpired(None));
    assert_eq!(rider.access().licensed_library, Library::Locked);
    rider.facts.network = SystemNetwork::Up;
    let wanted = Action::Refresh {
        reason: RefreshReason::AfterGrace,
    };
    assert_eq!(rider.does(&launched(VaultCondition::Ready)), [wanted]);
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(rider.state(), CredentialState::Active);
}

#[test]
fn an_anchor_that_was_set_aside_gives_way_to_the_one_that_was_vouched_for() {
    let mut rider = Rider::signed_in();
    let anchor = rider.facts.anchor.clone().unwrap();
    rider.does(&contact(1, T0.plus(Millis::days(9))));
    assert_ne!(rider.facts.anchor.as_ref(), Some(&anchor));
    let restored = Event::AnchorRestored {
        anchor: anchor.clone(),
        mark: None,
    };
    rider.does(&restored);
    assert_eq!((rider.facts.anchor, rider.facts.mark), (Some(anchor), None));
}

#[test]
fn an_answer_is_a_contact_of_nobody_but_whose_newest_token_was_sent() {
    let told = T0.plus(Millis::mins(5));
    let from = |generation, change: fn(&mut Principal)| {
        let Event::Contact {
            server_time,
            caller,
        } = contact(generation, told)
        else {
            unreachable!()
        };
        let mut caller = caller.unwrap();
        change(&mut caller.principal);
        Event::Contact {
            server_time,
            caller: Some(caller),
        }
    };
    type Case = (&'static str, fn(&mut Rider), u64, fn(&mut Principal), bool);
    #[rustfmt::skip]
    let cases: [Case; 12] = [
        ("as it should be",      |_| {},                                             1, |_| {}, true),
        ("an older token",       |r| { r.does(&Event::TokensSaved(tokens(2, T0))); }, 1, |_| {}, false),
        ("the newer one",        |r| { r.does(&Event::TokensSaved(tokens(2, T0))); }, 2, |_| {}, true),
        ("one in memory",        |r| { r.does(&Event::SaveFailed(tokens(2, T0))); },  2, |_| {}, true),
        ("spent for that",       |r| { r.does(&Event::SaveFailed(tokens(2, T0))); },  1, |_| {}, false),
        ("not yet noted",        |_| {},                                             2, |_| {}, true),
        ("after a sign-out",     |r| { r.does(&Event::SignOut); },                   1, |_| {}, false),
        ("blocked meanwhile",    |r| { r.does(&blocked(1)); },                       1, |_| {}, false),
        ("another athlete",      |_| {}, 1, |p| p.subject = "b".into(),              false),
        ("another issuer",       |_| {}, 1, |p| p.issuer = "https://b.example".into(), false),
        ("another service",      |_| {}, 1, |p| p.service = Some("https://b.example".into()), false),
        ("nobody's",             |r| r.facts.account = None,                         1, |_| {}, false),
    ];
    for (name, before, generation, change, counted) in cases {
        let mut rider = Rider::signed_in();
        before(&mut rider);
        let old = rider.facts.clone();
        rider.does(&from(generation, change));
        let server = rider.facts.anchor.as_ref().map(|anchor| anchor.server);
        assert_eq!(server == Some(told), counted, "{name}");
        assert!(counted || rider.facts == old, "{name}");
    }
}

#[test]
fn a_journal_of_the_version_before_tells_of_contacts_without_a_caller() {
    let event = serde_json::json!({"contact": {"server_time": T0.0}});
    let event: Event = serde_json::from_value(event).unwrap();
    let mut rider = Rider::signed_in();
    rider.does(&blocked(1));
    rider.does(&event);
    assert_eq!(rider.state(), CredentialState::Active, "as it was then");
}

#[test]
fn only_where_the_service_is_can_be_put_right() {
    let sealed = |subject: &str| Event::AccountRestored {
        principal: Principal {
            service: Some("https://api.example".into()),
            ..athlete(subject).principal()
        },
    };
    let mut rider = Rider::signed_in();
    let before = rider.facts.clone();
    rider.does(&sealed("b"));
    assert_eq!(rider.facts, before);
    rider.does(&sealed("a"));
    let account = rider.facts.account.take().unwrap();
    assert_eq!(account.service(), "https://api.example");
    let service = None;
    let as_before = Account { service, ..account };
    assert_eq!(Some(as_before), before.account);
}

#[test]
fn unsaved_tokens_that_died_with_their_process_are_a_reply_that_was_lost() {
    let mut rider = Rider::signed_in();
    rider.does(&intended(1));
    rider.does(&Event::TokenAnswer(TokenOutcome::Granted));
    rider.does(&Event::SaveFailed(tokens(2, T0)));
    assert!(rider.facts.unsaved.is_some() && rider.facts.access_in_memory);
    let actions = rider.does(&Event::UnsavedLost);
    assert_eq!(
        (rider.facts.unsaved, rider.facts.access_in_memory),
        (None, false)
    );
    assert_eq!(rider.facts.intent.as_ref().unwrap().doubt, Doubt::Lost);
    let reason = RefreshReason::OutcomeUnknown;
    assert_eq!(actions, [Action::Refresh { reason }]);
}

#[test]
fn a_forged_anchor_counts_as_expired_until_contact() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::AnchorForged);
    assert_eq!(rider.state(), CredentialState::GraceExpired(None));
    rider.does(&contact(1, T0));
    assert_eq!(rider.state(), CredentialState::Active);
}

#[test]
fn a_blocked_account_is_rechecked_at_launch_and_contact_lifts_it() {
    let mut rider = Rider::signed_in();
    rider.does(&blocked(1));
    assert_eq!(rider.access().uploads, Uploads::Kept);
    assert_eq!(rider.does(&Event::Tick), []);
    let recheck = Action::Refresh {
        reason: RefreshReason::Recheck,
    };
    assert_eq!(rider.does(&launched(VaultCondition::Ready)), [recheck]);
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(rider.state(), CredentialState::Active);
}

/// A late answer to an older token may be about the athlete before, or of before the block was lifted.
#[test]
fn a_late_block_of_older_tokens_blocks_nobody() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::SignOut);
    rider.does(&blocked(1));
    assert_eq!(rider.facts.condemned, None);
    rider.does(&Event::SignInStarted);
    rider.does(&Event::SignInCompleted {
        account: athlete("a"),
    });
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(rider.does(&blocked(1)), [Action::WakeLanes]);
    assert_eq!(rider.state(), CredentialState::Active);
    assert_eq!(rider.does(&blocked(2)), []);
    assert_eq!(rider.state(), CredentialState::Blocked);
}

#[test]
fn a_ride_keeps_what_it_began_with_and_one_left_by_a_killed_process_does_not() {
    for ride in [OpenRide::None, OpenRide::Left] {
        let mut rider = Rider::signed_in();
        rider.does(&Event::RideBegan);
        rider.does(&blocked(1));
        let mut rider = rider.at(Millis::days(20));
        assert_eq!(rider.access().licensed_library, Library::Open);
        let vault = VaultCondition::Ready;
        let mut other = rider.clone();
        rider.does(&Event::Launched { vault, ride });
        assert_eq!(rider.access().licensed_library, Library::Locked);
        let ride = OpenRide::UnderWay;
        other.does(&Event::Launched { vault, ride });
        assert_eq!(
            other.access().licensed_library,
            Library::Open,
            "another process rides, and it began within the grace"
        );
        rider.does(&Event::RideBegan);
        assert_eq!(
            rider.access().licensed_library,
            Library::Locked,
            "resuming the ride opens nothing else"
        );
    }
}

#[test]
fn an_account_is_its_issuer_and_subject_and_its_service_is_the_issuer_unless_told() {
    let plain = athlete("a");
    assert_eq!(plain.service(), "https://rides.example");
    let elsewhere = Account {
        service: Some("https://api.rides.example".into()),
        ..athlete("a")
    };
    assert_eq!(elsewhere.service(), "https://api.rides.example");
    assert!(plain.is_same(&elsewhere));
    for account in [&plain, &elsewhere] {
        assert_eq!(account.principal().service(), account.service());
    }
    assert!(!plain.is_same(&athlete("b")));
    let stored = serde_json::to_string(&plain).unwrap();
    assert!(!stored.contains("service"), "{stored}");
    let old = r#"{"issuer":"https://rides.example","subject":"a","name":"A"}"#;
    assert_eq!(serde_json::from_str::<Account>(old).unwrap(), plain);
}

#[test]
fn the_mark_is_saved_every_five_minutes_and_at_launch() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::Tick);
    let first = rider.facts.mark.clone();
    let mut rider = rider.at(Millis::mins(3));
    rider.does(&Event::Tick);
    assert_eq!(rider.facts.mark, first, "no write for nothing");
    let mut rider = rider.at(Millis::mins(6));
    rider.does(&Event::Tick);
    assert_eq!(rider.facts.mark.as_ref().unwrap().elapsed, Millis::mins(6));
    let mut rider = rider.at(Millis::days(2)).restarted();
    rider.does(&launched(VaultCondition::Ready));
    assert_eq!(rider.facts.mark.as_ref().unwrap().elapsed, Millis::days(2));
}

#[test]
fn a_view_says_it_all_at_once() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::NetworkChanged(SystemNetwork::Down));
    let rider = rider.at(Millis::days(11));
    let view = view(&rider.facts, &rider.now);
    assert_eq!((view.days_left, view.words.nudge), (Some(3), true));
    assert!(view.words.detail.contains("3 more days"), "{view:?}");
}

#[test]
fn the_lanes_are_woken_by_a_vault_that_returns_and_by_nothing_else_that_it_does() {
    let mut rider = Rider::signed_in();
    let ready = Event::VaultChanged(VaultCondition::Ready);
    assert_eq!(rider.does(&ready), [], "it was");
    let locked = Event::VaultChanged(VaultCondition::Locked);
    assert_eq!(rider.does(&locked), []);
    assert_eq!(rider.does(&locked), []);
    let denied = Event::VaultChanged(VaultCondition::Denied);
    assert_eq!(rider.does(&denied), []);
    assert_eq!(rider.does(&ready), [Action::WakeLanes]);
}

#[test]
fn signing_out_forgets_the_session_and_neither_the_computer_nor_the_ride() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::RideBegan);
    rider.does(&Event::VaultChanged(VaultCondition::Locked));
    rider.does(&Event::NetworkChanged(SystemNetwork::Down));
    let riding = rider.facts.riding;
    assert!(riding.is_some());
    rider.does(&Event::SignOut);
    let want = Facts {
        account: Some(athlete("a")),
        signed_out: true,
        vault: VaultCondition::Locked,
        network: SystemNetwork::Down,
        riding,
        ..Facts::default()
    };
    assert_eq!(rider.facts, want);
    assert_eq!(rider.access().licensed_library, Library::Open);
}

#[test]
fn a_states_name_is_the_one_that_it_is_written_with() {
    use CredentialState as S;
    let states = [
        S::SignedOut,
        S::SigningIn(Box::new(S::Active)),
        S::Active,
        S::Offline(DNS),
        S::OutcomeUnknown(Generation(1)),
        S::VaultUnavailable(VaultCause::Locked),
        S::NeedsSignIn(SignInCause::TokenRefused),
        S::GraceExpired(None),
        S::Blocked,
    ];
    for state in states {
        let written = serde_json::to_value(&state).unwrap();
        let key = written
            .as_object()
            .and_then(|object| object.keys().next().cloned());
        let key = key.unwrap_or_else(|| written.as_str().unwrap().to_owned());
        assert_eq!(state.name(), key);
    }
}
