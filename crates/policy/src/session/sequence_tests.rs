//! What must hold after any sequence of events.

use proptest::prelude::*;

use super::*;
use crate::definitive::{Refusal, TokenOutcome};
use crate::time::{BootId, BootMs, Millis, Now, WallMs};
use crate::token::{Fingerprint, Generation};
use crate::transport::{Sent, TransportFailure, Trouble};

const T0: i64 = 1_767_592_800_000;

fn account() -> impl Strategy<Value = Account> {
    prop_oneof![4 => Just("a"), 1 => Just("b")].prop_map(|subject| Account {
        issuer: "https://rides.example".into(),
        subject: subject.into(),
        name: "Name".into(),
        service: None,
    })
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::Transport(TransportFailure::Dns)),
        Just(Trouble::Transport(TransportFailure::Timeout {
            sent: Sent::After
        })),
        Just(Trouble::Transport(TransportFailure::Cut)),
        Just(Trouble::Foreign),
        Just(Trouble::Empty),
        Just(Trouble::Busy),
        (500..527_u16).prop_map(Trouble::Status),
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    use Refusal::*;
    prop_oneof![
        Just(InvalidGrant),
        Just(AccountBlocked),
        Just(InvalidClient),
        Just(ExpiredToken)
    ]
}

fn outcome() -> impl Strategy<Value = TokenOutcome> {
    prop_oneof![
        Just(TokenOutcome::Granted),
        Just(TokenOutcome::Superseded),
        refusal().prop_map(TokenOutcome::Definitive),
        trouble().prop_map(|trouble| TokenOutcome::Transient {
            trouble,
            retry_after: None
        }),
    ]
}

fn vault() -> impl Strategy<Value = VaultCondition> {
    use VaultCondition::*;
    prop_oneof![3 => Just(Ready), 1 => Just(Missing), 1 => Just(Locked), 1 => Just(TimedOut)]
}

fn tokens() -> impl Strategy<Value = SavedTokens> {
    (1..9_u64, prop::option::of(0..20_u64)).prop_map(|(generation, days)| SavedTokens {
        generation: Generation(generation),
        fingerprint: Fingerprint(format!("fp{generation}")),
        server_time: WallMs(T0),
        access_life: Millis::mins(10),
        refresh_until: None,
        offline_grace: days.map(Millis::days),
    })
}

fn event() -> impl Strategy<Value = Event> {
    use SystemNetwork::*;
    prop_oneof![
        (vault(), any::<bool>())
            .prop_map(|(vault, ride_open)| Event::Launched { vault, ride_open }),
        Just(Event::Tick),
        Just(Event::SignInStarted),
        Just(Event::SignInCancelled),
        account().prop_map(|account| Event::SignInCompleted { account }),
        Just(Event::WrongAccount),
        Just(Event::SignOut),
        (1..9_u64).prop_map(|generation| Event::RefreshIntended {
            generation: Generation(generation),
            fingerprint: Fingerprint(format!("fp{generation}")),
        }),
        outcome().prop_map(Event::TokenAnswer),
        tokens().prop_map(Event::TokensSaved),
        tokens().prop_map(Event::SaveFailed),
        Just(Event::Contact {
            server_time: WallMs(T0)
        }),
        trouble().prop_map(Event::CallFailed),
        (1..9_u64).prop_map(|g| Event::ApiUnauthorized {
            generation: Generation(g)
        }),
        Just(Event::AccountBlocked),
        vault().prop_map(Event::VaultChanged),
        prop_oneof![Just(Up), Just(Down), Just(Unknown)].prop_map(Event::NetworkChanged),
        Just(Event::RideBegan),
        Just(Event::RideEnded),
        Just(Event::AnchorForged),
    ]
}

/// Events, each with the uptime before it, a movement of the wall clock, and whether the machine restarts.
fn story() -> impl Strategy<Value = Vec<(Event, u64, i64, bool)>> {
    let day = 86_400_000_i64;
    let moves = prop_oneof![4 => Just(0), 1 => -40 * day..40 * day];
    let restarts = prop_oneof![9 => Just(false), 1 => Just(true)];
    let uptime = prop_oneof![4 => 0..60_000_u64, 1 => 0..86_400_000 * 3_u64];
    prop::collection::vec((event(), uptime, moves, restarts), 0..60)
}

