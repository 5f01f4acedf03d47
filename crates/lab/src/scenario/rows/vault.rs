//! Rows 40 to 43, 46, 48 and 52: a real keyring in every condition, in a desktop session of its own.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::session::{ActionLabel, CredentialState, SignInCause};
use freewheel_sync::Mode;
use freewheel_sync::vault::{VaultOptions, key_file_path};
use freewheel_sync::view::{SessionAction, SyncView};
use jiff::SignedDuration;

use super::past::same;
use super::vault_kept::kept;
use crate::LabError;
use crate::desktop::PROMPT_GIVES_UP;
use crate::rig::{PATIENCE, Rig};
use crate::scenario::play::{Play, play};
use crate::scenario::{Ask, Findings, Stage};
use crate::wait::until;

/// The vault's own threads have this name; the system keeps 15 signs of it.
const VAULT_THREAD: &str = "freewheel-vault";
/// What this build depends on, by name and version.
const LOCK_FILE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"));

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("40-no-session-bus", no_bus)?
            .computer(own_keyring)
            .look(never_seemed_lost)
            .heal(bus_and_keyring_start),
        play!("41-keyring-locked", locked)?
            .computer(own_keyring)
            .look(offers_to_unlock)
            .heal(unlocked),
        play!("42-keyring-hangs", hangs)?
            .computer(own_keyring)
            .look(one_call_hangs)
            .heal(unlocked_after_the_call),
        play!("43-collection-missing", collection_missing)?
            .computer(own_keyring)
            .look(credential_is_lost),
        play!("46-keyring-write-fails", nothing_more)?
            .computer(own_keyring)
            .look(told_of_the_key_file),
        play!("48-kernel-keyring", restarted)?
            .computer(own_keyring)
            .look(nothing_in_the_kernel),
        play!("52-sandbox-denies", nothing_more)?
            .computer(denied_keyring)
            .look(told_of_the_key_file),
    ])
}

/// The vault asks the keyring of the row's desktop session.
pub(super) async fn own_keyring(stage: &mut Stage) -> Result<(), LabError> {
    stage.rig.vault = VaultOptions::default();
    Ok(())
}

/// The athlete's key is in a keyring that is not there any more. Whoever signs in now gets a key file.
async fn no_bus(stage: &mut Stage) -> Result<(), LabError> {
    stage.ask(Ask::StopKeyring).await?;
    stage.ask(Ask::StopBus).await?;
    let mut other = Rig::new()?;
    other.clock = Arc::clone(&stage.rig.clock);
    other.vault = stage.rig.vault.clone();
    other.launch(Mode::OneShot).await?;
    other.sign_in(&stage.site()?.url, "demo").await?;
    let said = |view: &SyncView| view.session.vault == "key_file";
    other.until("word of a key file", PATIENCE, said).await?;
    other.close().await;
    match key_file_mode(other.folder())? {
        0o600 => Ok(()),
        mode => {
            let words = format!("the key file's mode is {mode:o}");
            Err(LabError::Unexpected(words))
        }
    }
}

/// Not for a moment: "could not ask" is never "there is none".
pub(super) async fn never_seemed_lost(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let sql = "SELECT count(*) FROM auth_journal WHERE after_state = 'needs_sign_in'";
    let times: i64 = stage.rig.database()?.query_row(sql, [], |row| row.get(0))?;
    findings.same("times that a sign-in was asked for", &0, &times);
    Ok(())
}

async fn bus_and_keyring_start(stage: &mut Stage) -> Result<(), LabError> {
    stage.ask(Ask::StartBus).await?;
    stage.ask(Ask::StartKeyring).await
}

/// Whoever asks for a password finds nobody, and is told at once.
async fn locked(stage: &mut Stage) -> Result<(), LabError> {
    stage.ask(Ask::BreakPrompter).await?;
    stage.ask(Ask::LockKeyring).await
}

async fn offers_to_unlock(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let action = stage.rig.engine()?.view_now().session.action;
    findings.same("action", &Some(SessionAction::UnlockKeyring), &action);
    let weaker = key_file_path(stage.rig.folder()).exists();
    findings.same("a key file", &false, &weaker);
    never_seemed_lost(stage, findings).await
}

/// The library is locked by then, and what is said of it is what opens it again: here it is the keyring.
fn two_weeks_later(stage: &Stage) -> Result<(), LabError> {
    stage.time_passes(SignedDuration::from_hours(15 * 24))?;
    let session = stage.rig.session()?;
    let (state, words) = (session.state.name(), session.words);
    same("state two weeks later", &"grace_expired", &state)?;
    let unlock = Some(ActionLabel::UnlockKeyring);
    same("action two weeks later", &unlock, &words.action)?;
    let says = words.detail.starts_with("The keyring ");
    same("whether the words are of the keyring", &true, &says)
}

