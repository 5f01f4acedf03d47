//! Rows 17 to 21: tokens that are killed, unsaved, raced for, or put back.

use std::process::{Child, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use freewheel_sync::{Engine, Mode, Renewal};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::Notify;

use super::past::{
    costs, nobody_was_asked_to_sign_in, not_asked_to_sign_in, renews, same, stored_token,
    unexpected, until_last_ride_is_delivered,
};
use crate::LabError;
use crate::rig::{PATIENCE, soon};
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage, TOKEN};
use crate::site::Way;
use crate::wait::until;

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("17-killed-before-saving", killed)?.look(nobody_was_asked_to_sign_in),
        play!("18-saving-fails", saving_fails)?
            .look(the_spent_token_is_not_sent)
            .heal(saving_works),
        play!("19-two-processes-renew", two_renew)?.look(nobody_was_asked_to_sign_in),
        play!("20-loser-of-a-race", loser)?.look(the_winners_tokens_stay),
        play!("21-older-tokens-put-back", put_back)?.look(the_newer_won),
    ])
}

/// A `freewheel sync` whose token is refused renews it; it is killed when the issuer has rotated the token and the
/// answer is on its way. That happens twice; in between, another one finds its way back.
async fn killed(stage: &mut Stage) -> Result<(), LabError> {
    kill_while_renewing(stage).await?;
    same("what the death left", &true, &intent_is_open(stage)?)?;
    let recovery = async {
        let done = stage.run(&["--json", "sync"]).await?;
        same("the next sync", &Some(0), &done.status.code())
    };
    costs(stage, "the way back", 1, recovery).await?;
    same(
        "the state after it",
        &"active",
        &stage.rig.session()?.state.name(),
    )?;
    kill_while_renewing(stage).await
}

async fn kill_while_renewing(stage: &Stage) -> Result<(), LabError> {
    let doomed: Arc<OnceLock<Pid>> = Arc::default();
    let (pid, mut refused) = (Arc::clone(&doomed), false);
    stage.gate()?.rule(move |line| {
        if line.contains("/v1/") && !refused {
            refused = true;
            return unauthorized();
        }
        if line != TOKEN {
            return Way::Through;
        }
        let pid = Arc::clone(&pid);
        Way::Change(Box::new(move |status, body| {
            // It is known before the command can have come as far as this.
            let killed = pid.get().map(|pid| kill_process(*pid, Signal::KILL));
            let status = if killed.is_some_and(|killed| killed.is_ok()) {
                status
            } else {
                500
            };
            (status, body)
        }))
    });
    let mut child = Doomed::start(stage)?;
    let pid = i32::try_from(child.0.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| unexpected("the command has no process id"))?;
    if doomed.set(pid).is_err() {
        return Err(unexpected("the process id was set before"));
    }
    let ended = async || {
        child
            .0
            .try_wait()
            .map_err(LabError::io("waiting for the command"))
    };
    let status = until("the command's death", PATIENCE, ended).await?;
    stage.gate()?.through();
    same("the command's own end", &None, &status.code())
}

/// A `freewheel sync` that does not outlive the row.
struct Doomed(Child);

