//! `freewheel-bench`: measures, prints the table, writes it into `docs/bench.md`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a command for people at a terminal"
)]

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;
use freewheel_bench::table::{Bar, Row, markdown};
use freewheel_bench::times::ratio;
use freewheel_bench::{Trouble, drain, enqueue, pull, quiet, syncs};

const MARK: &str = "freewheel-bench-mark";
const TURNS: u32 = 300;
const RIDES: u32 = 1000;
/// Drains of each kind; the quickest counts: what disturbs only ever adds.
const DRAINS: u32 = 3;
const PULLS: [u32; 2] = [10_000, 100_000];
/// DESIGN of the wire: a sync that finds nothing new.
const QUIET_BYTES: u64 = 500;

/// The sync core against its floors, as one table.
#[derive(Parser)]
#[command(name = "freewheel-bench")]
struct Arguments {
    /// The file to write the table into; none: print it only
    #[arg(long, value_name = "FILE")]
    docs: Option<PathBuf>,
    /// Only the pull of 10,000, not that of 100,000
    #[arg(long)]
    short: bool,
    /// Queues so many rides and marks each; for counting syncs
    #[arg(long, hide = true, value_name = "N")]
    mark_each: Option<u32>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("freewheel-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<ExitCode, Trouble> {
    if let Some(rides) = arguments.mark_each {
        enqueue::mark_each(rides, MARK)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let mut rows = Vec::new();
    let mut add = |row: Row| {
        eprint!("{}", markdown(std::slice::from_ref(&row)));
        rows.push(row);
    };
    for row in enqueued()? {
        add(row);
    }
    for workouts in PULLS.into_iter().take(if arguments.short { 1 } else { 2 }) {
        for row in pulled(workouts)? {
            add(row);
        }
    }
    add(drained(&runtime)?);
    add(no_change(&runtime)?);
    let table = markdown(&rows);
    println!("{table}");
    if let Some(docs) = &arguments.docs {
        std::fs::write(docs, document(&table))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn enqueued() -> Result<Vec<Row>, Trouble> {
    let measured = enqueue::measure(TURNS)?;
    let [floor, ours] = measured.medians();
    let trace = tempfile::NamedTempFile::new()?;
    let mut again = Command::new(std::env::current_exe()?);
    again.args(["--mark-each", "20"]);
    let stretches = syncs::between_marks(again, trace.path(), MARK)?;
    let each: Vec<usize> = stretches.iter().skip(1).take(20).map(Vec::len).collect();
    let exactly_one = each.len() == 20 && each.iter().all(|syncs| *syncs == 1);
    Ok(vec![
        Row {
            measure: "durable enqueue of an hour's ride, median, against a raw FULL commit of the same bytes".to_owned(),
            floor: micros(floor),
            ours: micros(ours),
            ratio: Some(ratio(ours, floor)),
            bar: Bar::AtMost(1.25),
        },
        Row {
            measure: "syncs of the disk for each enqueue".to_owned(),
            floor: "–".to_owned(),
            ours: format!("{} to {}", each.iter().min().unwrap_or(&0), each.iter().max().unwrap_or(&0)),
            ratio: None,
            bar: Bar::Counted("exactly 1", exactly_one),
        },
    ])
}

fn pulled(workouts: u32) -> Result<Vec<Row>, Trouble> {
    let pages = pull::pages(workouts)?;
    let measured = pull::measure(workouts, &pages)?;
    let per_second = |time| format!("{:.0}/s", measured.rate(time));
    Ok(vec![
        Row {
            measure: format!(
                "first pull of {workouts} workouts, against parse + insert of the same rows into the same tables in raw SQLite"
            ),
            floor: per_second(measured.indexed),
            ours: per_second(measured.ours),
            ratio: Some(ratio(measured.indexed, measured.ours)),
            bar: Bar::AtLeast(0.6),
        },
        Row {
            measure: format!(
                "the same {workouts}, against parse + insert as text into one table without search or lists"
            ),
            floor: per_second(measured.bare),
            ours: per_second(measured.ours),
            ratio: Some(ratio(measured.bare, measured.ours)),
            bar: Bar::None,
        },
    ])
}

fn drained(runtime: &tokio::runtime::Runtime) -> Result<Row, Trouble> {
    let mut best = [Duration::MAX; 2];
    for _ in 0..DRAINS {
        for (best, poison) in best.iter_mut().zip([false, true]) {
            *best = runtime.block_on(drain::measure(RIDES, poison))?.min(*best);
        }
    }
    let [without, with] = best;
    Ok(Row {
        measure: format!(
            "drain of {RIDES} rides with one that is never taken, against the same without"
        ),
        floor: format!("{:.2} s", without.as_secs_f64()),
        ours: format!("{:.2} s", with.as_secs_f64()),
        ratio: Some(ratio(with, without)),
        bar: Bar::AtMost(1.1),
    })
}

fn no_change(runtime: &tokio::runtime::Runtime) -> Result<Row, Trouble> {
    let quiet = runtime.block_on(quiet::measure())?;
    Ok(Row {
        measure: "sync without news".to_owned(),
        floor: "–".to_owned(),
        ours: format!(
            "{} request, {} bytes down",
            quiet.requests, quiet.bytes_down
        ),
        ratio: None,
        bar: Bar::Counted(
            "1 request, ≤ 500 bytes down",
            quiet.requests == 1 && quiet.bytes_down <= QUIET_BYTES,
        ),
    })
}

fn micros(time: Duration) -> String {
    format!("{} µs", time.as_micros())
}

fn document(table: &str) -> String {
    format!(
        "# The sync core, measured\n\nMade by `cargo xtask bench`: a release build; each measure and its floor in one run on one machine, \
         taking turns. Only the ratios and the counts mean something elsewhere.\n\n{table}"
    )
}
