//! The real client at a certified provider that is not ours, with rotation, PKCE, device grant and a strict rule of reuse of
//! its own. What the client believes of its session must be what the provider says that it did.
//!
//! Needs the provider's packages: `cargo xtask setup`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod athlete;
mod device;

use std::time::Duration;

use athlete::Athlete;
use freewheel_lab::peer::{Peer, PeerEvent, PeerOptions};
use freewheel_lab::peer_gate::Moment;
use freewheel_lab::sign_in_page::foreign::Answer;
use tempfile::TempDir;

/// Nothing that works takes as long as this.
const PATIENCE: Duration = Duration::from_secs(30);
/// A renewal as the gate's log has it.
const REFRESH: &str = "POST /token refresh_token";

/// A provider, and what it had told before the case began.
struct Place {
    peer: Peer,
    known: usize,
    _logs: TempDir,
}

impl Place {
    async fn open(options: PeerOptions) -> Self {
        let logs = tempfile::tempdir().unwrap();
        let peer = Peer::start(logs.path(), options).await.unwrap();
        Self {
            peer,
            known: 0,
            _logs: logs,
        }
    }

    /// What is told from now on belongs to the case.
    fn begin(&mut self) {
        self.known = self.peer.events().len();
    }

    /// What the provider decided since then: what it granted, refused and revoked. A device that asks before its athlete
    /// has answered is no decision.
    async fn decided(&mut self) -> Vec<String> {
        let events = self.peer.all_events().await.unwrap().split_off(self.known);
        let decisions = [
            "grant.success",
            "grant.error",
            "grant.revoked",
            "authorization.error",
        ];
        events
            .iter()
            .filter(|event| decisions.contains(&event.event.as_str()))
            .filter(|event| event.error.as_deref() != Some("authorization_pending"))
            .map(PeerEvent::line)
            .collect()
    }
}

/// A case: what was done, what the client says, what the provider says. The last two stand for the same fact.
struct Case {
    done: &'static str,
    client: String,
    provider: Vec<String>,
}

fn print(cases: &[Case]) {
    for case in cases {
        println!("{}\n    client:   {}", case.done, case.client);
        for line in &case.provider {
            println!("    provider: {line}");
        }
    }
}

/// Checks each case against what it must be.
fn check(cases: &[Case], expected: &[(&str, &str, &[&str])]) {
    print(cases);
    let cases: Vec<(&str, &str, Vec<&str>)> = cases
        .iter()
        .map(|case| {
            let provider = case.provider.iter().map(String::as_str).collect();
            (case.done, case.client.as_str(), provider)
        })
        .collect();
    let expected: Vec<(&str, &str, Vec<&str>)> = expected
        .iter()
        .map(|&(done, client, provider)| (done, client, provider.to_vec()))
        .collect();
    assert_eq!(cases, expected);
}

const BY_CODE: &str = "grant.success · token · authorization_code";
const RENEWED: &str = "grant.success · token · refresh_token";
const REUSED: &str =
    "grant.error · token · refresh_token · invalid_grant · refresh token already used";
const REVOKED_FOR_REUSE: &str = "grant.revoked · token · refresh_token";
const UNKNOWN: &str =
    "grant.error · token · refresh_token · invalid_grant · refresh token not found";
const EXPIRED: &str =
    "grant.error · token · refresh_token · invalid_grant · refresh token is expired";
const REVOKED_BY_CLIENT: &str = "grant.revoked · revocation";
const DENIED: &str = "authorization.error · resume · access_denied · End-User aborted interaction";

#[tokio::test]
async fn what_the_client_believes_is_what_the_provider_did() {
    let mut place = Place::open(PeerOptions::default()).await;
    let mut cases = vec![
        denied(&mut place).await,
        signed_in(&mut place).await,
        renewed(&mut place).await,
        never_asked(&mut place).await,
        reply_lost(&mut place).await,
        signed_out(&mut place).await,
    ];
    let mut other = Place::open(PeerOptions::default()).await;
    cases.push(revoked(&mut other).await);
    let mut short = Place::open(PeerOptions {
        refresh_token_life: 2,
        ..PeerOptions::default()
    })
    .await;
    cases.push(expired(&mut short).await);
    check(
        &cases,
        &[
            (
                "denied in the browser",
                "signed_out; sign_in_declined",
                &[DENIED],
            ),
            ("signed in by code", "active; signed in as Anna", &[BY_CODE]),
            (
                "renewed, three times",
                "active; generation + 3",
                &[RENEWED, RENEWED, RENEWED],
            ),
            (
                "renewal cut off before the provider, twice; then once more",
                "active; generation + 1",
                &[RENEWED],
            ),
            (
                "answer to a renewal lost",
                "needs_sign_in: rotation_response_lost; Refused",
                &[RENEWED, REVOKED_FOR_REUSE, REUSED],
            ),
            ("signed out", "signed_out", &[REVOKED_BY_CLIENT]),
            (
                "every sign-in ended by the provider",
                "needs_sign_in: token_refused; Refused",
                &["grant.revoked · operator", UNKNOWN],
            ),
            (
                "renewed when the refresh token had expired",
                "needs_sign_in: token_refused; Refused",
                &[EXPIRED],
            ),
        ],
    );
}

