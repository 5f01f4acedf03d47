use std::collections::BTreeMap;

use freewheel_protocol::{RideUpload, Sha256Digest};
use freewheel_sync::store::{EntryState, RIDE_KIND, Store};
use uuid::Uuid;

use super::{ANNA, BEN, START, at, finished, header, profile};

const NOW: i64 = START + 86_400_000;

fn state(store: &Store, id: Uuid) -> EntryState {
    store
        .entries(ANNA)
        .unwrap()
        .into_iter()
        .find(|entry| entry.id == id)
        .unwrap()
        .state
}

#[test]
fn a_claim_brings_everything_that_a_delivery_needs() {
    let profile = profile();
    let id = profile.ride(Some(ANNA), 1);
    let claim = profile
        .store
        .claim_due(RIDE_KIND, ANNA, NOW)
        .unwrap()
        .unwrap();
    let expected = finished(&header(1), b"fit").fit;
    assert_eq!((claim.id, claim.attempt, claim.attempts), (id, 1, 0));
    assert_eq!(claim.digest, Sha256Digest::of(&expected));
    assert_eq!(claim.payload, expected);
    let upload: RideUpload = serde_json::from_str(&claim.body).unwrap();
    assert_eq!(upload.started_at, at(START + 60_000));
    assert_eq!((upload.seconds, upload.name.as_str()), (60, "Ride 1"));
    assert_eq!(
        profile.store.claim_due(RIDE_KIND, ANNA, NOW).unwrap(),
        None,
        "claimed once"
    );
    assert!(profile.store.delivered(id, 1, "{\"ok\":1}", NOW).unwrap());
    let entry = profile.store.entries(ANNA).unwrap().remove(0);
    assert_eq!(entry.state, EntryState::Delivered);
    assert_eq!(
        (entry.delivered_at, entry.receipt.as_deref()),
        (Some(NOW), Some("{\"ok\":1}"))
    );
}

#[test]
fn a_claim_is_durable_before_it_returns_and_a_death_gives_it_back_unchanged() {
    let profile = profile();
    let id = profile.ride(Some(ANNA), 1);
    let claim = profile
        .store
        .claim_due(RIDE_KIND, ANNA, NOW)
        .unwrap()
        .unwrap();
    assert!(
        profile
            .store
            .retry(id, claim.attempt, NOW + 5, "no answer", true)
            .unwrap()
    );
    profile
        .store
        .claim_due(RIDE_KIND, ANNA, NOW + 5)
        .unwrap()
        .unwrap();

    let revived = profile.after_death();
    assert_eq!(state(&revived.store, id), EntryState::InFlight);
    assert_eq!(revived.store.recover_in_flight().unwrap(), 1);
    let again = revived
        .store
        .claim_due(RIDE_KIND, ANNA, NOW + 5)
        .unwrap()
        .unwrap();
    assert_eq!((again.id, again.attempts), (id, 1), "same key, same tries");
    assert_eq!(again.payload, claim.payload);
    assert_eq!(again.attempt, 3, "and another claim number");
}

#[test]
fn an_answer_to_an_older_claim_changes_nothing() {
    let profile = profile();
    let store = &profile.store;
    let id = profile.ride(Some(ANNA), 1);
    let old = store
        .claim_due(RIDE_KIND, ANNA, NOW)
        .unwrap()
        .unwrap()
        .attempt;
    let refused = |state| {
        assert!(!store.delivered(id, old, "{}", NOW).unwrap());
        assert!(!store.retry(id, old, 0, "x", true).unwrap());
        assert!(!store.release(id, old, 0).unwrap());
        assert!(!store.park(id, old, "x", "1").unwrap());
        assert_eq!(self::state(store, id), state);
    };
    store.recover_in_flight().unwrap();
    refused(EntryState::Waiting);
    let new = store
        .claim_due(RIDE_KIND, ANNA, NOW)
        .unwrap()
        .unwrap()
        .attempt;
    refused(EntryState::InFlight);
    assert!(store.delivered(id, new, "{}", NOW).unwrap());
    refused(EntryState::Delivered);
    assert!(
        !store.delivered(id, new, "{}", NOW + 1).unwrap(),
        "an outcome counts once"
    );
    assert_eq!(store.entries(ANNA).unwrap()[0].attempts, 0);
}