/// Runs a story and shows each step to `check`: before, event, after, actions, now.
fn run(
    story: &[(Event, u64, i64, bool)],
    mut check: impl FnMut(&Facts, &Event, &Facts, &[Action], &Now) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut facts = Facts::default();
    let mut now = Now {
        wall: WallMs(T0),
        boot: BootMs(0),
        boot_id: BootId("r".into()),
    };
    for (event, uptime, moved, restarts) in story {
        if *restarts {
            now.boot = BootMs(0);
            now.boot_id = BootId(format!("{}+", now.boot_id));
        }
        now.boot = BootMs(now.boot.0 + uptime);
        now.wall = WallMs(now.wall.plus(Millis(*uptime)).0 + moved);
        let (next, actions) = step(&facts, event, &now);
        check(&facts, event, &next, &actions, &now)?;
        facts = next;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn only_definitive_answers_and_fresh_tokens_change_the_accounts_standing(story in story()) {
        run(&story, |before, event, after, _, _| {
            let may = matches!(
                event,
                Event::TokenAnswer(TokenOutcome::Definitive(_))
                    | Event::AccountBlocked
                    | Event::TokensSaved(_)
                    | Event::SaveFailed(_)
                    | Event::Contact { .. }
                    | Event::SignOut
            );
            prop_assert!(may || before.condemned == after.condemned, "{event:?}");
            let sign_in = matches!(event, Event::TokensSaved(_) | Event::SaveFailed(_));
            prop_assert!(sign_in || before.account == after.account, "{event:?}");
            Ok(())
        })?;
    }

    #[test]
    fn only_signing_out_deletes_a_refresh_token(story in story()) {
        run(&story, |before, event, after, actions, _| {
            let signs_out = *event == Event::SignOut;
            prop_assert!(signs_out || before.tokens.is_none() || after.tokens.is_some());
            prop_assert_eq!(signs_out, actions.contains(&Action::ForgetTokens));
            if !signs_out {
                let generation = |facts: &Facts| facts.tokens.as_ref().map(|t| t.generation);
                prop_assert!(generation(before) <= generation(after), "newer wins");
            }
            Ok(())
        })?;
    }

    #[test]
    fn nobody_is_signed_in_without_signing_in(story in story()) {
        run(&story, |before, event, after, _, now| {
            let out = |facts: &Facts| facts.account.is_none() || facts.signed_out;
            let arrived = before.arriving.is_some();
            prop_assert!(arrived || !out(before) || out(after), "{event:?}");
            prop_assert!(!out(after) || !access(after, now).calls);
            Ok(())
        })?;
    }

    #[test]
    fn what_may_be_ridden_never_changes_during_a_ride(story in story()) {
        run(&story, |before, event, after, _, now| {
            let ends = matches!(event, Event::RideEnded | Event::Launched { .. });
            if before.riding.is_some() && !ends {
                let (was, is) = (access(before, now), access(after, now));
                prop_assert_eq!((was.ride, was.licensed_library), (is.ride, is.licensed_library));
            }
            Ok(())
        })?;
    }

    #[test]
    fn trouble_and_time_never_ask_for_a_sign_in(story in story()) {
        run(&story, |before, event, after, _, now| {
            let harmless = matches!(
                event,
                Event::Tick | Event::CallFailed(_) | Event::NetworkChanged(_)
                    | Event::ApiUnauthorized { .. } | Event::RideBegan | Event::RideEnded
                    | Event::TokenAnswer(TokenOutcome::Transient { .. })
            );
            let asks = |facts: &Facts| matches!(state(facts, now), CredentialState::NeedsSignIn(_));
            prop_assert!(!harmless || asks(before) || !asks(after), "{event:?}");
            Ok(())
        })?;
    }

    #[test]
    fn no_event_but_contact_gives_grace_back(story in story()) {
        run(&story, |before, event, after, _, now| {
            let contact = matches!(
                event,
                Event::Contact { .. } | Event::TokensSaved(_) | Event::SaveFailed(_)
            );
            if let (false, Some(was), Some(is)) = (contact, grace(before, now), grace(after, now)) {
                prop_assert!(is.elapsed >= was.elapsed);
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_refresh_is_asked_for_only_with_a_token_that_may_be_spent(story in story()) {
        run(&story, |_, event, after, actions, _| {
            for action in actions {
                let asks = match action {
                    Action::Refresh { reason } => *reason != RefreshReason::Recheck,
                    Action::RetryRefreshAtOnce { .. } => true,
                    Action::SaveTokens | Action::RereadTokens | Action::DropAccessToken { .. }
                    | Action::DiscardNewTokens | Action::OpenProfile { .. } | Action::ForgetTokens
                    | Action::RevokeRemotely { .. } | Action::WakeLanes => false,
                };
                let spendable = after.tokens.is_some()
                    && after.unsaved.is_none()
                    && !matches!(after.condemned, Some(Condemned::Token { .. }));
                prop_assert!(!asks || spendable, "{event:?} {action:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn facts_and_events_survive_being_written_and_read(story in story()) {
        run(&story, |_, event, after, actions, now| {
            let text = serde_json::to_string(&(event, after, actions, now)).unwrap();
            let (e, f, a, n): (Event, Facts, Vec<Action>, Now) = serde_json::from_str(&text).unwrap();
            prop_assert_eq!((&e, &f, a.as_slice(), &n), (event, after, actions, now));
            Ok(())
        })?;
    }
}

/// The names between `pub enum CredentialState {` and its end.
fn state_names() -> Vec<&'static str> {
    include_str!("state.rs")
        .lines()
        .skip_while(|line| !line.starts_with("pub enum CredentialState"))
        .skip(1)
        .take_while(|line| *line != "}")
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.trim().split(['(', ',']).next().unwrap())
        .collect()
}

#[test]
fn the_diagram_names_every_state() {
    let names = state_names();
    assert_eq!(names.len(), 9, "{names:?}");
    let docs: String = include_str!("mod.rs")
        .split_once("```text")
        .and_then(|(_, rest)| rest.split_once("```"))
        .unwrap()
        .0
        .into();
    for name in names {
        assert!(docs.contains(name), "{name} is missing in the diagram");
    }
}
