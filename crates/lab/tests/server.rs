//! The server as a process, and its sign-in page.
//!
//! Needs `freewheel-server` beside the test: `cargo build --workspace`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::time::Duration;

use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::faults::StatusServer;
use freewheel_lab::server::ServerProcess;
use freewheel_lab::window::Browser;
use freewheel_lab::{LabError, sign_in_page};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// The challenge of some verifier (RFC 7636, appendix B).
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn authorize_url(server: &ServerProcess, callback: &str) -> String {
    let mut url = url::Url::parse(&format!("{}/oauth/authorize", server.url())).unwrap();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", freewheel_protocol::oauth::CLIENT_ID)
        .append_pair("redirect_uri", callback)
        .append_pair("scope", "openid offline_access")
        .append_pair("state", "a state & more")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256");
    url.into()
}

#[tokio::test]
async fn it_is_killed_and_starts_again_on_its_port() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = ServerProcess::start(&data, None, &["--dev"]).await.unwrap();
    let health = format!("{}/healthz", server.url());
    // A new connection each time: one that was kept would break instead of being refused.
    let ask = async || {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(&health).send().await
    };
    assert!(ask().await.unwrap().status().is_success());
    let second = ServerProcess::start(&folder.path().join("other"), Some(server.port()), &[]).await;
    let error = second.unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");

    server.kill9();
    assert!(ask().await.unwrap_err().is_connect());
    server.start_again().await.unwrap();
    assert!(ask().await.unwrap().status().is_success());
    assert!(server.terminate().await.unwrap().success());
}

#[tokio::test]
async fn the_sign_in_page_leads_to_the_callback_and_a_wrong_password_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = ServerProcess::start(&data, None, &["--dev"]).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = format!("http://{}/callback", listener.local_addr().unwrap());
    let app = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let read = connection.read(&mut bytes).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone";
        connection.write_all(answer).await.unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    });

    let url = authorize_url(&server, &callback);
    let wrong = sign_in_page::complete(&url, "demo", "not it")
        .await
        .unwrap_err();
    assert!(
        matches!(&wrong, LabError::Unexpected(text) if text.contains("password")),
        "{wrong}"
    );

    let landed = sign_in_page::complete(&url, "demo", "demo").await.unwrap();
    assert_eq!(
        (landed.status.as_u16(), landed.body.as_str()),
        (200, "done")
    );
    let query: std::collections::HashMap<_, _> = landed.url.query_pairs().into_owned().collect();
    assert_eq!(query["state"], "a state & more");
    assert!(query["code"].len() > 16);
    assert!(app.await.unwrap().starts_with("GET /callback?"));
}

#[tokio::test]
async fn the_sign_in_page_works_in_a_real_browser() {
    let options = SessionOptions {
        keyring: Keyring::Absent,
        ..SessionOptions::default()
    };
    let session = DesktopSession::start(options).await.unwrap();
    let data = session.folder().join("data");
    let server = ServerProcess::start(&data, None, &["--dev"]).await.unwrap();
    let app = StatusServer::open(None, 200, "text/html", "<p id=done>Back in the app</p>").unwrap();
    let url = authorize_url(&server, &format!("{}/callback", app.url()));

    let browser = Browser::open(&session).await.unwrap();
    browser.goto(&url).await.unwrap();
    // Both at once: letters for one may go to the other while the page comes up, and only a look at both finds that.
    let typed = |password| [("#username", "demo"), ("#password", password)];
    browser.fill_in(&typed("wrong")).await.unwrap();
    browser.click("#sign-in").await.unwrap();
    let patience = Duration::from_secs(10);
    browser
        .wait_for_text("#message", "password", patience)
        .await
        .unwrap();
    browser.fill_in(&typed("demo")).await.unwrap();
    browser.click("#sign-in").await.unwrap();
    browser.click("#allow").await.unwrap();
    browser
        .wait_for_text("#done", "Back in the app", patience)
        .await
        .unwrap();
    let callback = app.requests().remove(0);
    assert!(callback.starts_with("GET /callback?code="), "{callback}");
}
