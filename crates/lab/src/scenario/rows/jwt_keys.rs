//! Rows 35 and 36: the issuer's keys change.

use freewheel_server::rotate_keys;
use jiff::SignedDuration;

use super::past::{not_asked_to_sign_in, same, unexpected};
use crate::LabError;
use crate::rig::change_known_issuer;
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage};
use crate::site::Way;

/// Where the issuer's keys are, as the gate tells it.
const KEYS: &str = "GET /oauth/jwks";
/// A public key of nobody here: that of RFC 7515 §A.3.
const FOREIGN: [&str; 2] = [
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
];

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("35-unknown-key", unknown_key)?
            .look(keys_were_asked_for_once)
            .heal(keys_are_there),
        play!("36-key-id-used-again", key_id_used_again)?.look(keys_were_asked_for_once),
    ])
}

/// How often the keys had been asked for when the row's own failure began.
struct KeysBefore(usize);

/// The service changes its key, which one fetch of the keys makes good; then once more, while they cannot be fetched.
async fn unknown_key(stage: &mut Stage) -> Result<(), LabError> {
    let before = stage.gate()?.count(KEYS);
    rotate(stage)?;
    stage.token_expires()?;
    stage.ride().await?;
    stage.rides_come_through().await?;
    let fetches = stage.gate()?.count(KEYS) - before;
    same("fetches of the keys for a new one", &1, &fetches)?;
    stage.keep(KeysBefore(stage.gate()?.count(KEYS)));
    stage
        .gate()?
        .only(KEYS, || Way::Say(503, "text/html", "Later.".to_owned()));
    rotate(stage)?;
    stage.token_expires()
}

fn rotate(stage: &Stage) -> Result<(), LabError> {
    let site = stage.site()?;
    let now = site.settings().clock.as_ref();
    let now = freewheel_server::Clock::now(now);
    let rotated = rotate_keys(site.server.store(), now);
    rotated
        .map(drop)
        .map_err(|error| unexpected(format!("a new key of the server: {error}")))
}

async fn keys_were_asked_for_once(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let KeysBefore(before) = stage.kept()?;
    let fetches = stage.gate()?.count(KEYS) - before;
    findings.same("fetches of the keys", &1, &fetches);
    not_asked_to_sign_in(stage, findings)
}

/// The keys can be fetched, and the shortest time between two fetches is over.
async fn keys_are_there(stage: &mut Stage) -> Result<(), LabError> {
    stage.all_well().await?;
    stage.time_passes(SignedDuration::from_mins(6))
}

/// Under the id of the service's key the app has cached another key.
async fn key_id_used_again(stage: &mut Stage) -> Result<(), LabError> {
    let mut changed = false;
    let foreign = |known: &mut serde_json::Value| {
        if let Some(key) = known.pointer_mut("/keys/keys/0")
            && let Some(key) = key.as_object_mut()
            && key.contains_key("kid")
        {
            for (name, value) in ["x", "y"].into_iter().zip(FOREIGN) {
                key.insert(name.to_owned(), value.into());
            }
            changed = true;
        }
    };
    change_known_issuer(stage.rig.folder(), foreign).await?;
    same("a cached key that was changed", &true, &changed)?;
    stage.keep(KeysBefore(stage.gate()?.count(KEYS)));
    stage.token_expires()
}
