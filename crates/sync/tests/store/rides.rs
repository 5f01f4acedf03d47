use std::fs;

use freewheel_ride::journal::{Journal, RideEvent};
use freewheel_sync::store::{RIDE_KIND, RideJournal, StoreError};
use freewheel_sync::view::Delivery;
use uuid::Uuid;

use super::{ANNA, BEN, START, event, finished, header, profile, sample};

#[test]
fn samples_survive_a_death_and_a_second_stays_as_it_was_first() {
    let profile = profile();
    let journal = RideJournal::new(profile.store.clone(), Some(ANNA.to_owned()));
    let header = header(0);
    journal.begin(&header).unwrap();
    journal
        .append(
            header.id,
            &[sample(0), sample(1)],
            &[event(RideEvent::Step, 0)],
        )
        .unwrap();
    let mut changed = sample(1);
    changed.power = Some(999);
    journal
        .append(
            header.id,
            &[changed, sample(2)],
            &[event(RideEvent::Step, 0), event(RideEvent::Pause, 2)],
        )
        .unwrap();

    let revived = profile.after_death();
    let journal = RideJournal::new(revived.store.clone(), None);
    let ride = journal.load(header.id).unwrap();
    assert_eq!(ride.header, header);
    assert_eq!(ride.samples, [sample(0), sample(1), sample(2)]);
    assert_eq!(
        ride.events,
        [event(RideEvent::Step, 0), event(RideEvent::Pause, 2)]
    );
    let open = revived.store.unfinished_rides(Some(ANNA)).unwrap();
    assert_eq!((open.len(), open[0].seconds), (1, 3));
    assert_eq!(revived.store.unfinished_rides(Some(BEN)).unwrap(), []);
}

#[test]
fn finishing_again_changes_nothing() {
    let profile = profile();
    let journal = RideJournal::new(profile.store.clone(), Some(ANNA.to_owned()));
    let header = header(0);
    journal.begin(&header).unwrap();
    journal.finish(&finished(&header, b"one")).unwrap();
    journal.finish(&finished(&header, b"one")).unwrap();
    journal.finish(&finished(&header, b"two")).unwrap();
    journal.begin(&header).unwrap();
    let fit = profile
        .store
        .ride_fit(Some(ANNA), header.id)
        .unwrap()
        .unwrap();
    assert_eq!(fit, finished(&header, b"one").fit);
    assert_eq!(profile.store.entries(ANNA).unwrap().len(), 1);
    let refused = journal.append(header.id, &[sample(0)], &[]).unwrap_err();
    assert!(
        refused.to_string().contains("finished already"),
        "{refused}"
    );
}

#[test]
fn a_finish_is_whole_or_not_at_all() {
    let profile = profile();
    let journal = RideJournal::new(profile.store.clone(), Some(ANNA.to_owned()));
    let header = header(0);
    journal.begin(&header).unwrap();
    journal.append(header.id, &[sample(0)], &[]).unwrap();
    let raw = profile.raw("athlete.db");
    // The second half of the transaction cannot be done.
    raw.execute_batch(
        "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT raise(ABORT, 'broken'); END",
    )
    .unwrap();
    assert!(journal.finish(&finished(&header, b"fit")).is_err());
    assert_eq!(profile.store.unfinished_rides(Some(ANNA)).unwrap().len(), 1);
    assert_eq!(profile.store.history(Some(ANNA)).unwrap(), []);
    assert_eq!(profile.store.ride_fit(Some(ANNA), header.id).unwrap(), None);
    assert_eq!(fs::read_dir(profile.home.rides()).unwrap().count(), 0);
    raw.execute_batch("DROP TRIGGER broken").unwrap();
    journal.finish(&finished(&header, b"fit")).unwrap();
    let revived = profile.after_death();
    assert_eq!(revived.store.history(Some(ANNA)).unwrap().len(), 1);
    assert_eq!(revived.store.counts(ANNA).unwrap().waiting, 1);
}

#[test]
fn a_ride_belongs_to_who_began_it_whoever_finishes_it() {
    let profile = profile();
    let header = header(0);
    RideJournal::new(profile.store.clone(), Some(ANNA.to_owned()))
        .begin(&header)
        .unwrap();
    let later = RideJournal::new(profile.store.clone(), Some(BEN.to_owned()));
    later.finish(&finished(&header, b"fit")).unwrap();
    assert_eq!(profile.store.counts(ANNA).unwrap().waiting, 1);
    assert_eq!(profile.store.counts(BEN).unwrap().waiting, 0);
    assert_eq!(profile.store.history(Some(BEN)).unwrap(), []);
    assert_eq!(profile.store.history(None).unwrap(), []);
    assert_eq!(profile.store.ride(Some(BEN), header.id).unwrap(), None);
    assert_eq!(profile.store.ride_fit(Some(BEN), header.id).unwrap(), None);
    assert!(profile.store.ride(Some(ANNA), header.id).unwrap().is_some());
}

