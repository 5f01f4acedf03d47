//! A server as a process, and an app that signs in.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freewheel_protocol::Sha256Digest;
use freewheel_protocol::oauth::{CLIENT_ID, OAuthError, TokenAnswer};
use reqwest::{Client, StatusCode, Url};

pub const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
const REDIRECT: &str = "http://127.0.0.1:49999/callback";
pub struct Running {
    pub child: Child,
    pub url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freewheel-server"));
    command
        .arg("--data")
        .arg(data)
        .args(arguments)
        .env_remove("RUST_LOG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn start(data: &Path) -> Running {
    start_with(data, &["--dev"])
}

pub fn start_with(data: &Path, arguments: &[&str]) -> Running {
    let listen = ["--listen", "127.0.0.1:0"];
    let mut child = command(data, &[&listen[..], arguments].concat())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let url = line
        .trim_end()
        .strip_prefix("listening on ")
        .unwrap()
        .to_owned();
    Running { child, url }
}

pub fn fails(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(data, arguments).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

fn request_key(page: &str) -> &str {
    page.split_once("name=\"request\" value=\"")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0
}

/// Signs in demo with this password, like a person would.
pub async fn sign_in(http: &Client, url: &str, password: &str) -> TokenAnswer {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256Digest::of(VERIFIER.as_bytes()).0);
    let query = [
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid offline_access freewheel"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let send = |path: &str| http.post(format!("{url}{path}"));
    let page = http
        .get(format!("{url}/oauth/authorize"))
        .query(&query)
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    let form = [
        ("request", request_key(&page)),
        ("username", "demo"),
        ("password", password),
    ];
    let page = send("/oauth/sign-in")
        .form(&form)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let form = [("request", request_key(&page)), ("answer", "allow")];
    let back = send("/oauth/consent").form(&form).send().await.unwrap();
    let back = Url::parse(back.headers()["location"].to_str().unwrap()).unwrap();
    let code = back
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let answer = send("/oauth/token").form(&form).send().await.unwrap();
    answer.json().await.unwrap()
}

/// The answer to a refresh: tokens, or the code of the refusal.
pub async fn refresh(http: &Client, url: &str, token: &str) -> Result<TokenAnswer, String> {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("refresh_token", token),
    ];
    let request = http.post(format!("{url}/oauth/token")).form(&form);
    let answer = request.send().await.unwrap();
    if answer.status() == StatusCode::OK {
        return Ok(answer.json().await.unwrap());
    }
    let error: OAuthError = answer.json().await.unwrap();
    Err(error.error.to_string())
}

pub fn http() -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}
