use freewheel_protocol::ProblemCode;
use freewheel_protocol::oauth::{AUDIENCE, CLIENT_ID, Claims, IssuerMetadata, METADATA_PATH};
use jsonwebtoken::jwk::{JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::StatusCode;

use crate::rig::{Rig, VERIFIER, problem, refusal, tokens};

#[tokio::test]
async fn tokens_can_be_verified_with_what_the_issuer_publishes() {
    let rig = Rig::start().await;
    let metadata: IssuerMetadata = rig
        .get(METADATA_PATH)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(metadata.issuer, rig.url);
    assert_eq!(metadata.token_endpoint, format!("{}/oauth/token", rig.url));
    assert_eq!(
        metadata.extra["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    let keys: JwkSet = rig
        .http
        .get(&metadata.jwks_uri)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();

    let answer = rig.sign_in().await;
    let read = |token: &str, audience: &str| {
        let header = decode_header(token).unwrap();
        assert_eq!(header.alg, Algorithm::ES256);
        let key = keys.find(&header.kid.unwrap()).unwrap();
        assert_eq!(
            key.common.key_id.clone().unwrap(),
            key.thumbprint(ThumbprintHash::SHA256).unwrap()
        );
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.set_issuer(&[&rig.url]);
        validation.set_audience(&[audience]);
        let key = DecodingKey::from_jwk(key).unwrap();
        decode::<Claims>(token, &key, &validation).unwrap().claims
    };
    let access = read(&answer.access_token, AUDIENCE);
    assert_eq!(access.sub, rig.demo().as_str());
    assert_eq!(access.exp - access.iat, 900);
    assert!(access.jti.is_some() && access.name.is_none());
    let identity = read(&answer.id_token.unwrap(), CLIENT_ID);
    assert_eq!(identity.sub, access.sub);
    assert_eq!(identity.nonce.as_deref(), Some("nonce-1"));
    assert_eq!(identity.name.as_deref(), Some("Demo Rider"));
}

#[tokio::test]
async fn the_key_set_holds_no_private_part() {
    let rig = Rig::start().await;
    let text = rig
        .get("/oauth/jwks")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let set: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(set["keys"][0]["kty"], "EC");
    assert_eq!(set["keys"][0]["use"], "sig");
    assert!(set["keys"][0].get("d").is_none(), "{text}");
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
async fn a_successor_that_was_replaced_unused_ends_the_family_too() {
    let rig = Rig::start().await;
    let first = rig.sign_in().await.refresh_token.unwrap();
    let unseen = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();
    let second = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();
    assert_eq!(refusal(rig.refresh(&unseen).await).await, "invalid_grant");
    assert_eq!(refusal(rig.refresh(&second).await).await, "invalid_grant");
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
async fn a_revoked_token_and_its_family_are_over() {
    let rig = Rig::start().await;
    let first = rig.sign_in().await.refresh_token.unwrap();
    let second = tokens(rig.refresh(&first).await)
        .await
        .refresh_token
        .unwrap();
    for token in [&*second, &*second, "unheard-of"] {
        let answer = rig
            .post("/oauth/revoke", &[("token", token)])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    for token in [&first, &second] {
        assert_eq!(refusal(rig.refresh(token).await).await, "invalid_grant");
    }
}

#[tokio::test]
async fn a_closed_account_refreshes_again_with_the_same_token_once_it_is_open() {
    let rig = Rig::start().await;
    let answer = rig.sign_in().await;
    let token = answer.refresh_token.unwrap();
    rig.server.store().set_blocked(&rig.demo(), true).unwrap();
    assert_eq!(refusal(rig.refresh(&token).await).await, "account_blocked");
    let asked = rig
        .get("/v1/changes")
        .bearer_auth(&answer.access_token)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(asked).await, (403, ProblemCode::AccountBlocked));
    rig.server.store().set_blocked(&rig.demo(), false).unwrap();
    tokens(rig.refresh(&token).await).await;
}

#[tokio::test]
async fn malformed_requests_are_named_by_code() {
    let rig = Rig::start().await;
    let grant = ("grant_type", "refresh_token");
    let client = ("client_id", CLIENT_ID);
    let token = ("refresh_token", "x");
    for (form, code) in [
        (vec![grant, token], "invalid_client"),
        (vec![grant, ("client_id", "other"), token], "invalid_client"),
        (vec![grant, client], "invalid_request"),
        (vec![grant, client, token, token], "invalid_request"),
        (vec![client], "unsupported_grant_type"),
        (
            vec![("grant_type", "password"), client],
            "unsupported_grant_type",
        ),
        (
            vec![("grant_type", "authorization_code"), client],
            "invalid_request",
        ),
    ] {
        let answer = rig.post("/oauth/token", &form).send().await.unwrap();
        assert_eq!(refusal(answer).await, code, "{form:?}");
    }
    let json = rig
        .http
        .post(format!("{}/oauth/token", rig.url))
        .json(&1)
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(json).await, "invalid_request");
}

#[tokio::test]
async fn an_access_token_opens_the_api_until_it_expires_and_no_other_does() {
    let rig = Rig::start().await;
    let answer = rig.sign_in().await;
    let ask = async |token: &str| {
        rig.get("/v1/rides")
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
    };
    rig.advance(899);
    assert_eq!(ask(&answer.access_token).await.status(), StatusCode::OK);

    let id_token = answer.id_token.unwrap();
    let (head, _) = answer.access_token.rsplit_once('.').unwrap();
    let unsigned = format!("{head}.");
    let foreign = Rig::start().await.sign_in().await.access_token;
    for token in [&*id_token, &*unsigned, &*foreign, "junk", ""] {
        let refused = ask(token).await;
        assert_eq!(
            refused.headers()["www-authenticate"],
            "Bearer error=\"invalid_token\""
        );
        assert_eq!(
            problem(refused).await,
            (401, ProblemCode::InvalidToken),
            "{token}"
        );
    }
    let without = rig.get("/v1/rides").send().await.unwrap();
    assert_eq!(problem(without).await, (401, ProblemCode::InvalidToken));
    rig.advance(1);
    assert_eq!(
        problem(ask(&answer.access_token).await).await,
        (401, ProblemCode::InvalidToken)
    );
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let rig = Rig::start().await;
    let code = rig.code("demo", &[("scope", "openid freewheel")]).await;
    let answer = tokens(rig.redeem(&code, VERIFIER).await).await;
    assert!(answer.refresh_token.is_none());
    assert_eq!(answer.scope.as_deref(), Some("openid freewheel"));
}
