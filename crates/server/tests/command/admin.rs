//! What the operator does to a data folder while a server runs on it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use freewheel_protocol::Problem;
use freewheel_server::Store;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::running::{http, refresh, sign_in, start, start_with};

/// Runs a command on the folder with this on its standard input: its status and what it printed.
fn run(data: &Path, arguments: &[&str], input: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freewheel-server"));
    command.args(arguments).arg("--data").arg(data);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8(text).unwrap())
}

fn done(data: &Path, arguments: &[&str], input: &str) -> String {
    let (status, text) = run(data, arguments, input);
    assert_eq!(status, Some(0), "{arguments:?}: {text}");
    text
}

async fn rides(http: &Client, url: &str, token: &str) -> reqwest::Response {
    let request = http.get(format!("{url}/v1/rides")).bearer_auth(token);
    request.send().await.unwrap()
}

#[tokio::test]
async fn an_account_is_disabled_and_enabled_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    let (http, url) = (http(), &running.url);
    let answer = sign_in(&http, url, "demo").await;
    let token = answer.refresh_token.unwrap();

    let text = done(folder.path(), &["athlete", "disable", "Demo"], "");
    assert!(text.starts_with("demo is disabled"), "{text}");
    let refused = refresh(&http, url, &token).await.err();
    assert_eq!(refused.as_deref(), Some("account_blocked"));
    let refused = rides(&http, url, &answer.access_token).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let problem: Problem = refused.json().await.unwrap();
    assert_eq!(problem.code.as_str(), "account-blocked");

    done(folder.path(), &["athlete", "enable", "demo"], "");
    let open = rides(&http, url, &answer.access_token).await;
    assert_eq!(open.status(), StatusCode::OK);
    assert!(refresh(&http, url, &token).await.is_ok());
}

#[tokio::test]
async fn a_new_password_signs_out_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    let (http, url) = (http(), &running.url);
    let token = sign_in(&http, url, "demo").await.refresh_token.unwrap();
    let text = done(
        folder.path(),
        &["athlete", "password", "demo"],
        "quite new\r\n",
    );
    assert!(
        text.contains("1 session ended") && !text.contains("quite new"),
        "{text}"
    );
    let refused = refresh(&http, url, &token).await.err();
    assert_eq!(refused.as_deref(), Some("invalid_grant"));

    let again = sign_in(&http, url, "quite new")
        .await
        .refresh_token
        .unwrap();
    done(
        folder.path(),
        &["athlete", "sign-out-everywhere", "demo"],
        "",
    );
    let refused = refresh(&http, url, &again).await.err();
    assert_eq!(refused.as_deref(), Some("invalid_grant"));
}

#[tokio::test]
async fn keys_are_rotated_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    let (http, url) = (http(), &running.url);
    let published = async || -> Vec<String> {
        let answer = http.get(format!("{url}/oauth/jwks")).send().await.unwrap();
        let set: Value = answer.json().await.unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = published().await;
    let old = sign_in(&http, url, "demo").await.access_token;
    let text = done(folder.path(), &["keys", "rotate"], "");
    let after = published().await;
    assert_eq!(after.len(), 2);
    assert_eq!(after[1], before[0]);
    assert!(text.contains(&after[0]), "{text}");
    let new = sign_in(&http, url, "demo").await.access_token;
    for token in [&old, &new] {
        assert_eq!(rides(&http, url, token).await.status(), StatusCode::OK);
    }
    let header = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(header(&old), header(&new));
}

#[test]
fn an_athlete_is_added_before_the_first_start_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let add = [
        "athlete",
        "add",
        "Maja",
        "--full-name",
        "Maja T.",
        "--ftp",
        "260",
    ];
    let text = done(folder.path(), &add, "secret words\n");
    assert!(!text.contains("secret words"), "{text}");
    let store = Store::open(folder.path()).unwrap();
    let maja = store.athlete_named("maja").unwrap().unwrap();
    assert_eq!(maja.name, "Maja T.");

    let (status, text) = run(folder.path(), &add, "again\n");
    assert_eq!(status, Some(1));
    assert!(text.contains("there is an athlete called"), "{text}");
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    // A folder where no server ever ran stays as it is.
    let (status, text) = run(folder.path(), &["keys", "rotate"], "");
    assert_eq!(status, Some(1));
    let path = folder.path().to_str().unwrap();
    assert!(text.contains(path) && text.contains("server.db"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    done(folder.path(), &["athlete", "add", "maja"], "secret\n");
    for (arguments, input, part) in [
        (
            &["athlete", "disable", "nobody"][..],
            "",
            "no athlete called nobody",
        ),
        (&["athlete", "password", "maja"], "", "no password came"),
        (&["athlete", "password", "maja"], "\n", "no password came"),
        (
            &["athlete", "password", "maja"],
            &*"x".repeat(1025),
            "at most 1024",
        ),
        (&["athlete", "add", "two words"], "x\n", "cannot be a name"),
        (&["athlete", "add", " "], "x\n", "cannot be a name"),
    ] {
        let (status, text) = run(folder.path(), arguments, input);
        assert_eq!(status, Some(1), "{arguments:?}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(part), "{text}");
    }
    for arguments in [
        &["athlete", "disable"][..],
        &["athlete", "password", "maja", "on the command line"],
        &["--listen", "127.0.0.1:0", "keys", "rotate"],
    ] {
        assert_eq!(
            run(folder.path(), arguments, "").0,
            Some(2),
            "{arguments:?}"
        );
    }
}

#[tokio::test]
async fn lives_sessions_and_grace_are_options() {
    let folder = tempfile::tempdir().unwrap();
    let options = [
        "--dev",
        "--access-token-life",
        "60",
        "--refresh-token-life",
        "100",
        "--max-sessions",
        "1",
        "--offline-grace",
        "3600",
    ];
    let running = start_with(folder.path(), &options);
    let (http, url) = (http(), &running.url);
    let first = sign_in(&http, url, "demo").await;
    assert_eq!(first.expires_in, 60);
    let second = sign_in(&http, url, "demo").await;
    let refused = refresh(&http, url, &first.refresh_token.unwrap())
        .await
        .err();
    assert_eq!(refused.as_deref(), Some("invalid_grant"));
    assert!(
        refresh(&http, url, &second.refresh_token.unwrap())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_server_that_takes_the_tokens_of_another_one() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let issuer = start(first.path());
    // Its tokens are for its own API; the app would not take them for another one, the operator may.
    let audience = ["--issuer", &issuer.url, "--audience", "freewheel-api"];
    let service = start_with(second.path(), &audience);
    let http = http();
    let answer = sign_in(&http, &issuer.url, "demo").await;
    let token = answer.access_token;
    assert_eq!(
        rides(&http, &service.url, &token).await.status(),
        StatusCode::OK
    );
    // The operator closes the account by what the issuer calls the athlete.
    let store = Store::open(first.path()).unwrap();
    let subject = store.athlete_named("demo").unwrap().unwrap().id;
    done(second.path(), &["athlete", "disable", subject.as_str()], "");
    let status = rides(&http, &service.url, &token).await.status();
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(
        rides(&http, &issuer.url, &token).await.status(),
        StatusCode::OK
    );
}
