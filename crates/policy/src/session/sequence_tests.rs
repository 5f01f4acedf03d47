//! What must hold after any sequence of events.

use proptest::prelude::*;

use super::story::{cases, run, story, trouble};
use super::*;
use crate::definitive::{Refusal, TokenOutcome};
use crate::time::Now;

proptest! {
    #![proptest_config(cases(128))]
    #[test]
    fn only_definitive_answers_and_fresh_tokens_change_the_accounts_standing(story in story()) {
        run(&story, |before, event, after, _, _| {
            let may = matches!(
                event,
                Event::TokenAnswer(TokenOutcome::Definitive(_))
                    | Event::AccountBlocked { .. }
                    | Event::TokensSaved(_)
                    | Event::SaveFailed(_)
                    | Event::Contact { .. }
                    | Event::SignOut
            );
            prop_assert!(may || before.condemned == after.condemned, "{event:?}");
            let sign_in = matches!(event, Event::TokensSaved(_) | Event::SaveFailed(_));
            // Who it is; where the service is may be put right.
            let told = |facts: &Facts| {
                let account = facts.account.clone();
                account.map(|account| (account.issuer, account.subject, account.name))
            };
            prop_assert!(sign_in || told(before) == told(after), "{event:?}");
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
            let ends = match event {
                Event::Launched { ride, .. } => *ride != OpenRide::UnderWay,
                other => *other == Event::RideEnded,
            };
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
            let asks = |facts: &Facts| matches!(
                settled(facts, now),
                CredentialState::NeedsSignIn(_) | CredentialState::Blocked
            );
            prop_assert!(!harmless || asks(before) || !asks(after), "{event:?}");
            Ok(())
        })?;
    }

    #[test]
    fn no_number_of_transient_outcomes_asks_for_anything(
        story in story(), troubles in prop::collection::vec((trouble(), any::<bool>()), 1..200)
    ) {
        let (mut facts, mut at) = (Facts::default(), Now::default());
        run(&story, |_, _, after, _, now| {
            (facts, at) = (after.clone(), now.clone());
            Ok(())
        })?;
        let (standing, opens) = (facts.condemned, access(&facts, &at).licensed_library);
        for (trouble, refreshing) in troubles {
            let event = if refreshing {
                let transient = TokenOutcome::Transient { trouble, retry_after: None };
                Event::TokenAnswer(transient)
            } else {
                Event::CallFailed(trouble)
            };
            facts = step(&facts, &event, &at).0;
        }
        prop_assert_eq!(facts.condemned, standing);
        prop_assert_eq!(access(&facts, &at).licensed_library, opens);
    }

    #[test]
    fn a_refusal_of_an_older_token_changes_nothing_that_shows(story in story()) {
        let refusals = [Refusal::InvalidGrant, Refusal::AccountBlocked, Refusal::InvalidClient];
        run(&story, |_, _, facts, _, now| {
            let newest = facts.tokens.as_ref().map(|tokens| tokens.generation);
            let sent = facts.intent.as_ref().map(|intent| intent.generation);
            let is_newest = sent.is_some() && sent == newest && facts.unsaved.is_none();
            for refusal in refusals {
                let event = Event::TokenAnswer(TokenOutcome::Definitive(refusal));
                let (after, actions) = step(facts, &event, now);
                prop_assert!(actions.is_empty());
                if !is_newest {
                    prop_assert_eq!(after.condemned, facts.condemned);
                    prop_assert_eq!(after.trouble, facts.trouble);
                    prop_assert_eq!(&after.tokens, &facts.tokens);
                    let (was, is) = (access(facts, now), access(&after, now));
                    prop_assert_eq!((was.ride, was.licensed_library), (is.ride, is.licensed_library));
                }
            }
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
            let renewable = after.tokens.as_ref().is_none_or(|tokens| !tokens.unrenewable);
            for action in actions {
                let asks = match action {
                    Action::Refresh { reason } => {
                        prop_assert!(renewable, "{event:?} {action:?}");
                        *reason != RefreshReason::Recheck
                    }
                    Action::RetryRefreshAtOnce { .. } => {
                        prop_assert!(renewable, "{event:?} {action:?}");
                        true
                    }
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

/// The state, or the one that a sign-in began from.
fn settled(facts: &Facts, now: &Now) -> CredentialState {
    match state(facts, now) {
        CredentialState::SigningIn(from) => *from,
        state => state,
    }
}
