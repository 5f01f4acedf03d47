use std::collections::BTreeSet;

use freewheel_sync::store::Store;
use freewheel_sync::view::{LibraryQuery, LibrarySort, WorkoutCard};
use freewheel_workout::{Workout, Zone};

use super::{ANNA, START, page, profile, workout, workout_change};

fn text(text: &str) -> LibraryQuery {
    LibraryQuery {
        text: text.to_owned(),
        ..LibraryQuery::default()
    }
}

fn found(store: &Store, words: &str) -> Vec<String> {
    store
        .library(&text(words))
        .unwrap()
        .rows
        .into_iter()
        .map(|row| row.name)
        .collect()
}

#[test]
fn what_a_person_types_finds_what_they_mean() {
    let profile = profile();
    let described = |name: &str, description: &str, tags: &[&str], author: &str| Workout {
        description: description.to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        author: Some(author.to_owned()),
        ..workout(name, 600, 0.6)
    };
    let workouts = [
        described("Über Schwelle", "Hart, aber kurz.", &["ftp"], "Jürgen"),
        described(
            "Sweet Spot 3×12",
            "Three blocks at 90 %",
            &["sweet-spot"],
            "Anna",
        ),
        described(
            "VO2-Max's best",
            "All out; OR not",
            &["vo2max", "hard"],
            "Ben",
        ),
        described("Easy \"spin\"", "NEAR the door * star", &[], "Ben"),
    ];
    let changes = workouts
        .iter()
        .enumerate()
        .map(|(n, workout)| workout_change(&format!("w{n}"), n as u64 + 1, workout))
        .collect();
    profile
        .store
        .apply_page(None, &page(changes, "c1", false), ANNA, START)
        .unwrap();
    let [uber, sweet, vo2, easy] = workouts.map(|workout| workout.name);
    let all = || vec![easy.clone(), sweet.clone(), vo2.clone(), uber.clone()];
    let cases: [(&str, Vec<String>); 24] = [
        ("", all()),
        ("über", vec![uber.clone()]),
        ("ÜBER", vec![uber.clone()]),
        ("uber", vec![uber.clone()]),
        ("u\u{308}ber", vec![uber.clone()]),
        ("jurg", vec![uber.clone()]),
        ("schw üb", vec![uber.clone()]),
        (
            "s",
            vec![easy.clone(), sweet.clone(), vo2.clone(), uber.clone()],
        ),
        ("sw sp", vec![sweet.clone()]),
        ("sweet-sp", vec![sweet.clone()]),
        ("3×12", vec![sweet.clone()]),
        ("vo2", vec![vo2.clone()]),
        ("vo2-max's", vec![vo2.clone()]),
        ("max'", vec![vo2.clone()]),
        ("hard", vec![vo2.clone()]),
        ("OR", vec![vo2.clone()]),
        ("\"OR", vec![vo2.clone()]),
        ("easy OR sweet", vec![]),
        ("NEAR(the", vec![easy.clone()]),
        ("NEAR(easy", vec![]),
        ("name:easy", vec![]),
        ("\"spin\"", vec![easy.clone()]),
        ("*", all()),
        ("nothing like it", vec![]),
    ];
    for (typed, expected) in cases {
        assert_eq!(found(&profile.store, typed), expected, "{typed:?}");
    }
    for odd in [
        "\"", "''", "(", ")", "AND", "NOT x", "^a", "a*b", "-", "+", "{", "\0", "a\0\"b", "🚲",
    ] {
        profile
            .store
            .library(&text(odd))
            .unwrap_or_else(|error| panic!("{odd:?}: {error}"));
    }
}

/// Ten thousand workouts whose attributes follow from their number.
fn generated(number: u32) -> Workout {
    let families = ["Endurance", "Tempo", "Sweet Spot", "Threshold", "Vo2 Max"];
    let powers = [0.65, 0.8, 0.88, 0.98, 1.1];
    let family = number as usize % families.len();
    let seconds = 600 + (number * 37 % 60) * 10;
    let mut made = workout(
        &format!("{} {number}", families[family]),
        seconds,
        powers[family],
    );
    made.tags = vec![format!("tag{}", number % 13)];
    made
}

