//! Two weeks, on a whole computer: a real profile, a real engine, a server that is away, and a clock that is moved.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use freewheel_lab::rig::{self, Rig};
use freewheel_lab::site::{Settings, Site, Stopped};
use freewheel_policy::session::Facts;
use freewheel_sync::clock::Clock as _;
use freewheel_sync::view::LibraryQuery;
use freewheel_sync::{EngineError, Mode, RideRequest};
use jiff::SignedDuration;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const MILLISECOND: SignedDuration = SignedDuration::from_millis(1);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// An athlete whose library is here, whose server is away, and whose clock stands still.
struct Stage {
    rig: Rig,
    away: Option<Stopped>,
    licensed: String,
    own: String,
    ridden: String,
}

impl Stage {
    async fn set() -> Self {
        let mut rig = Rig::new().unwrap();
        let settings = Settings {
            clock: rig.clock.clone(),
            ..Settings::default()
        };
        let site = Site::with(settings).await.unwrap();
        let engine = rig.launch(Mode::Resident).await.unwrap();
        rig.sign_in(&site.url, "demo").await.unwrap();
        rig.until("a library", rig::PATIENCE, |v| v.library.workouts >= 60)
            .await
            .unwrap();
        let file = rig.folder().join("own.zwo");
        let own = "<workout_file><name>Own</name><workout>\
                   <SteadyState Duration=\"600\" Power=\"0.6\"/></workout></workout_file>";
        std::fs::write(&file, own).unwrap();
        let imported = engine.import(vec![file], false).await;
        let own = imported[0].workout_id.clone().unwrap();
        let page = engine.library(LibraryQuery::default()).await.unwrap();
        let licensed = page.rows.iter().find(|row| !row.own).unwrap().id.clone();
        let ridden = rig.ride().await.unwrap();
        rig.until_delivered(&ridden, rig::PATIENCE).await.unwrap();
        drop(engine);
        rig.close().await;
        let away = site.stop().await.unwrap();
        rig.clock.stop();
        Self {
            rig,
            away: Some(away),
            licensed,
            own,
            ridden: ridden.id,
        }
    }

    /// Moves both clocks to this long after the last authenticated contact.
    fn at(&self, since_contact: SignedDuration) {
        let contact = self.facts().anchor.unwrap().at;
        let now = self.rig.clock.now();
        assert_eq!(contact.boot_id, now.boot_id, "not across a restart");
        let since = i64::try_from(now.boot.0 - contact.boot.0).unwrap();
        self.rig
            .clock
            .pass(since_contact - SignedDuration::from_millis(since));
    }

