//! Rows 58 and 59: a sign-in without a browser on this computer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::past::{same, until_state};
use super::sign_in::{must_fail, must_sign_in};
use super::sign_in_command::Running;
use crate::LabError;
use crate::rig::{PATIENCE, soon};
use crate::scenario::play::{Play, play};
use crate::scenario::{Stage, TOKEN};
use crate::sign_in_page;
use crate::site::{Settings, Way};
use crate::wait::until;

/// A device that is told to slow down waits so much longer (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("58-no-browser", no_browser)?.world(quick_device),
        play!("59-device-code-expired", device_code_expired)?
            .world(quick_device)
            .heal(another_code),
    ])
}

/// A device may ask every second.
fn quick_device(settings: &mut Settings) {
    settings.device_interval = SignedDuration::from_secs(1);
}

/// No browser is to be had: the command prints the address, which is opened elsewhere on this computer; and after
/// another end of the sign-in, a code, which is confirmed on another device.
async fn no_browser(stage: &mut Stage) -> Result<(), LabError> {
    let url = stage.site()?.url.clone();
    must_sign_in(stage).await?;
    let mut command = stage.command(&["sign-in", "--server", &url]);
    command.env("PATH", "/nowhere").env_remove("BROWSER");
    let mut signing_in = Running::start(command)?;
    let address = signing_in.word(|word| word.starts_with("http")).await?;
    sign_in_page::complete(&address, "demo", "demo").await?;
    let remarks = signing_in.ends_well().await?;
    let told = remarks.contains("The browser could not be opened");
    same("whether it says that no browser opens", &true, &told)?;
    until_state(stage, "active").await?;

    must_sign_in(stage).await?;
    let command = stage.command(&["sign-in", "--device", "--server", &url]);
    let mut signing_in = Running::start(command)?;
    let page = signing_in.word(|word| word.starts_with("http")).await?;
    let code = signing_in.word(is_user_code).await?;
    sign_in_page::confirm_device(&page, &code, "demo", "demo").await?;
    signing_in.ends_well().await.map(drop)
}

/// `BCDF-GHJK`.
fn is_user_code(word: &str) -> bool {
    let mut halves = word
        .split('-')
        .map(|half| half.len() == 4 && half.chars().all(|letter| letter.is_ascii_uppercase()));
    word.len() == 9 && halves.all(|fits| fits)
}

/// The issuer asks the device to slow down, and then nobody confirms the code for a quarter of an hour.
async fn device_code_expired(stage: &mut Stage) -> Result<(), LabError> {
    must_sign_in(stage).await?;
    let asked: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let noted = Arc::clone(&asked);
    stage.gate()?.only(TOKEN, move || {
        let mut asked = noted.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(Instant::now());
        if asked.len() > 1 {
            return Way::Through;
        }
        let slow_down = r#"{"error":"slow_down"}"#;
        Way::Say(400, "application/json", slow_down.to_owned())
    });
    let engine = stage.rig.engine()?.clone();
    engine.sign_in_with_device(&stage.site()?.url).await?;
    until_state(stage, "signing_in").await?;
    let at = || asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let asked_again = async || Ok(at().len() > 1);
    until("the device's second question", PATIENCE, asked_again).await?;
    if let [first, second, ..] = at().as_slice() {
        let waited = second.duration_since(*first) >= SLOWER;
        same("whether it slowed down", &true, &waited)?;
    }
    // By the issuer's clock the code is over, by this computer's it is not yet: the answer is the issuer's own.
    stage
        .site()?
        .settings()
        .clock
        .pass(SignedDuration::from_mins(16));
    stage.rig.clock.pass(SignedDuration::from_mins(14));
    let ended = soon("the end of the code", engine.sign_in_finished()).await?;
    must_fail(ended, "sign_in_code_expired")
}

/// The athlete asks for another code and confirms it.
async fn another_code(stage: &mut Stage) -> Result<(), LabError> {
    stage.all_well().await?;
    let engine = stage.rig.engine()?;
    let started = engine.sign_in_with_device(&stage.site()?.url).await?;
    let page = &started.verification_uri;
    sign_in_page::confirm_device(page, &started.user_code, "demo", "demo").await?;
    soon("the sign-in", engine.sign_in_finished()).await??;
    Ok(())
}
