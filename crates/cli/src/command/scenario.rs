//! `scenario`: the known failures of signing in, played against a server of the lab.

use std::process::ExitCode;

use freewheel_lab::LabError;
use freewheel_lab::scenario::{Options, Play, Report, catalogue, run_inside, run_many};
use freewheel_policy::session::{Access, Library, Riding, Uploads};
use serde::Serialize;
use serde_json::json;

use crate::arguments::Scenario;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{Set, Table};

/// Does what was asked about scenarios.
pub async fn run(output: Output, command: Scenario) -> Result<ExitCode, Failure> {
    match command {
        Scenario::List => list(output),
        Scenario::Run {
            names,
            all,
            at_a_time,
        } => {
            let plays = if all { plays()? } else { named(&names)? };
            play(output, plays, at_a_time).await
        }
        Scenario::Inside { name } => {
            run_inside(&name, program()?).await.map_err(failure)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(output: Output) -> Result<ExitCode, Failure> {
    let plays = plays()?;
    let rows: Vec<Listed> = plays.iter().map(Listed::of).collect();
    output.answer(&json!({ "scenarios": rows }), || {
        let mut table = Table::new(&[
            ("Row", Set::Right),
            ("Name", Set::Whole),
            ("Kind", Set::Left),
            ("At", Set::Left),
            ("Cause", Set::Whole),
        ]);
        for row in &rows {
            table.row([
                row.row.to_string(),
                row.name.to_owned(),
                row.kind.to_owned(),
                row.injected_at.to_owned(),
                row.cause.to_owned(),
            ]);
        }
        table.render()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A row as `list` shows it.
#[derive(Serialize)]
struct Listed<'a> {
    row: u8,
    name: &'a str,
    kind: &'a str,
    cause: &'a str,
    guards: &'a str,
    injection: &'a str,
    injected_at: &'a str,
}

impl<'a> Listed<'a> {
    fn of(play: &'a Play) -> Self {
        let row = &play.row;
        Self {
            row: row.row,
            name: &row.name,
            kind: row.kind.letters(),
            cause: &row.cause,
            guards: &row.guards,
            injection: &row.injection,
            injected_at: row.injected_at.as_str(),
        }
    }
}

async fn play(output: Output, plays: Vec<Play>, at_a_time: u8) -> Result<ExitCode, Failure> {
    let options = Options {
        at_a_time: at_a_time.into(),
        ..Options::with(program()?)
    };
    let count = plays.len();
    if count > 1 {
        output.note(&format!("{count} scenarios, {at_a_time} at a time"));
    }
    let tell = |report: &Report| {
        if !report.passed {
            output.note(&format!("{} {}: FAIL", report.row, report.name));
        }
    };
    let reports = run_many(plays, &options, tell).await;
    let failed = reports.iter().filter(|report| !report.passed).count();
    let document = json!({ "scenarios": reports, "failed": failed });
    output.answer(&document, || text(&reports, failed))?;
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn text(reports: &[Report], failed: usize) -> String {
    let mut table = Table::new(&[
        ("Row", Set::Right),
        ("Name", Set::Whole),
        ("Kind", Set::Left),
        ("Cause", Set::Left),
        ("At", Set::Left),
        ("State", Set::Left),
        ("Ride", Set::Left),
        ("Library", Set::Left),
        ("Uploads", Set::Left),
        ("Requests", Set::Right),
        ("Seconds", Set::Right),
        ("Result", Set::Left),
    ]);
    for report in reports {
        let [ride, library, uploads] = report.access.map_or(["–"; 3], words);
        table.row([
            report.row.to_string(),
            report.name.clone(),
            report.kind.letters().to_owned(),
            report.cause.clone(),
            report.injected_at.as_str().to_owned(),
            report.state.clone().unwrap_or_else(|| "–".to_owned()),
            ride.to_owned(),
            library.to_owned(),
            uploads.to_owned(),
            report.requests.to_string(),
            format!("{:.1}", report.seconds),
            if report.passed { "pass" } else { "FAIL" }.to_owned(),
        ]);
    }
    let mut text = table.render();
    for report in reports.iter().filter(|report| !report.passed) {
        text.push_str(&format!("\nRow {}, {}:\n", report.row, report.name));
        for mismatch in &report.mismatches {
            text.push_str(&format!(
                "  {}\n    expected: {}\n    actual:   {}\n",
                mismatch.field, mismatch.expected, mismatch.actual
            ));
        }
    }
    let passed = reports.len() - failed;
    text.push_str(&format!("\n{passed} passed, {failed} failed.\n"));
    text
}

fn words(access: Access) -> [&'static str; 3] {
    let ride = match access.ride {
        Riding::Everything => "everything",
        Riding::OwnFiles => "own files",
    };
    let library = match access.licensed_library {
        Library::Open => "open",
        Library::Locked => "locked",
    };
    let uploads = match access.uploads {
        Uploads::Send => "sent",
        Uploads::Queue => "queued",
        Uploads::Kept => "kept",
    };
    [ride, library, uploads]
}

/// The rows with these names or numbers.
fn named(names: &[String]) -> Result<Vec<Play>, Failure> {
    let mut plays = plays()?;
    for name in names {
        if !plays.iter().any(|play| is(play, name)) {
            let words = format!("there is no scenario {name}");
            return Err(Failure::new("scenario_unknown", words)
                .hint("`freewheel scenario list` shows them."));
        }
    }
    plays.retain(|play| names.iter().any(|name| is(play, name)));
    Ok(plays)
}

fn is(play: &Play, name: &str) -> bool {
    play.row.name == name || play.row.row.to_string() == name
}

fn plays() -> Result<Vec<Play>, Failure> {
    catalogue().map_err(failure)
}

/// This program: it plays other processes, too.
fn program() -> Result<std::path::PathBuf, Failure> {
    std::env::current_exe().map_err(|error| {
        let words = format!("this program cannot find itself: {error}");
        Failure::new("scenario", words)
    })
}

fn failure(error: LabError) -> Failure {
    Failure::new("scenario", error.to_string())
}
