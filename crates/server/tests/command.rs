//! `freewheel-server` as a process: how it starts, how it ends, what it says when it cannot.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freewheel_protocol::oauth::{CLIENT_ID, TokenAnswer};
use freewheel_protocol::{ContentDigest, Sha256Digest};
use freewheel_server::Store;
use reqwest::{Client, StatusCode, Url};

const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
const REDIRECT: &str = "http://127.0.0.1:49999/callback";
const RIDE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// A FIT file without records: header, no data, checksum.
const FIT: [u8; 16] = [
    14, 0x20, 0x54, 0x08, 0, 0, 0, 0, b'.', b'F', b'I', b'T', 0, 0, 0xB3, 0xCC,
];

struct Running {
    child: Child,
    url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freewheel-server"));
    command
        .arg("--data")
        .arg(data)
        .args(arguments)
        .env_remove("RUST_LOG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(data: &Path) -> Running {
    let mut child = command(data, &["--listen", "127.0.0.1:0", "--dev"])
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

fn fails(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(data, arguments).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn signal(child: &Child, name: &str) {
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

async fn access_token(http: &Client, url: &str) -> String {
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
        ("password", "demo"),
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
    let answer: TokenAnswer = send("/oauth/token")
        .form(&form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    answer.access_token
}

fn http() -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_acknowledged_ride_survives_kill_minus_nine() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(folder.path());
    let http = http();
    let token = access_token(&http, &running.url).await;
    let answer = http
        .put(format!("{}/v1/rides/{RIDE}", running.url))
        .query(&[
            ("started_at", "2026-03-02T08:00:00Z"),
            ("seconds", "60"),
            ("name", "Short"),
        ])
        .bearer_auth(&token)
        .header(
            "content-digest",
            ContentDigest(Sha256Digest::of(&FIT)).to_string(),
        )
        .body(FIT.to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    running.child.kill().unwrap();
    assert_eq!(running.child.wait().unwrap().signal(), Some(9));

    let again = start(folder.path());
    let answer = http
        .get(format!("{}/healthz", again.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let store = Store::open(folder.path()).unwrap();
    let demo = store.athlete_named("demo").unwrap().unwrap();
    let rides = store.rides(&demo.id).unwrap();
    assert_eq!(rides.len(), 1);
    assert_eq!(rides[0].digest, Sha256Digest::of(&FIT));
    assert_eq!(store.fit(&demo.id, rides[0].id).unwrap().unwrap(), FIT);
}

#[test]
fn signals_end_it_cleanly() {
    for name in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut running = start(folder.path());
        signal(&running.child, name);
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[tokio::test]
async fn the_log_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(folder.path());
    let token = access_token(&http(), &running.url).await;
    signal(&running.child, "TERM");
    let mut log = String::new();
    running
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(log.contains("/oauth/token"), "{log}");
    assert!(
        !log.contains(&token) && !log.contains(VERIFIER) && !log.contains("code="),
        "{log}"
    );
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = fails(folder.path(), &["--listen", &address]);
    assert_eq!(code, Some(1));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains(&address) && text.contains("--listen"),
        "{text}"
    );
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named_with_what_to_do() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let inside = file.path().join("data");
    let (code, text) = fails(&inside, &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains(inside.to_str().unwrap()) && text.contains("--data"),
        "{text}"
    );
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _running = start(folder.path());
    let (code, text) = fails(folder.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("another freewheel-server"), "{text}");
}

#[test]
fn it_does_not_listen_to_the_world_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = fails(folder.path(), &["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("0.0.0.0:0") && text.contains("127.0.0.1"),
        "{text}"
    );
    for url in [
        "http://example.org",
        "ftp://127.0.0.1",
        "https://example.org/path",
    ] {
        let (code, text) = fails(
            folder.path(),
            &["--listen", "127.0.0.1:0", "--public-url", url],
        );
        assert_eq!(code, Some(1), "{url}");
        assert!(text.contains(url), "{text}");
    }
}

#[test]
fn a_bad_library_is_named_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let library = tempfile::tempdir().unwrap();
    std::fs::write(library.path().join("bent.zwo"), "<workout_file>").unwrap();
    let library = library.path().to_str().unwrap();
    let (code, text) = fails(
        folder.path(),
        &["--listen", "127.0.0.1:0", "--library", library],
    );
    assert_eq!(code, Some(1));
    assert!(text.contains("bent.zwo"), "{text}");
}

#[test]
fn usage_errors_are_two_and_the_version_names_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in [&["--listen", "nowhere"][..], &["--unheard-of"]] {
        assert_eq!(fails(folder.path(), wrong).0, Some(2));
    }
    let version = command(folder.path(), &["--version"]).output().unwrap();
    let text = String::from_utf8(version.stdout).unwrap();
    assert!(
        text.starts_with(concat!("freewheel-server ", env!("CARGO_PKG_VERSION"))),
        "{text}"
    );
    assert!(
        text.contains("commit ") && text.contains("built "),
        "{text}"
    );
}
