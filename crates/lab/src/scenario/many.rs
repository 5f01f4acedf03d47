//! Many rows, a few at a time.

use std::path::PathBuf;

use futures_util::{StreamExt as _, stream};

use super::environment::Environment;
use super::inside::run_outside;
use super::play::Play;
use super::report::{Mismatch, Report};
use super::run;
use crate::LabError;

/// How rows are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `freewheel` command, for rows that need processes.
    pub program: PathBuf,
    /// How many rows play at a time. Most of the time a row waits.
    pub at_a_time: usize,
}

impl Options {
    /// Eight at a time.
    #[must_use]
    pub fn with(program: PathBuf) -> Self {
        Self {
            program,
            at_a_time: 8,
        }
    }
}

/// Plays the rows and tells each report as it comes; all of them, in the rows' order, are the answer. The work is that
/// of this task, so give it one that nothing else needs.
pub async fn run_many(plays: Vec<Play>, options: &Options, tell: impl Fn(&Report)) -> Vec<Report> {
    let running = stream::iter(plays.iter().map(|play| one(play, options)))
        .buffer_unordered(options.at_a_time.max(1))
        .inspect(|report| tell(report));
    let mut reports: Vec<Report> = running.collect().await;
    reports.sort_by_key(|report| report.row);
    reports
}

async fn one(play: &Play, options: &Options) -> Report {
    match play.row.environment {
        Environment::Plain => run::play(play, options.program.clone(), None).await,
        _ => match run_outside(play, &options.program).await {
            Ok(report) => report,
            Err(error) => failed(play, &error),
        },
    }
}

fn failed(play: &Play, error: &LabError) -> Report {
    let mut report = Report::of(&play.row);
    report.mismatches = vec![Mismatch {
        field: "the environment".to_owned(),
        expected: "to be had".to_owned(),
        actual: error.to_string(),
    }];
    report
}
