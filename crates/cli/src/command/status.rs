//! `status`, `sync` and `watch`: the three facts.

use std::process::ExitCode;
use std::time::Duration;

use freewheel_sync::view::{NetworkFact, SyncReport, SyncView};

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::profile::Profile;
use crate::words::{Here, counted, plain};

/// What this computer knows; asks nobody.
pub fn status(profile: &Profile, output: Output) -> Result<ExitCode, Failure> {
    let view = profile.engine.view_now();
    output.answer(&view, || overview(&view, &profile.here))?;
    Ok(ExitCode::SUCCESS)
}

/// Delivers and fetches. Being offline is no failure: what waits is safe, and it says when it is tried next.
pub async fn sync(profile: &Profile, output: Output, wait: u64) -> Result<ExitCode, Failure> {
    let report = profile.engine.sync(Duration::from_secs(wait)).await?;
    let next = report.next_try.map(|at| profile.here_now().next_try(at));
    output.answer(&report, || plain(&outcome(&report, next)))?;
    Ok(ExitCode::SUCCESS)
}

/// Keeps in sync and prints the view whenever it changes, until Ctrl-C or until nobody reads.
pub async fn watch(profile: &Profile, output: Output) -> Result<ExitCode, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut views = profile.engine.view();
    let mut shown = None;
    loop {
        let view = views.borrow_and_update().clone();
        let here = profile.here_now();
        let text = one_line(&view, &here);
        // People are told what they can see a difference in; programs get every change.
        if output.is_json() || shown.as_ref() != Some(&text) {
            let written = output.line(&view, || format!("{}  {text}", here.clock()))?;
            if written.is_break() {
                break;
            }
            shown = Some(text);
        }
        tokio::select! {
            changed = views.changed() => if changed.is_err() { break },
            () = interrupt.wait() => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn outcome(report: &SyncReport, next: Option<String>) -> String {
    let mut text = report.words.clone();
    if let Some(next) = next {
        // This program ends now: it must not sound as if it would be the one that tries.
        let who = "The app or `freewheel watch` tries by itself while it runs.";
        text = format!("{}, {next}. {who}", text.trim_end_matches('.'));
    }
    if report.reached && report.workouts > 0 {
        text = format!("{text} {} on this computer.", workouts(report.workouts));
    }
    text
}

fn overview(view: &SyncView, here: &Here) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, parts: Vec<String>| {
        lines.push(plain(&format!("{name:<10}{}", joined(&parts))));
    };
    line("Network", vec![network(view.network).to_owned()]);
    let since = view
        .service
        .since
        .map(|at| format!("since {}", here.moment(at)));
    line(
        "Service",
        [Some(view.service.words.clone()), since]
            .into_iter()
            .flatten()
            .collect(),
    );
    line("Your data", data(view, here));
    if let Some(disk) = &view.data.disk {
        line("Disk", vec![disk.clone()]);
    }
    let session = &view.session;
    let state = session.state.replace('_', " ");
    let who = match (&session.account, &session.server) {
        (Some(name), Some(server)) => vec![format!("{name} at {server}"), state],
        (Some(name), None) => vec![name.clone(), state],
        (None, _) => vec![state],
    };
    line("Account", who);
    let fresh = view
        .library
        .fresh_at
        .map(|at| format!("fresh at {}", here.moment(at)));
    let count = workouts(view.library.workouts);
    line(
        "Library",
        [Some(count), fresh].into_iter().flatten().collect(),
    );
    let remarks = [&session.headline, &session.detail]
        .into_iter()
        .filter(|text| !text.is_empty());
    lines.extend(remarks.map(|text| plain(text)));
    lines.join("\n")
}

fn data(view: &SyncView, here: &Here) -> Vec<String> {
    let next = view.data.next_try.map(|at| here.next_try(at));
    let last = view
        .data
        .last_success
        .map(|at| format!("last success {}", here.moment(at)));
    [Some(view.data.words.clone()), next, last]
        .into_iter()
        .flatten()
        .collect()
}

fn one_line(view: &SyncView, here: &Here) -> String {
    let mut parts = vec![
        format!("network {}", network(view.network)),
        view.service.words.clone(),
    ];
    parts.extend(data(view, here));
    parts.push(view.session.headline.clone());
    plain(&joined(&parts))
}

/// Facts beside each other; the engine's sentences lose their full stop.
fn joined(parts: &[String]) -> String {
    let parts = parts.iter().map(|part| part.trim_end_matches('.'));
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

fn workouts(count: u32) -> String {
    counted(
        usize::try_from(count).unwrap_or(usize::MAX),
        "workout",
        "workouts",
    )
}

fn network(fact: NetworkFact) -> &'static str {
    match fact {
        NetworkFact::Up => "up",
        NetworkFact::Down => "down",
        NetworkFact::Unknown => "unknown",
    }
}