    fn facts(&self) -> Facts {
        let database = self.rig.database().unwrap();
        let text: String = database
            .query_row("SELECT facts FROM session", [], |row| row.get(0))
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn samples_on_disk(&self) -> u32 {
        let database = self.rig.database().unwrap();
        let count = "SELECT count(*) FROM ride_sample WHERE ride = \
                     (SELECT max(key) FROM ride)";
        database.query_row(count, [], |row| row.get(0)).unwrap()
    }

    /// Opens the app and looks: is the licensed library open? What never locks is tried each time.
    async fn open_after_launch(&mut self) -> bool {
        let engine = self.rig.launch(Mode::Resident).await.unwrap();
        let open = self.looks_open().await;
        let screen = engine.view_now().session;
        assert_eq!(screen.library_open, open, "the screen says so: {screen:?}");
        let locked = screen.state == "grace_expired";
        assert_eq!(locked, !open, "{screen:?}");
        self.rig.close().await;
        open
    }

    async fn looks_open(&self) -> bool {
        let engine = self.rig.engine().unwrap();
        let own = engine.workout(&self.own).await.unwrap();
        assert!(own.rideable, "own files never lock");
        let exported = engine.export_ride(self.ridden.parse().unwrap(), self.rig.folder());
        std::fs::remove_file(exported.await.unwrap()).unwrap();
        let saved = self.rig.ride().await.unwrap();
        assert!(
            self.rig.card(&saved.id).await.is_ok(),
            "a free ride is always there"
        );
        let licensed = engine.workout(&self.licensed).await.unwrap();
        if !licensed.rideable {
            let refused = engine.start_ride(self.licensed_ride()).await.err();
            assert!(
                matches!(refused, Some(EngineError::LibraryLocked(_))),
                "{refused:?}"
            );
        }
        licensed.rideable
    }

    fn licensed_ride(&self) -> RideRequest {
        RideRequest {
            workout_id: Some(self.licensed.clone()),
            plan_item_id: None,
            speed: 200.0,
            autostart: true,
        }
    }
}

#[tokio::test]
async fn open_to_the_last_millisecond_of_14_days_and_by_itself_again_after_contact() {
    let mut stage = Stage::set().await;
    for (since, open) in [
        (DAY * 14 - SECOND, true),
        (DAY * 14, true),
        (DAY * 14 + MILLISECOND, false),
        (DAY * 14 + SECOND, false),
    ] {
        stage.at(since);
        assert_eq!(stage.open_after_launch().await, open, "{since:#}");
    }
    stage.rig.clock.pass(DAY * 10);
    assert!(!stage.open_after_launch().await);
    stage.rig.clock.go_on();
    let site = stage.away.take().unwrap().start().await.unwrap();
    stage.rig.launch(Mode::Resident).await.unwrap();
    let open = |v: &freewheel_sync::view::SyncView| {
        v.session.library_open && v.session.state == "active" && v.data.waiting == 0
    };
    stage
        .rig
        .until("open again, and all delivered", rig::PATIENCE, open)
        .await
        .unwrap();
    let rides = site.rides_of(&site.demo().unwrap()).unwrap();
    assert_eq!(rides.len(), 6, "the first, and one of each look; each once");
}

#[tokio::test]
async fn a_program_that_stays_open_locks_in_time_too() {
    let mut stage = Stage::set().await;
    stage.rig.launch(Mode::Resident).await.unwrap();
    stage.at(DAY * 14);
    assert!(stage.looks_open().await);
    stage.rig.clock.pass(MILLISECOND);
    assert!(!stage.looks_open().await);
}

#[tokio::test]
async fn a_ride_that_began_in_time_ends_normally_after_the_grace() {
    let mut stage = Stage::set().await;
    let engine = stage.rig.launch(Mode::Resident).await.unwrap();
    stage.at(DAY * 14 - SignedDuration::from_mins(10));
    let ride = engine.start_ride(stage.licensed_ride()).await.unwrap();
    let mut frames = ride.frames();
    frames.wait_for(|frame| frame.ridden >= 20).await.unwrap();
    stage.rig.clock.pass(SignedDuration::from_mins(70));
    let seen = frames.borrow().ridden;
    frames
        .wait_for(|frame| frame.ridden >= seen + 40)
        .await
        .unwrap();
    let during = stage.rig.session().unwrap().access;
    assert_eq!(
        during.licensed_library,
        freewheel_policy::session::Library::Open
    );
    let another = engine.workout(&stage.licensed).await.unwrap();
    assert!(!another.rideable, "what it began with is its own");
    let refused = engine.start_ride(stage.licensed_ride()).await.err();
    assert!(
        matches!(refused, Some(EngineError::LibraryLocked(_))),
        "{refused:?}"
    );
    let saved = ride.finish().await.unwrap();
    engine.ride_ended().await;
    assert!(saved.summary.seconds >= 60, "{saved:?}");
    stage.rig.card(&saved.id).await.unwrap();
    assert!(!stage.looks_open().await, "the next one begins too late");
}

#[tokio::test]
async fn a_ride_that_a_killed_program_left_can_be_finished_and_keeps_nothing_open() {
    let mut stage = Stage::set().await;
    let engine = stage.rig.launch(Mode::Resident).await.unwrap();
    stage.at(DAY * 14 - SignedDuration::from_mins(10));
    let ride = engine.start_ride(stage.licensed_ride()).await.unwrap();
    let mut frames = ride.frames();
    frames.wait_for(|frame| frame.ridden >= 30).await.unwrap();
    while stage.samples_on_disk() < 20 {
        frames.changed().await.unwrap();
    }
    let copy = stage.rig.copied().unwrap();
    drop((frames, ride, engine));
    stage.rig = copy;
    stage.rig.clock.pass(SignedDuration::from_mins(20));
    assert!(!stage.open_after_launch().await);
    let engine = stage.rig.launch(Mode::Resident).await.unwrap();
    let left = engine.today().await.unwrap().unfinished;
    assert_eq!(left.len(), 1);
    let id = left[0].id.parse().unwrap();
    let ride = engine.resume_ride(id, 200.0, true).await.unwrap();
    let mut frames = ride.frames();
    frames.wait_for(|frame| frame.ridden >= 60).await.unwrap();
    let saved = ride.finish().await.unwrap();
    engine.ride_ended().await;
    assert!(saved.summary.seconds >= 60);
}

#[tokio::test]
async fn a_clock_turned_back_gains_nothing_with_or_without_a_restart() {
    let mut stage = Stage::set().await;
    stage.at(DAY * 13);
    assert!(stage.open_after_launch().await);
    stage.rig.clock.turn(-DAY * 30);
    assert!(stage.open_after_launch().await);
    stage.rig.clock.pass(DAY + SECOND);
    assert!(!stage.open_after_launch().await, "the boot clock counts");

    let mut stage = Stage::set().await;
    stage.at(DAY * 13);
    assert!(stage.open_after_launch().await);
    stage.rig.clock.turn(-DAY * 30);
    stage.rig.clock.reboot();
    assert!(stage.open_after_launch().await);
    let view = stage.rig.session().unwrap();
    assert!(view.clock_suspect, "{view:?}");
    for _ in 0..3 {
        stage.rig.clock.pass(SignedDuration::from_hours(9));
        stage.open_after_launch().await;
        stage.rig.clock.turn(-DAY * 30);
        stage.rig.clock.reboot();
    }
    assert!(
        !stage.open_after_launch().await,
        "27 h of uptime were counted through three restarts"
    );
}

#[tokio::test]
async fn a_clock_60_days_ahead_locks_only_meanwhile_with_or_without_a_restart() {
    let mut stage = Stage::set().await;
    stage.at(DAY * 3);
    stage.rig.clock.turn(DAY * 60);
    assert!(
        stage.open_after_launch().await,
        "without a restart the boot clock knows better"
    );
    stage.rig.clock.reboot();
    assert!(!stage.open_after_launch().await);
    stage.rig.clock.turn(-DAY * 60);
    assert!(stage.open_after_launch().await, "right again, open again");
    stage.rig.clock.turn(DAY * 60);
    stage.rig.clock.reboot();
    assert!(!stage.open_after_launch().await);
    stage.rig.clock.reboot();
    stage.rig.clock.turn(-DAY * 60);
    assert!(stage.open_after_launch().await);
    let left = stage.rig.session().unwrap().days_left;
    assert_eq!(left, Some(11), "the three days that passed, and no more");
}
