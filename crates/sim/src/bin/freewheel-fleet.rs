//! `freewheel-fleet`: simulates the herd, prints its tables, writes `herd.md` and `herd.svg`.
#![allow(clippy::print_stdout, reason = "a command for people at a terminal")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use clap::Parser;
use freewheel_sim::fleet::comparison::{Chapter, compare, scenarios};
use freewheel_sim::fleet::report;
use freewheel_sim::fleet::scenario::Scenario;

/// A fleet of clients in a two-hour outage, under our policy and under four others.
#[derive(Parser)]
#[command(name = "freewheel-fleet")]
struct Arguments {
    /// How many clients: at most a million, which takes minutes
    #[arg(long, value_name = "N", default_value_t = Scenario::MOST,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Scenario::MOST)))]
    clients: u32,
    /// What the random source begins with; the same seed gives the same numbers
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The folder to write herd.md and herd.svg into; none: print the tables only
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let scenarios = scenarios(arguments.clients, arguments.seed);
    let chapters = compare(&scenarios, |scenario, policy| {
        eprintln!("simulated: {}, {}", scenario.title(), policy.name());
    });
    for chapter in &chapters {
        println!(
            "\n{}\n\n{}",
            chapter.scenario.title(),
            report::chapter(chapter).text()
        );
    }
    println!("\n{}", report::answer(&chapters).text());
    let Some(docs) = &arguments.docs else {
        return ExitCode::SUCCESS;
    };
    match write(docs, &chapters) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "freewheel-fleet: {} could not be written: {error}",
                docs.display()
            );
            ExitCode::FAILURE
        }
    }
}

fn write(docs: &Path, chapters: &[Chapter]) -> io::Result<()> {
    let plot = "herd.svg";
    fs::write(docs.join(plot), report::plot(chapters))?;
    fs::write(docs.join("herd.md"), report::page(chapters, plot))?;
    println!("written: {0}/herd.md, {0}/herd.svg", docs.display());
    Ok(())
}
