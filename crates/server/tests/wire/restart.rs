use freewheel_protocol::ChangesPage;
use freewheel_server::Library;
use reqwest::StatusCode;

use crate::rig::{Rig, tokens};

#[tokio::test]
async fn a_restart_keeps_athletes_keys_tokens_and_the_feed() {
    let rig = Rig::start_with(Library::BuiltIn).await;
    let demo = rig.demo();
    let answer = rig.sign_in().await;
    let keys = rig
        .get("/oauth/jwks")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let feed = rig
        .get("/v1/changes?limit=1000")
        .bearer_auth(&answer.access_token);
    let page: ChangesPage = feed.send().await.unwrap().json().await.unwrap();
    let plan = rig.server.store().plan(&demo).unwrap();

    let rig = rig.restart().await;
    assert_eq!(rig.demo(), demo);
    assert_eq!(
        rig.get("/oauth/jwks")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        keys
    );
    assert_eq!(rig.server.store().plan(&demo).unwrap(), plan);
    let again = rig
        .get("/v1/changes")
        .query(&[("cursor", &page.next_cursor)])
        .bearer_auth(&answer.access_token)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    tokens(rig.refresh(&answer.refresh_token.unwrap()).await).await;
}

#[tokio::test]
async fn a_plan_that_is_over_begins_anew_at_the_next_start() {
    let rig = Rig::start_with(Library::BuiltIn).await;
    let first = rig.server.store().plan(&rig.demo()).unwrap();
    rig.advance(10 * 86_400);
    let rig = rig.restart().await;
    assert_eq!(rig.server.store().plan(&rig.demo()).unwrap(), first);
    rig.advance(30 * 86_400);
    let rig = rig.restart().await;
    let both = rig.server.store().plan(&rig.demo()).unwrap();
    assert_eq!(both.len(), 2 * first.len());
    assert_eq!(both[first.len()].1.date.to_string(), "2026-04-11");
}

#[tokio::test]
async fn no_secret_stands_in_the_database_in_clear() {
    let rig = Rig::start().await;
    let answer = rig.sign_in().await;
    let refresh_token = answer.refresh_token.unwrap();
    rig.server.store().check().unwrap();
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(rig.folder()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("Demo Rider"), "the search itself works");
    assert!(!holds(&refresh_token));
    assert!(!holds(&answer.access_token));
}
