//! Tokens are for this service alone (RFC 8707).

use freewheel_protocol::oauth::{CLIENT_ID, DEVICE_CODE_GRANT, SCOPES};

use crate::rig::{REDIRECT, Rig, VERIFIER, location, parameter, refusal, tokens};

const FOREIGN: (&str, &str) = ("resource", "https://evil.example");

/// A service that names this server as its issuer is asked for by its own name: nobody gets a token for it here.
#[tokio::test]
async fn tokens_for_another_service_are_refused_and_nothing_is_spent() {
    let rig = Rig::start().await;
    let back = location(&rig.authorize(&[FOREIGN]).await);
    assert_eq!(
        parameter(&back, "error").as_deref(),
        Some("invalid_target"),
        "{back}"
    );
    assert!(back.as_str().starts_with(REDIRECT));

    let scope = SCOPES.join(" ");
    let form = [("client_id", CLIENT_ID), ("scope", &*scope), FOREIGN];
    let device = rig.post("/oauth/device", &form).send().await.unwrap();
    assert_eq!(refusal(device).await, "invalid_target");

    let code = rig.code("demo", &[]).await;
    let device = rig.device().await;
    rig.answer_for(&device.user_code, "demo", "allow").await;
    let refresh = rig.sign_in().await.refresh_token.unwrap();
    let mine = ("resource", &*rig.url);
    for resource in [FOREIGN, mine] {
        for form in [
            vec![
                ("grant_type", "authorization_code"),
                ("code", &*code),
                ("redirect_uri", REDIRECT),
                ("code_verifier", VERIFIER),
            ],
            vec![
                ("grant_type", DEVICE_CODE_GRANT),
                ("device_code", &*device.device_code),
            ],
            vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", &*refresh),
            ],
        ] {
            let form = [form, vec![("client_id", CLIENT_ID), resource]].concat();
            let answer = rig.post("/oauth/token", &form).send().await.unwrap();
            if resource == FOREIGN {
                assert_eq!(refusal(answer).await, "invalid_target", "{form:?}");
            } else {
                tokens(answer).await;
            }
        }
    }
}