#[test]
fn ten_thousand_workouts_are_filtered_sorted_and_windowed_exactly() {
    let profile = profile();
    let store = &profile.store;
    let mut cursor: Option<String> = None;
    for first in (0..10_000).step_by(1000) {
        let changes = (first..first + 1000)
            .map(|n| workout_change(&format!("w{n:05}"), u64::from(n) + 1, &generated(n)))
            .collect();
        let next = format!("c{first}");
        let page = page(changes, &next, first < 9000);
        assert_eq!(
            store
                .apply_page(cursor.as_deref(), &page, ANNA, START)
                .unwrap()
                .upserts,
            1000
        );
        cursor = Some(next);
    }
    assert_eq!(store.library_count().unwrap(), 10_000);
    let everything = all(store, &LibraryQuery::default());
    assert_eq!(everything.len(), 10_000);

    let base = LibraryQuery::default;
    let queries = [
        text("sweet"),
        text("tag7 thresh"),
        text("vo2 123"),
        LibraryQuery {
            min_seconds: Some(700),
            max_seconds: Some(900),
            ..base()
        },
        LibraryQuery {
            zone: Some(Zone::Threshold),
            sort: LibrarySort::Duration,
            ..base()
        },
        LibraryQuery {
            min_tss: Some(10.0),
            max_tss: Some(12.5),
            sort: LibrarySort::Tss,
            ..base()
        },
        LibraryQuery {
            zone: Some(Zone::Tempo),
            max_seconds: Some(1000),
            ..text("tag1")
        },
        LibraryQuery {
            own: true,
            ..base()
        },
    ];
    for query in queries {
        let expected: Vec<&WorkoutCard> = {
            let mut rows: Vec<_> = everything
                .iter()
                .filter(|card| wanted(&query, card))
                .collect();
            rows.sort_by(|a, b| {
                let name = || (a.name.to_lowercase(), &a.id).cmp(&(b.name.to_lowercase(), &b.id));
                match query.sort {
                    LibrarySort::Name => name(),
                    LibrarySort::Duration => a.seconds.cmp(&b.seconds).then_with(name),
                    LibrarySort::Tss => a.tss.total_cmp(&b.tss).then_with(name),
                }
            });
            rows
        };
        let found = all(store, &query);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
        assert!(
            query.own || !found.is_empty(),
            "the query tests something: {query:?}"
        );
    }
}

/// Every row, window by window.
fn all(store: &Store, query: &LibraryQuery) -> Vec<WorkoutCard> {
    let mut rows = Vec::new();
    loop {
        let query = LibraryQuery {
            offset: rows.len() as u32,
            limit: 500,
            ..query.clone()
        };
        let page = store.library(&query).unwrap();
        assert!(page.rows.len() <= 200);
        if page.rows.is_empty() {
            assert_eq!(page.total as usize, rows.len());
            let ids: BTreeSet<_> = rows.iter().map(|row: &WorkoutCard| &row.id).collect();
            assert_eq!(ids.len(), rows.len(), "windows do not overlap");
            return rows;
        }
        rows.extend(page.rows);
    }
}

/// The same question, asked the slow way.
fn wanted(query: &LibraryQuery, card: &WorkoutCard) -> bool {
    let number: u32 = card.id[1..].parse().unwrap();
    let words = format!("{} tag{} freewheel", card.name.to_lowercase(), number % 13);
    query
        .text
        .split_whitespace()
        .all(|typed| words.split(' ').any(|word| word.starts_with(typed)))
        && query.min_seconds.is_none_or(|min| card.seconds >= min)
        && query.max_seconds.is_none_or(|max| card.seconds < max)
        && query.zone.is_none_or(|zone| card.zone == zone)
        && query.min_tss.is_none_or(|min| card.tss >= min)
        && query.max_tss.is_none_or(|max| card.tss < max)
        && (!query.own || card.own)
}
