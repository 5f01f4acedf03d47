//! The power comes back: the app opens what its disk held, the service what its own held, and everything goes on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freewheel_lab::rig::{self, Jitter, LabClock, Links, PATIENCE, soon};
use freewheel_powercut::disk::{Choice, Disk, Honesty};
use freewheel_powercut::mark::Mark;
use freewheel_powercut::promises::Promises;
use freewheel_powercut::recording::{Event, Recording};
use freewheel_powercut::service::Service;
use freewheel_powercut::stage::{self, PROFILE, SERVICE};
use freewheel_sync::vault::VaultOptions;
use freewheel_sync::{Engine, Mode, Ports};
use rusqlite::Connection;
use tempfile::TempDir;

use super::kept::DAY;
use super::{marks, seeds, words};

/// So many cuts in a run that nobody asked more of.
const FEW: usize = 18;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_power_is_back_every_ride_is_delivered_once_and_nobody_is_locked_out() {
    let day = tokio::task::spawn_blocking(|| &*DAY).await.unwrap();
    let (recording, port) = day;
    let mut disk = Disk::new(recording, Honesty::Honest);
    let mut promises = Promises::default();
    let (mut cuts, mut delivered) = (0, 0);
    for cut in cuts_of(recording) {
        while disk.happened() < cut {
            if let Some(Event::Mark(mark)) = disk.step() {
                promises.add(mark);
            }
        }
        // The app's computer lost power each time; the service's did every second time.
        let app = [Choice::Nothing, Choice::Latest, Choice::Seeded(cut as u64)][cuts % 3];
        let service = [Choice::Everything, Choice::Seeded(cut as u64)][cuts % 2];
        let place = TempDir::new_in(stage::place()).unwrap();
        let (profile, data) = (place.path().join(PROFILE), place.path().join(SERVICE));
        disk.image(app).write(PROFILE, &profile).unwrap();
        disk.image(service).write(SERVICE, &data).unwrap();
        let service = Service::start(&data, port.listen().unwrap(), Arc::new(|_| {}));
        let service = service.await.unwrap();
        let what = format!("cut {cut}, {app:?}, after {}", words(recording, cut));
        delivered += comes_back(&profile, &service, &promises, &what).await;
        service.stop().await;
        cuts += 1;
    }
    println!("{cuts} times the power came back; {delivered} rides were delivered");
    assert!(delivered > cuts / 3, "too few rides to tell: {delivered}");
}

/// Around each promise, and evenly between.
fn cuts_of(recording: &Recording) -> Vec<usize> {
    let told = marks(recording, |mark| {
        !matches!(mark, Mark::Samples { .. } | Mark::Page { .. })
    });
    let every = if seeds().is_empty() {
        recording.len() / FEW
    } else {
        5
    };
    let evenly = (1..=recording.len()).step_by(every.max(1));
    let mut cuts: Vec<usize> = told.into_iter().map(|at| at + 1).chain(evenly).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Opens the app, finishes what was open, and syncs. Returns how many rides the service has then.
async fn comes_back(profile: &Path, service: &Service, promises: &Promises, what: &str) -> usize {
    let ports = Ports {
        clock: LabClock::shared(),
        network: Arc::new(Links::default()),
        entropy: Arc::new(Jitter(0.02)),
        vault: VaultOptions::key_file_only(),
    };
    let opening = Engine::open(rig::home(profile).unwrap(), ports, Mode::OneShot);
    let engine = soon("a launch", opening).await.unwrap().expect(what);
    for ride in rides(profile, "state = 'open'") {
        engine
            .finish_unfinished(ride.0.parse().unwrap())
            .await
            .expect(what);
    }
    let report = soon("a sync", engine.sync(PATIENCE))
        .await
        .unwrap()
        .expect(what);
    engine.shutdown().await;
    if promises.generation == 0 {
        // The sign-in was not over; whether it was saved already is nobody's business.
        return 0;
    }
    assert_eq!(
        (report.session.as_str(), report.waiting),
        ("active", 0),
        "{what}: {report:?}"
    );
    let there = u32::try_from(service.server.store().workout_ids().unwrap().len()).unwrap();
    assert_eq!(report.workouts, there, "{what}: {report:?}");
    let demo = service
        .server
        .store()
        .athlete_named("demo")
        .unwrap()
        .unwrap();
    let stored = service.server.store().rides(&demo.id).unwrap();
    let stored = stored
        .iter()
        .map(|ride| (ride.id.to_string(), ride.digest.to_string()));
    let mut stored: Vec<(String, String)> = stored.collect();
    stored.sort();
    assert_eq!(stored, rides(profile, "true"), "{what}");
    for saved in &promises.saved {
        assert!(
            stored.iter().any(|(id, _)| id == saved),
            "{what}: {saved} is lost"
        );
    }
    stored.len()
}

/// Ids and digests of the profile's rides.
fn rides(profile: &Path, which: &str) -> Vec<(String, String)> {
    let athlete = Connection::open(profile.join("athlete.db")).unwrap();
    athlete.busy_timeout(Duration::from_secs(10)).unwrap();
    let sql = format!("SELECT id, coalesce(digest, '') FROM ride WHERE {which} ORDER BY id");
    let mut rides = athlete.prepare(&sql).unwrap();
    let rides = rides
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rides.collect::<Result<_, _>>().unwrap()
}
