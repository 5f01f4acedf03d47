//! Rows 22 to 27: sign-ins that end, by the service's will or the athlete's.

use std::time::Duration;

use freewheel_sync::view::NetworkFact;
use freewheel_sync::{Mode, Renewal};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::past::{same, unexpected, until_state};
use crate::LabError;
use crate::rig::{PATIENCE, Rig, soon};
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage};
use crate::wait::{Seen, until};

/// How long a refresh token lives that nobody uses, where a row is about that.
const UNUSED: SignedDuration = SignedDuration::from_hours(48);
/// How long a revocation may take that waits for the service.
const REVOKED_WITHIN: Duration = Duration::from_secs(40);

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("22-unused-too-long", unused)?.world(|settings| settings.refresh_token_life = UNUSED),
        play!("23-too-many-computers", too_many)?
            .world(|settings| settings.max_sessions = std::num::NonZeroU32::new(2)),
        play!("24-password-changed", password_changed)?.heal(password_is_known),
        play!("25-account-disabled", disabled)?
            .look(rides_can_be_exported)
            .heal(enabled),
        play!("26-dead-token", dead)?.look(nothing_makes_it_ask_again),
        play!("27-signing-out-offline", sign_out_offline)?
            .look(nothing_is_left)
            .heal(revoked_later),
    ])
}

/// Two weeks in a drawer.
async fn unused(stage: &mut Stage) -> Result<(), LabError> {
    stage.time_passes(UNUSED)
}

/// The athlete signs in on two more computers than before; the service keeps two.
async fn too_many(stage: &mut Stage) -> Result<(), LabError> {
    for _ in 0..2 {
        let mut other = Rig::new()?;
        other.launch(Mode::OneShot).await?;
        other.sign_in(&stage.site()?.url, "demo").await?;
        other.close().await;
    }
    stage.token_expires()
}

async fn password_changed(stage: &mut Stage) -> Result<(), LabError> {
    set_password(stage, "another")?;
    stage.token_expires()
}

/// The athlete has the old one back, which is no reason to believe the old tokens.
async fn password_is_known(stage: &mut Stage) -> Result<(), LabError> {
    stage.all_well().await?;
    set_password(stage, "demo")
}

fn set_password(stage: &Stage, password: &str) -> Result<(), LabError> {
    let site = stage.site()?;
    let (demo, now) = (site.demo()?, server_time(stage)?);
    let ended = site.server.store().set_password(&demo, password, now);
    ended
        .map(drop)
        .map_err(|error| unexpected(error.to_string()))
}

fn server_time(stage: &Stage) -> Result<Timestamp, LabError> {
    let clock = &stage.site()?.settings().clock;
    Ok(freewheel_server::Clock::now(clock.as_ref()))
}

async fn disabled(stage: &mut Stage) -> Result<(), LabError> {
    set_blocked(stage, true)
}

/// The app finds it out by itself, about an hour after it last asked.
async fn enabled(stage: &mut Stage) -> Result<(), LabError> {
    stage.all_well().await?;
    set_blocked(stage, false)?;
    stage.time_passes(SignedDuration::from_hours(2))
}

fn set_blocked(stage: &Stage, blocked: bool) -> Result<(), LabError> {
    let site = stage.site()?;
    let done = site.server.store().set_blocked(&site.demo()?, blocked);
    done.map_err(|error| unexpected(error.to_string()))
}

async fn rides_can_be_exported(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let folder = TempDir::new().map_err(LabError::io("making a folder"))?;
    for ride in &stage.rides {
        let id = ride
            .id
            .parse()
            .map_err(|error| unexpected(format!("{}: {error}", ride.id)))?;
        let file = stage.rig.engine()?.export_ride(id, folder.path()).await?;
        let bytes = std::fs::read(&file).map_err(LabError::io("reading the exported ride"))?;
        let fit = bytes.get(8..12) == Some(b".FIT");
        findings.holds(
            fit,
            "the exported ride",
            "a FIT file",
            format!("{} bytes", bytes.len()),
        );
    }
    Ok(())
}

/// The service ends the sign-in.
async fn dead(stage: &mut Stage) -> Result<(), LabError> {
    let site = stage.site()?;
    let ended = site
        .server
        .store()
        .sign_out_everywhere(&site.demo()?, server_time(stage)?);
    same("sign-ins that ended", &Some(1), &ended.ok())?;
    stage.token_expires()
}

/// All that makes an app ask: the athlete, another process, days, links that come and go, another launch.
async fn nothing_makes_it_ask_again(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let before = stage.gate()?.count("");
    let other = stage.rig.another(Mode::OneShot).await?;
    for _ in 0..5 {
        stage.rig.links.set(NetworkFact::Down);
        stage.time_passes(SignedDuration::from_hours(6))?;
        stage.rig.engine()?.sync_now();
        stage.rig.links.set(NetworkFact::Up);
        soon("a sync", stage.rig.engine()?.sync(Duration::ZERO)).await??;
        for engine in [stage.rig.engine()?, &other] {
            let renewal = soon("a renewal", engine.renew()).await?;
            findings.same("a renewal", &Renewal::Refused, &renewal);
        }
    }
    soon("the other's end", other.shutdown()).await?;
    stage.rig.close().await;
    stage.rig.launch(Mode::Resident).await?;
    until_state(stage, "needs_sign_in").await?;
    let status = stage.run(&["--json", "sync"]).await?;
    findings.same("the command's end", &Some(0), &status.status.code());
    findings.same(
        "requests with a dead token",
        &0,
        &(stage.gate()?.count("") - before),
    );
    Ok(())
}

/// The ride is saved, the service gone, and the athlete signs out.
async fn sign_out_offline(stage: &mut Stage) -> Result<(), LabError> {
    stage.site_stops().await?;
    stage.ride().await?;
    let signing_out = stage.rig.engine()?.sign_out();
    Ok(tokio::time::timeout(PATIENCE, signing_out)
        .await
        .map_err(|_| unexpected("signing out waits for the service"))??)
}

async fn nothing_is_left(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let sql = "SELECT count(*) FROM session WHERE sealed IS NOT NULL";
    let tokens: u32 = stage.rig.database()?.query_row(sql, [], |row| row.get(0))?;
    findings.same("stored tokens", &0, &tokens);
    let session = stage.rig.engine()?.view_now().session;
    findings.same("who is signed in", &None, &session.account);
    Ok(())
}

/// The service is back, and hears of it by itself before anybody signs in again.
async fn revoked_later(stage: &mut Stage) -> Result<(), LabError> {
    stage.all_well().await?;
    let revoked = async || {
        // Changes nothing: it only counts.
        let asked = stage.site()?.sql(
            "UPDATE token_family SET revoked_because = revoked_because
             WHERE revoked_because = 'asked'",
        )?;
        Ok(match asked {
            0 => Seen::NotYet(Some("the sign-in is still good at the service".to_owned())),
            _ => Seen::Yes(()),
        })
    };
    until("the revocation", REVOKED_WITHIN, revoked).await
}
