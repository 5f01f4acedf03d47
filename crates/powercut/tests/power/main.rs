//! The power is cut after every write of a story, the real code opens what the disk held, and every promise is looked for.
//!
//! By default each write is cut with everything there that was written, and once more with a part of it. `cargo xtask
//! powercut --seeds N` adds N seeded parts at each (`FREEWHEEL_POWERCUT_SEEDS`); `FREEWHEEL_SEED` names the first. Needs
//! strace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod back;
mod faults;
mod kept;
mod old;

use std::ops::Range;
use std::path::{Path, PathBuf};

use freewheel_powercut::cuts::{Outcome, Plan, cut};
use freewheel_powercut::disk::{Disk, Honesty};
use freewheel_powercut::mark::Mark;
use freewheel_powercut::recorder::record;
use freewheel_powercut::recording::{Event, Recording};
use freewheel_powercut::stage::{PROFILE, Stage};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

/// So many seeded choices were asked for; none is enough for every day.
fn seeds() -> Range<u64> {
    let first = number("FREEWHEEL_SEED", 1);
    first..first + number("FREEWHEEL_POWERCUT_SEEDS", 0)
}

/// Plays a story on an empty disk.
fn played(story: &[&str]) -> Recording {
    played_on(&Stage::new().unwrap(), story)
}

fn played_on(stage: &Stage, story: &[&str]) -> Recording {
    let player = Path::new(env!("CARGO_BIN_EXE_powercut-player"));
    record(stage, player, story).unwrap_or_else(|error| panic!("{story:?}: {error}"))
}

fn plan(events: Range<usize>) -> Plan {
    Plan {
        events,
        seeds: seeds(),
        honesty: Honesty::Honest,
    }
}

/// Cuts the power at these events; nothing that was promised is broken.
fn nothing_breaks(story: &str, recording: &Recording, events: Range<usize>) -> Outcome {
    let outcome = cut(recording, &plan(events)).unwrap();
    println!(
        "{story}: {} events, {} cuts, {} images, {} states",
        recording.len(),
        outcome.cuts,
        outcome.images,
        outcome.states
    );
    let Some(first) = outcome.broken.first() else {
        return outcome;
    };
    let shown = outcome.broken.iter().take(10);
    let shown: Vec<String> = shown
        .map(|broken| format!("{broken:?} after {}", words(recording, broken.cut)))
        .collect();
    let mut disk = Disk::new(recording, Honesty::Honest);
    while disk.happened() < first.cut {
        disk.step();
    }
    let kept = artefacts().join(format!("{story}-{}", std::process::id()));
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    disk.image(first.choice).write(PROFILE, &kept).unwrap();
    panic!(
        "{story}: {} promises are broken; what the disk held at the first is in {}\n{}",
        outcome.broken.len(),
        kept.display(),
        shown.join("\n")
    );
}

/// What happened right before a cut, in short.
fn words(recording: &Recording, cut: usize) -> String {
    match &recording.events[cut - 1] {
        Event::Write { file, at, bytes } => format!("{} bytes to {file:?} at {at}", bytes.len()),
        other => format!("{other:?}"),
    }
}

fn artefacts() -> PathBuf {
    let named = std::env::var_os("FREEWHEEL_TEST_ARTIFACTS").map(PathBuf::from);
    named.unwrap_or_else(std::env::temp_dir).join("powercut")
}

/// The numbers of the events that are marks of a kind.
fn marks(recording: &Recording, of_kind: fn(&Mark) -> bool) -> Vec<usize> {
    let numbered = recording.events.iter().enumerate();
    let marks = numbered.filter(|(_, event)| matches!(event, Event::Mark(mark) if of_kind(mark)));
    marks.map(|(number, _)| number).collect()
}
