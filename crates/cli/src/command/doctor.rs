//! `doctor`: whether this profile can work, and what to do where it cannot.

use std::path::PathBuf;
use std::process::ExitCode;

use freewheel_sync::doctor::Report;
use freewheel_sync::{Engine, Home, Mode, Ports};

use crate::failure::Failure;
use crate::output::Output;
use crate::profile::home_failure;
use crate::words::plain;

/// Looks at the profile. A problem that was found is an answer; only a profile that cannot be opened is a failure.
pub async fn doctor(home: Option<PathBuf>, output: Output) -> Result<ExitCode, Failure> {
    let home = Home::resolve(home)
        .and_then(Home::open)
        .map_err(home_failure)?;
    let report = match Engine::open(home.clone(), Ports::system(), Mode::OneShot).await {
        Ok(engine) => {
            let report = engine.doctor().await;
            engine.shutdown().await;
            report
        }
        Err(error) => Report::unopened(&home, &error),
    };
    output.answer(&report, || lines(&report))?;
    Ok(if report.opened {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn lines(report: &Report) -> String {
    let text = report.text();
    let lines: Vec<String> = text.lines().map(plain).collect();
    lines.join("\n")
}
