use freewheel_protocol::ProblemCode;
use freewheel_server::{Clock as _, Store, rotate_keys};
use jsonwebtoken::decode_header;
use jsonwebtoken::jwk::JwkSet;
use reqwest::{Response, StatusCode};

use crate::rig::{Rig, problem};

async fn published(rig: &Rig) -> Vec<String> {
    let answer = rig.get("/oauth/jwks").send().await.unwrap();
    let set: JwkSet = answer.json().await.unwrap();
    let ids = set.keys.into_iter().map(|key| key.common.key_id.unwrap());
    ids.collect()
}

async fn ask(rig: &Rig, token: &str) -> Response {
    let request = rig.get("/v1/rides").bearer_auth(token);
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_running_server_signs_with_a_new_key_at_once_and_keeps_the_old_one_for_its_tokens() {
    let rig = Rig::start().await;
    let before = published(&rig).await;
    let old = rig.sign_in().await.access_token;
    // By another connection, as the command does it.
    let other = Store::open(rig.folder()).unwrap();
    let new_key = rotate_keys(&other, rig.clock.now()).unwrap();
    assert_eq!(published(&rig).await, [new_key.clone(), before[0].clone()]);
    let new = rig.sign_in().await.access_token;
    assert_eq!(decode_header(&new).unwrap().kid, Some(new_key.clone()));
    for token in [&old, &new] {
        assert_eq!(ask(&rig, token).await.status(), StatusCode::OK);
    }
    rig.advance(899);
    assert_eq!(ask(&rig, &old).await.status(), StatusCode::OK);
    rig.advance(1);
    assert_eq!(published(&rig).await, std::slice::from_ref(&new_key));
    let refused = problem(ask(&rig, &old).await).await;
    assert_eq!(refused, (401, ProblemCode::InvalidToken));
    // The old one is forgotten with the next change.
    let third = rotate_keys(&other, rig.clock.now()).unwrap();
    let rig = rig.restart().await;
    assert_eq!(published(&rig).await, [third, new_key]);
}
