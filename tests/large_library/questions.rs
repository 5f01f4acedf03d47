//! What athletes ask of a library.

use freewheel_sync::view::{LibraryQuery, LibrarySort};
use freewheel_workout::Zone;

/// As the window asks.
const PAGE: u32 = 50;

/// What is typed into the search field, letter by letter.
pub const TYPED: [&str; 14] = [
    "sweet spot",
    "jorg",
    "over under",
    "vo2",
    "recovery spin",
    "windmill",
    "endurance base",
    "willpower",
    "wet evenings",
    "harbour tempo",
    "ÉMIGRÉ",
    "anaerobic hard",
    "the 12",
    "nothing like it",
];

/// Every beginning of what is typed, as each letter asks for it.
pub fn letter_by_letter(typed: &str) -> impl Iterator<Item = String> {
    let ends = typed
        .char_indices()
        .map(|(at, letter)| at + letter.len_utf8());
    ends.map(|end| typed[..end].to_owned())
}

pub fn text(text: &str) -> LibraryQuery {
    LibraryQuery {
        text: text.to_owned(),
        limit: PAGE,
        ..LibraryQuery::default()
    }
}

/// A thousand questions: words that are being typed, alone and with filters; filters alone in each order; and
/// windows all over the unfiltered list.
pub fn thousand() -> Vec<LibraryQuery> {
    let typing: Vec<String> = TYPED
        .iter()
        .flat_map(|typed| letter_by_letter(typed))
        .collect();
    let sorts = [LibrarySort::Name, LibrarySort::Duration, LibrarySort::Tss];
    let lengths = [
        None,
        Some((0, 1800)),
        Some((1800, 3600)),
        Some((3600, 5400)),
    ];
    let loads = [None, Some((40.0, 70.0)), Some((70.0, 100.0))];
    (0..1000_usize)
        .map(|n| {
            let typed = || text(&typing[n * 7 % typing.len()]);
            let narrowed = |query: LibraryQuery| {
                let length = lengths[n % lengths.len()];
                let load = loads[n / 4 % loads.len()];
                LibraryQuery {
                    min_seconds: length.map(|(from, _)| from),
                    max_seconds: length.map(|(_, to)| to),
                    min_tss: load.map(|(from, _)| from),
                    max_tss: load.map(|(_, to)| to),
                    zone: (n % 3 == 0).then(|| Zone::ALL[n / 3 % Zone::ALL.len()]),
                    sort: sorts[n / 2 % sorts.len()],
                    ..query
                }
            };
            match n % 10 {
                0..5 => typed(),
                5 | 6 => narrowed(typed()),
                7 | 8 => narrowed(text("")),
                _ => {
                    let offset = u32::try_from(n * 131 % 10_000).unwrap() / PAGE * PAGE;
                    LibraryQuery {
                        offset,
                        sort: sorts[n / 10 % sorts.len()],
                        ..text("")
                    }
                }
            }
        })
        .collect()
}
