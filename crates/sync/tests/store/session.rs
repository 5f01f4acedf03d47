use freewheel_sync::store::{
    AUTH_JOURNAL_LENGTH, NewRevocation, Store, StoreError, StoredSession, StoredVoucher,
};

use super::profile;

/// Stores facts and tokens if the stored generation is `expected`.
fn save(store: &Store, expected: u64, sealed: &[u8], facts: &str) -> bool {
    let saved = store.change_session(|change| {
        if change.stored()?.map_or(0, |stored| stored.generation) != expected {
            return Ok(false);
        }
        change.put_facts(facts)?;
        change.put_tokens(expected + 1, Some(sealed))?;
        Ok(true)
    });
    saved.unwrap()
}

fn stored(store: &Store) -> StoredSession {
    store.session().unwrap().unwrap()
}

#[test]
fn tokens_are_saved_only_over_the_generation_that_was_read() {
    let profile = profile();
    let store = &profile.store;
    assert_eq!(store.session().unwrap(), None);
    assert!(save(store, 0, b"first", "{\"g\":1}"));
    assert!(!save(store, 0, b"late", "{\"late\":true}"));
    let session = stored(store);
    assert_eq!(
        (session.facts.as_str(), session.generation),
        ("{\"g\":1}", 1)
    );
    assert_eq!(session.sealed.as_deref(), Some(&b"first"[..]));
    assert!(session.voucher.is_none() && !session.keyless);
}

#[test]
fn of_two_processes_that_refresh_at_once_one_wins() {
    let profile = profile();
    let other = Store::open(&profile.home).unwrap();
    assert!(save(&profile.store, 0, b"start", "{}"));
    let wins: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = [&profile.store, &other]
            .into_iter()
            .map(|store| scope.spawn(move || save(store, 1, b"mine", "{}")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(wins.iter().filter(|won| **won).count(), 1);
}

#[test]
fn no_change_of_one_process_is_lost_to_another() {
    let profile = profile();
    let other = Store::open(&profile.home).unwrap();
    profile
        .store
        .change_session(|change| change.put_facts("0"))
        .unwrap();
    std::thread::scope(|scope| {
        for store in [&profile.store, &other] {
            scope.spawn(move || {
                for _ in 0..50 {
                    let count = |change: &freewheel_sync::store::SessionChange<'_>| {
                        let now: u32 = change.stored()?.unwrap().facts.parse().unwrap();
                        change.put_facts(&(now + 1).to_string())
                    };
                    store.change_session(count).unwrap();
                }
            });
        }
    });
    assert_eq!(stored(&profile.store).facts, "100");
}

#[test]
fn facts_change_without_touching_the_tokens() {
    let profile = profile();
    let store = &profile.store;
    store
        .change_session(|change| change.put_facts("1"))
        .unwrap();
    assert_eq!(stored(store).generation, 0);
    assert!(save(store, 0, b"sealed", "2"));
    store
        .change_session(|change| change.put_facts("3"))
        .unwrap();
    let session = stored(store);
    assert_eq!((session.facts.as_str(), session.generation), ("3", 1));
    assert_eq!(session.sealed.as_deref(), Some(&b"sealed"[..]));
}

#[test]
fn a_change_that_fails_half_way_changes_nothing() {
    let profile = profile();
    let store = &profile.store;
    assert!(save(store, 0, b"sealed", "before"));
    let failed = store.change_session(|change| {
        change.put_facts("after")?;
        change.put_tokens(2, None)?;
        change.journal(1, "{}", "active", "signed_out")?;
        change.put_lane_state("rides", "{}")?;
        change.queue_revocation(&revocation(Some(b"sealed")))?;
        Err::<(), _>(StoreError::Stopped)
    });
    assert!(failed.is_err());
    let session = stored(store);
    assert_eq!((session.facts.as_str(), session.generation), ("before", 1));
    assert_eq!(session.sealed.as_deref(), Some(&b"sealed"[..]));
    assert!(store.auth_journal().unwrap().is_empty());
    assert_eq!(store.lane_state("rides").unwrap(), None);
    assert!(store.revocations().unwrap().is_empty());
}

#[test]
fn a_refresh_that_ends_after_the_sign_out_brings_nothing_back() {
    let profile = profile();
    let store = &profile.store;
    assert!(save(store, 0, b"sealed", "in"));
    let out = store.change_session(|change| {
        change.put_facts("out")?;
        change.put_tokens(2, None)
    });
    out.unwrap();
    assert!(!save(store, 1, b"late", "in again"));
    let session = stored(store);
    assert_eq!(
        (session.facts.as_str(), session.generation, session.sealed),
        ("out", 2, None)
    );
    assert!(save(store, 2, b"new", "in"));
}

#[test]
fn what_vouches_for_the_facts_is_kept_and_taken_away() {
    let profile = profile();
    let voucher = StoredVoucher {
        text: "{}".to_owned(),
        mac: vec![7; 32],
    };
    let put = |voucher: Option<&StoredVoucher>, keyless| {
        let change = profile.store.change_session(|change| {
            change.put_facts("facts")?;
            change.put_voucher(voucher, keyless)
        });
        change.unwrap();
        let session = stored(&profile.store);
        (session.voucher, session.keyless)
    };
    assert!(put(Some(&voucher), false) == (Some(voucher.clone()), false));
    assert!(put(Some(&voucher), true) == (Some(voucher.clone()), true));
    assert!(put(None, false) == (None, false));
}

#[test]
fn a_session_does_not_show_its_secrets() {
    let profile = profile();
    assert!(save(&profile.store, 0, b"secret", "{\"subject\":\"anna\"}"));
    profile
        .store
        .change_session(|change| change.queue_revocation(&revocation(Some(b"secret"))))
        .unwrap();
    let shown = format!("{:?}", stored(&profile.store));
    assert!(!shown.contains("anna") && !shown.contains("115"), "{shown}");
    let shown = format!("{:?}", profile.store.revocations().unwrap());
    assert!(
        !shown.contains("account") && !shown.contains("115"),
        "{shown}"
    );
}

fn revocation(sealed: Option<&[u8]>) -> NewRevocation<'_> {
    NewRevocation {
        account: "account-1",
        issuer: "https://ride.example",
        generation: 4,
        sealed,
        due: 10,
    }
}

