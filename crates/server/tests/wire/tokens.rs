use freewheel_protocol::ProblemCode;
use freewheel_protocol::oauth::{
    AUDIENCE, CLIENT_ID, Claims, DEVICE_CODE_GRANT, IssuerMetadata, METADATA_PATH,
};
use jsonwebtoken::jwk::{JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::StatusCode;
use serde_json::json;

use crate::rig::{Rig, VERIFIER, location, parameter, problem, refusal, tokens};

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
async fn the_metadata_say_all_that_a_client_needs_to_know() {
    let rig = Rig::start().await;
    let get = async |path: &str| -> serde_json::Value {
        rig.get(path).send().await.unwrap().json().await.unwrap()
    };
    let metadata = get(METADATA_PATH).await;
    let at = |path: &str| json!(format!("{}{path}", rig.url));
    for (name, value) in [
        ("issuer", at("")),
        ("authorization_endpoint", at("/oauth/authorize")),
        ("token_endpoint", at("/oauth/token")),
        ("jwks_uri", at("/oauth/jwks")),
        ("revocation_endpoint", at("/oauth/revoke")),
        ("device_authorization_endpoint", at("/oauth/device")),
        ("response_types_supported", json!(["code"])),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token", DEVICE_CODE_GRANT]),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("token_endpoint_auth_methods_supported", json!(["none"])),
        (
            "revocation_endpoint_auth_methods_supported",
            json!(["none"]),
        ),
        (
            "scopes_supported",
            json!(["openid", "profile", "offline_access", "freewheel"]),
        ),
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(["ES256"])),
        (
            "authorization_response_iss_parameter_supported",
            json!(true),
        ),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    // The same for clients that speak OAuth only (RFC 8414, section 3).
    let oauth = get("/.well-known/oauth-authorization-server").await;
    assert_eq!(oauth, metadata);
    let resource = get("/.well-known/oauth-protected-resource").await;
    assert_eq!(resource["resource"], at(""));
    assert_eq!(resource["authorization_servers"], json!([rig.url]));
    assert_eq!(resource["scopes_supported"], json!(["freewheel"]));
    assert_eq!(resource["bearer_methods_supported"], json!(["header"]));
}

#[tokio::test]
async fn the_id_token_tells_when_the_athlete_signed_in_and_comes_only_when_asked_for() {
    let rig = Rig::start().await;
    let page = rig.authorize(&[]).await.text().await.unwrap();
    let signed_in_at = rig.server_second();
    let page = rig.type_in(&page, "demo", "demo").await;
    let page = page.text().await.unwrap();
    rig.advance(20);
    let back = location(&rig.answer(&page, "allow").await);
    let code = parameter(&back, "code").unwrap();
    rig.advance(30);
    let answer = tokens(rig.redeem(&code, VERIFIER).await).await;
    let claims = Rig::claims(&answer.id_token.unwrap());
    assert_eq!(claims["auth_time"], json!(signed_in_at));
    assert_eq!(claims["iat"], json!(signed_in_at + 50));
    let access = Rig::claims(&answer.access_token);
    assert!(access.get("auth_time").is_none() && access.get("nonce").is_none());

    let without_nonce = rig.code("demo", &[("nonce", "")]).await;
    let answer = tokens(rig.redeem(&without_nonce, VERIFIER).await).await;
    assert!(
        Rig::claims(&answer.id_token.unwrap())
            .get("nonce")
            .is_none()
    );
    let without_openid = rig.code("demo", &[("scope", "freewheel")]).await;
    let answer = tokens(rig.redeem(&without_openid, VERIFIER).await).await;
    assert!(answer.id_token.is_none());
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
    for token in [&*id_token, &*unsigned, &*foreign, "junk", "a.b.c"] {
        let refused = ask(token).await;
        assert_eq!(
            refused.headers()["www-authenticate"],
            format!(
                "Bearer error=\"invalid_token\", \
                 resource_metadata=\"{}/.well-known/oauth-protected-resource\"",
                rig.url
            )
        );
        assert_eq!(
            problem(refused).await,
            (401, ProblemCode::InvalidToken),
            "{token}"
        );
    }
    // Nothing is said about a token that did not come (RFC 6750, section 3.1).
    let without = rig.get("/v1/rides").send().await.unwrap();
    for without in [without, ask("").await] {
        assert_eq!(
            without.headers()["www-authenticate"],
            format!(
                "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource\"",
                rig.url
            )
        );
        assert_eq!(problem(without).await, (401, ProblemCode::InvalidToken));
    }
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