impl Doomed {
    fn start(stage: &Stage) -> Result<Self, LabError> {
        let mut command = stage.command(&["sync"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn();
        Ok(Self(
            child.map_err(LabError::io("starting the freewheel command"))?,
        ))
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        // It has ended long ago unless the row failed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn unauthorized() -> Way {
    let body = r#"{"type":"about:blank","title":"no","status":401,"code":"invalid-token"}"#;
    Way::Say(401, "application/problem+json", body.to_owned())
}

fn intent_is_open(stage: &Stage) -> Result<bool, LabError> {
    Ok(super::past::facts(stage)?
        .get("intent")
        .is_some_and(|intent| !intent.is_null()))
}

/// The database takes everything but new tokens.
async fn saving_fails(stage: &mut Stage) -> Result<(), LabError> {
    stage.rig.database()?.execute_batch(
        "CREATE TRIGGER no_room BEFORE UPDATE OF sealed ON session
         BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END;",
    )?;
    stage.keep(SentBefore(stage.gate()?.count(TOKEN)));
    stage.token_expires()
}

/// Requests to the token endpoint before saving failed.
struct SentBefore(usize);

/// Whatever asks for a renewal while the tokens are unsaved, the token that was spent for them stays here.
async fn the_spent_token_is_not_sent(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let engine = stage.rig.engine()?;
    for _ in 0..3 {
        engine.sync_now();
        let renewal = soon("a renewal", engine.renew()).await?;
        findings.same("a renewal meanwhile", &Renewal::Unsaved, &renewal);
    }
    let SentBefore(before) = stage.kept()?;
    findings.same("token requests", &1, &(stage.gate()?.count(TOKEN) - before));
    Ok(())
}

/// A lane looks again once a minute, whatever it waits for.
const BY_ITSELF: Duration = Duration::from_secs(90);

/// There is room again. What is saved by itself then is the token that counts.
async fn saving_works(stage: &mut Stage) -> Result<(), LabError> {
    let (generation, _) = stored_token(stage)?;
    stage
        .rig
        .database()?
        .execute_batch("DROP TRIGGER no_room")?;
    let saved = stage
        .rig
        .until("saving by itself", BY_ITSELF, |view| {
            view.session.state == "active"
        })
        .await?;
    same("what is said", &"", &saved.session.headline.as_str())?;
    same(
        "the stored generation",
        &(generation + 1),
        &stored_token(stage)?.0,
    )?;
    stage.all_well().await?;
    stage.token_expires()?;
    stage.ride().await
}

/// Ten times, the app and another process want new tokens at once, the first answer being late enough for both to be
/// under way: one of them renews, and the other one finds that it was done.
async fn two_renew(stage: &mut Stage) -> Result<(), LabError> {
    let other = stage.rig.another(Mode::OneShot).await?;
    for round in 0..10_u8 {
        let (first, second) = if round % 2 == 0 {
            (stage.rig.engine()?.clone(), other.clone())
        } else {
            (other.clone(), stage.rig.engine()?.clone())
        };
        costs(
            stage,
            "two who renew at once",
            1,
            at_once(stage, first, second),
        )
        .await?;
    }
    soon("the other's end", other.shutdown()).await?;
    stage.token_expires()
}

async fn at_once(stage: &Stage, first: Engine, second: Engine) -> Result<(), LabError> {
    let answer = Arc::new(Notify::new());
    let late = Arc::clone(&answer);
    stage
        .gate()?
        .first(1, TOKEN, move || Way::HoldReply(Arc::clone(&late)));
    let before = stage.gate()?.count(TOKEN);
    let renewing = tokio::spawn(async move { first.renew().await });
    let sent = async || Ok(stage.gate()?.count(TOKEN) > before);
    until("the first one's request", PATIENCE, sent).await?;
    let mut waiting = tokio::spawn(async move { second.renew().await });
    // The second one has long come to the lock by then, and must not pass it.
    let passed = tokio::time::timeout(std::time::Duration::from_millis(200), &mut waiting).await;
    same("the second one passed the first", &false, &passed.is_ok())?;
    answer.notify_one();
    for renewal in [renewing, waiting] {
        let renewal = soon("a renewal", renewal).await?;
        let renewal = renewal.map_err(|error| unexpected(error.to_string()))?;
        same("a renewal", &Renewal::Fresh, &renewal)?;
    }
    Ok(())
}

/// The app's renewal is on its way when something cleans the lock file away, as no lock holds on some network folders,
/// and the athlete signs in anew in another process. The service has ended the old sign-in by the time the renewal
/// arrives, and refuses it.
async fn loser(stage: &mut Stage) -> Result<(), LabError> {
    let before = stage.gate()?.count(TOKEN);
    let winner = lose(stage).await?;
    let cost = stage.gate()?.count(TOKEN) - before;
    same("token requests of a renewal and a sign-in", &2, &cost)?;
    stage.keep(winner);
    Ok(())
}

async fn lose(stage: &Stage) -> Result<Winner, LabError> {
    let goes_on = Arc::new(Notify::new());
    let held = Arc::clone(&goes_on);
    stage
        .gate()?
        .first(1, TOKEN, move || Way::Hold(Arc::clone(&held)));
    let before = stage.gate()?.count(TOKEN);
    let app = stage.rig.engine()?.clone();
    let losing = tokio::spawn(async move { app.renew().await });
    let sent = async || Ok(stage.gate()?.count(TOKEN) > before);
    until("the app's request", PATIENCE, sent).await?;
    let lock = stage.rig.home()?.refresh_lock();
    std::fs::remove_file(lock).map_err(LabError::io("cleaning a lock file away"))?;

    let other = stage.rig.another(Mode::OneShot).await?;
    crate::rig::sign_in(&other, &stage.site()?.url, "demo").await?;
    let winner = Winner(stored_token(stage)?);
    soon("the other's end", other.shutdown()).await?;
    let ended = stage.site()?.sql(
        "UPDATE token_family SET revoked_at = 1, revoked_because = 'asked'
         WHERE number < (SELECT max(number) FROM token_family)",
    )?;
    same("sign-ins that ended", &1, &ended)?;
    goes_on.notify_one();
    let renewal = soon("the app's renewal", losing).await?;
    let renewal = renewal.map_err(|error| unexpected(error.to_string()))?;
    same("the app's renewal", &Renewal::Fresh, &renewal)?;
    Ok(winner)
}

/// The tokens of the process that was faster.
struct Winner((u64, String));

async fn the_winners_tokens_stay(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let Winner(won) = stage.kept()?;
    findings.same("stored tokens", won, &stored_token(stage)?);
    not_asked_to_sign_in(stage, findings)?;
    renews(stage, "a renewal with the winner's token", Renewal::Fresh).await
}

/// While the app runs, something puts back the tokens of two renewals ago.
async fn put_back(stage: &mut Stage) -> Result<(), LabError> {
    let database = stage.rig.database()?;
    database.execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM session")?;
    for _ in 0..2 {
        renews(stage, "a renewal", Renewal::Fresh).await?;
    }
    stage.keep(Newest(stored_token(stage)?));
    restore(&database)?;
    // Whatever reads the profile now finds the old tokens.
    stage.rig.engine()?.sync_now();
    stage.token_expires()?;
    stage.ride().await?;
    until_last_ride_is_delivered(stage).await
}

/// The newest tokens when older ones were put back.
struct Newest((u64, String));

fn restore(database: &Connection) -> Result<(), LabError> {
    let changed = database.execute(
        "UPDATE session SET (facts, generation, sealed) = (SELECT facts, generation, sealed FROM kept)",
        [],
    )?;
    same("rows put back", &1, &changed)
}

async fn the_newer_won(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let Newest((generation, _)) = stage.kept()?;
    let (now, _) = stored_token(stage)?;
    findings.holds(
        now > *generation,
        "generation",
        format!("over {generation}"),
        now.to_string(),
    );
    nobody_was_asked_to_sign_in(stage, findings).await
}
