//! Rows 12 to 16: answers of the token endpoint that are cut, canned, late or lost.

use freewheel_policy::transport::Trouble;
use freewheel_sync::Renewal;
use serde_json::Value;

use super::past::{
    costs, nobody_was_asked_to_sign_in, not_asked_to_sign_in, renews, same, stored_token, times_in,
    until_state,
};
use crate::LabError;
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage, TOKEN};
use crate::site::Way;

/// What a service says that has ended a sign-in.
const REFUSED: &str = r#"{"error":"invalid_grant"}"#;

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("12-answer-cut", cut)?.look(nobody_was_asked_to_sign_in),
        play!("13-refusal-with-status-200", refusal_with_200)?,
        play!("14-no-new-refresh-token", no_new_token)?
            .look(the_old_one_serves)
            .heal(after_another_ride),
        play!("15-time-out", time_out)?.look(called_a_time_out),
        play!("16-response-lost", response_lost)?,
    ])
}

/// The first answer of each renewal is cut, at another byte each time; the repetition is answered whole. Then every
/// answer is cut.
async fn cut(stage: &mut Stage) -> Result<(), LabError> {
    const BYTES: [usize; 16] = [
        0, 1, 2, 17, 40, 80, 120, 160, 200, 250, 300, 350, 400, 450, 500, 550,
    ];
    for bytes in BYTES {
        stage.gate()?.first(1, TOKEN, move || Way::Cut(bytes));
        renewed_by_two_requests(stage, &format!("a renewal cut after {bytes} bytes")).await?;
    }
    let nothing = || Way::Change(Box::new(|status, _| (status, Vec::new())));
    stage.gate()?.first(1, TOKEN, nothing);
    renewed_by_two_requests(stage, "a renewal answered with nothing").await?;
    let mut bytes = 0;
    stage.gate()?.only(TOKEN, move || {
        bytes += 100;
        Way::Cut(bytes % 500)
    });
    stage.token_expires()
}

async fn renewed_by_two_requests(stage: &Stage, what: &str) -> Result<(), LabError> {
    costs(stage, what, 2, renews(stage, what, Renewal::Fresh)).await?;
    same(what, &"active", &stage.rig.session()?.state.name())
}

/// A refusal with status 200: as a page, inside more JSON, and with something behind it, which nobody believes; and then
/// as the issuer says it.
async fn refusal_with_200(stage: &mut Stage) -> Result<(), LabError> {
    let more = format!(r#"{{"status":"ok","data":{REFUSED}}}"#);
    let behind = format!("{REFUSED}\n<!-- cached -->");
    let disbelieved = [
        ("text/html", REFUSED.to_owned(), Trouble::Foreign),
        ("application/json", more, Trouble::Unreadable),
        ("application/json", behind, Trouble::Unreadable),
    ];
    for (media, body, trouble) in disbelieved {
        let what = format!("a renewal answered {media} {body}");
        stage
            .gate()?
            .only(TOKEN, move || Way::Say(200, media, body.clone()));
        renews(stage, &what, Renewal::Trouble(trouble)).await?;
        same(&what, &true, &stage.rig.session()?.access.calls)?;
        stage.gate()?.through();
        renews(stage, "the renewal after it", Renewal::Fresh).await?;
    }
    same(
        "times asked to sign in",
        &0,
        &times_in(stage, "needs_sign_in")?,
    )?;
    let refused = || Way::Say(200, "application/json", REFUSED.to_owned());
    stage.gate()?.only(TOKEN, refused);
    stage.token_expires()
}

/// Answers as of an issuer that does not rotate (RFC 6749 §6).
async fn no_new_token(stage: &mut Stage) -> Result<(), LabError> {
    let before = Before(stored_token(stage)?);
    stage.keep(before);
    stage
        .gate()?
        .only(TOKEN, || Way::Change(Box::new(without_refresh_token)));
    stage.token_expires()
}

/// The tokens before the failure.
struct Before((u64, String));

fn without_refresh_token(status: u16, body: Vec<u8>) -> (u16, Vec<u8>) {
    let parsed = serde_json::from_slice(&body);
    let Ok(Value::Object(mut answer)) = parsed else {
        return (status, body);
    };
    answer.remove("refresh_token");
    (status, Value::Object(answer).to_string().into_bytes())
}

async fn the_old_one_serves(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    for _ in 0..3 {
        renews(stage, "a renewal with the old token", Renewal::Fresh).await?;
    }
    let Before((generation, fingerprint)) = stage.kept()?;
    let (now, kept) = stored_token(stage)?;
    findings.same("refresh token", fingerprint, &kept);
    findings.same("generation", &(generation + 4), &now);
    Ok(())
}

/// The issuer gives new ones again, and the old one still buys them.
async fn after_another_ride(stage: &mut Stage) -> Result<(), LabError> {
    stage.all_well().await?;
    stage.token_expires()?;
    stage.ride().await
}

/// The token endpoint takes every request and never answers.
async fn time_out(stage: &mut Stage) -> Result<(), LabError> {
    stage.gate()?.only(TOKEN, || Way::Silence);
    stage.token_expires()
}

async fn called_a_time_out(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let view = stage.rig.engine()?.view_now();
    let words = Some("The service did not answer in time.".to_owned());
    findings.same("the service's cause", &words, &view.service.cause);
    not_asked_to_sign_in(stage, findings)?;
    Ok(())
}

/// The answer to a renewal is lost, and the repetition brings another one. Then the repetition's is lost as well, and by
/// the next try the issuer has marked the token as replaced for good, as a strict one does at once.
async fn response_lost(stage: &mut Stage) -> Result<(), LabError> {
    stage.gate()?.first(1, TOKEN, || Way::LoseReply);
    renewed_by_two_requests(stage, "a renewal whose answer is lost").await?;
    renews(stage, "the renewal after it", Renewal::Fresh).await?;
    same(
        "times asked to sign in",
        &0,
        &times_in(stage, "needs_sign_in")?,
    )?;

    stage.gate()?.only(TOKEN, || Way::LoseReply);
    stage.token_expires()?;
    stage.ride().await?;
    until_state(stage, "outcome_unknown").await?;
    let spent = "UPDATE refresh_token SET state = 'spent' WHERE state = 'previous'";
    let changed = stage.site()?.sql(spent)?;
    same("tokens that are replaced for good", &1, &changed)?;
    stage.gate()?.through();
    Ok(())
}
