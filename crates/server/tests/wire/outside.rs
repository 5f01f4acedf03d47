//! A server that takes the access tokens of another one.

use std::time::Duration;

use freewheel_protocol::ProblemCode;
use freewheel_protocol::oauth::{AUDIENCE, METADATA_PATH, ResourceMetadata};
use freewheel_server::{Clock as _, Options, OutsideIssuer, rotate_keys};
use jiff::SignedDuration;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use crate::rig::{Rig, problem};

async fn service_of(issuer: &str, audience: &str) -> Rig {
    let issuer = OutsideIssuer {
        url: issuer.to_owned(),
        audience: audience.to_owned(),
    };
    Rig::start_as(move |options| Options {
        issuer: Some(issuer.clone()),
        dev: false,
        ..options
    })
    .await
}

async fn ask(rig: &Rig, token: &str) -> Response {
    let request = rig.get("/v1/changes").bearer_auth(token);
    request.send().await.unwrap()
}

#[tokio::test]
async fn an_athlete_of_another_issuer_is_known_at_first_sight_and_stays_the_same() {
    let issuer = Rig::start().await;
    issuer.add_athlete("other");
    let service = service_of(&issuer.url, AUDIENCE).await;
    let (mine, theirs) = (issuer.sign_in().await, issuer.sign_in_as("other").await);
    for token in [&mine, &mine, &theirs] {
        assert_eq!(
            ask(&service, &token.access_token).await.status(),
            StatusCode::OK
        );
    }
    let metrics = service.get("/metrics").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("freewheel_athletes 2\n"), "{metrics}");
    // Each has a profile of their own.
    let page = ask(&service, &mine.access_token)
        .await
        .text()
        .await
        .unwrap();
    assert!(page.contains("\"kind\":\"profile\""), "{page}");

    // Closed here, whatever the issuer thinks; found by what the issuer calls them.
    let store = service.server.store();
    let athlete = store.athlete_meant_by(issuer.demo().as_str()).unwrap();
    store.set_blocked(&athlete.id, true).unwrap();
    assert_eq!(
        problem(ask(&service, &mine.access_token).await).await,
        (403, ProblemCode::AccountBlocked)
    );
    let service = service.restart().await;
    assert_eq!(
        problem(ask(&service, &mine.access_token).await).await,
        (403, ProblemCode::AccountBlocked)
    );
}

#[tokio::test]
async fn it_issues_nothing_and_says_who_does() {
    let issuer = Rig::start().await;
    let service = service_of(&issuer.url, AUDIENCE).await;
    for path in [
        METADATA_PATH,
        "/oauth/jwks",
        "/oauth/authorize",
        "/oauth/device",
    ] {
        let answer = service.get(path).send().await.unwrap();
        assert_eq!(
            problem(answer).await,
            (404, ProblemCode::NotFound),
            "{path}"
        );
    }
    let refused = ask(&service, "junk").await;
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    let (_, told) = challenge.split_once("resource_metadata=\"").unwrap();
    let metadata = service.http.get(told.trim_end_matches('"')).send().await;
    let metadata: ResourceMetadata = metadata.unwrap().json().await.unwrap();
    assert_eq!(metadata.resource, service.url);
    assert_eq!(
        metadata.authorization_servers,
        std::slice::from_ref(&issuer.url)
    );
}

