//! Plays one row: all is well, the failure, what is seen meanwhile, the cure, and what comes of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use freewheel_sync::Mode;
use tokio::time::Instant;

use super::check::{self, Counted};
use super::inside::Inside;
use super::play::Play;
use super::report::{Findings, Report};
use super::row::Opening;
use super::stage::Stage;
use crate::LabError;
use crate::site::Settings;
use crate::wait::{Seen, until};

/// Longer than any row takes.
const LONGEST: Duration = Duration::from_secs(140);

/// Plays `play` in this process.
pub(super) async fn play(play: &Play, program: PathBuf, inside: Option<Inside>) -> Report {
    let began = Instant::now();
    let mut report = Report::of(&play.row);
    let mut findings = Findings::default();
    let acts = acts(play, program, inside, &mut report, &mut findings);
    match tokio::time::timeout(LONGEST, acts).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => findings.note("the run", "to come to its end", error.to_string()),
        Err(_) => findings.note("the run", format!("to end within {LONGEST:?}"), "not yet"),
    }
    report.seconds = began.elapsed().as_secs_f64();
    report.passed = findings.is_empty();
    report.mismatches = findings.into_mismatches();
    report
}

async fn acts(
    play: &Play,
    program: PathBuf,
    inside: Option<Inside>,
    report: &mut Report,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let mut stage = set(play, program, inside).await?;
    let counted = Counted::now(&stage)?;
    fail(play, &mut stage).await?;
    let seen = meanwhile(play, &mut stage, counted, report, findings).await;
    // What did not come about is told with everything else that is seen, and the cure is not tried.
    if seen? {
        let launches = stage.rig.launches();
        cure(play, &mut stage, findings).await?;
        findings.same(
            "launches for the cure",
            &0,
            &(stage.rig.launches() - launches),
        );
    }
    stage.rig.close().await;
    Ok(())
}

/// All is well: the server runs, the athlete is signed in, the library is cached.
async fn set(play: &Play, program: PathBuf, inside: Option<Inside>) -> Result<Stage, LabError> {
    let mut settings = Settings {
        library: freewheel_server::Library::Empty,
        ..Settings::default()
    };
    (play.world)(&mut settings);
    let mut stage = Stage::set(settings, program, inside.map(Arc::new)).await?;
    (play.computer)(&mut stage).await?;
    match play.row.opening {
        Opening::Running => stage.settle(Mode::Resident).await?,
        Opening::Closed => {
            stage.settle(Mode::OneShot).await?;
            stage.ride().await?;
            stage.rig.close().await;
        }
    }
    Ok(stage)
}

/// The failure happens. An app that was closed is opened; in one that runs, the athlete rides.
async fn fail(play: &Play, stage: &mut Stage) -> Result<(), LabError> {
    (play.inject)(stage).await?;
    if !stage.rig.runs() {
        stage.rig.launch(Mode::Resident).await?;
    }
    if stage.rides.is_empty() {
        stage.ride().await?;
    }
    Ok(())
}

/// Waits until all is as the row says, looks on for a while, and tells what is not so. Whether it came about at all.
async fn meanwhile(
    play: &Play,
    stage: &mut Stage,
    counted: Counted,
    report: &mut Report,
    findings: &mut Findings,
) -> Result<bool, LabError> {
    let expect = &play.row.expect;
    let bound = Duration::from_secs(expect.within_seconds);
    let came = {
        let stage = &*stage;
        let look = async || seen(check::meanwhile(stage, expect, counted).await?);
        until("what the row says", bound, look).await
    };
    let mut came_about = true;
    match came {
        Ok(()) => {
            check::workout_opens(stage, expect, findings).await?;
            tokio::time::sleep(Duration::from_secs(expect.observe_seconds)).await;
            (play.look)(stage, findings).await?;
        }
        Err(LabError::TimedOut { .. }) => came_about = false,
        Err(error) => return Err(error),
    }
    // What is not so by then is not so.
    findings.absorb(check::meanwhile(stage, expect, counted).await?);
    if !came_about && findings.is_empty() {
        findings.note("what the row says", format!("within {bound:?}"), "later");
    }
    check::at_most(stage, expect, counted, findings)?;
    let session = stage.rig.session()?;
    report.state = Some(session.state.name().to_owned());
    report.access = Some(session.access);
    (report.requests, report.token_requests) = counted.since(stage)?;
    Ok(came_about)
}

/// The cause goes away, without a relaunch.
async fn cure(play: &Play, stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let healed = &play.row.healed;
    (play.heal)(stage).await?;
    if healed.sign_in {
        stage.sign_in("demo").await?;
    }
    if healed.sync_now {
        stage.rig.engine()?.sync_now();
    }
    let bound = Duration::from_secs(healed.within_seconds);
    let cured = {
        let stage = &*stage;
        until("the cure", bound, async || {
            seen(check::afterwards(stage, healed).await?)
        })
        .await
    };
    match cured {
        Ok(()) => Ok(()),
        Err(LabError::TimedOut { .. }) => {
            let still = check::afterwards(stage, healed).await?;
            if still.is_empty() {
                findings.note("the cure", format!("within {bound:?}"), "later");
            }
            findings.absorb(still.under("after the cure"));
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn seen(findings: Findings) -> Result<Seen<()>, LabError> {
    Ok(if findings.is_empty() {
        Seen::Yes(())
    } else {
        Seen::NotYet(Some(findings.told()))
    })
}
