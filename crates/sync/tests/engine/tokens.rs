//! Tokens: renewed by themselves, once at a time, and never given up for want of an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use freewheel_policy::time::{Millis, Now};
use freewheel_sync::clock::{Clock, SystemClock};
use freewheel_sync::view::{Delivery, SessionAction};
use freewheel_sync::{Engine, Mode, Ports, Renewal};

use crate::athlete::{
    card, eventually, home, open, ports, ride, sign_in, signed_in, soon, until, until_delivered,
};
use crate::site::{Site, Way};

const TOKEN: &str = "POST /oauth/token";

/// The system's clock, so much later.
pub struct Later {
    system: SystemClock,
    seconds: AtomicI64,
}

impl Later {
    pub fn set_minutes(&self, minutes: i64) {
        self.seconds.store(minutes * 60, Ordering::Relaxed);
    }
}

impl Clock for Later {
    fn now(&self) -> Now {
        let mut now = self.system.now();
        let later = Millis::secs(self.seconds.load(Ordering::Relaxed) as u64);
        now.wall = now.wall.plus(later);
        now.boot.0 += later.0;
        now
    }
}

/// Ports with a clock that can be put forward.
pub fn later_ports() -> (Ports, Arc<Later>) {
    let clock = Arc::new(Later {
        system: SystemClock::new(),
        seconds: AtomicI64::new(0),
    });
    let ports = Ports {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..ports()
    };
    (ports, clock)
}

/// An engine whose clock can be put forward, signed in as demo.
pub async fn with_clock(site: &Site, folder: &std::path::Path, mode: Mode) -> (Engine, Arc<Later>) {
    let (ports, clock) = later_ports();
    let engine = Engine::open(home(folder), ports, mode).await.unwrap();
    sign_in(&engine, &site.url, "demo").await.unwrap();
    (engine, clock)
}

#[tokio::test]
async fn short_lived_tokens_are_renewed_by_themselves() {
    let site = Site::with_token_life(4).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    eventually("two renewals", || site.gate.count(TOKEN) >= 3).await;
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    assert_eq!(engine.view_now().session.state, "active");
}

#[tokio::test]
async fn twenty_who_ask_at_once_share_one_renewal() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = with_clock(&site, folder.path(), Mode::Resident).await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    clock.seconds.store(16 * 60, Ordering::Relaxed);
    let (tokens, pulls) = (site.gate.count(TOKEN), site.gate.count("GET /v1/changes"));
    let all = (0..20).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.sync(Duration::ZERO).await })
    });
    let all: Vec<_> = all.collect();
    for sync in all {
        let report = soon("a sync", sync).await.unwrap().unwrap();
        assert!(report.reached && report.session == "active", "{report:?}");
    }
    assert_eq!(site.gate.count(TOKEN) - tokens, 1, "{:?}", site.gate.log());
    // Those who asked while the first was at work share a second one.
    let pulls = site.gate.count("GET /v1/changes") - pulls;
    assert!((1..=3).contains(&pulls), "{pulls} pulls");
}

#[tokio::test]
async fn a_ride_after_a_long_pause_gets_a_fresh_token_and_goes() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = with_clock(&site, folder.path(), Mode::Resident).await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    let tokens = site.gate.count(TOKEN);
    clock.seconds.store(20 * 60, Ordering::Relaxed);
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    assert_eq!(site.gate.count(TOKEN) - tokens, 1);
}

#[tokio::test]
async fn a_renewal_whose_answer_is_lost_is_repeated_at_once() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = with_clock(&site, folder.path(), Mode::OneShot).await;
    let mut lost = false;
    site.gate.rule(move |line| {
        if line == TOKEN && !lost {
            lost = true;
            return Way::LoseReply;
        }
        Way::Through
    });
    let tokens = site.gate.count(TOKEN);
    for hours in 1..=2 {
        clock.seconds.store(hours * 3600, Ordering::Relaxed);
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert!(report.reached && report.session == "active", "{report:?}");
    }
    // One lost, its repetition, and one an hour later: the sign-in was not revoked.
    assert_eq!(site.gate.count(TOKEN) - tokens, 3);
}

#[tokio::test]
async fn an_app_that_dies_while_renewing_goes_on_afterwards() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = with_clock(&site, folder.path(), Mode::Resident).await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    site.gate.rule(|line| {
        if line == TOKEN {
            Way::LoseReply
        } else {
            Way::Through
        }
    });
    let tokens = site.gate.count(TOKEN);
    clock.seconds.store(16 * 60, Ordering::Relaxed);
    engine.sync_now();
    eventually("a renewal", || site.gate.count(TOKEN) > tokens).await;
    drop(engine);
    site.gate.through();
    let later = Later {
        system: SystemClock::new(),
        seconds: AtomicI64::new(17 * 60),
    };
    let ports = Ports {
        clock: Arc::new(later),
        ..ports()
    };
    let engine = Engine::open(home(folder.path()), ports, Mode::Resident)
        .await
        .unwrap();
    let saved = ride(&engine).await;
    until_delivered(&engine, &saved).await;
    assert_eq!(engine.view_now().session.state, "active");
}

