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
mod herd;
mod mutants;
mod node;
mod packages;
mod place;
mod powercut;
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
    act: Act,
}

/// What a command does, with or without further arguments.
enum Act {
    Alone(fn(&Place) -> Outcome<ExitCode>),
    With {
        arguments: &'static str,
        act: fn(&Place, &[String]) -> Outcome<ExitCode>,
    },
}

const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        help: "set up, build and open the app beside its own server (or the tour, without a display)",
        act: Act::Alone(desktop::run),
    },
    Command {
        name: "test",
        help: "set up and run every check and every test",
        act: Act::Alone(test::run),
    },
    Command {
        name: "setup",
        help: "install what building and testing need: system packages and tools under target/tools",
        act: Act::Alone(setup),
    },
    Command {
        name: "ui",
        help: "install the user interface's packages and build it, when something changed",
        act: Act::Alone(|place| done(ui::build(place))),
    },
    Command {
        name: "screenshots",
        help: "photograph every screen, light and dark, into docs/screenshots",
        act: Act::Alone(artefacts::screenshots),
    },
    Command {
        name: "bindings",
        help: "write the user interface's types anew from the Rust types",
        act: Act::Alone(artefacts::bindings),
    },
    Command {
        name: "kills",
        help: "kill the client at 500 points of renewals and sign-ins; say what became of its sessions",
        act: Act::Alone(artefacts::kills),
    },
    Command {
        name: "deaths",
        help: "kill the real app and the real server 300 times; see that every ride is there once (half an hour)",
        act: Act::Alone(artefacts::deaths),
    },
    Command {
        name: "bench",
        help: "measure the sync core against its floors, into docs/bench.md (minutes)",
        act: Act::Alone(artefacts::bench),
    },
    Command {
        name: "herd",
        help: "simulate a fleet in a two-hour outage, into docs/herd.md and docs/herd.svg (minutes)",
        act: Act::With {
            arguments: "[--clients N] [--seed S]",
            act: herd::run,
        },
    },
    Command {
        name: "powercut",
        help: "cut the power at every write of the app's stories, with seeded parts of what was not synced",
        act: Act::With {
            arguments: "[--seeds N] [--seed S]",
            act: powercut::run,
        },
    },
    Command {
        name: "deny",
        help: "check the dependencies' licences, bans and sources",
        act: Act::Alone(artefacts::deny),
    },
    Command {
        name: "mutants",
        help: "break every decision in crates/policy once and see whether a test notices (an hour)",
        act: Act::Alone(mutants::run),
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return usage("name a command");
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        println!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return usage(&format!("there is no command '{name}'"));
    };
    let outcome = match command.act {
        Act::Alone(_) if !rest.is_empty() => {
            return usage(&format!("'{name}' takes no further arguments"));
        }
        Act::Alone(act) => Place::find().and_then(|place| act(&place)),
        Act::With { act, .. } => Place::find().and_then(|place| act(&place, rest)),
    };
    match outcome {
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
        if let Act::With { arguments, .. } = command.act {
            text.push_str(&format!("  {:<12}   {arguments}\n", ""));
        }
    }
    text.push_str("  help         this page");
    text
}
