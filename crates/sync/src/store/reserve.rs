//! Room that is kept for a full disk: a file of zeros beside `athlete.db`, which is given up when the database needs its
//! room, and taken again when there is plenty.
//!
//! A ride of six hours needs about 3 MiB of database and as much of its log; the finished FIT file 1 MiB more. What is
//! kept is several times that.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::Store;
use super::error::StoreError;
use crate::home::Home;

/// Bytes that are kept.
pub const RESERVED_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes that must be free before room is taken again, so that it is not taken from what others need just now.
const PLENTY: u64 = 64 * 1024 * 1024;

/// With less than this free a failure of input and output is taken for a full disk: SQLite wants files of its own beside the
/// database, and says of those only that they failed.
const NOTHING: u64 = 1024 * 1024;

/// How the disk of the profile stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is room.
    Enough,
    /// The disk is full, or so nearly that nothing can be kept: what the athlete does is saved in the last of it.
    Last,
}

/// The file that keeps the room.
#[derive(Debug, Clone)]
pub(super) struct Reserve(PathBuf);

impl Reserve {
    /// That of a profile.
    pub(super) fn of(home: &Home) -> Self {
        Self(home.reserve())
    }

    /// Keeps room where there is plenty. A system that cannot keep any is no reason not to go on.
    pub(super) fn refill(&self) {
        if self.is_kept() || self.free() < PLENTY {
            return;
        }
        if let Err(error) = fill(&self.0) {
            tracing::warn!(%error, "no room could be kept for a full disk");
            self.give_up();
        }
    }

    /// Gives the room to whoever is faster, and says whether there was any.
    pub(super) fn give_up(&self) -> bool {
        match fs::remove_file(&self.0) {
            Ok(()) => {
                tracing::warn!("the disk is full: the room that was kept is used now");
                true
            }
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => {
                tracing::warn!(%error, "the room that was kept cannot be given up");
                false
            }
        }
    }

    /// Whether the failure means that the disk is full and there was room to give up: then the call is worth another try.
    pub(super) fn relieves(&self, error: &StoreError) -> bool {
        let full = error.code() == "disk_full"
            || (matches!(error.code(), "disk_failed" | "store_file") && self.free() < NOTHING);
        full && self.give_up()
    }

    fn is_kept(&self) -> bool {
        fs::metadata(&self.0).is_ok_and(|file| file.len() >= RESERVED_BYTES)
    }

    /// Bytes that this user may still write; none where the system does not say.
    fn free(&self) -> u64 {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        fs4::available_space(folder).unwrap_or(0)
    }
}

impl Store {
    /// How the disk stands. Keeps room again where it was given up and there is plenty.
    #[must_use]
    pub fn room(&self) -> Room {
        let reserve = Reserve::of(self.home());
        reserve.refill();
        if reserve.is_kept() || reserve.free() >= PLENTY {
            Room::Enough
        } else {
            Room::Last
        }
    }
}

/// Written, not only made long: a file system may keep no blocks for a hole.
fn fill(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if fs4::FileExt::allocate(&file, RESERVED_BYTES).is_ok() {
        return Ok(());
    }
    let zeros = vec![0; 64 * 1024];
    for _ in 0..RESERVED_BYTES / (64 * 1024) {
        file.write_all(&zeros)?;
    }
    Ok(())
}
