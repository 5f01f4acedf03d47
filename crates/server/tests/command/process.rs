//! How the process starts, how it ends, what it says when it cannot.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use freewheel_protocol::{ContentDigest, Sha256Digest};
use freewheel_server::Store;
use reqwest::StatusCode;

use crate::running::{Running, VERIFIER, command, fails, http, refresh, sign_in, signal, start};

const RIDE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// A FIT file without records: header, no data, checksum.
const FIT: [u8; 16] = [
    14, 0x20, 0x54, 0x08, 0, 0, 0, 0, b'.', b'F', b'I', b'T', 0, 0, 0xB3, 0xCC,
];

#[tokio::test]
async fn an_acknowledged_ride_survives_kill_minus_nine() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(folder.path());
    let http = http();
    let token = sign_in(&http, &running.url, "demo").await.access_token;
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
    let token = sign_in(&http(), &running.url, "demo").await.access_token;
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

#[tokio::test]
async fn a_line_of_the_log_names_the_request_that_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(folder.path());
    let request = http().get(format!("{}/v1/rides", running.url));
    let request = request.header("x-request-id", "ride-list-7");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "ride-list-7");
    let own = http().get(format!("{}/nowhere", running.url));
    let own = own.send().await.unwrap();
    let own = own.headers()["x-request-id"].to_str().unwrap().to_owned();
    signal(&running.child, "TERM");
    let mut log = String::new();
    let mut stderr = running.child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    for (id, path, status) in [("ride-list-7", "/v1/rides", 401), (&*own, "/nowhere", 404)] {
        let line = log.lines().find(|line| line.contains(id));
        let line = line.unwrap_or_else(|| panic!("{id} in {log}"));
        assert!(line.contains(&format!("path=\"{path}\"")), "{line}");
        assert!(line.contains(&format!("status={status}")), "{line}");
    }
}

#[tokio::test]
async fn the_retry_allowance_and_the_end_of_a_family_outlive_kill_minus_nine() {
    let folder = tempfile::tempdir().unwrap();
    let http = http();
    let kill = |mut running: Running| {
        running.child.kill().unwrap();
        assert_eq!(running.child.wait().unwrap().signal(), Some(9));
    };
    let next = async |url: &str, token: &str| {
        let answer = refresh(&http, url, token).await.ok().unwrap();
        answer.refresh_token.unwrap()
    };
    let running = start(folder.path());
    let first = sign_in(&http, &running.url, "demo").await;
    let first = first.refresh_token.unwrap();
    let lost = next(&running.url, &first).await;
    kill(running);
    let running = start(folder.path());
    let second = next(&running.url, &first).await;
    let third = next(&running.url, &second).await;
    kill(running);
    let running = start(folder.path());
    let refused = refresh(&http, &running.url, &lost).await.err();
    assert_eq!(refused.as_deref(), Some("invalid_grant"));
    kill(running);
    let running = start(folder.path());
    let refused = refresh(&http, &running.url, &third).await.err();
    assert_eq!(refused.as_deref(), Some("invalid_grant"));
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
    for url in [
        "http://example.org",
        "example.org",
        "https://example.org?x=1",
    ] {
        let (code, text) = fails(folder.path(), &["--listen", "127.0.0.1:0", "--issuer", url]);
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
    for wrong in [
        &["--listen", "nowhere"][..],
        &["--unheard-of"],
        &["--max-sessions", "0"],
        &["--audience", "some-api"],
        &["--dev", "--issuer", "https://example.org"],
    ] {
        assert_eq!(fails(folder.path(), wrong).0, Some(2), "{wrong:?}");
    }
    let nothing = Command::new(env!("CARGO_BIN_EXE_freewheel-server")).output();
    let nothing = nothing.unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    let text = String::from_utf8(nothing.stderr).unwrap();
    assert!(text.contains("--data"), "{text}");
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
