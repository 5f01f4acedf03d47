use freewheel_sync::store::{AUTH_JOURNAL_LENGTH, Store};

use super::profile;

#[test]
fn tokens_are_saved_only_over_the_generation_that_was_read() {
    let profile = profile();
    let store = &profile.store;
    assert_eq!(store.session().unwrap(), None);
    assert!(store.save_tokens(0, 1, b"first", "{\"g\":1}").unwrap());
    assert!(!store.save_tokens(0, 1, b"late", "{\"late\":true}").unwrap());
    let session = store.session().unwrap().unwrap();
    assert_eq!(session.generation, 1);
    assert_eq!(session.sealed.as_deref(), Some(&b"first"[..]));
    assert_eq!(
        session.facts, "{\"g\":1}",
        "a refused save leaves the facts alone"
    );
}

#[test]
fn of_two_processes_that_refresh_at_once_one_wins() {
    let profile = profile();
    let other = Store::open(&profile.home).unwrap();
    assert!(profile.store.save_tokens(0, 1, b"start", "{}").unwrap());
    let wins: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = [&profile.store, &other]
            .into_iter()
            .map(|store| scope.spawn(move || store.save_tokens(1, 2, b"mine", "{}").unwrap()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(wins.iter().filter(|won| **won).count(), 1);
}

#[test]
fn facts_change_without_touching_the_tokens() {
    let profile = profile();
    let store = &profile.store;
    store.save_facts("1").unwrap();
    assert_eq!(store.session().unwrap().unwrap().generation, 0);
    assert!(store.save_tokens(0, 1, b"sealed", "2").unwrap());
    store.save_facts("3").unwrap();
    store
        .update_facts(|session| Some(format!("{}4", session.unwrap().facts)))
        .unwrap();
    store.update_facts(|_| None).unwrap();
    let session = store.session().unwrap().unwrap();
    assert_eq!((session.facts.as_str(), session.generation), ("34", 1));
    assert_eq!(session.sealed.as_deref(), Some(&b"sealed"[..]));
}

#[test]
fn a_refresh_that_ends_after_the_sign_out_brings_nothing_back() {
    let profile = profile();
    let store = &profile.store;
    assert!(store.save_tokens(0, 1, b"sealed", "in").unwrap());
    store.clear_tokens(2, "out").unwrap();
    assert!(!store.save_tokens(1, 2, b"late", "in again").unwrap());
    let session = store.session().unwrap().unwrap();
    assert_eq!(
        (session.facts.as_str(), session.generation, session.sealed),
        ("out", 2, None)
    );
    assert!(store.save_tokens(2, 3, b"new", "in").unwrap());
}

#[test]
fn a_session_does_not_show_its_secrets() {
    let profile = profile();
    profile
        .store
        .save_tokens(0, 1, b"secret", "{\"subject\":\"anna\"}")
        .unwrap();
    let shown = format!("{:?}", profile.store.session().unwrap());
    assert!(!shown.contains("anna") && !shown.contains("115"), "{shown}");
}

#[test]
fn the_auth_journal_keeps_the_last_events() {
    let profile = profile();
    let count = i64::from(AUTH_JOURNAL_LENGTH) + 3;
    for n in 0..count {
        profile
            .store
            .append_auth_event(n, &format!("{{\"n\":{n}}}"), "active", "offline")
            .unwrap();
    }
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

#[test]
fn a_commit_builds_on_the_facts_that_are_stored_at_that_moment() {
    let profile = profile();
    let store = &profile.store;
    let first = store.commit_tokens(0, 1, b"one", |stored| Ok(format!("{}", stored.is_none())));
    assert!(first.unwrap());
    Store::open(&profile.home)
        .unwrap()
        .save_facts("theirs")
        .unwrap();
    let second = store.commit_tokens(1, 2, b"two", |stored| {
        Ok(format!("{}+", stored.unwrap().facts))
    });
    assert!(second.unwrap());
    assert!(
        !store
            .commit_tokens(1, 2, b"late", |_| Ok("late".to_owned()))
            .unwrap()
    );
    let failed = store.commit_tokens(2, 3, b"three", |_| {
        serde_json::from_str::<String>("not JSON")
    });
    assert!(failed.is_err());
    let session = store.session().unwrap().unwrap();
    assert_eq!((session.facts.as_str(), session.generation), ("theirs+", 2));
    assert_eq!(session.sealed.as_deref(), Some(&b"two"[..]));
}
