//! What the catalogue of auth failures leaves for policy to decide and no other test of this crate tells.

use super::rider::{LOST, Rider, T0, athlete, contact, intended, later, launched, refused, tokens};
use super::*;
use crate::definitive::Refusal;
use crate::time::{Millis, WallMs};
use crate::token::Generation;
use crate::transport::Trouble;

fn unauthorized(generation: u64) -> Event {
    Event::ApiUnauthorized {
        generation: Generation(generation),
    }
}

/// Whether the engine is asked for a refresh.
fn asks(actions: &[Action]) -> bool {
    actions.iter().any(|action| match action {
        Action::Refresh { .. } | Action::RetryRefreshAtOnce { .. } => true,
        Action::SaveTokens
        | Action::RereadTokens
        | Action::DropAccessToken { .. }
        | Action::DiscardNewTokens
        | Action::OpenProfile { .. }
        | Action::ForgetTokens
        | Action::RevokeRemotely { .. }
        | Action::WakeLanes => false,
    })
}

/// Row 15.
#[test]
fn a_time_out_is_called_a_time_out() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::CallFailed(LOST));
    let words = view(&rider.facts, &rider.now).words;
    assert!(
        words
            .detail
            .starts_with("The service did not answer in time."),
        "{words:?}"
    );
}

/// Row 26: a token that is dead costs no request, whatever happens; a blocked account one per launch.
#[test]
fn a_dead_token_and_a_block_cost_a_bounded_number_of_requests() {
    for (refusal, per_launch) in [(Refusal::InvalidGrant, 0), (Refusal::AccountBlocked, 1)] {
        let mut rider = Rider::signed_in();
        rider.does(&intended(1));
        rider.does(&refused(refusal));
        let mut asked = 0;
        for hour in 0..72_u64 {
            rider = rider.at(Millis::hours(hour));
            let happens = [
                Event::Tick,
                unauthorized(1),
                Event::CallFailed(LOST),
                Event::VaultChanged(VaultCondition::Locked),
                Event::VaultChanged(VaultCondition::Ready),
                Event::NetworkChanged(SystemNetwork::Down),
                Event::NetworkChanged(SystemNetwork::Up),
                Event::RideBegan,
                Event::RideEnded,
            ];
            for event in &happens {
                asked += u32::from(asks(&rider.does(event)));
            }
        }
        assert_eq!(asked, 0, "{refusal:?}");
        for _ in 0..5 {
            asked += u32::from(asks(&rider.does(&launched(VaultCondition::Ready))));
        }
        assert_eq!(asked, 5 * per_launch, "{refusal:?}");
    }
}

/// Row 28: the wall clock is wrong by so much, and stays so. A token is as old as the server's time says.
#[test]
fn a_clock_that_is_ahead_or_behind_makes_no_token_expired_and_none_live_longer() {
    const SECOND: i64 = 1_000;
    let skews = [
        50 * SECOND,
        3_600 * SECOND,
        365 * 86_400 * SECOND,
        -7_200 * SECOND,
        -30 * 86_400 * SECOND,
    ];
    for skew in skews {
        let at = |span: Millis| {
            let mut now = later(span);
            now.wall = WallMs(now.wall.0 + skew);
            now
        };
        let mut rider = Rider::signed_in();
        rider.now = at(Millis::ZERO);
        rider.does(&Event::TokensSaved(tokens(2, T0)));
        for restart in [false, true] {
            let mut usable = |span| {
                rider.now = at(span);
                if restart {
                    rider.now.boot_id = "another".into();
                    rider.now.boot.0 = 0;
                }
                let wanted = refresh_wanted(&rider.facts, &rider.now);
                let usable = access_token_usable(&rider.facts, &rider.now, Millis::secs(20));
                (usable, wanted)
            };
            let name = format!("{skew} ms, restart: {restart}");
            assert_eq!(usable(Millis::secs(1)), (true, None), "{name}");
            let half = Some(RefreshReason::HalfLife);
            assert_eq!(usable(Millis::mins(7)), (true, half), "{name}");
            assert_eq!(usable(Millis::mins(11)), (false, half), "{name}");
        }
    }
}

/// Row 29: the computer was off for two hours and its clock did not notice, so a dead token is sent.
#[test]
fn a_dead_token_that_a_slow_clock_lets_through_costs_one_401_and_one_refresh() {
    let mut rider = Rider::signed_in().restarted();
    rider.now.boot.0 = Millis::secs(30).0;
    rider.does(&launched(VaultCondition::Ready));
    let margin = Millis::secs(20);
    assert!(access_token_usable(&rider.facts, &rider.now, margin));
    assert!(asks(&rider.does(&unauthorized(1))));
    rider.does(&intended(1));
    rider.does(&Event::TokensSaved(tokens(2, T0.plus(Millis::hours(2)))));
    assert!(access_token_usable(&rider.facts, &rider.now, margin));
    rider.does(&contact(2, T0.plus(Millis::hours(2))));
    assert_eq!(rider.state(), CredentialState::Active);
    assert!(!asks(&rider.does(&Event::Tick)));
}

