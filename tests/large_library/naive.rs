//! The library searched the slow way: every workout is looked at, without an index.

use std::collections::BTreeMap;

use freewheel_lab::generated_library::GeneratedWorkout;
use freewheel_sync::view::{LibraryQuery, LibrarySort};
use freewheel_workout::{Load, Zone};

pub struct Naive {
    /// In the order of their names.
    rows: Vec<Row>,
    /// Words that were looked for already, and which rows have them.
    looked_for: BTreeMap<String, Vec<bool>>,
}

pub struct Row {
    pub id: String,
    words: Vec<String>,
    seconds: u32,
    tss: f64,
    zone: Zone,
}

/// What a query finds: how many, and the ids of the rows in its window.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub total: u32,
    pub ids: Vec<String>,
}

impl Naive {
    pub fn of(library: &[GeneratedWorkout]) -> Self {
        let mut named: Vec<_> = library
            .iter()
            .map(|GeneratedWorkout { id, workout }| {
                let load = Load::of(workout);
                let author = workout.author.as_deref().unwrap_or_default();
                let text = format!(
                    "{} {} {} {author}",
                    workout.name,
                    workout.description,
                    workout.tags.join(" ")
                );
                let row = Row {
                    id: id.clone(),
                    words: words(&text),
                    seconds: load.seconds,
                    tss: load.tss,
                    zone: load.main_zone,
                };
                (workout.name.to_lowercase(), row)
            })
            .collect();
        named.sort_by(|(name, row), (other_name, other)| {
            (name, &row.id).cmp(&(other_name, &other.id))
        });
        Self {
            rows: named.into_iter().map(|(_, row)| row).collect(),
            looked_for: BTreeMap::new(),
        }
    }

    pub fn find(&mut self, query: &LibraryQuery) -> Found {
        let mut chosen: Vec<usize> = (0..self.rows.len())
            .filter(|&place| wanted(query, &self.rows[place]))
            .collect();
        for word in words(&query.text) {
            let having = self.having(word);
            chosen.retain(|&place| having[place]);
        }
        let row = |place: &usize| &self.rows[*place];
        // A stable sort: among equals the order by name stands.
        match query.sort {
            LibrarySort::Name => {}
            LibrarySort::Duration => chosen.sort_by_key(|place| row(place).seconds),
            LibrarySort::Tss => chosen.sort_by(|a, b| row(a).tss.total_cmp(&row(b).tss)),
        }
        let window = chosen
            .iter()
            .skip(query.offset as usize)
            .take(query.limit as usize);
        Found {
            total: u32::try_from(chosen.len()).unwrap(),
            ids: window.map(|place| row(place).id.clone()).collect(),
        }
    }

    fn having(&mut self, word: String) -> &[bool] {
        let rows = &self.rows;
        self.looked_for.entry(word).or_insert_with_key(|word| {
            let has = |row: &Row| row.words.iter().any(|known| known.starts_with(word));
            rows.iter().map(has).collect()
        })
    }
}

fn wanted(query: &LibraryQuery, row: &Row) -> bool {
    query.min_seconds.is_none_or(|min| row.seconds >= min)
        && query.max_seconds.is_none_or(|max| row.seconds < max)
        && query.zone.is_none_or(|zone| row.zone == zone)
        && query.min_tss.is_none_or(|min| row.tss >= min)
        && query.max_tss.is_none_or(|max| row.tss < max)
}

/// Lower-case words without accents, each once.
fn words(text: &str) -> Vec<String> {
    let plain: String = text.to_lowercase().chars().map(without_accent).collect();
    let mut words: Vec<String> = plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    words.sort();
    words.dedup();
    words
}

/// The accents that the generated library has.
fn without_accent(letter: char) -> char {
    match letter {
        'á' | 'å' | 'ä' => 'a',
        'é' => 'e',
        'ö' => 'o',
        'ü' => 'u',
        plain => plain,
    }
}
