//! Rows 28 to 34: clocks that are ahead, behind, turned, dead or asleep.

use std::time::Duration;

use freewheel_sync::view::SyncView;
use freewheel_sync::{Mode, Renewal};
use jiff::{SignedDuration, Timestamp};

use super::past::{
    costs, nobody_was_asked_to_sign_in, renews, same, until_last_ride_is_delivered, until_state,
};
use crate::LabError;
use crate::rig::{PATIENCE, soon};
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// What the screen says of a clock that cannot be right.
const CHECK_CLOCK: &str = "please check your clock";

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("28-clock-ahead", ahead)?
            .look(fresh_tokens_are_fresh)
            .heal(a_year_back),
        play!("29-clock-behind", behind)?.heal(two_hours_on),
        play!("30-clock-turned-back", turned_back)?.heal(a_month_on),
        play!("31-clock-forward-and-back", forward)?.heal(sixty_days_back),
        play!("32-clock-of-1970", dead_battery)?,
        play!("33-suspended", suspended)?,
        play!("34-issued-in-the-future", slow)?
            .computer(an_hour_slow)
            .look(nobody_was_asked_to_sign_in),
    ])
}

fn turn(stage: &Stage, by: SignedDuration) {
    stage.rig.clock.turn(by);
}

/// The computer is started again, with the app.
async fn reboot(stage: &mut Stage) -> Result<(), LabError> {
    stage.rig.close().await;
    stage.rig.clock.reboot();
    stage.rig.launch(Mode::Resident).await.map(drop)
}

/// The service goes on without this computer, which is asleep, switched off, or offline.
fn at_the_service(stage: &Stage, time: SignedDuration) -> Result<(), LabError> {
    stage.site()?.settings().clock.pass(time);
    Ok(())
}

/// Somebody sets the clock ahead by 50 s, an hour and a year, each time the tokens are used up; in the end the computer
/// is started again with it.
async fn ahead(stage: &mut Stage) -> Result<(), LabError> {
    for by in [50 * SECOND, HOUR, 365 * DAY] {
        turn(stage, by);
        stage.token_expires()?;
        let before = stage.gate()?.count(crate::scenario::TOKEN);
        stage.ride().await?;
        until_last_ride_is_delivered(stage).await?;
        let cost = stage.gate()?.count(crate::scenario::TOKEN) - before;
        same(&format!("renewals {by:#} ahead"), &1, &cost)?;
    }
    reboot(stage).await?;
    stage.ride().await
}

/// Tokens that just came are used, and not renewed again and again.
async fn fresh_tokens_are_fresh(stage: &mut Stage, _: &mut Findings) -> Result<(), LabError> {
    let using = async {
        renews(stage, "a renewal with the clock ahead", Renewal::Fresh).await?;
        for _ in 0..5 {
            let engine = stage.rig.engine()?;
            soon("a sync", engine.sync(Duration::ZERO)).await??;
        }
        Ok(())
    };
    costs(stage, "one renewal and five syncs", 1, using).await
}

async fn a_year_back(stage: &mut Stage) -> Result<(), LabError> {
    turn(stage, -(365 * DAY + HOUR + 50 * SECOND));
    stage.ride().await
}

/// The computer was off for two hours, and its clock stood still meanwhile.
async fn behind(stage: &mut Stage) -> Result<(), LabError> {
    at_the_service(stage, 2 * HOUR)?;
    reboot(stage).await
}

async fn two_hours_on(stage: &mut Stage) -> Result<(), LabError> {
    turn(stage, 2 * HOUR);
    stage.ride().await
}

/// Offline for 13 days, the last of the grace is to be stretched: the clock goes back 30 days, and so it does at a
/// restart. Then two days more go by.
async fn turned_back(stage: &mut Stage) -> Result<(), LabError> {
    at_the_service(stage, 15 * DAY)?;
    stage.site_stops().await?;
    stage.rig.clock.pass(13 * DAY);
    stage.ride().await?;
    until_offline(stage, 1).await?;
    // What has elapsed is remembered every few minutes, and at every launch.
    stage.rig.launch(Mode::Resident).await?;
    turn(stage, -(30 * DAY));
    stage.rig.engine()?.sync_now();
    until_clock_is_doubted(stage, 1).await?;
    reboot(stage).await?;
    stage.rig.engine()?.sync_now();
    until_clock_is_doubted(stage, 1).await?;
    stage.rig.clock.pass(2 * DAY);
    stage.rig.engine()?.sync_now();
    Ok(())
}

async fn until_offline(stage: &Stage, days: u32) -> Result<(), LabError> {
    let open = |view: &SyncView| {
        let session = &view.session;
        session.state == "offline" && session.library_open && session.days_left == Some(days)
    };
    let what = format!("offline, open for {days} more days");
    stage.rig.until(&what, PATIENCE, open).await.map(drop)
}

async fn until_clock_is_doubted(stage: &Stage, days: u32) -> Result<(), LabError> {
    let doubted = |view: &SyncView| {
        let session = &view.session;
        session.detail.contains(CHECK_CLOCK) && session.days_left == Some(days)
    };
    let what = format!("offline, the clock in doubt, {days} days left");
    stage.rig.until(&what, PATIENCE, doubted).await.map(drop)
}

async fn a_month_on(stage: &mut Stage) -> Result<(), LabError> {
    turn(stage, 30 * DAY);
    stage.all_well().await
}

/// Offline, the computer is started with a clock that is 60 days ahead.
async fn forward(stage: &mut Stage) -> Result<(), LabError> {
    stage.site_stops().await?;
    turn(stage, 60 * DAY);
    reboot(stage).await
}

/// The clock goes back: open again, with all that was left, before the service is there.
async fn sixty_days_back(stage: &mut Stage) -> Result<(), LabError> {
    turn(stage, -(60 * DAY));
    stage.rig.engine()?.sync_now();
    let open = |view: &SyncView| {
        let session = &view.session;
        session.state == "offline" && session.library_open && session.days_left.is_none()
    };
    stage.rig.until("open again", PATIENCE, open).await?;
    same("days left", &Some(14), &stage.rig.session()?.days_left)?;
    stage.all_well().await
}

/// The battery of the clock is dead: the computer starts in 1970, and at the next start before it.
async fn dead_battery(stage: &mut Stage) -> Result<(), LabError> {
    stage.site_stops().await?;
    for years_before in [0, 1] {
        let start = Timestamp::UNIX_EPOCH - years_before * 365 * DAY;
        stage.rig.clock.set(start);
        reboot(stage).await?;
        stage.ride().await?;
        let view = until_state(stage, "offline").await?;
        same("library open", &true, &view.session.library_open)?;
    }
    Ok(())
}

/// The app sleeps with the computer: its timers stand still. After 13 days the library is open, after 15 it is not.
async fn suspended(stage: &mut Stage) -> Result<(), LabError> {
    at_the_service(stage, 15 * DAY)?;
    stage.site_stops().await?;
    stage.rig.clock.pass(13 * DAY);
    stage.ride().await?;
    until_offline(stage, 1).await?;
    stage.rig.clock.pass(2 * DAY);
    stage.rig.engine()?.sync_now();
    Ok(())
}

/// From before the first sign-in on, so that every token was issued in this computer's future.
async fn an_hour_slow(stage: &mut Stage) -> Result<(), LabError> {
    turn(stage, -HOUR);
    Ok(())
}

async fn slow(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    stage.ride().await?;
    until_last_ride_is_delivered(stage).await?;
    turn(stage, -DAY);
    stage.token_expires()?;
    reboot(stage).await
}
