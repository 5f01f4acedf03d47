//! The commands of the project: `cargo xtask run`, `cargo xtask test` and their parts.
//!
//! Each command does all of its own set-up, says what it does and how long each step took, and
//! ends with an honest exit code: 0 done, 1 a step failed, 2 not a command.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a command for people at a terminal, which times real processes"
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod artefacts;
mod desktop;
mod dev_server;
mod display;
mod mutants;
mod node;
mod packages;
mod place;
mod step;
mod summary;
mod tally;
mod test;
mod tools;
mod tour;
mod ui;

use std::process::ExitCode;

use place::Place;
use step::Outcome;

/// A command: its name, its line in the help, and what it does.
struct Command {
    name: &'static str,
    help: &'static str,
    act: fn(&Place) -> Outcome<ExitCode>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        help: "set up, build and open the app beside its own server (or the tour, without a display)",
        act: desktop::run,
    },
    Command {
        name: "test",
        help: "set up and run every check and every test",
        act: test::run,
    },
    Command {
        name: "setup",
        help: "install what building and testing need: system packages and tools under target/tools",
        act: setup,
    },
    Command {
        name: "ui",
        help: "install the user interface's packages and build it, when something changed",
        act: |place| done(ui::build(place)),
    },
    Command {
        name: "screenshots",
        help: "photograph every screen, light and dark, into docs/screenshots",
        act: artefacts::screenshots,
    },
    Command {
        name: "bindings",
        help: "write the user interface's types anew from the Rust types",
        act: artefacts::bindings,
    },
    Command {
        name: "kills",
        help: "kill the client at 500 points of renewals and sign-ins; say what became of its sessions",
        act: artefacts::kills,
    },
    Command {
        name: "deny",
        help: "check the dependencies' licences, bans and sources",
        act: artefacts::deny,
    },
    Command {
        name: "mutants",
        help: "break every decision in crates/policy once and see whether a test notices (an hour)",
        act: mutants::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name] = arguments.as_slice() else {
        return if arguments.is_empty() {
            usage("name a command")
        } else {
            usage("one command at a time, without further arguments")
        };
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        println!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return usage(&format!("there is no command '{name}'"));
    };
    match Place::find().and_then(|place| (command.act)(&place)) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::FAILURE
        }
    }
}

fn setup(place: &Place) -> Outcome<ExitCode> {
    packages::install(packages::Purpose::Test)?;
    node::check()?;
    node::peers(place)?;
    tools::python(place)?;
    tools::tauri_driver(place)?;
    done(tools::cargo_deny(place).map(|_| ()))
}

fn done(outcome: Outcome) -> Outcome<ExitCode> {
    outcome.map(|()| ExitCode::SUCCESS)
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("cargo xtask: {problem}\n\n{}", help());
    ExitCode::from(2)
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:<12} {}\n", command.name, command.help));
    }
    text.push_str("  help         this page");
    text
}
