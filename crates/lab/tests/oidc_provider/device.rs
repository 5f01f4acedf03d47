//! Sign-in on another device (RFC 8628), answered on the provider's own pages.

use std::time::Duration;

use freewheel_lab::peer::PeerOptions;
use freewheel_lab::peer_gate::Moment;
use freewheel_lab::sign_in_page::foreign::{self, Answer};
use freewheel_sync::sign_in::DeviceSignIn;

use crate::athlete::{Athlete, soon};
use crate::{Case, PATIENCE, Place, RENEWED, check};

const BY_DEVICE: &str = "grant.success · token · urn:ietf:params:oauth:grant-type:device_code";
const DENIED: &str = "grant.error · token · urn:ietf:params:oauth:grant-type:device_code · access_denied · \
    End-User aborted interaction";
const TOO_LATE: &str = "grant.error · token · urn:ietf:params:oauth:grant-type:device_code · expired_token · \
    device code is expired";

#[tokio::test]
async fn a_code_that_is_allowed_elsewhere_signs_in_with_tokens_that_can_be_renewed() {
    let mut place = Place::open(PeerOptions::default()).await;
    let athlete = Athlete::new().await;
    place.begin();
    let started = begun(&athlete, &place).await;
    answer(&started, Answer::Allow).await;
    let name = soon("the end of the sign-in", athlete.engine.sign_in_finished());
    let name = name.await.unwrap();
    let before = athlete.generation();
    assert_eq!(athlete.renew().await, "Fresh");
    let since = athlete.generation() - before;
    let case = Case {
        done: "signed in by device, and renewed",
        client: format!(
            "{}; signed in as {name}; generation + {since}",
            athlete.state()
        ),
        provider: place.decided().await,
    };
    let expected = "active; signed in as Anna; generation + 1";
    check(
        &[case],
        &[(
            "signed in by device, and renewed",
            expected,
            &[BY_DEVICE, RENEWED],
        )],
    );
}

#[tokio::test]
async fn a_code_that_is_refused_elsewhere_changes_nothing() {
    let mut place = Place::open(PeerOptions::default()).await;
    let athlete = Athlete::new().await;
    place.begin();
    let started = begun(&athlete, &place).await;
    answer(&started, Answer::Deny).await;
    let case = ended("refused on the other device", &athlete, &mut place).await;
    let expected = "signed_out; sign_in_declined";
    check(
        &[case],
        &[("refused on the other device", expected, &[DENIED])],
    );
}

/// The client stops asking by itself when the code's life is over. So its last question is kept on the way until the
/// provider finds the code too old.
#[tokio::test]
async fn a_code_that_nobody_types_is_said_to_have_expired() {
    let mut place = Place::open(PeerOptions {
        device_code_life: 6,
        ..PeerOptions::default()
    })
    .await;
    let athlete = Athlete::new().await;
    place.begin();
    let question = "POST /token urn:ietf:params:oauth:grant-type:device_code";
    let mut stops = place.peer.gate().stop(question, Moment::Asked);
    begun(&athlete, &place).await;
    let asked = stops.next("the first question", PATIENCE).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    asked.let_go();
    let case = ended("nobody typed the code", &athlete, &mut place).await;
    let expected = "signed_out; sign_in_code_expired";
    check(&[case], &[("nobody typed the code", expected, &[TOO_LATE])]);
}

async fn begun(athlete: &Athlete, place: &Place) -> DeviceSignIn {
    let begun = athlete.engine.sign_in_with_device(place.peer.url());
    soon("the beginning", begun).await.unwrap()
}

async fn answer(started: &DeviceSignIn, answer: Answer) {
    let (page, code) = (&started.verification_uri, &started.user_code);
    foreign::approve_device(page, code, "anna", answer)
        .await
        .unwrap();
}

async fn ended(done: &'static str, athlete: &Athlete, place: &mut Place) -> Case {
    let refused = soon("the end of the sign-in", athlete.engine.sign_in_finished());
    let refused = refused.await.unwrap_err();
    Case {
        done,
        client: format!("{}; {}", athlete.state(), refused.code()),
        provider: place.decided().await,
    }
}
