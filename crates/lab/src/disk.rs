//! A small disk of a test's own: a memory file system (tmpfs(5)) that can be filled, emptied and made read-only.
//!
//! Mounting wants a mount namespace of one's own (mount_namespaces(7)): [`in_own_mounts`] runs a test in one.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::LabError;

/// Runs an ignored test of the test program that calls this, by its full name, in a mount namespace of its own.
///
/// # Errors
/// It failed, or there is no such test; the error holds what it printed.
pub fn in_own_mounts(test: &str) -> Result<(), LabError> {
    let program = std::env::current_exe().map_err(LabError::io("finding this program"))?;
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount"])
        .arg(program)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .output()
        .map_err(LabError::io("running `unshare` (package util-linux)"))?;
    let said = String::from_utf8_lossy(&ran.stdout);
    if ran.status.success() && said.contains("1 passed") {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&ran.stderr);
    Err(LabError::Unexpected(format!("{test}: {said}\n{complaint}")))
}

/// A mounted disk. It goes with its mount namespace.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts an empty disk of so many MiB on `place`, which is made.
    ///
    /// # Errors
    /// It cannot be mounted: the process is in no mount namespace of its own.
    pub fn mount(place: &Path, mebibytes: u32) -> Result<Self, LabError> {
        fs::create_dir_all(place).map_err(LabError::io("making the place of a disk"))?;
        let disk = Self(place.to_owned());
        disk.run(&[
            "-t",
            "tmpfs",
            "-o",
            &format!("size={mebibytes}m,mode=700"),
            "lab",
        ])?;
        Ok(disk)
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.0
    }

    /// Fills it to the last byte.
    ///
    /// # Errors
    /// Something else than a full disk came in the way.
    pub fn fill(&self) -> Result<(), LabError> {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.filler())
            .map_err(LabError::io("filling a disk"))?;
        for piece in [1024 * 1024, 4096, 1] {
            let piece = vec![b'x'; piece];
            loop {
                match file.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(LabError::io("filling a disk")(error)),
                }
            }
        }
        Ok(())
    }

    /// Takes away what [`SmallDisk::fill`] put there.
    ///
    /// # Errors
    /// It was not filled.
    pub fn empty(&self) -> Result<(), LabError> {
        fs::remove_file(self.filler()).map_err(LabError::io("emptying a disk"))
    }

    /// Lets nobody write to it any more, or again. Refused by the system while a file is open for writing.
    ///
    /// # Errors
    /// The system refused.
    pub fn read_only(&self, read_only: bool) -> Result<(), LabError> {
        let how = if read_only {
            "remount,ro"
        } else {
            "remount,rw"
        };
        self.run(&["-o", how])
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    fn run(&self, arguments: &[&str]) -> Result<(), LabError> {
        let ran = Command::new("mount")
            .args(arguments)
            .arg(&self.0)
            .output()
            .map_err(LabError::io("running `mount`"))?;
        if ran.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&ran.stderr).into_owned();
        Err(LabError::Unexpected(complaint))
    }
}
