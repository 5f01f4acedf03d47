//! Arbitrary stories: events, and what the clocks do between them.

use proptest::prelude::*;

use super::*;
use crate::definitive::{Refusal, TokenOutcome};
use crate::time::{BootId, BootMs, Millis, Now, WallMs};
use crate::token::{Fingerprint, Generation};
use crate::transport::{Sent, TransportFailure, Trouble};

pub(super) const T0: i64 = 1_767_592_800_000;

fn account() -> impl Strategy<Value = Account> {
    prop_oneof![4 => Just("a"), 1 => Just("b")].prop_map(|subject| Account {
        issuer: "https://rides.example".into(),
        subject: subject.into(),
        name: "Name".into(),
        service: None,
    })
}

pub(super) fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::Transport(TransportFailure::Dns)),
        Just(Trouble::Transport(TransportFailure::Timeout {
            sent: Sent::After
        })),
        Just(Trouble::Transport(TransportFailure::Cut)),
        Just(Trouble::Transport(TransportFailure::ProxyAuth)),
        Just(Trouble::Redirected),
        Just(Trouble::Foreign),
        Just(Trouble::Empty),
        Just(Trouble::Unreadable),
        Just(Trouble::Unverified),
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

pub(super) fn vault() -> impl Strategy<Value = VaultCondition> {
    use VaultCondition::*;
    prop_oneof![
        4 => Just(Ready),
        1 => Just(Missing),
        1 => Just(Locked),
        1 => Just(Absent),
        1 => Just(Denied),
        1 => Just(TimedOut),
        1 => Just(Failed),
    ]
}

fn tokens() -> impl Strategy<Value = SavedTokens> {
    let renewal = prop_oneof![2 => Just(false), 1 => Just(true)];
    let tokens = (1..9_u64, prop::option::of(0..20_u64), renewal);
    tokens.prop_map(|(generation, days, unrenewable)| SavedTokens {
        generation: Generation(generation),
        fingerprint: Fingerprint(format!("fp{generation}")),
        server_time: WallMs(T0),
        access_life: Millis::mins(10),
        refresh_until: None,
        offline_grace: days.map(Millis::days),
        unrenewable,
    })
}

fn open_ride() -> impl Strategy<Value = OpenRide> {
    prop_oneof![
        Just(OpenRide::None),
        Just(OpenRide::Left),
        Just(OpenRide::UnderWay)
    ]
}

fn caller() -> impl Strategy<Value = Caller> {
    (1..9_u64, account()).prop_map(|(generation, account)| Caller {
        generation: Generation(generation),
        principal: account.principal(),
    })
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    use SystemNetwork::*;
    prop_oneof![
        (vault(), open_ride()).prop_map(|(vault, ride)| Event::Launched { vault, ride }),
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
        prop::option::of(caller()).prop_map(|caller| Event::Contact {
            server_time: WallMs(T0),
            caller,
        }),
        trouble().prop_map(Event::CallFailed),
        (1..9_u64).prop_map(|g| Event::ApiUnauthorized {
            generation: Generation(g)
        }),
        (1..9_u64).prop_map(|g| Event::AccountBlocked {
            generation: Generation(g)
        }),
        vault().prop_map(Event::VaultChanged),
        prop_oneof![Just(Up), Just(Down), Just(Unknown)].prop_map(Event::NetworkChanged),
        Just(Event::RideBegan),
        Just(Event::RideEnded),
        Just(Event::AnchorForged),
        Just(Event::UnsavedLost),
        account().prop_map(|account| Event::AccountRestored {
            principal: Principal {
                service: Some("https://api.example".into()),
                ..account.principal()
            },
        }),
        (1..9_u64).prop_map(|g| Event::NoRefreshToken {
            generation: Generation(g)
        }),
    ]
}

/// This many cases, unless `PROPTEST_CASES` says otherwise.
pub(super) fn cases(usual: u32) -> ProptestConfig {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        ProptestConfig::default()
    } else {
        ProptestConfig::with_cases(usual)
    }
}

/// An event, the uptime before it, a movement of the wall clock, and whether the machine restarts.
pub(super) type Beat = (Event, u64, i64, bool);

/// Events, each with the uptime before it, a movement of the wall clock, and whether the machine restarts.
pub(super) fn story() -> impl Strategy<Value = Vec<Beat>> {
    let day = 86_400_000_i64;
    let moves = prop_oneof![4 => Just(0), 1 => -40 * day..40 * day];
    let restarts = prop_oneof![9 => Just(false), 1 => Just(true)];
    let uptime = prop_oneof![4 => 0..60_000_u64, 1 => 0..86_400_000 * 3_u64];
    prop::collection::vec((event(), uptime, moves, restarts), 0..60)
}

/// Runs a story and shows each step to `check`: before, event, after, actions, now.
pub(super) fn run(
    story: &[Beat],
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