#[test]
fn own_files_are_not_named_to_the_service() {
    let profile = profile();
    let journal = RideJournal::new(profile.store.clone(), Some(ANNA.to_owned()));
    for (number, workout_id) in [(0, "w1"), (1, "own-0123")] {
        let mut header = header(number);
        header.workout_id = Some(workout_id.to_owned());
        journal.begin(&header).unwrap();
        journal.finish(&finished(&header, b"fit")).unwrap();
    }
    let bodies: Vec<String> = profile
        .store
        .entries(ANNA)
        .unwrap()
        .into_iter()
        .map(|entry| entry.body)
        .collect();
    assert!(
        bodies[0].contains("\"w1\"") && !bodies[1].contains("own-"),
        "{bodies:?}"
    );
}

#[test]
fn the_history_tells_where_each_ride_is() {
    let profile = profile();
    let store = &profile.store;
    let local = profile.ride(None, 0);
    let ids: Vec<Uuid> = (1..=5).map(|n| profile.ride(Some(ANNA), n)).collect();
    let now = START + 86_400_000;
    let claim = || store.claim_due(RIDE_KIND, ANNA, now).unwrap().unwrap();
    let (one, two, three, four) = (claim(), claim(), claim(), claim());
    store.delivered(one.id, one.attempt, "{}", now).unwrap();
    store.park(two.id, two.attempt, "too large", "1").unwrap();
    store
        .retry(
            three.id,
            three.attempt,
            now + 9,
            "Freewheel cannot be reached",
            true,
        )
        .unwrap();
    let history = store.history(Some(ANNA)).unwrap();
    let states: Vec<_> = history
        .iter()
        .map(|ride| (ride.id.clone(), ride.delivery.clone()))
        .collect();
    let waiting = |next_try, attempts, words: &str| Delivery::Waiting {
        next_try,
        attempts,
        words: words.to_owned(),
    };
    assert_eq!(
        states,
        [
            (ids[4].to_string(), waiting(None, 0, "Waiting to upload")),
            (four.id.to_string(), Delivery::Sending),
            (
                three.id.to_string(),
                waiting(
                    Some(now + 9),
                    1,
                    "Waiting to upload · Freewheel cannot be reached"
                ),
            ),
            (
                two.id.to_string(),
                Delivery::Parked {
                    reason: "too large".to_owned()
                }
            ),
            (one.id.to_string(), Delivery::Delivered { at: now }),
            (local.to_string(), Delivery::LocalOnly),
        ],
        "the newest first"
    );
    assert_eq!(history[0].summary, finished(&header(5), b"fit").summary);
    assert_eq!(store.history(None).unwrap().len(), 1);
    assert_eq!(
        store.ride(Some(ANNA), one.id).unwrap().as_ref(),
        history.get(4)
    );
}

#[test]
fn finished_rides_are_files_for_people_and_a_failure_heals() {
    let profile = profile();
    let files = || {
        let mut names: Vec<_> = fs::read_dir(profile.home.rides())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    profile.ride(Some(ANNA), 1);
    assert_eq!(files(), ["2026-03-01-ride-1-00000001.fit"]);
    let content = fs::read(profile.home.rides().join(&files()[0])).unwrap();
    assert_eq!(content, finished(&header(1), b"fit").fit);

    // The folder is gone and a file stands in its place: the ride is saved all the same.
    fs::remove_dir_all(profile.home.rides()).unwrap();
    fs::write(profile.home.rides(), "in the way").unwrap();
    profile.ride(Some(ANNA), 2);
    assert_eq!(profile.store.counts(ANNA).unwrap().waiting, 2);
    assert!(profile.store.export_missing_files().is_err());
    fs::remove_file(profile.home.rides()).unwrap();
    assert_eq!(profile.store.export_missing_files().unwrap(), 1);
    assert_eq!(
        files(),
        ["2026-03-01-ride-2-00000002.fit"],
        "a removed file is not brought back"
    );
    assert_eq!(profile.store.export_missing_files().unwrap(), 0);
}

#[test]
fn unknown_rides_are_refused() {
    let profile = profile();
    let journal = RideJournal::new(profile.store.clone(), None);
    let unknown = header(9);
    for error in [
        journal.append(unknown.id, &[], &[]).unwrap_err(),
        journal.load(unknown.id).unwrap_err(),
        journal.finish(&finished(&unknown, b"fit")).unwrap_err(),
    ] {
        let source = error.0.downcast_ref::<StoreError>().unwrap();
        assert_eq!(source.code(), "ride_unknown");
    }
}

#[test]
fn watchers_hear_of_rides_and_of_changes_elsewhere() {
    let profile = profile();
    let mut revisions = profile.store.revisions();
    let before = *revisions.borrow_and_update();
    profile.ride(Some(ANNA), 1);
    let after = *revisions.borrow_and_update();
    assert!(after.rides > before.rides);
    assert_eq!(
        (after.library, after.session),
        (before.library, before.session)
    );
    profile.store.changed_elsewhere();
    assert!(revisions.has_changed().unwrap());
    let elsewhere = *revisions.borrow_and_update();
    assert!(elsewhere.library > after.library && elsewhere.session > after.session);
    // Nothing to do is no change.
    profile.store.recover_in_flight().unwrap();
    assert!(!revisions.has_changed().unwrap());
}
