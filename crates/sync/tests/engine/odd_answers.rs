//! Answers that are not the service's word: nobody is signed out, nothing is lost, and few questions are asked.

use std::sync::Arc;
use std::time::Duration;

use freewheel_sync::view::{Delivery, SyncView};
use freewheel_sync::{Engine, Mode, Ports};

use crate::athlete::{
    Jitter, card, home, ports, ride, sign_in, signed_in, soon, until, until_delivered,
};
use crate::site::{Site, Way};

const PORTAL: &str = "<html><body>Please accept our terms</body></html>";

#[tokio::test]
async fn a_portal_or_a_broken_server_is_never_a_verdict() {
    type Odd = fn() -> Way;
    let answers: [(&str, Odd); 10] = [
        ("500", || Way::Say(500, "text/plain", "oops".into())),
        ("a page", || Way::Say(200, "text/html", PORTAL.into())),
        ("a page with 401", || {
            Way::Say(401, "text/html", PORTAL.into())
        }),
        ("a page with 403", || {
            Way::Say(403, "text/html", PORTAL.into())
        }),
        ("a page with 400", || {
            Way::Say(400, "text/html", PORTAL.into())
        }),
        ("nothing", || {
            Way::Say(200, "application/json", String::new())
        }),
        ("half a document", || {
            Way::Say(200, "application/json", r#"{"changes":["#.into())
        }),
        ("another document", || {
            Way::Say(200, "application/json", "[]".into())
        }),
        ("elsewhere", || Way::Redirect),
        ("503", || Way::Say(503, "text/html", PORTAL.into())),
    ];
    for (name, odd) in answers {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let patient = Ports {
            entropy: Arc::new(Jitter(0.9)),
            ..ports()
        };
        let engine = Engine::open(home(folder.path()), patient, Mode::Resident)
            .await
            .unwrap();
        sign_in(&engine, &site.url, "demo").await.unwrap();
        until(&engine, "a library", |v| {
            v.library.workouts >= 60 && !v.data.busy
        })
        .await;
        site.gate.rule(move |_| odd());
        let before = site.gate.log().len();
        let saved = ride(&engine).await;
        let noticed =
            |v: &SyncView| v.session.state != "active" && v.data.waiting + v.data.parked > 0;
        let view = until(&engine, name, noticed).await;
        assert_eq!(view.session.state, "offline", "{name}");
        assert!(view.session.library_open, "{name}");
        assert_eq!((view.data.waiting, view.data.parked), (1, 0), "{name}");
        let report = soon(name, engine.sync(Duration::ZERO)).await.unwrap();
        assert_eq!(
            (report.session.as_str(), report.waiting),
            ("offline", 1),
            "{name}"
        );
        assert!(!report.reached, "{name}: {report:?}");
        let asked = site.gate.log().len() - before;
        assert!(
            asked <= 8,
            "{name}: {:?}",
            site.gate.log().split_off(before)
        );
        site.gate.through();
        soon(name, engine.sync(Duration::ZERO)).await.unwrap();
        until_delivered(&engine, &saved).await;
        until(&engine, name, |v| v.session.state == "active").await;
        assert_eq!(site.rides_of(&site.demo()).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_the_service_asks_to_wait_is_the_least_that_is_waited() {
    for status in [429, 503] {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
        until(&engine, "a library", |v| {
            v.library.workouts >= 60 && !v.data.busy
        })
        .await;
        site.gate.rule(move |line| {
            if line.starts_with("PUT") {
                Way::Later(status, 3600)
            } else {
                Way::Through
            }
        });
        let began = ms();
        let saved = ride(&engine).await;
        let told = |v: &SyncView| v.data.next_try.is_some_and(|at| at >= began + 3_600_000);
        until(&engine, "told to wait", told).await;
        // New work does not cut it short.
        let second = ride(&engine).await;
        for ride in [&saved, &second] {
            let Delivery::Waiting { next_try, .. } = card(&engine, ride).await.delivery else {
                panic!("not waiting");
            };
            assert!(next_try.unwrap() >= began + 3_600_000);
        }
        assert_eq!(site.gate.count("PUT"), 1);
        site.gate.through();
        // The athlete may ask all the same.
        soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        until_delivered(&engine, &second).await;
        until_delivered(&engine, &saved).await;
    }
}

#[tokio::test]
async fn a_wait_that_is_over_ends_by_itself() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    let mut first = true;
    site.gate.rule(move |line| {
        if line.starts_with("PUT") && std::mem::take(&mut first) {
            return Way::Later(503, 2);
        }
        Way::Through
    });
    let began = ms();
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    assert!(ms() - began >= 2_000);
    assert_eq!(site.gate.count("PUT"), 2);
}

#[tokio::test]
async fn a_token_endpoint_that_is_busy_signs_nobody_out() {
    let site = Site::with_token_life(4).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    let tokens = site.gate.count("POST /oauth/token");
    site.gate.rule(|line| {
        if line.starts_with("POST /oauth") {
            Way::Later(429, 2)
        } else {
            Way::Through
        }
    });
    until(&engine, "offline", |v| v.session.state == "offline").await;
    let began = ms();
    let saved = ride(&engine).await;
    assert!(site.gate.count("POST /oauth/token") - tokens <= 2);
    site.gate.through();
    until_delivered(&engine, &saved).await;
    until(&engine, "active", |v| v.session.state == "active").await;
    // Not left to the look that comes once a minute.
    assert!(ms() - began < 50_000);
}

#[expect(clippy::disallowed_methods, reason = "the test's own clock")]
fn ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
