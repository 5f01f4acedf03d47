//! The real client on one profile, for tests that kill it. Commands on standard input, one per line: `status`, `renew`,
//! `settle` (waits until a resident engine knows where the session stands), `sign-in SERVER`, `sign-out`. Each line on
//! standard output is a `freewheel_lab::session_probe::Said`.
//!
//! Arguments: the profile folder, and `one-shot` or `resident`. The key is kept in a file, never in a keyring.

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use freewheel_lab::session_probe::{Said, Stored};
use freewheel_sync::vault::VaultOptions;
use freewheel_sync::{Engine, EngineError, Home, Mode, Ports};

/// How long a resident engine may take to find out where the session stands.
const SETTLE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let home = arguments.next().map(PathBuf::from);
    let mode = match arguments.next().as_deref() {
        Some("one-shot") => Some(Mode::OneShot),
        Some("resident") => Some(Mode::Resident),
        _ => None,
    };
    let (Some(home), Some(mode)) = (home, mode) else {
        return ExitCode::from(2);
    };
    match run(&home, mode).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "session-probe: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(folder: &Path, mode: Mode) -> Result<(), Box<dyn std::error::Error>> {
    let home = Home::resolve(Some(folder.to_owned()))?.open()?;
    let ports = Ports {
        vault: VaultOptions::key_file_only(),
        ..Ports::system()
    };
    let engine = Engine::open(home, ports, mode).await?;
    say(&Said::Ready)?;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let outcome = match line.split_once(' ') {
            None if line == "status" => "read".to_owned(),
            None if line == "renew" => format!("{:?}", engine.renew().await),
            None if line == "settle" => settle(&engine).await,
            None if line == "sign-out" => word(engine.sign_out().await.map(|()| "signed_out")),
            Some(("sign-in", server)) => word(sign_in(&engine, server).await),
            _ => return Err(format!("not a command: {line}").into()),
        };
        let stored = Stored::read(folder)?;
        say(&Said::Done { outcome, stored })?;
    }
    engine.shutdown().await;
    Ok(())
}

async fn sign_in(engine: &Engine, server: &str) -> Result<&'static str, EngineError> {
    let started = engine.sign_in(server).await?;
    if say(&Said::Browse(started.url)).is_err() {
        return Ok("unheard");
    }
    engine.sign_in_finished().await.map(|_| "signed_in")
}

/// Waits until the session is neither in doubt nor under way.
async fn settle(engine: &Engine) -> String {
    let mut view = engine.view();
    let settled = view.wait_for(|view| {
        let state = view.session.state.as_str();
        !matches!(state, "outcome_unknown" | "signing_in" | "offline")
    });
    match tokio::time::timeout(SETTLE, settled).await {
        Ok(Ok(view)) => view.session.state.clone(),
        Ok(Err(_)) => "closed".to_owned(),
        Err(_) => format!("still {}", engine.view_now().session.state),
    }
}

fn word(outcome: Result<&str, EngineError>) -> String {
    match outcome {
        Ok(word) => word.to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

fn say(said: &Said) -> std::io::Result<()> {
    let line = serde_json::to_string(said)?;
    writeln!(std::io::stdout(), "{line}")
}
