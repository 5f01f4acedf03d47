//! What rows look at and do past the screen: what is stored of the session, which states it went through, renewals.

use freewheel_sync::Renewal;
use freewheel_sync::view::SyncView;
use serde_json::Value;

use crate::LabError;
use crate::rig::{PATIENCE, soon};
use crate::scenario::{Findings, Stage, TOKEN};

/// What is stored of the session.
pub(super) fn facts(stage: &Stage) -> Result<Value, LabError> {
    let sql = "SELECT facts FROM session";
    let text: String = stage.rig.database()?.query_row(sql, [], |row| row.get(0))?;
    serde_json::from_str(&text).map_err(|error| unexpected(format!("the facts: {error}")))
}

/// The generation of the stored tokens, and the name of the stored refresh token.
pub(super) fn stored_token(stage: &Stage) -> Result<(u64, String), LabError> {
    let facts = facts(stage)?;
    let of = |field: &str| facts.pointer(&format!("/tokens/{field}"));
    let generation = of("generation").and_then(Value::as_u64);
    let fingerprint = of("fingerprint").and_then(Value::as_str);
    generation
        .zip(fingerprint.map(str::to_owned))
        .ok_or_else(|| unexpected(format!("no tokens are stored: {facts}")))
}

/// How often the session came to this state, by its journal.
pub(super) fn times_in(stage: &Stage, state: &str) -> Result<u32, LabError> {
    let sql = "SELECT count(*) FROM auth_journal WHERE after_state = ?1 AND before_state <> ?1";
    let database = stage.rig.database()?;
    Ok(database.query_row(sql, [state], |row| row.get(0))?)
}

/// At no time was the athlete asked to sign in.
pub(super) fn not_asked_to_sign_in(stage: &Stage, findings: &mut Findings) -> Result<(), LabError> {
    let times = times_in(stage, "needs_sign_in")?;
    findings.same("times asked to sign in", &0, &times);
    Ok(())
}

/// The same as all that a row looks at.
pub(super) async fn nobody_was_asked_to_sign_in(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    not_asked_to_sign_in(stage, findings)
}

/// Renews the tokens, which must end like this.
pub(super) async fn renews(stage: &Stage, what: &str, must: Renewal) -> Result<(), LabError> {
    let renewal = soon(what, stage.rig.engine()?.renew()).await?;
    same(what, &must, &renewal)
}

/// Runs `work`, which must cost exactly so many requests to the token endpoint.
pub(super) async fn costs(
    stage: &Stage,
    what: &str,
    must: usize,
    work: impl Future<Output = Result<(), LabError>>,
) -> Result<(), LabError> {
    let before = stage.gate()?.count(TOKEN);
    work.await?;
    let cost = stage.gate()?.count(TOKEN) - before;
    same(&format!("token requests for {what}"), &must, &cost)
}

/// Waits until the screen shows this state.
pub(super) async fn until_state(stage: &Stage, state: &'static str) -> Result<SyncView, LabError> {
    let shown = |view: &SyncView| view.session.state == state;
    stage.rig.until(state, PATIENCE, shown).await
}

/// Waits until the athlete's last ride is with the service.
pub(super) async fn until_last_ride_is_delivered(stage: &Stage) -> Result<(), LabError> {
    let ride = stage.rides.last().ok_or_else(|| unexpected("no ride"))?;
    stage.rig.until_delivered(ride, PATIENCE).await
}

/// Both must be the same for the row to go on.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    must: &T,
    is: &T,
) -> Result<(), LabError> {
    if must == is {
        return Ok(());
    }
    Err(unexpected(format!("{what}: must be {must:?}, is {is:?}")))
}

pub(super) fn unexpected(words: impl Into<String>) -> LabError {
    LabError::Unexpected(words.into())
}
