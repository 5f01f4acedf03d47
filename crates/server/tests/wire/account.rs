use std::num::NonZeroU32;

use freewheel_protocol::ProblemCode;
use freewheel_server::{Clock as _, Options, Store};
use jiff::SignedDuration;
use reqwest::StatusCode;

use crate::rig::{Rig, VERIFIER, problem, refusal, tokens};

#[tokio::test]
async fn a_new_password_ends_every_session_and_every_sign_in_under_way() {
    let rig = Rig::start().await;
    let sessions = [rig.sign_in().await, rig.sign_in().await];
    let code = rig.code("demo", &[]).await;
    let device = rig.device().await;
    rig.answer_for(&device.user_code, "demo", "allow").await;
    let page = rig.authorize(&[]).await.text().await.unwrap();
    let page = rig.type_in(&page, "demo", "demo").await;
    let half_way = page.text().await.unwrap();

    // By another connection, as the command does it.
    let other = Store::open(rig.folder()).unwrap();
    let now = rig.clock.now();
    let ended = other.set_password(&rig.demo(), "new", now).unwrap();
    assert_eq!(ended, 2);
    for session in sessions {
        let token = session.refresh_token.unwrap();
        assert_eq!(refusal(rig.refresh(&token).await).await, "invalid_grant");
    }
    let redeemed = rig.redeem(&code, VERIFIER).await;
    assert_eq!(refusal(redeemed).await, "invalid_grant");
    let polled = rig.poll(&device.device_code).await;
    assert_eq!(refusal(polled).await, "invalid_grant");
    let agreed = rig.answer(&half_way, "allow").await;
    assert_eq!(agreed.status(), StatusCode::BAD_REQUEST);

    let page = rig.authorize(&[]).await.text().await.unwrap();
    let old = rig.type_in(&page, "demo", "demo").await;
    assert_eq!(old.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let new = rig.type_in(&page, "demo", "new").await;
    assert_eq!(new.status(), StatusCode::OK);
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_sessions_of_one_athlete_only() {
    let rig = Rig::start().await;
    rig.add_athlete("other");
    let mine = rig.sign_in().await.refresh_token.unwrap();
    let theirs = rig.sign_in_as("other").await.refresh_token.unwrap();
    let store = rig.server.store();
    let now = rig.clock.now();
    assert_eq!(store.sign_out_everywhere(&rig.demo(), now).unwrap(), 1);
    assert_eq!(store.sign_out_everywhere(&rig.demo(), now).unwrap(), 0);
    assert_eq!(refusal(rig.refresh(&mine).await).await, "invalid_grant");
    tokens(rig.refresh(&theirs).await).await;
    rig.sign_in().await;
}

#[tokio::test]
async fn an_account_that_another_process_closes_is_closed_at_once_and_opens_with_its_tokens() {
    let rig = Rig::start().await;
    let answer = rig.sign_in().await;
    let token = answer.refresh_token.unwrap();
    let other = Store::open(rig.folder()).unwrap();
    let ask = async || {
        let request = rig.get("/v1/rides").bearer_auth(&answer.access_token);
        request.send().await.unwrap()
    };
    other.set_blocked(&rig.demo(), true).unwrap();
    assert_eq!(refusal(rig.refresh(&token).await).await, "account_blocked");
    assert_eq!(
        problem(ask().await).await,
        (403, ProblemCode::AccountBlocked)
    );
    other.set_blocked(&rig.demo(), false).unwrap();
    assert_eq!(ask().await.status(), StatusCode::OK);
    tokens(rig.refresh(&token).await).await;
}

#[tokio::test]
async fn one_sign_in_too_many_ends_the_oldest_session() {
    let rig = Rig::start_as(|options| Options {
        max_sessions: NonZeroU32::new(2),
        ..options
    })
    .await;
    rig.add_athlete("other");
    let theirs = rig.sign_in_as("other").await.refresh_token.unwrap();
    let first = rig.sign_in().await.refresh_token.unwrap();
    let second = rig.sign_in().await.refresh_token.unwrap();
    // Using a session does not make it younger, and one without a refresh token takes no place.
    let first = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();
    let code = rig.code("demo", &[("scope", "openid")]).await;
    tokens(rig.redeem(&code, VERIFIER).await).await;
    let first = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();

    let device = rig.device().await;
    rig.answer_for(&device.user_code, "demo", "allow").await;
    let third = tokens(rig.poll(&device.device_code).await).await;
    assert_eq!(refusal(rig.refresh(&first).await).await, "invalid_grant");
    for alive in [&second, &third.refresh_token.unwrap(), &theirs] {
        tokens(rig.refresh(alive).await).await;
    }
}

#[tokio::test]
async fn the_operator_sets_the_life_of_access_tokens_and_the_grace_inside_them() {
    let rig = Rig::start_as(|options| Options {
        access_token_life: SignedDuration::from_secs(60),
        offline_grace: Some(SignedDuration::from_hours(24)),
        ..options
    })
    .await;
    let answer = rig.sign_in().await;
    assert_eq!(answer.expires_in, 60);
    let claims = Rig::claims(&answer.access_token);
    assert_eq!(claims["offline_grace"], 86_400);
    let (issued, expires) = (claims["iat"].as_i64(), claims["exp"].as_i64());
    assert_eq!(expires.unwrap() - issued.unwrap(), 60);
    assert!(
        Rig::claims(&answer.id_token.unwrap())
            .get("offline_grace")
            .is_none()
    );
}
