//! Row 53: the disk is full when new tokens come.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use freewheel_sync::Renewal;
use tokio::sync::Notify;

use super::past::{not_asked_to_sign_in, renews, same, stored_token};
use crate::LabError;
use crate::rig::{PATIENCE, Rig};
use crate::scenario::environment::DISK;
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage, TOKEN};
use crate::site::Way;
use crate::wait::until;

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("53-disk-full", disk_full)?
            .computer(on_the_small_disk)
            .look(old_tokens_are_there),
    ])
}

async fn on_the_small_disk(stage: &mut Stage) -> Result<(), LabError> {
    let disk = stage.environment_folder()?.join(DISK);
    let jitter = stage.rig.jitter;
    stage.rig = Rig::within(&disk)?;
    stage.rig.jitter = jitter;
    Ok(())
}

/// The issuer has rotated the token and its answer is on its way when the disk fills up.
async fn disk_full(stage: &mut Stage) -> Result<(), LabError> {
    let answer = Arc::new(Notify::new());
    let late = Arc::clone(&answer);
    stage
        .gate()?
        .first(1, TOKEN, move || Way::HoldReply(Arc::clone(&late)));
    let before = stage.gate()?.count(TOKEN);
    stage.token_expires()?;
    stage.ride().await?;
    let sent = async || Ok(stage.gate()?.count(TOKEN) > before);
    until("the renewal's request", PATIENCE, sent).await?;
    stage.keep(Stored(stored_token(stage)?));
    let filler = Filler::fill(&stage.environment_folder()?.join(DISK))?;
    stage.keep(filler);
    answer.notify_one();
    Ok(())
}

/// The tokens that were stored when the disk was full.
struct Stored((u64, String));

/// A file that takes all the room that is left. Dropping it frees the room.
struct Filler(PathBuf);

impl Filler {
    fn fill(disk: &Path) -> Result<Self, LabError> {
        let filler = Self(disk.join("filler"));
        let file = File::create(&filler.0);
        let mut file = file.map_err(LabError::io("filling the disk"))?;
        for piece in [1 << 16, 1 << 12, 1] {
            let piece = vec![0x46; piece];
            loop {
                match file.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(LabError::io("filling the disk")(error)),
                }
            }
        }
        Ok(filler)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        // The row shows when it is still there: nothing is saved then.
        drop(fs::remove_file(&self.0));
    }
}

/// The old tokens are as they were, the new ones are in memory, and nothing is asked again with what was spent.
async fn old_tokens_are_there(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    renews(stage, "a renewal meanwhile", Renewal::Unsaved).await?;
    let Stored(stored) = stage.kept()?;
    findings.same("stored tokens", stored, &stored_token(stage)?);
    let full = fs::write(stage.rig.folder().join("one more"), "page").is_err();
    same("whether the disk is full", &true, &full)?;
    not_asked_to_sign_in(stage, findings)
}