#[test]
fn only_a_retry_that_spends_and_a_refusal_count() {
    let profile = profile();
    let store = &profile.store;
    let id = profile.ride(Some(ANNA), 1);
    let claim = || {
        store
            .claim_due(RIDE_KIND, ANNA, NOW)
            .unwrap()
            .unwrap()
            .attempt
    };
    let attempts = || store.entries(ANNA).unwrap()[0].attempts;
    store.release(id, claim(), NOW).unwrap();
    assert_eq!(attempts(), 0);
    store.retry(id, claim(), NOW, "busy", false).unwrap();
    assert_eq!(attempts(), 0);
    store.retry(id, claim(), NOW, "unreachable", true).unwrap();
    assert_eq!(attempts(), 1);
    store.release(id, claim(), NOW).unwrap();
    assert_eq!(
        store.entries(ANNA).unwrap()[0].last_error.as_deref(),
        Some("unreachable")
    );
    store.park(id, claim(), "too large", "1").unwrap();
    assert_eq!(attempts(), 2);
}

#[test]
fn one_bad_entry_never_holds_up_another() {
    let profile = profile();
    let store = &profile.store;
    let ids: Vec<Uuid> = (1..=4).map(|n| profile.ride(Some(ANNA), n)).collect();
    // The first is refused, the second waits for later, the third is damaged on this disk.
    let first = store.claim_due(RIDE_KIND, ANNA, NOW).unwrap().unwrap();
    assert_eq!(first.id, ids[0], "the oldest first");
    store
        .park(first.id, first.attempt, "unreadable", "1")
        .unwrap();
    let second = store.claim_due(RIDE_KIND, ANNA, NOW).unwrap().unwrap();
    store
        .retry(second.id, second.attempt, NOW + 1000, "503", true)
        .unwrap();
    let raw = profile.raw("athlete.db");
    raw.execute_batch("DROP TRIGGER ride_is_frozen").unwrap();
    raw.execute(
        "UPDATE ride SET fit = x'00' WHERE id = ?",
        [ids[2].to_string()],
    )
    .unwrap();
    let fourth = store.claim_due(RIDE_KIND, ANNA, NOW).unwrap().unwrap();
    assert_eq!(fourth.id, ids[3]);
    assert_eq!(store.claim_due(RIDE_KIND, ANNA, NOW).unwrap(), None);
    assert_eq!(state(store, ids[2]), EntryState::Parked);
    assert_eq!(store.next_due(RIDE_KIND, ANNA).unwrap(), Some(NOW + 1000));
    let counts = store.counts(ANNA).unwrap();
    assert_eq!(
        (
            counts.waiting,
            counts.in_flight,
            counts.parked,
            counts.delivered
        ),
        (1, 1, 2, 0)
    );
}

#[test]
fn due_times_hold_until_someone_asks_for_now() {
    let profile = profile();
    let store = &profile.store;
    let id = profile.ride(Some(ANNA), 1);
    assert_eq!(
        store.next_due(RIDE_KIND, ANNA).unwrap(),
        Some(0),
        "a new entry is due at once"
    );
    let claim = store.claim_due(RIDE_KIND, ANNA, NOW).unwrap().unwrap();
    assert_eq!(store.next_due(RIDE_KIND, ANNA).unwrap(), None);
    store
        .retry(id, claim.attempt, NOW + 60_000, "later", true)
        .unwrap();
    assert_eq!(
        store.claim_due(RIDE_KIND, ANNA, NOW + 59_999).unwrap(),
        None
    );
    assert_eq!(store.make_due_by(RIDE_KIND, ANNA, NOW + 1).unwrap(), 1);
    assert_eq!(store.make_due_by(RIDE_KIND, ANNA, NOW + 1).unwrap(), 0);
    assert_eq!(store.next_due(RIDE_KIND, ANNA).unwrap(), Some(NOW + 1));
    assert!(store.claim_due(RIDE_KIND, ANNA, NOW + 1).unwrap().is_some());
}

