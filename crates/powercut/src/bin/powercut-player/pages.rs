//! Pages of the library, one after the other, and a rebuild that drops what it did not see.

use std::collections::BTreeSet;

use freewheel_powercut::mark::Mark;
use freewheel_protocol::{Change, ChangeKind, ChangesPage};
use freewheel_sync::store::Store;
use serde_json::json;

use crate::raw::{ANNA, START, open};
use crate::{Played, Scene};

/// Workouts on a page.
const LENGTH: u32 = 12;

pub(crate) fn play(scene: &Scene) -> Played {
    let mut pages = Pages::new(open(scene)?);
    pages.store.switch_account(Some(ANNA))?;
    for first in 0..4 {
        pages.apply(scene, workouts(first * LENGTH), first < 3)?;
    }
    let gone = (0..6).map(|number| change(number, None)).collect();
    pages.apply(scene, gone, false)?;
    pages.store.begin_rebuild()?;
    pages.cursor = None;
    pages.apply(scene, workouts(0), true)?;
    pages.seen_again = Some(BTreeSet::new());
    pages.apply(scene, workouts(LENGTH), false)
}

struct Pages {
    store: Store,
    cursor: Option<String>,
    number: u32,
    there: BTreeSet<String>,
    /// During a rebuild.
    seen_again: Option<BTreeSet<String>>,
}

impl Pages {
    fn new(store: Store) -> Self {
        Self {
            store,
            cursor: None,
            number: 0,
            there: BTreeSet::new(),
            seen_again: None,
        }
    }

    /// Says what the library holds at the page's cursor, and applies it.
    fn apply(&mut self, scene: &Scene, changes: Vec<Change>, more: bool) -> Played {
        for change in &changes {
            if change.deleted {
                self.there.remove(&change.id);
            } else {
                self.there.insert(change.id.clone());
            }
        }
        if self.seen_again.is_some() {
            // What the two pages of the rebuild had.
            self.there = (0..2 * LENGTH).map(id).collect();
        }
        self.number += 1;
        let next_cursor = format!("cursor-{}", self.number);
        scene.note(&Mark::Page {
            cursor: next_cursor.clone(),
            workouts: u32::try_from(self.there.len())?,
        })?;
        let page = ChangesPage {
            changes,
            next_cursor: next_cursor.clone(),
            more,
        };
        let before = self.cursor.replace(next_cursor);
        self.store
            .apply_page(before.as_deref(), &page, ANNA, START)?;
        Ok(())
    }
}

fn workouts(first: u32) -> Vec<Change> {
    (first..first + LENGTH)
        .map(|number| change(number, Some(())))
        .collect()
}

fn id(number: u32) -> String {
    format!("workout-{number}")
}

fn change(number: u32, there: Option<()>) -> Change {
    let body = json!({
        "name": format!("Workout {number}"),
        "description": "Long enough for a line or two. ".repeat(20),
        "steps": [{ "kind": "steady", "seconds": 600, "power": 0.75 }],
    });
    Change {
        kind: ChangeKind::Workout,
        id: id(number),
        revision: u64::from(number) + 1,
        deleted: there.is_none(),
        body: there.map(|()| body),
    }
}