/// Row 61: 401 once, twice, for a minute, for an hour. Each refresh brings tokens that the API does not take either.
#[test]
fn any_number_of_401s_costs_one_refresh_per_quarter_of_an_hour_and_no_access() {
    #[rustfmt::skip]
    let cases = [
        ("once",         1,     Millis::ZERO,     1),
        ("twice",        2,     Millis::ZERO,     1),
        ("for a minute", 60,    Millis::secs(1),  1),
        ("for an hour",  3_600, Millis::secs(1),  4),
    ];
    for (name, times, apart, refreshes) in cases {
        let mut rider = Rider::signed_in();
        let (mut asked, mut newest) = (0, 1);
        for n in 0..times {
            rider.now = later(Millis(apart.0 * n));
            if asks(&rider.does(&unauthorized(newest))) {
                asked += 1;
                rider.does(&intended(newest));
                newest += 1;
                rider.does(&Event::TokensSaved(tokens(newest, T0)));
            }
            let access = rider.access();
            assert_eq!(access.licensed_library, Library::Open, "{name}");
            assert!(access.calls, "{name}: the lanes go on at their pace");
        }
        assert_eq!(asked, refreshes, "{name}");
        let counted = rider.facts.unauthorized.as_ref().map(|streak| streak.count);
        assert_eq!(counted.map(u64::from), Some(times), "{name}");
        if times > 1 {
            let cause = Trouble::AccessRefused;
            assert_eq!(rider.state(), CredentialState::Offline(cause), "{name}");
        }
        rider.does(&contact(newest, T0));
        assert_eq!(
            rider.state(),
            CredentialState::Active,
            "{name}: no relaunch"
        );
    }
}

/// Rows 41, 42, 44, 46, 52: nothing can be written to the keyring at the sign-in.
#[test]
fn a_sign_in_whose_tokens_cannot_be_kept_works_from_memory_and_is_saved_when_the_vault_returns() {
    use VaultCondition as V;
    for vault in [V::Locked, V::TimedOut, V::Denied, V::Absent, V::Failed] {
        let mut rider = Rider::new();
        rider.does(&Event::SignInStarted);
        rider.does(&Event::SignInCompleted {
            account: athlete("a"),
        });
        rider.does(&Event::VaultChanged(vault));
        assert_eq!(
            rider.does(&Event::SaveFailed(tokens(1, T0))),
            [Action::WakeLanes]
        );
        let not_saved = CredentialState::VaultUnavailable(VaultCause::NotSaved);
        assert_eq!(rider.state(), not_saved, "{vault:?}");
        let access = rider.access();
        assert_eq!(access.licensed_library, Library::Open, "{vault:?}");
        assert_eq!((access.uploads, access.calls), (Uploads::Send, true));
        let words = view(&rider.facts, &rider.now).words;
        assert!(words.nudge && !words.detail.contains("disk"), "{words:?}");
        let mut closed = Rider {
            facts: rider.facts.clone(),
            now: rider.now.clone(),
        };
        assert_eq!(
            rider.does(&Event::VaultChanged(V::Ready)),
            [Action::SaveTokens, Action::WakeLanes]
        );
        rider.does(&Event::TokensSaved(tokens(1, T0)));
        assert_eq!(rider.state(), CredentialState::Active, "{vault:?}");
        closed.does(&launched(vault));
        let lost = CredentialState::NeedsSignIn(SignInCause::CredentialLost);
        assert_eq!(closed.state(), lost, "closed before: {vault:?}");
        assert_eq!(closed.access().licensed_library, Library::Open);
    }
}

/// Row 20: what a late refusal of an older token may clear.
#[test]
fn an_access_token_is_dropped_by_its_generation_only() {
    let mut rider = Rider::signed_in();
    rider.does(&Event::TokensSaved(tokens(2, T0)));
    assert_eq!(rider.does(&unauthorized(1)), [Action::WakeLanes]);
    assert!(rider.facts.tokens.as_ref().unwrap().access.is_some());
    assert!(rider.facts.access_in_memory);
    let actions = rider.does(&unauthorized(2));
    let generation = Generation(2);
    assert!(actions.contains(&Action::DropAccessToken { generation }));
    assert!(rider.facts.tokens.as_ref().unwrap().access.is_none());
    assert!(!rider.facts.access_in_memory);
}
