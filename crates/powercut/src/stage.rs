//! Where a story is played: a folder with everything that the disk holds, and what is written about it beside.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::PowercutError;

/// The profile's folder on the disk.
pub const PROFILE: &str = "profile";
/// The service's folder on the disk.
pub const SERVICE: &str = "service";

/// A stage. Dropping it removes everything, unless it was kept.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    /// Without symbolic links, as the kernel names it.
    path: PathBuf,
}

impl Stage {
    /// An empty disk. It is in memory where the system has such a place, so that syncs cost nothing.
    ///
    /// # Errors
    /// No folder is to be had.
    pub fn new() -> Result<Self, PowercutError> {
        let place = place();
        let folder = tempfile::Builder::new()
            .prefix("powercut-")
            .tempdir_in(&place);
        let folder = folder.map_err(PowercutError::io("making a folder in", &place))?;
        let path = folder.path().canonicalize();
        let path = path.map_err(PowercutError::io("looking at", folder.path()))?;
        let stage = Self { folder, path };
        std::fs::create_dir(stage.disk()).map_err(PowercutError::io("making", &stage.disk()))?;
        Ok(stage)
    }

    /// The root of the disk.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.path.join("disk")
    }

    /// The profile folder.
    #[must_use]
    pub fn profile(&self) -> PathBuf {
        self.disk().join(PROFILE)
    }

    /// The service's folder.
    #[must_use]
    pub fn service(&self) -> PathBuf {
        self.disk().join(SERVICE)
    }

    /// Where the player writes its marks.
    #[must_use]
    pub fn marks(&self) -> PathBuf {
        self.path.join("marks")
    }

    /// Where the system calls are written.
    #[must_use]
    pub fn calls(&self) -> PathBuf {
        self.path.join("calls")
    }

    /// Leaves everything where it is, for somebody to look at.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

/// A folder in memory, else the one for temporary files.
#[must_use]
pub fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}