#[test]
fn parked_entries_come_back_by_hand_or_with_another_version() {
    let profile = profile();
    let store = &profile.store;
    let id = profile.ride(Some(ANNA), 1);
    let park = |version| {
        let claim = store.claim_due(RIDE_KIND, ANNA, NOW).unwrap().unwrap();
        assert!(
            store
                .park(id, claim.attempt, "unreadable", version)
                .unwrap()
        );
    };
    park("1");
    assert_eq!(
        store.entries(ANNA).unwrap()[0].reason.as_deref(),
        Some("unreadable")
    );
    assert_eq!(store.unpark_for_version(ANNA, "1").unwrap(), 0);
    assert_eq!(store.unpark_for_version(BEN, "2").unwrap(), 0);
    assert_eq!(store.unpark_for_version(ANNA, "2").unwrap(), 1);
    park("2");
    assert!(!store.unpark(BEN, id).unwrap());
    assert!(store.unpark(ANNA, id).unwrap());
    assert!(!store.unpark(ANNA, id).unwrap());
    assert_eq!(state(store, id), EntryState::Waiting);
}

#[test]
fn what_the_service_lost_or_had_all_along_is_put_right() {
    let profile = profile();
    let store = &profile.store;
    let id = profile.ride(Some(ANNA), 1);
    let digest = store.entries(ANNA).unwrap()[0].digest;
    assert!(
        !store
            .delivered_unnoticed(ANNA, id, Sha256Digest::of(b"else"), "{}", NOW)
            .unwrap()
    );
    assert!(
        !store
            .delivered_unnoticed(BEN, id, digest, "{}", NOW)
            .unwrap()
    );
    assert!(
        store
            .delivered_unnoticed(ANNA, id, digest, "{}", NOW)
            .unwrap()
    );
    assert_eq!(
        store.delivered_entries(RIDE_KIND, ANNA).unwrap(),
        [(id, digest)]
    );
    assert!(!store.redeliver(BEN, id).unwrap());
    assert!(store.redeliver(ANNA, id).unwrap());
    assert!(!store.redeliver(ANNA, id).unwrap());
    assert_eq!(store.delivered_entries(RIDE_KIND, ANNA).unwrap(), []);
    assert_eq!(
        store.claim_due(RIDE_KIND, ANNA, NOW).unwrap().unwrap().id,
        id
    );
}

#[test]
fn one_account_never_sees_or_sends_what_belongs_to_another() {
    let profile = profile();
    let store = &profile.store;
    let id = profile.ride(Some(ANNA), 1);
    profile.ride(None, 2);
    assert_eq!(store.claim_due(RIDE_KIND, BEN, NOW).unwrap(), None);
    assert_eq!(store.next_due(RIDE_KIND, BEN).unwrap(), None);
    assert_eq!(store.entries(BEN).unwrap(), []);
    assert_eq!(store.counts(BEN).unwrap().waiting, 0);
    assert_eq!(
        store.entries(ANNA).unwrap().len(),
        1,
        "a ride of nobody's is not queued"
    );
    assert_eq!(
        store.claim_due(RIDE_KIND, ANNA, NOW).unwrap().unwrap().id,
        id
    );
}

#[test]
fn two_processes_never_claim_the_same_entry() {
    let profile = profile();
    let other = Store::open(&profile.home).unwrap();
    for number in 0..40 {
        profile.ride(Some(ANNA), number);
    }
    let claimed: Vec<Uuid> = std::thread::scope(|scope| {
        let threads: Vec<_> = [&profile.store, &other, &profile.store, &other]
            .into_iter()
            .map(|store| {
                scope.spawn(move || {
                    std::iter::from_fn(|| store.claim_due(RIDE_KIND, ANNA, NOW).unwrap())
                        .map(|claim| claim.id)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut times = BTreeMap::new();
    for id in &claimed {
        *times.entry(id).or_insert(0) += 1;
    }
    assert_eq!((claimed.len(), times.len()), (40, 40));
}

#[test]
fn the_database_itself_refuses_to_delete_what_was_not_delivered() {
    let profile = profile();
    let id = profile.ride(Some(ANNA), 1);
    let raw = profile.raw("athlete.db");
    for _ in 0..2 {
        let error = raw.execute("DELETE FROM outbox", []).unwrap_err();
        assert!(error.to_string().contains("never deleted"), "{error}");
        profile.store.claim_due(RIDE_KIND, ANNA, NOW).unwrap();
    }
    assert_eq!(profile.store.entries(ANNA).unwrap()[0].id, id);
}
