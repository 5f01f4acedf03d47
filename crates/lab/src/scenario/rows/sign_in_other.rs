//! Row 60: somebody else signs in.

use super::past::stored_token;
use super::sign_in::{must_fail, must_sign_in};
use crate::LabError;
use crate::rig::soon;
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage};
use crate::sign_in_page;

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("60-wrong-account", wrong_account)?.look(nothing_of_theirs_is_kept),
    ])
}

/// What was stored of the owner before somebody else came.
struct Owners {
    token: (u64, String),
    waiting: i64,
}

/// Ben signs in where demo has to.
async fn wrong_account(stage: &mut Stage) -> Result<(), LabError> {
    stage.site()?.add_athlete("ben")?;
    must_sign_in(stage).await?;
    stage.keep(Owners {
        token: stored_token(stage)?,
        waiting: waiting(stage)?,
    });
    let engine = stage.rig.engine()?.clone();
    let started = engine.sign_in(&stage.site()?.url).await?;
    sign_in_page::complete(&started.url, "ben", "ben").await?;
    let ended = soon("ben's sign-in", engine.sign_in_finished()).await?;
    must_fail(ended, "sign_in_wrong_account")
}

fn waiting(stage: &Stage) -> Result<i64, LabError> {
    let sql = "SELECT count(*) FROM outbox WHERE state = 'waiting'";
    let database = stage.rig.database()?;
    Ok(database.query_row(sql, [], |row| row.get(0))?)
}

/// Ben's tokens are over, he has no rides, and what is the owner's is as it was.
async fn nothing_of_theirs_is_kept(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let site = stage.site()?;
    let sql = "SELECT count(*) FROM token_family JOIN athlete ON athlete.id = athlete_id
         WHERE athlete.username = 'ben' AND revoked_at IS NULL";
    let left: i64 = site.database()?.query_row(sql, [], |row| row.get(0))?;
    findings.same("sign-ins of ben that the service keeps", &0, &left);
    let rides = site.rides_of(&site.athlete("ben")?)?.len();
    findings.same("ben's rides", &0, &rides);
    let owners: &Owners = stage.kept()?;
    findings.same("the owner's tokens", &owners.token, &stored_token(stage)?);
    findings.same("the owner's queue", &owners.waiting, &waiting(stage)?);
    Ok(())
}
