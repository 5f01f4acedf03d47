use freewheel_protocol::oauth::CLIENT_ID;
use freewheel_server::Options;
use jiff::SignedDuration;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, ORIGIN, RETRY_AFTER};

use crate::rig::{Rig, refusal, request_key, tokens};

#[tokio::test]
async fn a_device_gets_its_tokens_after_its_athlete_agreed_elsewhere() {
    let rig = Rig::start().await;
    let device = rig.device().await;
    assert_eq!((device.expires_in, device.interval), (900, 5));
    assert_eq!(device.verification_uri, format!("{}/oauth/device", rig.url));
    assert_eq!(
        device.verification_uri_complete,
        Some(format!(
            "{}?user_code={}",
            device.verification_uri, device.user_code
        ))
    );
    let pending = rig.poll(&device.device_code).await;
    assert_eq!(refusal(pending).await, "authorization_pending");

    // The code that came with the link is shown for comparison, and is still to be confirmed.
    let link = device.verification_uri_complete.unwrap();
    let page = rig.http.get(link).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    let shown = format!("value=\"{}\"", device.user_code);
    for part in ["id=\"user-code\"", "id=\"continue\"", &shown] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let typed = device.user_code.to_lowercase().replace('-', " ");
    let page = rig.type_code(&typed).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    let signed_in_at = rig.server_second();
    let page = rig.type_in(&page, "demo", "demo").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' ;"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(
        page.contains(&device.user_code) && page.contains("Demo Rider"),
        "{page}"
    );
    let done = rig.answer(&page, "allow").await;
    assert_eq!(done.status(), StatusCode::OK);
    assert!(done.text().await.unwrap().contains("id=\"done\""));

    rig.advance(5);
    let answer = tokens(rig.poll(&device.device_code).await).await;
    let identity = Rig::claims(&answer.id_token.unwrap());
    assert_eq!(identity["sub"], rig.demo().as_str());
    assert_eq!(identity["aud"], CLIENT_ID);
    assert_eq!(identity["auth_time"], signed_in_at);
    assert!(identity.get("nonce").is_none(), "{identity}");
    let rides = rig.get("/v1/rides").bearer_auth(&answer.access_token);
    assert_eq!(rides.send().await.unwrap().status(), StatusCode::OK);
    tokens(rig.refresh(&answer.refresh_token.unwrap()).await).await;
}

#[tokio::test]
async fn a_device_that_asks_too_fast_is_slowed_down_for_good() {
    let rig = Rig::start().await;
    let code = rig.device().await.device_code;
    // Each answer after so many seconds: the interval grows by five with each that came too soon.
    for (wait, expected) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (9, "slow_down"),
        (15, "authorization_pending"),
        (14, "slow_down"),
        (20, "authorization_pending"),
    ] {
        rig.advance(wait);
        assert_eq!(refusal(rig.poll(&code).await).await, expected, "{wait} s");
    }
}

