use freewheel_ride::journal::Journal;
use freewheel_sync::store::{RideJournal, Store};
use freewheel_sync::view::LibraryQuery;
use freewheel_workout::Zone;
use jiff::ToSpan;
use jiff::civil::date;
use serde_json::json;

use super::{
    ANNA, BEN, START, finished, header, page, plan_change, profile, upsert, workout, workout_change,
};

#[test]
fn today_shows_the_plan_and_what_comes_next() {
    let profile = profile();
    let mut changes = vec![
        workout_change("w1", 1, &workout("Tempo", 2400, 0.8)),
        upsert(
            "plan_item",
            "today",
            2,
            json!({ "date": "2026-03-01", "workout_id": "w1", "state": "planned", "note": "Easy" }),
        ),
        plan_change("missing", 3, "2026-03-02", "not-cached"),
    ];
    for day in 3..=12 {
        changes.push(plan_change(
            &format!("p{day:02}"),
            4,
            &format!("2026-03-{day:02}"),
            "w1",
        ));
    }
    profile
        .store
        .apply_page(None, &page(changes, "c1", false), ANNA, START)
        .unwrap();
    let today = profile
        .store
        .today(Some(ANNA), date(2026, 3, 1), 200)
        .unwrap();
    assert_eq!((today.date.as_str(), today.ftp_watts), ("2026-03-01", 200));
    assert_eq!(today.planned.len(), 1);
    let planned = &today.planned[0];
    assert_eq!(
        (planned.state.as_str(), planned.note.as_deref()),
        ("planned", Some("Easy"))
    );
    assert_eq!(planned.workout.as_ref().unwrap().name, "Tempo");
    assert_eq!(planned.workout.as_ref().unwrap().zone, Zone::Tempo);
    let upcoming: Vec<_> = today
        .upcoming
        .iter()
        .map(|item| item.plan_item_id.as_str())
        .collect();
    assert_eq!(
        upcoming,
        ["missing", "p03", "p04", "p05", "p06", "p07", "p08"]
    );
    assert_eq!(today.upcoming[0].workout, None);
    assert_eq!(today.suggestions, [], "there is a plan");
    let week = profile
        .store
        .plan(Some(ANNA), date(2026, 3, 1), date(2026, 3, 7))
        .unwrap();
    assert_eq!(week.len(), 7);
}

#[test]
fn a_finished_ride_does_its_plan_item_before_the_service_knows() {
    let profile = profile();
    let changes = vec![
        plan_change("p1", 1, "2026-03-01", "w1"),
        plan_change("p2", 2, "2026-03-01", "w1"),
    ];
    profile
        .store
        .apply_page(None, &page(changes, "c1", false), ANNA, START)
        .unwrap();
    let journal = RideJournal::new(profile.store.clone(), Some(ANNA.to_owned()));
    let mut header = header(1);
    header.plan_item_id = Some("p1".to_owned());
    journal.begin(&header).unwrap();
    let states = |account| {
        let today = profile
            .store
            .today(Some(account), date(2026, 3, 1), 200)
            .unwrap();
        (
            today
                .planned
                .into_iter()
                .map(|item| item.state)
                .collect::<Vec<_>>(),
            today.unfinished.len(),
        )
    };
    assert_eq!(
        states(ANNA),
        (vec!["planned".to_owned(), "planned".to_owned()], 1)
    );
    journal.finish(&finished(&header, b"fit")).unwrap();
    assert_eq!(
        states(ANNA),
        (vec!["done".to_owned(), "planned".to_owned()], 0)
    );
    assert_eq!(
        states(BEN),
        (vec!["planned".to_owned(), "planned".to_owned()], 0)
    );
}

#[test]
fn an_empty_day_gets_suggestions_that_differ_in_zone_and_stay_all_day() {
    let profile = profile();
    let mut changes = Vec::new();
    for (zone, power) in [("e", 0.65), ("t", 0.8), ("h", 0.95), ("v", 1.1), ("r", 0.4)] {
        for (n, minutes) in [20, 30, 45, 60, 90].into_iter().enumerate() {
            let id = format!("{zone}{n}");
            changes.push(workout_change(&id, 1, &workout(&id, minutes * 60, power)));
        }
    }
    profile
        .store
        .apply_page(None, &page(changes, "c1", false), ANNA, START)
        .unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for ahead in 0..10 {
        let day = date(2026, 3, 1) + ahead.days();
        let suggestions = profile.store.today(None, day, 200).unwrap().suggestions;
        assert_eq!(suggestions.len(), 4);
        let zones: std::collections::BTreeSet<_> =
            suggestions.iter().map(|card| card.zone).collect();
        assert_eq!(zones.len(), 4);
        assert!(
            suggestions
                .iter()
                .all(|card| (1800..=3600).contains(&card.seconds))
        );
        assert_eq!(
            profile.store.today(None, day, 200).unwrap().suggestions,
            suggestions
        );
        seen.extend(suggestions.into_iter().map(|card| card.id));
    }
    assert!(seen.len() > 8, "days differ: {seen:?}");
}

#[test]
fn an_empty_profile_shows_empty_screens() {
    let profile = profile();
    let today = profile.store.today(None, date(2026, 3, 1), 200).unwrap();
    assert!(
        today.planned.is_empty() && today.suggestions.is_empty() && today.unfinished.is_empty()
    );
    assert_eq!(profile.store.history(None).unwrap(), []);
    let library = profile.store.library(&LibraryQuery::default()).unwrap();
    assert_eq!((library.total, library.rows.len()), (0, 0));
}

#[test]
fn an_own_workout_is_imported_once_and_found_by_its_words() {
    let profile = profile();
    let own = workout("Café ride", 1800, 0.6);
    let id = profile.store.import_own(&own, "cafe.zwo", START).unwrap();
    assert_eq!(
        profile
            .store
            .import_own(&own, "again.zwo", START + 1)
            .unwrap(),
        id
    );
    let query = LibraryQuery {
        text: "cafe".to_owned(),
        own: true,
        ..LibraryQuery::default()
    };
    let found = profile.store.library(&query).unwrap();
    assert_eq!((found.total, found.rows[0].own), (1, true));
    let (card, full, _) = profile.store.workout(&id).unwrap().unwrap();
    assert_eq!((card.id, full), (id.clone(), own));
    assert!(
        profile
            .store
            .import_own(&workout("", 0, -1.0), "bad.zwo", START)
            .is_err()
    );

    // The process died between the two databases: the next start puts it right.
    profile
        .raw("library.db")
        .execute_batch("DELETE FROM workout")
        .unwrap();
    let again = Store::open(&profile.home).unwrap();
    assert_eq!(again.library(&query).unwrap().rows[0].id, id);
}
