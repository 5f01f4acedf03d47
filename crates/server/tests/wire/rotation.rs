use std::collections::BTreeSet;
use std::sync::Arc;

use freewheel_server::Options;
use jiff::SignedDuration;

use crate::rig::{Rig, refusal, tokens};

/// The successor of a refresh token.
async fn next(rig: &Rig, token: &str) -> String {
    let answer = tokens(rig.refresh(token).await).await;
    answer.refresh_token.unwrap()
}

#[tokio::test]
async fn each_refresh_rotates_the_token() {
    let rig = Rig::start().await;
    let mut token = rig.sign_in().await.refresh_token.unwrap();
    for _ in 0..3 {
        let answer = tokens(rig.refresh(&token).await).await;
        let successor = answer.refresh_token.unwrap();
        assert_ne!(successor, token);
        assert_eq!(answer.token_type, "Bearer");
        token = successor;
    }
}

#[tokio::test]
async fn a_lost_answer_is_made_good_by_the_previous_token() {
    let rig = Rig::start().await;
    let first = rig.sign_in().await.refresh_token.unwrap();
    let lost = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();
    let lost_too = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();
    let second = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();
    assert!(first != lost && lost != lost_too && lost_too != second);
    let third = tokens(rig.refresh(&second).await)
        .await
        .refresh_token
        .unwrap();
    // The same again one generation on: `second` is the previous one now.
    tokens(rig.refresh(&second).await).await;
    let _ = third;
}

#[tokio::test]
async fn once_the_successor_was_used_the_previous_token_ends_the_family() {
    let rig = Rig::start().await;
    let first = rig.sign_in().await.refresh_token.unwrap();
    let second = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();
    let third = tokens(rig.refresh(&second).await)
        .await
        .refresh_token
        .unwrap();
    assert_eq!(refusal(rig.refresh(&first).await).await, "invalid_grant");
    for token in [&second, &third] {
        assert_eq!(refusal(rig.refresh(token).await).await, "invalid_grant");
    }
    // Another sign-in of the same athlete is another family.
    let other = rig.sign_in().await.refresh_token.unwrap();
    tokens(rig.refresh(&other).await).await;
}

#[tokio::test]
async fn whichever_of_two_answers_arrived_its_token_works_and_then_the_other_ends_the_family() {
    for late in [false, true] {
        let rig = Rig::start().await;
        let first = rig.sign_in().await.refresh_token.unwrap();
        let one = next(&rig, &first).await;
        let other = next(&rig, &first).await;
        let (arrived, unseen) = if late { (one, other) } else { (other, one) };
        let second = next(&rig, &arrived).await;
        assert_eq!(refusal(rig.refresh(&unseen).await).await, "invalid_grant");
        assert_eq!(refusal(rig.refresh(&second).await).await, "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_refreshes_of_one_token_at_once_all_succeed_and_each_answer_is_good() {
    for chosen in [0, 19] {
        let rig = Arc::new(Rig::start().await);
        let first = rig.sign_in().await.refresh_token.unwrap();
        let mut refreshes = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (rig, token) = (Arc::clone(&rig), first.clone());
            refreshes.spawn(async move { next(&rig, &token).await });
        }
        let successors = refreshes.join_all().await;
        assert_eq!(successors.iter().collect::<BTreeSet<_>>().len(), 20);
        let second = next(&rig, &successors[chosen]).await;
        next(&rig, &second).await;
    }
}

#[tokio::test]
async fn refresh_tokens_live_thirty_days() {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.refresh_token.unwrap();
    rig.advance(30 * 86_400 - 1);
    let token = tokens(rig.refresh(&token).await)
        .await
        .refresh_token
        .unwrap();
    rig.advance(30 * 86_400);
    assert_eq!(refusal(rig.refresh(&token).await).await, "invalid_grant");
}

#[tokio::test]
async fn the_idle_life_of_refresh_tokens_is_the_operators() {
    let rig = Rig::start_as(|options| Options {
        refresh_token_life: SignedDuration::from_secs(100),
        ..options
    })
    .await;
    let mut token = rig.sign_in().await.refresh_token.unwrap();
    for _ in 0..3 {
        rig.advance(99);
        token = next(&rig, &token).await;
    }
    rig.advance(100);
    assert_eq!(refusal(rig.refresh(&token).await).await, "invalid_grant");
}

#[tokio::test]
async fn the_allowance_and_the_end_of_a_family_outlive_a_restart() {
    let rig = Rig::start().await;
    let first = rig.sign_in().await.refresh_token.unwrap();
    let lost = next(&rig, &first).await;
    let rig = rig.restart().await;
    let second = next(&rig, &first).await;
    let third = next(&rig, &second).await;
    let rig = rig.restart().await;
    assert_eq!(refusal(rig.refresh(&lost).await).await, "invalid_grant");
    let rig = rig.restart().await;
    assert_eq!(refusal(rig.refresh(&third).await).await, "invalid_grant");
}