#[tokio::test]
async fn tokens_that_are_not_for_it_or_not_of_its_issuer_are_refused() {
    let issuer = Rig::start().await;
    let service = service_of(&issuer.url, AUDIENCE).await;
    let elsewhere = service_of(&issuer.url, "another-api").await;
    let answer = issuer.sign_in().await;
    let foreign = Rig::start().await.sign_in().await.access_token;
    let (head, _) = answer.access_token.rsplit_once('.').unwrap();
    let unsigned = format!("{head}.");
    let id_token = answer.id_token.unwrap();
    for token in [&*id_token, &*foreign, &*unsigned, "junk", "a.b.c"] {
        service.advance(30);
        assert_eq!(
            problem(ask(&service, token).await).await,
            (401, ProblemCode::InvalidToken),
            "{token}"
        );
    }
    assert_eq!(
        problem(ask(&elsewhere, &answer.access_token).await).await,
        (401, ProblemCode::InvalidToken)
    );
    assert_eq!(
        ask(&service, &answer.access_token).await.status(),
        StatusCode::OK
    );
    service.advance(900 + 60 - 5 * 30);
    assert_eq!(
        problem(ask(&service, &answer.access_token).await).await,
        (401, ProblemCode::InvalidToken)
    );
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_had_by_one_question_in_half_a_minute() {
    let issuer = Rig::start().await;
    let service = service_of(&issuer.url, AUDIENCE).await;
    let old = issuer.sign_in().await.access_token;
    assert_eq!(ask(&service, &old).await.status(), StatusCode::OK);
    rotate_keys(issuer.server.store(), issuer.clock.now()).unwrap();
    let new = issuer.sign_in().await.access_token;
    let mut count = answered(&issuer).await;
    // It was asked a moment ago: "later", not "no".
    service.advance(10);
    for _ in 0..5 {
        let later = ask(&service, &new).await;
        assert_eq!(later.headers()[RETRY_AFTER], "20");
        assert_eq!(problem(later).await, (503, ProblemCode::Unavailable));
    }
    assert_eq!(questions(&issuer, &mut count).await, 0);
    service.advance(20);
    for token in [&new, &old] {
        assert_eq!(ask(&service, token).await.status(), StatusCode::OK);
    }
    // Metadata and keys, once.
    assert_eq!(questions(&issuer, &mut count).await, 2);

    service.advance(30);
    let foreign = Rig::start().await.sign_in().await.access_token;
    for expected in [401, 503, 503] {
        assert_eq!(ask(&service, &foreign).await.status().as_u16(), expected);
    }
    assert_eq!(questions(&issuer, &mut count).await, 2);
}

#[tokio::test]
async fn a_silent_issuer_locks_nobody_out_and_condemns_no_token() {
    let issuer = Rig::start().await;
    let service = service_of(&issuer.url, AUDIENCE).await;
    let known = issuer.sign_in().await.access_token;
    assert_eq!(ask(&service, &known).await.status(), StatusCode::OK);
    rotate_keys(issuer.server.store(), issuer.clock.now()).unwrap();
    let of_a_new_key = issuer.sign_in().await.access_token;
    let url = issuer.url.clone();
    let issuer = issuer.stop().await;

    service.advance(60);
    assert_eq!(ask(&service, &known).await.status(), StatusCode::OK);
    let unknown = ask(&service, &of_a_new_key).await;
    assert_eq!(unknown.headers()[RETRY_AFTER], "30");
    assert_eq!(problem(unknown).await, (503, ProblemCode::Unavailable));
    // One that has never heard of its issuer knows nothing at all.
    let fresh = service_of(&url, AUDIENCE).await;
    assert_eq!(
        problem(ask(&fresh, &known).await).await,
        (503, ProblemCode::Unavailable)
    );

    let _issuer = issuer.start().await;
    service.advance(30);
    assert_eq!(ask(&service, &of_a_new_key).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_issuer_that_hangs_holds_nobody_up_once_its_keys_are_old() {
    let issuer = Rig::start_as(|options| Options {
        access_token_life: SignedDuration::from_hours(2),
        ..options
    })
    .await;
    let service = service_of(&issuer.url, AUDIENCE).await;
    let token = issuer.sign_in().await.access_token;
    assert_eq!(ask(&service, &token).await.status(), StatusCode::OK);
    let silent = issuer.stop().await.listen();
    service.advance(3601);
    // Less than any question to the issuer may take.
    let soon = Duration::from_secs(5);
    for _ in 0..3 {
        let answer = timeout(soon, ask(&service, &token)).await;
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    timeout(soon, silent.accept()).await.unwrap().unwrap();
}

/// How many requests the issuer has answered well so far.
async fn answered(issuer: &Rig) -> u64 {
    let text = issuer.get("/metrics").send().await.unwrap();
    let text = text.text().await.unwrap();
    let name = "freewheel_answers_total{class=\"2xx\"} ";
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().parse().unwrap()
}

/// How many of them since `count`, which itself took one.
async fn questions(issuer: &Rig, count: &mut u64) -> u64 {
    let now = answered(issuer).await;
    let asked = now - *count - 1;
    *count = now;
    asked
}
