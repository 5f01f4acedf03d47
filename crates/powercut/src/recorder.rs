//! Plays a story in a process of its own and records what it does to the disk.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::PowercutError;
use crate::recording::Recording;
use crate::stage::Stage;
use crate::trace;

/// Longest piece of data in a recorded call, in bytes.
const LONGEST: &str = "16777216";

/// Runs `program` on the stage: with `arguments`, and with the stage's disk and its marks in the environment, by the names
/// [`DISK`] and [`MARKS`].
///
/// # Errors
/// strace is missing, the program fails, or the recording does not tell all that happened to the disk.
pub fn record(
    stage: &Stage,
    program: &Path,
    arguments: &[&str],
) -> Result<Recording, PowercutError> {
    let before = Recording::begin(&stage.disk())?;
    let played = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qqq", "-y", "-xx", "-s", LONGEST])
        .args(["-e", "signal=none", "-e"])
        .arg(format!("trace={}", trace::CALLS))
        .arg("-o")
        .arg(stage.calls())
        .arg(program)
        .args(arguments)
        .env(DISK, stage.disk())
        .env(MARKS, stage.marks())
        .stdin(Stdio::null())
        .output()
        .map_err(PowercutError::NoStrace)?;
    if !played.status.success() {
        let wrote = [played.stdout, played.stderr].concat();
        return Err(PowercutError::Player {
            status: played.status.to_string(),
            wrote: String::from_utf8_lossy(&wrote).into_owned(),
        });
    }
    let text = std::fs::read_to_string(stage.calls());
    let text = text.map_err(PowercutError::io("reading", &stage.calls()))?;
    before.and(&text, &stage.marks())
}

/// Names the root of the disk to the program that is recorded.
pub const DISK: &str = "FREEWHEEL_POWERCUT_DISK";
/// Names the file of the marks to it.
pub const MARKS: &str = "FREEWHEEL_POWERCUT_MARKS";
