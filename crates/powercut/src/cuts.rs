//! Cuts the power after every event of a recording, in more than one way, and looks at what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use tempfile::TempDir;

use crate::PowercutError;
use crate::check::{self, Finding, Left, Rule, State};
use crate::disk::{Choice, Disk, Honesty};
use crate::promises::Promises;
use crate::recording::{Event, Recording};
use crate::stage::{self, PROFILE};

/// Which cuts.
#[derive(Debug, Clone)]
pub struct Plan {
    /// After which events.
    pub events: Range<usize>,
    /// Seeded choices at each, besides the extremes. Without any, a single one stands at every other cut in the place of an
    /// extreme.
    pub seeds: Range<u64>,
    /// What the disk makes of syncs.
    pub honesty: Honesty,
}

/// What became of all cuts.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Moments at which the power was cut.
    pub cuts: usize,
    /// Folders that were looked at.
    pub images: usize,
    /// Different states of the databases that were met.
    pub states: usize,
    /// What was broken, in order.
    pub broken: Vec<Broken>,
}

/// A promise that did not outlive a power cut.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The power was cut after so many events.
    pub cut: usize,
    /// What the disk held.
    pub choice: Choice,
    /// What was broken.
    pub finding: Finding,
}

/// What was left of one cut.
struct Seen {
    cut: usize,
    choice: Choice,
    left: Left,
}

/// Cuts the power as planned. The state that a cut leaves must be one that the databases were in by then: one that is left
/// when everything is there. That is known only if the plan begins at the beginning.
///
/// # Errors
/// A cut could not be looked at.
pub fn cut(recording: &Recording, plan: &Plan) -> Result<Outcome, PowercutError> {
    let everything = examine(recording, plan, |event, cut| match event {
        Event::Synced { .. } | Event::Mark(_) if cut > 1 => Vec::new(),
        _ => vec![Choice::Everything],
    })?;
    let others = examine(recording, plan, |event, cut| {
        other_choices(plan, event, cut)
    })?;
    let known = Known::of(&everything);
    let mut outcome = Outcome {
        states: known.athlete.len() + known.library.len(),
        ..Outcome::default()
    };
    let mut cuts = BTreeSet::new();
    for mut seen in everything.into_iter().chain(others) {
        if plan.events.start == 0 {
            known.check(&mut seen);
        }
        outcome.images += 1;
        cuts.insert(seen.cut);
        let broken = seen.left.findings.into_iter();
        outcome.broken.extend(broken.map(|finding| Broken {
            cut: seen.cut,
            choice: seen.choice,
            finding,
        }));
    }
    outcome.cuts = cuts.len();
    outcome.broken.sort_by_key(|broken| broken.cut);
    Ok(outcome)
}

/// A write can be alone, or among some; a sync and a promise change what has to be there.
fn other_choices(plan: &Plan, event: &Event, cut: usize) -> Vec<Choice> {
    let seeded = |seed: u64| Choice::Seeded((seed << 32) ^ u64::try_from(cut).unwrap_or(0));
    let extreme = match event {
        Event::Synced { .. } | Event::Mark(_) => Choice::Nothing,
        _ if plan.seeds.is_empty() && cut.is_multiple_of(2) => seeded(plan.seeds.start),
        _ => Choice::Latest,
    };
    let seeds = plan.seeds.clone();
    std::iter::once(extreme).chain(seeds.map(seeded)).collect()
}

/// States that the databases were in, with the first cut that left them whole.
struct Known {
    athlete: BTreeMap<u64, usize>,
    library: BTreeMap<u64, usize>,
}

impl Known {
    fn of(everything: &[Seen]) -> Self {
        let first = |of: fn(&State) -> u64| {
            let mut first = BTreeMap::new();
            for seen in everything {
                if let Some(state) = &seen.left.state {
                    first.entry(of(state)).or_insert(seen.cut);
                }
            }
            first
        };
        Self {
            athlete: first(|state| state.athlete),
            library: first(|state| state.library),
        }
    }

    fn check(&self, seen: &mut Seen) {
        let Some(state) = seen.left.state else {
            return;
        };
        for (name, known, state) in [
            ("athlete.db", &self.athlete, state.athlete),
            ("library.db", &self.library, state.library),
        ] {
            if known.get(&state).is_none_or(|first| *first > seen.cut) {
                seen.left.findings.push(Finding {
                    rule: Rule::State,
                    words: format!("{name} is in a state in which it never was"),
                });
            }
        }
    }
}

/// Looks at the chosen images of all events, on all cores; in order.
fn examine(
    recording: &Recording,
    plan: &Plan,
    choices: impl Fn(&Event, usize) -> Vec<Choice> + Sync,
) -> Result<Vec<Seen>, PowercutError> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let choices = &choices;
    let parts = std::thread::scope(|scope| {
        let work = |worker| scope.spawn(move || part(recording, plan, choices, worker, workers));
        let workers: Vec<_> = (0..workers).map(work).collect();
        let died = || PowercutError::Unexpected("a check panicked".to_owned());
        let ends = workers.into_iter().map(|worker| worker.join());
        ends.map(|end| end.unwrap_or_else(|_| Err(died())))
            .collect::<Result<Vec<_>, _>>()
    });
    let mut seen: Vec<Seen> = parts?.into_iter().flatten().collect();
    seen.sort_by_key(|seen| seen.cut);
    Ok(seen)
}

fn part(
    recording: &Recording,
    plan: &Plan,
    choices: impl Fn(&Event, usize) -> Vec<Choice>,
    worker: usize,
    workers: usize,
) -> Result<Vec<Seen>, PowercutError> {
    let place = stage::place();
    let scratch = TempDir::with_prefix_in("powercut-", &place);
    let scratch = scratch.map_err(PowercutError::io("making a folder in", &place))?;
    let mut disk = Disk::new(recording, plan.honesty);
    let mut promises = Promises::default();
    let mut seen = Vec::new();
    while let Some(event) = disk.step() {
        let cut = disk.happened();
        let told = matches!(event, Event::Mark(_));
        if let Event::Mark(mark) = event {
            promises.add(mark);
        }
        let concerns = told || recording.concerns(event, PROFILE);
        if !concerns || !plan.events.contains(&cut) || cut % workers != worker {
            continue;
        }
        for choice in choices(event, cut) {
            let left = look(&disk, choice, &promises, scratch.path())?;
            seen.push(Seen { cut, choice, left });
        }
    }
    Ok(seen)
}

fn look(
    disk: &Disk<'_>,
    choice: Choice,
    promises: &Promises,
    scratch: &Path,
) -> Result<Left, PowercutError> {
    let profile = scratch.join(PROFILE);
    disk.image(choice).write(PROFILE, &profile)?;
    let left = check::check(&profile, promises)?;
    if profile.exists() {
        let removed = std::fs::remove_dir_all(&profile);
        removed.map_err(PowercutError::io("removing", &profile))?;
    }
    Ok(left)
}