async fn denied(place: &mut Place) -> Case {
    let athlete = Athlete::new().await;
    place.begin();
    let refused = athlete
        .sign_in(&place.peer, Answer::Deny)
        .await
        .unwrap_err();
    Case {
        done: "denied in the browser",
        client: format!("{}; {}", athlete.state(), refused.code()),
        provider: place.decided().await,
    }
}

async fn signed_in(place: &mut Place) -> Case {
    let athlete = Athlete::new().await;
    place.begin();
    let name = athlete.sign_in(&place.peer, Answer::Allow).await.unwrap();
    Case {
        done: "signed in by code",
        client: format!("{}; signed in as {name}", athlete.state()),
        provider: place.decided().await,
    }
}

async fn renewed(place: &mut Place) -> Case {
    let athlete = Athlete::signed_in(&place.peer).await;
    let before = athlete.generation();
    place.begin();
    for _ in 0..3 {
        assert_eq!(athlete.renew().await, "Fresh");
    }
    let since = athlete.generation() - before;
    Case {
        done: "renewed, three times",
        client: format!("{}; generation + {since}", athlete.state()),
        provider: place.decided().await,
    }
}

/// The client repeats at once; as long as the provider has not acted, nothing is lost.
async fn never_asked(place: &mut Place) -> Case {
    let athlete = Athlete::signed_in(&place.peer).await;
    let before = athlete.generation();
    place.begin();
    let gate = place.peer.gate();
    gate.forget();
    let mut stops = gate.stop(REFRESH, Moment::Asked);
    let cut = async {
        for _ in 0..2 {
            stops.next("a renewal", PATIENCE).await.unwrap().cut();
        }
    };
    let (said, ()) = tokio::join!(athlete.renew(), cut);
    assert!(said.starts_with("Trouble"), "{said}");
    assert_eq!(athlete.state(), format!("outcome_unknown: {before}"));
    assert_eq!(gate.count(REFRESH), 2);
    gate.forget();
    assert_eq!(athlete.renew().await, "Fresh");
    let since = athlete.generation() - before;
    Case {
        done: "renewal cut off before the provider, twice; then once more",
        client: format!("{}; generation + {since}", athlete.state()),
        provider: place.decided().await,
    }
}

/// The provider has rotated the token, and nobody has the new one. The client repeats once, at once, and is refused.
async fn reply_lost(place: &mut Place) -> Case {
    let athlete = Athlete::signed_in(&place.peer).await;
    place.begin();
    let gate = place.peer.gate();
    gate.forget();
    let mut stops = gate.stop(REFRESH, Moment::Answered);
    let lose = async {
        stops.next("the answer", PATIENCE).await.unwrap().cut();
        stops
            .next("the answer to the repetition", PATIENCE)
            .await
            .unwrap()
            .let_go();
    };
    let (said, ()) = tokio::join!(athlete.renew(), lose);
    assert_eq!(gate.count(REFRESH), 2);
    // A token that is known to be refused is not sent again.
    gate.forget();
    assert_eq!(athlete.renew().await, "Refused");
    assert_eq!(gate.count(REFRESH), 0);
    let case = Case {
        done: "answer to a renewal lost",
        client: format!("{}; {said}", athlete.state()),
        provider: place.decided().await,
    };
    athlete.sign_in(&place.peer, Answer::Allow).await.unwrap();
    assert_eq!(
        (athlete.state().as_str(), athlete.renew().await.as_str()),
        ("active", "Fresh")
    );
    case
}

async fn signed_out(place: &mut Place) -> Case {
    let athlete = Athlete::signed_in(&place.peer).await;
    place.begin();
    athlete.engine.sign_out().await.unwrap();
    Case {
        done: "signed out",
        provider: place.decided().await,
        client: athlete.state(),
    }
}

/// As after a change of password: the provider ends every sign-in, and the client learns of it when it next renews.
async fn revoked(place: &mut Place) -> Case {
    let athlete = Athlete::signed_in(&place.peer).await;
    place.begin();
    place.peer.revoke_all().await.unwrap();
    assert_eq!(athlete.state(), "active", "not asked, not refused");
    let said = athlete.renew().await;
    Case {
        done: "every sign-in ended by the provider",
        client: format!("{}; {said}", athlete.state()),
        provider: place.decided().await,
    }
}

/// A provider that forgets refresh tokens after two seconds.
async fn expired(place: &mut Place) -> Case {
    let athlete = Athlete::signed_in(&place.peer).await;
    place.begin();
    // The time of another process cannot be put forward.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let said = athlete.renew().await;
    Case {
        done: "renewed when the refresh token had expired",
        client: format!("{}; {said}", athlete.state()),
        provider: place.decided().await,
    }
}