#[test]
fn a_sign_out_waits_until_it_is_told_and_survives_a_death() {
    let profile = profile();
    let queue = |sealed| {
        let change = |sealed| {
            profile
                .store
                .change_session(move |c| c.queue_revocation(&revocation(sealed)))
        };
        change(sealed).unwrap();
    };
    queue(Some(b"tokens"));
    queue(None);
    let left = profile.store.revocations().unwrap();
    let first = &left[0];
    assert_eq!((left.len(), first.tries, first.due), (2, 0, 10));
    assert_eq!(first.sealed.as_deref(), Some(&b"tokens"[..]));
    profile.store.put_off_revocation(first.id, 3, 99).unwrap();
    let revived = profile.after_death();
    let left = revived.store.revocations().unwrap();
    assert_eq!((left[0].tries, left[0].due, left[1].due), (3, 99, 10));
    revived.store.revocation_told(left[0].id, 100).unwrap();
    let told = revived.store.revocations().unwrap();
    assert_eq!(
        (&told[0].sealed, told[0].tries, told[0].due),
        (&None, 0, 100)
    );
    for row in told {
        revived.store.revocation_done(row.id).unwrap();
    }
    assert!(revived.store.revocations().unwrap().is_empty());
}

#[test]
fn the_auth_journal_keeps_the_last_events() {
    let profile = profile();
    let count = i64::from(AUTH_JOURNAL_LENGTH) + 3;
    let all = profile.store.change_session(|change| {
        for n in 0..count {
            change.journal(n, &format!("{{\"n\":{n}}}"), "active", "offline")?;
        }
        Ok(())
    });
    all.unwrap();
    let records = profile.store.auth_journal().unwrap();
    assert_eq!(records.len(), AUTH_JOURNAL_LENGTH as usize);
    assert_eq!(records[0].at, 3);
    assert_eq!(records.last().unwrap().at, count - 1);
    assert_eq!(records[0].event, "{\"n\":3}");
    assert!(
        records
            .windows(2)
            .all(|pair| pair[0].seq + 1 == pair[1].seq)
    );
}

#[test]
fn lanes_and_budgets_remember_and_survive_a_death() {
    let profile = profile();
    assert_eq!(profile.store.lane_state("rides").unwrap(), None);
    profile.store.put_lane_state("rides", "1").unwrap();
    profile.store.put_lane_state("rides", "2").unwrap();
    profile
        .store
        .put_budget("https://example.test", "3")
        .unwrap();
    let revived = profile.after_death();
    assert_eq!(
        revived.store.lane_state("rides").unwrap().as_deref(),
        Some("2")
    );
    assert_eq!(revived.store.lane_state("library").unwrap(), None);
    assert_eq!(
        revived
            .store
            .budget("https://example.test")
            .unwrap()
            .as_deref(),
        Some("3")
    );
}