#[tokio::test]
async fn a_revoked_sign_in_asks_for_another_and_keeps_the_queue() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock) = with_clock(&site, folder.path(), Mode::Resident).await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    assert!(site.sql("UPDATE token_family SET revoked_at = 1, revoked_because = 'asked'") > 0);
    clock.seconds.store(16 * 60, Ordering::Relaxed);
    let saved = ride(&engine).await;
    let view = until(&engine, "sign in again", |v| {
        v.session.state == "needs_sign_in" && v.data.waiting == 1
    })
    .await;
    assert_eq!(view.session.action, Some(SessionAction::SignIn));
    assert!(view.session.library_open, "the grace goes on");
    let tokens = site.gate.count(TOKEN);
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(
        (report.waiting, report.session.as_str()),
        (1, "needs_sign_in")
    );
    assert_eq!(
        site.gate.count(TOKEN),
        tokens,
        "a condemned token is not sent again"
    );
    assert!(matches!(
        card(&engine, &saved).await.delivery,
        Delivery::Waiting { next_try: None, .. }
    ));
    sign_in(&engine, &site.url, "demo").await.unwrap();
    until_delivered(&engine, &saved).await;
    assert_eq!(engine.view_now().session.state, "active");
}

#[tokio::test]
async fn a_blocked_account_keeps_its_rides_and_opens_when_support_opens_it() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    site.server.store().set_blocked(&site.demo(), true).unwrap();
    let saved = ride(&engine).await;
    // The news may come during the ride, before there is anything that waits.
    let view = until(&engine, "blocked, and the ride waits", |v| {
        v.session.state == "blocked" && !v.session.library_open && v.data.waiting == 1
    })
    .await;
    assert_eq!(view.session.action, Some(SessionAction::ContactSupport));
    let file = engine
        .export_ride(saved.id.parse().unwrap(), folder.path())
        .await
        .unwrap();
    assert!(file.is_file());
    engine.shutdown().await;
    drop(engine);
    site.server
        .store()
        .set_blocked(&site.demo(), false)
        .unwrap();
    // The next launch asks once more.
    let engine = open(folder.path(), Mode::Resident).await;
    until_delivered(&engine, &saved).await;
    until(&engine, "open", |v| {
        v.session.state == "active" && v.session.library_open
    })
    .await;
}

#[tokio::test]
async fn one_refused_call_costs_one_renewal() {
    for mode in [Mode::OneShot, Mode::Resident] {
        let site = Site::start().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = signed_in(folder.path(), mode, &site.url, "demo").await;
        soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        let mut refused = false;
        site.gate.rule(move |line| {
            if line.starts_with("GET /v1/changes") && !refused {
                refused = true;
                return unauthorized();
            }
            Way::Through
        });
        let tokens = site.gate.count(TOKEN);
        let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
        assert!(report.reached && report.session == "active", "{report:?}");
        assert_eq!(site.gate.count(TOKEN) - tokens, 1);
    }
}

#[tokio::test]
async fn a_service_that_refuses_every_token_signs_nobody_out() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&engine, "a library", |v| {
        v.library.workouts >= 60 && !v.data.busy
    })
    .await;
    // Nothing of the sign-in is left to be asked.
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    site.gate.rule(|line| {
        if line.contains("/v1/") {
            unauthorized()
        } else {
            Way::Through
        }
    });
    let tokens = site.gate.count(TOKEN);
    let saved = ride(&engine).await;
    let view = until(&engine, "offline", |v| v.session.state == "offline").await;
    assert!(
        view.session.library_open && view.data.waiting == 1,
        "{view:?}"
    );
    for _ in 0..5 {
        soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    }
    let tokens = site.gate.count(TOKEN) - tokens;
    assert!((1..=2).contains(&tokens), "{tokens} renewals");
    site.gate.through();
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    until_delivered(&engine, &saved).await;
    until(&engine, "active", |v| v.session.state == "active").await;
}

fn unauthorized() -> Way {
    let body = r#"{"type":"about:blank","title":"no","status":401,"code":"invalid-token"}"#;
    Way::Say(401, "application/problem+json", body.to_owned())
}

#[tokio::test]
async fn tokens_without_a_life_are_not_renewed_in_a_loop() {
    let site = Site::with_token_life(0).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    let saved = ride(&engine).await;
    eventually("one renewal", || site.gate.count(TOKEN) >= 2).await;
    for _ in 0..3 {
        soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    }
    let renewals = site.gate.count(TOKEN) - 1;
    assert!(renewals <= 2, "{renewals} renewals");
    assert!(matches!(
        card(&engine, &saved).await.delivery,
        Delivery::Waiting { .. }
    ));
}

#[tokio::test]
async fn a_renewal_can_be_asked_for_by_any_process() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let resident = signed_in(folder.path(), Mode::Resident, &site.url, "demo").await;
    until(&resident, "a library", |v| v.library.workouts >= 60).await;
    let tokens = site.gate.count(TOKEN);
    let other = open(folder.path(), Mode::OneShot).await;
    assert_eq!(soon("a renewal", other.renew()).await, Renewal::Fresh);
    assert_eq!(soon("a renewal", resident.renew()).await, Renewal::Fresh);
    assert_eq!(site.gate.count(TOKEN) - tokens, 2);
    soon("signing out", other.sign_out()).await.unwrap();
    for engine in [&other, &resident] {
        let renewal = soon("a renewal", engine.renew()).await;
        assert_eq!(renewal, Renewal::NotPossible);
    }
    assert_eq!(site.gate.count(TOKEN) - tokens, 2);
}

#[tokio::test]
async fn a_condemned_token_is_not_sent_whoever_asks() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    assert!(site.sql("UPDATE token_family SET revoked_at = 1, revoked_because = 'asked'") > 0);
    let tokens = site.gate.count(TOKEN);
    for _ in 0..3 {
        assert_eq!(soon("a renewal", engine.renew()).await, Renewal::Refused);
    }
    assert_eq!(site.gate.count(TOKEN) - tokens, 1);
}