async fn unlocked(stage: &mut Stage) -> Result<(), LabError> {
    two_weeks_later(stage)?;
    stage.ask(Ask::UnlockKeyring).await
}

/// The app is opened, a cached workout is looked at and a ride is ridden, all while one and the same call to the keyring
/// is under way.
async fn hangs(stage: &mut Stage) -> Result<(), LabError> {
    stage.ask(Ask::LockKeyring).await?;
    stage.rig.launch(Mode::Resident).await?;
    let began = until("a call to the keyring", PATIENCE, async || {
        Ok(calls()?.into_iter().next())
    })
    .await?;
    let workout = stage.cached_workout().await?;
    let workout = stage.rig.engine()?.workout(&workout).await?;
    stage.ride().await?;
    let still = calls()?;
    if !workout.rideable || still != [began.clone()] {
        let words = format!("the call {began} did not outlast the ride: {still:?}");
        return Err(LabError::Unexpected(words));
    }
    Ok(())
}

/// Whatever asks meanwhile waits for the call that is under way, and not for long.
async fn one_call_hangs(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    findings.same("calls under way", &1, &calls()?.len());
    never_seemed_lost(stage, findings).await
}

/// The prompt that nobody answers stays open until the keyring gives it up.
async fn unlocked_after_the_call(stage: &mut Stage) -> Result<(), LabError> {
    two_weeks_later(stage)?;
    stage.ask(Ask::UnlockKeyring).await?;
    let bound = PROMPT_GIVES_UP + Duration::from_secs(10);
    until("the end of the call", bound, async || {
        Ok(calls()?.is_empty())
    })
    .await
}

async fn collection_missing(stage: &mut Stage) -> Result<(), LabError> {
    stage.ask(Ask::EmptyKeyring).await
}

/// It does not look signed out.
pub(super) async fn credential_is_lost(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let lost = CredentialState::NeedsSignIn(SignInCause::CredentialLost);
    findings.same("cause", &lost, &stage.rig.session()?.state);
    Ok(())
}

/// The keyring was as it is when the athlete signed in.
async fn nothing_more(_stage: &mut Stage) -> Result<(), LabError> {
    Ok(())
}

async fn denied_keyring(stage: &mut Stage) -> Result<(), LabError> {
    stage.ask(Ask::DenyKeyring).await?;
    own_keyring(stage).await
}

/// On the screen and by `doctor`.
async fn told_of_the_key_file(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let vault = stage.rig.engine()?.view_now().session.vault;
    findings.same("vault", &"key_file", &vault.as_str());
    let mode = key_file_mode(stage.rig.folder())?;
    findings.same("the key file's mode", &0o600, &mode);
    let doctor = stage.run(&["doctor"]).await?;
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    let weaker = said.contains("weaker than a keyring");
    findings.holds(weaker, "doctor", "weaker than a keyring", said);
    Ok(())
}

/// The computer starts again: what was in the kernel's memory alone is gone, and so would be a key in its keyring.
async fn restarted(stage: &mut Stage) -> Result<(), LabError> {
    stage.ask(Ask::StopKeyring).await?;
    stage.rig.clock.reboot();
    stage.ask(Ask::StartKeyring).await
}

/// The key is where it outlasts a boot, and nowhere in the kernel; and nothing that could put it there is part of this
/// build.
async fn nothing_in_the_kernel(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let bytes: Vec<usize> = kept().await?.into_values().collect();
    findings.same("bytes of each entry in the keyring", &vec![32], &bytes);
    let vault = stage.rig.engine()?.view_now().session.vault;
    findings.same("vault", &"keyring", &vault.as_str());
    let keys = read("/proc/keys")?;
    let ours = keys.contains("freewheel") || keys.contains("account-");
    findings.holds(!ours, "the kernel's keys", "none of ours", keys);
    let crates = LOCK_FILE.lines().filter(|line| line.contains("keyutils"));
    let crates: Vec<&str> = crates.collect();
    findings.same(
        "crates for the kernel's keyring",
        &Vec::<&str>::new(),
        &crates,
    );
    Ok(())
}

/// The calls to the keyring that are under way in this process: each has a thread of its own.
fn calls() -> Result<Vec<String>, LabError> {
    let threads = fs::read_dir("/proc/self/task").map_err(LabError::io("listing the threads"))?;
    let mut calls = Vec::new();
    for thread in threads {
        let thread = thread.map_err(LabError::io("listing the threads"))?;
        // One that has ended since has no name any more.
        let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        if name.trim_end() == VAULT_THREAD {
            calls.push(thread.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(calls)
}

fn key_file_mode(home: &Path) -> Result<u32, LabError> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = key_file_path(home);
    let about = fs::metadata(&file).map_err(LabError::io(file.display().to_string()))?;
    Ok(about.permissions().mode() & 0o777)
}

fn read(path: &str) -> Result<String, LabError> {
    fs::read_to_string(path).map_err(LabError::io(path))
}
