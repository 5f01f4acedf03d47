use reqwest::StatusCode;
use reqwest::header::{HeaderMap, ORIGIN, RETRY_AFTER};

use crate::rig::{Rig, VERIFIER, location, parameter, refusal, request_key, tokens};

#[tokio::test]
async fn an_athlete_signs_in_agrees_and_the_app_gets_its_tokens() {
    let rig = Rig::start().await;
    let first = rig.authorize(&[]).await;
    assert_eq!(first.status(), StatusCode::OK);
    let first = first.text().await.unwrap();
    for part in ["id=\"username\"", "id=\"password\"", "id=\"sign-in\""] {
        assert!(first.contains(part), "{part} in {first}");
    }
    let second = rig.type_in(&first, "Demo", "demo").await;
    assert_eq!(second.status(), StatusCode::OK);
    // Browsers apply form-action to the redirect that answers the form.
    let policy = second.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:49999;"),
        "{policy}"
    );
    let second = second.text().await.unwrap();
    assert!(
        second.contains("id=\"allow\"") && second.contains("id=\"deny\""),
        "{second}"
    );
    assert!(second.contains("Demo Rider"), "{second}");

    let back = location(&rig.answer(&second, "allow").await);
    assert_eq!(
        &back[..url::Position::AfterPath],
        "http://127.0.0.1:49999/callback"
    );
    assert_eq!(parameter(&back, "state").as_deref(), Some("state & more"));
    assert_eq!(parameter(&back, "iss").as_deref(), Some(&*rig.url));
    let code = parameter(&back, "code").unwrap();
    let answer = tokens(rig.redeem(&code, VERIFIER).await).await;
    assert_eq!(answer.expires_in, 900);
    assert!(answer.refresh_token.is_some() && answer.id_token.is_some());
}

#[tokio::test]
async fn no_is_told_to_the_app() {
    let rig = Rig::start().await;
    let page = rig.authorize(&[]).await.text().await.unwrap();
    let page = rig
        .type_in(&page, "demo", "demo")
        .await
        .text()
        .await
        .unwrap();
    let back = location(&rig.answer(&page, "deny").await);
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state").as_deref(), Some("state & more"));
    assert_eq!(parameter(&back, "code"), None);
}

#[tokio::test]
async fn without_pkce_or_with_plain_the_app_is_refused() {
    let rig = Rig::start().await;
    for change in [("code_challenge", ""), ("code_challenge_method", "plain")] {
        let back = location(&rig.authorize(&[change]).await);
        assert_eq!(
            parameter(&back, "error").as_deref(),
            Some("invalid_request")
        );
    }
}

