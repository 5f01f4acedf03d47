//! `freewheel-server`: the reference server as a command, and its operator's tools.

mod command;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::command::athlete::AthleteCommand;
use crate::command::keys::KeysCommand;
use crate::command::serve::Serve;

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("FREEWHEEL_COMMIT"),
    ", built ",
    env!("FREEWHEEL_BUILD_DATE"),
    ")"
);

/// Freewheel's reference server: OAuth issuer, library feed, rides, status.
///
/// Without a command it serves. The commands act on the same data folder, also while the server runs.
#[derive(Parser)]
#[command(name = "freewheel-server", version = VERSION, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Adds, closes and opens accounts, changes passwords
    #[command(subcommand)]
    Athlete(AthleteCommand),
    /// Changes the keys that sign tokens
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A command says what it did; a server's log is its own.
    let level = if arguments.command.is_some() {
        "warn"
    } else {
        "info"
    };
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)),
        )
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(io::stderr(), "freewheel-server: {text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { serve, command }: Arguments) -> Result<(), String> {
    match command {
        Some(Command::Athlete(command)) => command::athlete::run(command),
        Some(Command::Keys(command)) => command::keys::run(command),
        None => {
            let Some(data) = serve.data.clone() else {
                let text = "tell with --data <DIR> which folder holds everything the server knows";
                Arguments::command()
                    .error(ErrorKind::MissingRequiredArgument, text)
                    .exit();
            };
            command::serve::serve(serve, data).await
        }
    }
}