#[tokio::test]
async fn a_device_is_told_that_the_athlete_said_no_and_again_when_it_asks_again() {
    let rig = Rig::start().await;
    let device = rig.device().await;
    let done = rig.answer_for(&device.user_code, "demo", "deny").await;
    assert_eq!(done.status(), StatusCode::OK);
    for _ in 0..2 {
        let answer = rig.poll(&device.device_code).await;
        assert_eq!(refusal(answer).await, "access_denied");
    }
    let again = rig.type_code(&device.user_code).await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_device_code_has_its_time_and_is_then_called_expired() {
    let rig = Rig::start_as(|options| Options {
        device_code_life: SignedDuration::from_secs(60),
        device_interval: SignedDuration::from_secs(1),
        ..options
    })
    .await;
    let (early, late) = (rig.device().await, rig.device().await);
    assert_eq!((early.expires_in, early.interval), (60, 1));
    let page = rig.type_code(&late.user_code).await.text().await.unwrap();
    let page = rig.type_in(&page, "demo", "demo").await;
    let page = page.text().await.unwrap();
    rig.answer_for(&early.user_code, "demo", "allow").await;
    rig.advance(59);
    tokens(rig.poll(&early.device_code).await).await;
    rig.advance(1);
    assert_eq!(
        rig.answer(&page, "allow").await.status(),
        StatusCode::BAD_REQUEST
    );
    let answer = rig.poll(&late.device_code).await;
    assert_eq!(refusal(answer).await, "expired_token");
    let typed = rig.type_code(&late.user_code).await;
    assert_eq!(typed.status(), StatusCode::UNPROCESSABLE_ENTITY);
    // A day later nobody remembers it.
    rig.advance(86_400);
    rig.device().await;
    let answer = rig.poll(&late.device_code).await;
    assert_eq!(refusal(answer).await, "invalid_grant");
}

#[tokio::test]
async fn a_device_code_works_once_and_its_second_use_ends_what_grew_from_it() {
    let rig = Rig::start().await;
    let device = rig.device().await;
    rig.answer_for(&device.user_code, "demo", "allow").await;
    let answer = tokens(rig.poll(&device.device_code).await).await;
    let again = rig.poll(&device.device_code).await;
    assert_eq!(refusal(again).await, "invalid_grant");
    let token = answer.refresh_token.unwrap();
    assert_eq!(refusal(rig.refresh(&token).await).await, "invalid_grant");
}

#[tokio::test]
async fn the_first_answer_for_a_device_counts() {
    let rig = Rig::start().await;
    rig.add_athlete("other");
    let device = rig.device().await;
    let page = rig.type_code(&device.user_code).await.text().await.unwrap();
    let page = rig.type_in(&page, "other", "other").await;
    let page = page.text().await.unwrap();
    rig.answer_for(&device.user_code, "demo", "allow").await;
    for answer in ["allow", "deny"] {
        let status = rig.answer(&page, answer).await.status();
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    let answer = tokens(rig.poll(&device.device_code).await).await;
    let claims = Rig::claims(&answer.access_token);
    assert_eq!(claims["sub"], rig.demo().as_str());
}

#[tokio::test]
async fn a_closed_account_opens_no_device() {
    let rig = Rig::start().await;
    let device = rig.device().await;
    rig.answer_for(&device.user_code, "demo", "allow").await;
    rig.server.store().set_blocked(&rig.demo(), true).unwrap();
    let answer = rig.poll(&device.device_code).await;
    assert_eq!(refusal(answer).await, "account_blocked");
    rig.server.store().set_blocked(&rig.demo(), false).unwrap();
    tokens(rig.poll(&device.device_code).await).await;
}

#[tokio::test]
async fn guessing_user_codes_is_slowed_down_and_right_ones_cost_nothing() {
    let rig = Rig::start().await;
    let device = rig.device().await;
    for _ in 0..20 {
        let page = rig.type_code(&device.user_code).await;
        assert_eq!(page.status(), StatusCode::OK);
    }
    for _ in 0..10 {
        let page = rig.type_code("BBBB-BBBB").await;
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let waits = rig.type_code(&device.user_code).await;
    assert_eq!(waits.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(waits.headers()[RETRY_AFTER], "60");
    rig.advance(60);
    let page = rig.type_code(&device.user_code).await;
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stranger_who_guesses_or_floods_does_not_shut_the_door_for_others() {
    let rig = Rig::start().await;
    let device = rig.device().await;
    let from = |path: &str, form: &[(&str, &str)], place: &str| {
        let request = rig.post(path, form).header("x-forwarded-for", place);
        async move { request.send().await.unwrap() }
    };
    let (stranger, athlete) = ("198.51.100.7", "192.0.2.1");
    let guess = [("user_code", "BBBB-BBBB")];
    for _ in 0..10 {
        from("/oauth/device/code", &guess, stranger).await;
    }
    let right = [("user_code", &*device.user_code)];
    for (place, status) in [
        (stranger, StatusCode::TOO_MANY_REQUESTS),
        // What a client itself says of its place stands before what the proxy saw.
        ("192.0.2.1, 198.51.100.7", StatusCode::TOO_MANY_REQUESTS),
        (athlete, StatusCode::OK),
    ] {
        let page = from("/oauth/device/code", &right, place).await;
        assert_eq!(page.status(), status, "{place}");
    }

    let form = [("client_id", CLIENT_ID), ("scope", "openid")];
    for _ in 0..60 {
        let answer = from("/oauth/device", &form, stranger).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let refused = from("/oauth/device", &form, stranger).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[RETRY_AFTER], "60");
    let answer = from("/oauth/device", &form, athlete).await;
    assert_eq!(answer.status(), StatusCode::OK);
    rig.advance(60);
    let answer = from("/oauth/device", &form, stranger).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_takes_no_form_of_another_site_and_shows_no_markup_of_others() {
    let rig = Rig::start().await;
    let device = rig.device().await;
    let mut headers = HeaderMap::new();
    headers.insert(ORIGIN, "https://evil.example".parse().unwrap());
    let form = [("user_code", &*device.user_code)];
    let foreign = rig.post("/oauth/device/code", &form).headers(headers);
    assert_eq!(
        foreign.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    let odd = rig.type_code("\"><script>alert(1)</script>").await;
    assert_eq!(odd.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!odd.text().await.unwrap().contains("<script"));
    let odd = rig.get("/oauth/device?user_code=%22%3E%3Cb%3E").send();
    assert!(!odd.await.unwrap().text().await.unwrap().contains("<b>"));
    // The key of the sign-in page does not open the consent.
    let page = rig.type_code(&device.user_code).await.text().await.unwrap();
    let form = [("request", &*request_key(&page)), ("answer", "allow")];
    let skipped = rig.post("/oauth/consent", &form).send().await.unwrap();
    assert_eq!(skipped.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn malformed_device_requests_are_named_by_code() {
    let rig = Rig::start().await;
    let client = ("client_id", CLIENT_ID);
    for (form, code) in [
        (vec![("scope", "openid")], "invalid_client"),
        (vec![client], "invalid_scope"),
        (vec![client, ("scope", "unheard-of")], "invalid_scope"),
        (vec![client, client], "invalid_request"),
    ] {
        let answer = rig.post("/oauth/device", &form).send().await.unwrap();
        assert_eq!(refusal(answer).await, code, "{form:?}");
    }
    assert_eq!(refusal(rig.poll("unheard-of").await).await, "invalid_grant");
}

#[tokio::test]
async fn a_device_that_waits_outlives_a_restart_and_its_code_is_not_in_the_database() {
    let rig = Rig::start().await;
    let device = rig.device().await;
    let rig = rig.restart().await;
    rig.answer_for(&device.user_code, "demo", "allow").await;
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(rig.folder()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let code = device.device_code.as_bytes();
    assert!(!bytes.windows(code.len()).any(|window| window == code));
    let rig = rig.restart().await;
    tokens(rig.poll(&device.device_code).await).await;
}
