use freewheel_protocol::ProblemCode;
use freewheel_protocol::status::StatusSummary;
use reqwest::{Client, Method, StatusCode};

use crate::rig::{Rig, problem};

#[tokio::test]
async fn every_answer_names_protocol_and_request() {
    let rig = Rig::start().await;
    for path in [
        "/healthz",
        "/nowhere",
        "/v1/changes",
        "/oauth/authorize",
        "/status",
    ] {
        let answer = rig
            .get(path)
            .header("x-request-id", "mine-1")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["freewheel-protocol"], "1", "{path}");
        assert_eq!(answer.headers()["x-request-id"], "mine-1", "{path}");
        assert_eq!(
            answer.headers()["date"],
            "Mon, 02 Mar 2026 09:00:00 GMT",
            "{path}"
        );
    }
    let long = "x".repeat(65);
    for odd in ["two words", "<b>", &long] {
        let answer = rig
            .get("/healthz")
            .header("x-request-id", odd)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["x-request-id"].len(), 36, "{odd}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let rig = Rig::start().await;
    let nowhere = rig.get("/v2/changes").send().await.unwrap();
    assert_eq!(problem(nowhere).await, (404, ProblemCode::NotFound));
    for (method, path) in [(Method::POST, "/v1/changes"), (Method::GET, "/oauth/token")] {
        let request = rig.http.request(method, format!("{}{path}", rig.url));
        let answer = request.send().await.unwrap();
        assert!(answer.headers().contains_key("allow"));
        assert_eq!(
            problem(answer).await,
            (405, ProblemCode::BadRequest),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_status_is_there_for_machines_and_people() {
    let rig = Rig::start().await;
    let summary: StatusSummary = rig
        .get("/api/v2/summary.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(summary.status.indicator.as_str(), "none");
    assert_eq!(summary.components.len(), 3);
    assert_eq!(summary.page.url, format!("{}/status", rig.url));
    let short: serde_json::Value = rig
        .get("/api/v2/status.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(short["status"]["indicator"], "none");
    let page = rig
        .get("/status")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("Ride uploads"), "{page}");
    assert_eq!(
        rig.get("/healthz")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "ok\n"
    );
}

#[tokio::test]
async fn the_metrics_count_answers_rides_and_athletes() {
    let rig = Rig::start().await;
    for _ in 0..3 {
        rig.get("/nowhere").send().await.unwrap();
    }
    let text = rig
        .get("/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for line in [
        "freewheel_answers_total{class=\"4xx\"} 3",
        "freewheel_rides 0",
        "freewheel_athletes 1",
    ] {
        assert!(text.lines().any(|each| each == line), "{line} in {text}");
    }
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_run_nothing() {
    let rig = Rig::start().await;
    let page = rig.authorize(&[]).await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self';"),
        "{policy}"
    );
    assert!(!policy.contains("script-src"), "{policy}");
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let text = page.text().await.unwrap();
    assert!(
        !text.contains("<script") && !text.contains("style="),
        "{text}"
    );
    let style = rig.get("/page.css").send().await.unwrap();
    assert_eq!(style.status(), StatusCode::OK);
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_ask() {
    let rig = Rig::start_with(freewheel_server::Library::BuiltIn).await;
    let token = rig.sign_in().await.access_token;
    let raw = Client::builder().no_proxy().gzip(false).build().unwrap();
    let url = format!("{}/v1/changes", rig.url);
    let plain = raw.get(&url).bearer_auth(&token).send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.unwrap().len();
    let zipped = raw
        .get(&url)
        .bearer_auth(&token)
        .header("accept-encoding", "gzip");
    let zipped = zipped.send().await.unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let zipped = zipped.bytes().await.unwrap().len();
    assert!(zipped * 4 < plain, "{zipped} of {plain} bytes");
}