#[tokio::test]
async fn the_browser_is_never_sent_to_an_address_that_is_not_the_apps_own() {
    let rig = Rig::start().await;
    for change in [
        ("redirect_uri", "http://evil.example/callback"),
        ("client_id", "other"),
    ] {
        let answer = rig.authorize(&[change]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(!answer.headers().contains_key("location"));
    }
}

#[tokio::test]
async fn a_wrong_password_shows_the_page_again_and_the_right_one_then_works() {
    let rig = Rig::start().await;
    let page = rig.authorize(&[]).await.text().await.unwrap();
    let mut answers = Vec::new();
    for (name, password) in [("demo", "wrong"), ("nobody\"><b>", "demo")] {
        let again = rig.type_in(&page, name, password).await;
        assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let again = again.text().await.unwrap();
        assert!(again.contains("role=\"alert\""), "{again}");
        assert!(
            !again.contains("<b>") && !again.contains("wrong"),
            "{again}"
        );
        answers.push(again);
    }
    // Nothing tells an unknown name from a wrong password.
    let message = |page: &str| page.split_once("role=\"alert\"").unwrap().1[..60].to_owned();
    assert_eq!(message(&answers[0]), message(&answers[1]));
    assert_eq!(
        rig.type_in(&answers[0], "demo", "demo").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let rig = Rig::start().await;
    let page = rig.authorize(&[]).await.text().await.unwrap();
    for _ in 0..5 {
        let status = rig.type_in(&page, "demo", "guess").await.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let waits = rig.type_in(&page, "demo", "demo").await;
    assert_eq!(waits.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(waits.headers()[RETRY_AFTER], "60");
    rig.advance(60);
    assert_eq!(
        rig.type_in(&page, "demo", "demo").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn guesses_at_the_same_moment_and_under_other_spellings_are_slowed_down_too() {
    let rig = Rig::start().await;
    let page = rig.authorize(&[]).await.text().await.unwrap();
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..12 {
        let key = request_key(&page);
        let name = format!("demo{}", " ".repeat(number));
        let form = [("request", &*key), ("username", &*name), ("password", "x")];
        let guess = rig.post("/oauth/sign-in", &form).send();
        guesses.spawn(async move { guess.await.unwrap().status() });
    }
    let answers = guesses.join_all().await;
    let of = |wanted| answers.iter().filter(|status| **status == wanted).count();
    assert_eq!(of(StatusCode::UNPROCESSABLE_ENTITY), 5, "{answers:?}");
    assert_eq!(of(StatusCode::TOO_MANY_REQUESTS), 7, "{answers:?}");
}

#[tokio::test]
async fn a_form_works_once_and_only_for_a_while_and_not_from_elsewhere() {
    let rig = Rig::start().await;
    let first = rig.authorize(&[]).await.text().await.unwrap();

    let mut headers = HeaderMap::new();
    headers.insert(ORIGIN, "https://evil.example".parse().unwrap());
    let key = request_key(&first);
    let form = [
        ("request", &*key),
        ("username", "demo"),
        ("password", "demo"),
    ];
    let foreign = rig
        .post("/oauth/sign-in", &form)
        .headers(headers.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);

    let second = rig
        .type_in(&first, "demo", "demo")
        .await
        .text()
        .await
        .unwrap();
    let replayed = rig.type_in(&first, "demo", "demo").await;
    assert_eq!(replayed.status(), StatusCode::BAD_REQUEST);
    // The first page's key does not open the second step.
    assert_eq!(
        rig.answer(&first, "allow").await.status(),
        StatusCode::BAD_REQUEST
    );

    let form = [("request", &*request_key(&second)), ("answer", "allow")];
    let foreign = rig
        .post("/oauth/consent", &form)
        .headers(headers)
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        rig.answer(&second, "allow").await.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        rig.answer(&second, "allow").await.status(),
        StatusCode::BAD_REQUEST
    );

    let late = rig.authorize(&[]).await.text().await.unwrap();
    rig.advance(601);
    assert_eq!(
        rig.type_in(&late, "demo", "demo").await.status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_code_works_once_soon_and_with_its_own_verifier() {
    let rig = Rig::start().await;
    let code = rig.code("demo", &[]).await;
    let other = "another-verifier-that-is-long-enough-to-be-one-01234";
    assert_eq!(
        refusal(rig.redeem(&code, other).await).await,
        "invalid_grant"
    );
    let answer = tokens(rig.redeem(&code, VERIFIER).await).await;
    assert_eq!(
        refusal(rig.redeem(&code, VERIFIER).await).await,
        "invalid_grant"
    );
    // A code that comes twice was stolen: what grew from it ends.
    let refresh_token = answer.refresh_token.unwrap();
    assert_eq!(
        refusal(rig.refresh(&refresh_token).await).await,
        "invalid_grant"
    );

    let late = rig.code("demo", &[]).await;
    rig.advance(121);
    assert_eq!(
        refusal(rig.redeem(&late, VERIFIER).await).await,
        "invalid_grant"
    );
    assert_eq!(
        refusal(rig.redeem("unheard-of", VERIFIER).await).await,
        "invalid_grant"
    );

    let elsewhere = rig
        .code(
            "demo",
            &[("redirect_uri", "http://127.0.0.1:50001/callback")],
        )
        .await;
    assert_eq!(
        refusal(rig.redeem(&elsewhere, VERIFIER).await).await,
        "invalid_grant"
    );
}

#[tokio::test]
async fn a_closed_account_cannot_sign_in_and_is_told_so_by_code() {
    let rig = Rig::start().await;
    let code = rig.code("demo", &[]).await;
    rig.server.store().set_blocked(&rig.demo(), true).unwrap();
    assert_eq!(
        refusal(rig.redeem(&code, VERIFIER).await).await,
        "account_blocked"
    );
    let page = rig.authorize(&[]).await.text().await.unwrap();
    let answer = rig.type_in(&page, "demo", "demo").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    // Opened again, nothing is lost.
    rig.server.store().set_blocked(&rig.demo(), false).unwrap();
    tokens(rig.redeem(&code, VERIFIER).await).await;
}
