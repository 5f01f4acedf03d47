//! Each fault is what its name says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::time::Duration;

use freewheel_lab::faults::{BlackHole, Silent, StatusServer};

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(Duration::from_millis(400))
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap()
}

#[tokio::test]
async fn connecting_to_a_black_hole_hangs_and_its_port_is_free_afterwards() {
    let hole = BlackHole::open(None).await.unwrap();
    for _ in 0..3 {
        let error = client().get(hole.url()).send().await.unwrap_err();
        assert!(error.is_connect() && error.is_timeout(), "{error:?}");
    }
    let port = hole.port().clone();
    drop(hole);
    let error = client().get(port.url()).send().await.unwrap_err();
    assert!(
        error.is_connect() && !error.is_timeout(),
        "now it is refused at once: {error:?}"
    );
    let hole = BlackHole::open(Some(&port)).await.unwrap();
    assert_eq!(hole.url(), port.url());
}

#[tokio::test]
async fn a_silent_server_accepts_and_never_answers() {
    let silent = Silent::open(None).unwrap();
    let error = client().get(silent.url()).send().await.unwrap_err();
    assert!(error.is_timeout() && !error.is_connect(), "{error:?}");
    assert_eq!(silent.accepted(), 1);
}

#[tokio::test]
async fn a_status_server_gives_its_one_answer_and_counts() {
    let server = StatusServer::open(None, 503, "text/html", "<h1>no</h1>").unwrap();
    for count in 1..=3 {
        let long = "x".repeat(200_000);
        let answer = client()
            .put(format!("{}/v1/rides/1", server.url()))
            .body(long)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["content-type"], "text/html");
        assert_eq!(answer.text().await.unwrap(), "<h1>no</h1>");
        assert_eq!(server.count(), count);
    }
    client()
        .get(format!("{}/healthz?deep=1", server.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(server.requests().last().unwrap(), "GET /healthz?deep=1");
    let port = server.port().clone();
    drop(server);
    StatusServer::open(Some(&port), 200, "text/plain", "").unwrap();
}
