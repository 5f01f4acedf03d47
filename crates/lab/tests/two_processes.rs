//! Two processes renew the tokens of one profile at the same time, again and again, at a provider that ends a sign-in as
//! soon as one refresh token comes twice.
//!
//! Needs `cargo xtask setup` (the provider's packages) and `session-probe` beside the test: `cargo build --workspace`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

use freewheel_lab::peer::{Peer, PeerEvent, PeerOptions};
use freewheel_lab::session_probe::{Opening, Probe, Stored};
use freewheel_lab::sign_in_page::foreign::{self, Answer};
use freewheel_policy::session::{CredentialState, SignInCause};

/// Rounds between two processes that stay.
const ROUNDS: u64 = 200;
/// Rounds between two processes that are started for it.
const COLD_ROUNDS: u64 = 10;
/// Rounds in which both were at it together, at least: less would prove little.
const TOGETHER: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_renew_at_once_spend_no_token_twice() {
    let logs = tempfile::tempdir().unwrap();
    let profile = tempfile::tempdir().unwrap();
    let peer = Peer::start(logs.path(), PeerOptions::default())
        .await
        .unwrap();
    let mut one = Probe::start("one", profile.path(), Opening::OneShot, logs.path()).unwrap();
    let first = sign_in(&mut one, &peer).await;
    let mut two = Probe::start("two", profile.path(), Opening::OneShot, logs.path()).unwrap();
    two.ready().await.unwrap();

    let mut tally = Tally::default();
    let mut before = first.generation;
    for _ in 0..ROUNDS {
        before = round(&mut one, &mut two, before, &mut tally).await;
    }
    let warm = tally;
    for _ in 0..COLD_ROUNDS {
        let start =
            |name| Probe::start(name, profile.path(), Opening::OneShot, logs.path()).unwrap();
        let (mut one, mut two) = (start("cold-one"), start("cold-two"));
        before = round(&mut one, &mut two, before, &mut tally).await;
    }
    println!("both stay: {warm:?}\nwith those that were started for it: {tally:?}");

    let renewals = tally.shared + 2 * tally.one_after_the_other;
    let renewed = |event: &PeerEvent| {
        event.event == "grant.success" && event.grant_type.as_deref() == Some("refresh_token")
    };
    assert_eq!(u64::try_from(peer.count(renewed)).unwrap(), renewals);
    assert_eq!(before, first.generation + renewals);
    let bad = |event: &PeerEvent| {
        matches!(
            event.event.as_str(),
            "grant.revoked" | "grant.error" | "server_error"
        )
    };
    let bad: Vec<_> = peer.events().into_iter().filter(bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(
        Stored::read(profile.path()).unwrap().state,
        CredentialState::Active
    );
    assert!(warm.shared >= TOGETHER, "too few rounds met: {warm:?}");
}

/// The other way round: two copies of a profile have no lock in common, and then the provider does end the sign-in. So the
/// rounds above would have shown it.
#[tokio::test]
async fn two_copies_of_a_profile_spend_a_token_twice_and_the_provider_notices() {
    let logs = tempfile::tempdir().unwrap();
    let (profile, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let peer = Peer::start(logs.path(), PeerOptions::default())
        .await
        .unwrap();
    let mut one = Probe::start("one", profile.path(), Opening::OneShot, logs.path()).unwrap();
    sign_in(&mut one, &peer).await;
    for entry in std::fs::read_dir(profile.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    let mut two = Probe::start("two", copy.path(), Opening::OneShot, logs.path()).unwrap();
    one.ask("renew").await.unwrap();
    let (said, stored) = two.ask("renew").await.unwrap();
    let refused = CredentialState::NeedsSignIn(SignInCause::TokenRefused);
    assert_eq!((said.as_str(), stored.state), ("Refused", refused));
    assert_eq!(peer.count(|event| event.event == "grant.revoked"), 1);
}

/// How the rounds went.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    /// Both were at it together: the second found what the first had got.
    shared: u64,
    /// The second began when the first had ended, and renewed again.
    one_after_the_other: u64,
}

/// Both renew at once; gives the generation afterwards.
async fn round(one: &mut Probe, two: &mut Probe, before: u64, tally: &mut Tally) -> u64 {
    one.tell("renew").unwrap();
    two.tell("renew").unwrap();
    let (first, second) = tokio::join!(one.done(), two.done());
    let ((said_one, one), (said_two, two)) = (first.unwrap(), second.unwrap());
    for (said, stored) in [(&said_one, &one), (&said_two, &two)] {
        assert_eq!(stored.state, CredentialState::Active, "{said}");
    }
    let after = one.generation.max(two.generation);
    match after - before {
        1 => tally.shared += 1,
        2 => tally.one_after_the_other += 1,
        _ => panic!("from {before} to {after}: {said_one}, {said_two}"),
    }
    after
}

async fn sign_in(probe: &mut Probe, peer: &Peer) -> Stored {
    probe.tell(&format!("sign-in {}", peer.url())).unwrap();
    let url = probe.browse().await.unwrap();
    foreign::complete(&url, "anna", Answer::Allow)
        .await
        .unwrap();
    let (outcome, stored) = probe.done().await.unwrap();
    assert_eq!(
        (outcome.as_str(), &stored.state),
        ("signed_in", &CredentialState::Active)
    );
    stored
}
