//! A ride that goes on until SQLite brings the write-ahead log into the database and begins it anew.

use freewheel_powercut::mark::Mark;
use freewheel_ride::finish_recorded;

use crate::raw::{begin, journal, open, sample};
use crate::{Played, Scene};

/// Enough for the log to be full (1,000 pages) and begun anew.
const SECONDS: u32 = 160;
/// What is written beside each sample is so many times as long as a number.
const BALLAST: usize = 5_000;

pub(crate) fn play(scene: &Scene) -> Played {
    let store = open(scene)?;
    let ride = begin(&store)?;
    for second in 0..SECONDS {
        // Pages that do not change are not written.
        let ballast = format!("{second:4}").repeat(BALLAST);
        store.put_lane_state("ballast", &ballast)?;
        sample(scene, &store, ride, second)?;
    }
    let saved = finish_recorded(&journal(&store), ride)?;
    scene.note(&Mark::Saved { ride: saved.id })?;
    Ok(())
}
