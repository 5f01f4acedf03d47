//! The profile folder: where everything of one athlete's installation lives.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::lease::nudge::Opener;

/// Names the profile folder when no folder is given.
pub const HOME_VARIABLE: &str = "FREEWHEEL_HOME";

/// A profile folder. [`Home::resolve`] only names it; [`Home::open`] makes it usable.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
    opener: Opener,
}

/// The profile folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The system names no data folder and none was given.
    #[error(
        "this computer names no folder for application data; \
         set {HOME_VARIABLE} (or give --home) to a folder that you may write to"
    )]
    Unnamed,
    /// Something that is not a folder stands in its place.
    #[error(
        "{} is not a folder; move it away, or set {HOME_VARIABLE} (or give --home) to another folder",
        .0.display()
    )]
    NotAFolder(PathBuf),
    /// The folder could not be made.
    #[error(
        "the profile folder {} could not be created: {source}; \
         check who owns the folder above it, or set {HOME_VARIABLE} (or give --home) to another folder",
        .path.display()
    )]
    NotCreated {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder is there, but nothing can be written into it.
    #[error(
        "the profile folder {} cannot be written to: {source}; \
         check its owner, its permissions and the disk, \
         or set {HOME_VARIABLE} (or give --home) to another folder",
        .path.display()
    )]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl HomeError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unnamed => "home_unnamed",
            Self::NotAFolder(_) => "home_not_a_folder",
            Self::NotCreated { .. } => "home_not_created",
            Self::NotWritable { .. } => "home_not_writable",
        }
    }
}

impl Home {
    /// Names the folder: the given one, else `$FREEWHEEL_HOME`, else `freewheel` in the platform's data folder.
    ///
    /// # Errors
    /// [`HomeError::Unnamed`] when none of the three is there.
    pub fn resolve(explicit: Option<PathBuf>) -> Result<Self, HomeError> {
        let root = pick(explicit, std::env::var_os(HOME_VARIABLE), dirs::data_dir())
            .ok_or(HomeError::Unnamed)?;
        Ok(Self {
            root: std::path::absolute(&root).unwrap_or(root),
            opener: Opener::new(),
        })
    }

    /// Creates the folder where it is missing (private to its owner on Unix) and checks that it can be written to. The
    /// program does without logs and nudges, so trouble with their folders is no reason not to ride.
    ///
    /// # Errors
    /// Says which folder, why, and what to do.
    pub fn open(self) -> Result<Self, HomeError> {
        if self.root.exists() && !self.root.is_dir() {
            return Err(HomeError::NotAFolder(self.root));
        }
        create_private(&self.root).map_err(|source| HomeError::NotCreated {
            path: self.root.clone(),
            source,
        })?;
        for folder in [self.root.clone(), self.rides()] {
            create_private(&folder)
                .and_then(|()| try_writing(&folder))
                .map_err(|source| HomeError::NotWritable {
                    path: folder,
                    source,
                })?;
        }
        for folder in [self.logs(), self.nudges()] {
            // Whoever writes there says what is wrong.
            drop(create_private(&folder));
        }
        Ok(self)
    }

    /// Who opened it: nobody hears their own nudges.
    pub(crate) fn opener(&self) -> &Opener {
        &self.opener
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The precious database.
    #[must_use]
    pub fn athlete_db(&self) -> PathBuf {
        self.root.join("athlete.db")
    }

    /// Keeps room on the disk for the precious database.
    #[must_use]
    pub fn reserve(&self) -> PathBuf {
        self.root.join("athlete.reserve")
    }

    /// The disposable database.
    #[must_use]
    pub fn library_db(&self) -> PathBuf {
        self.root.join("library.db")
    }

    /// The frozen FIT files, for people to open.
    #[must_use]
    pub fn rides(&self) -> PathBuf {
        self.root.join("rides")
    }

    /// The logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// What the athlete chose about this program.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.root.join("settings.json")
    }

    /// Held by the process that syncs this profile.
    #[must_use]
    pub fn syncer_lock(&self) -> PathBuf {
        self.root.join("syncer.lock")
    }

    /// Held by the process that shows this profile in a window.
    #[must_use]
    pub fn app_lock(&self) -> PathBuf {
        self.root.join("app.lock")
    }

    /// Held while tokens are refreshed.
    #[must_use]
    pub fn refresh_lock(&self) -> PathBuf {
        self.root.join("refresh.lock")
    }

    /// Held while a ride is under way.
    #[must_use]
    pub fn ride_lock(&self) -> PathBuf {
        self.root.join("ride.lock")
    }

    /// Held while the athlete signs in.
    #[must_use]
    pub fn sign_in_lock(&self) -> PathBuf {
        self.root.join("sign-in.lock")
    }

    /// Held for the moment in which the databases are opened.
    #[must_use]
    pub fn store_lock(&self) -> PathBuf {
        self.root.join("store.lock")
    }

    /// Where processes nudge each other; see [`crate::lease::nudge`].
    #[must_use]
    pub fn nudges(&self) -> PathBuf {
        self.root.join("nudge")
    }
}

fn pick(
    explicit: Option<PathBuf>,
    variable: Option<OsString>,
    data_folder: Option<PathBuf>,
) -> Option<PathBuf> {
    let given = explicit.or_else(|| variable.map(PathBuf::from));
    given
        .filter(|path| !path.as_os_str().is_empty())
        .or_else(|| data_folder.map(|folder| folder.join("freewheel")))
}

/// Makes the folder and those above it, where they are missing.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let missing = folder.ancestors().take_while(|folder| !folder.exists());
    let missing: Vec<&Path> = missing.collect();
    builder.create(folder)?;
    for new in missing {
        make_name_durable(new);
    }
    Ok(())
}

/// The name of a new folder must survive a power cut like what is in it (fsync(2): to sync a file does not sync the folder
/// that names it). A folder that cannot be opened, as that of all users may be, is left to the system.
fn make_name_durable(new: &Path) {
    #[cfg(unix)]
    if let Some(above) = new.parent()
        && let Err(error) = File::open(above).and_then(|above| above.sync_all())
    {
        tracing::debug!(path = %above.display(), %error, "a new folder's name is not synced");
    }
    #[cfg(not(unix))]
    let _ = new;
}

/// Permission bits do not tell (read-only mounts, access lists, root), so a file is made and removed again. A full disk
/// is no missing permission: what is there can still be read.
fn try_writing(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".writable-{}", std::process::id()));
    match File::create(&probe) {
        Ok(_) => fs::remove_file(&probe),
        Err(error) if is_full(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_given_one_else_the_variable_else_the_platforms() {
        let path = |text: &str| Some(PathBuf::from(text));
        let variable = |text: &str| Some(OsString::from(text));
        let cases = [
            (path("/a"), variable("/b"), path("/c"), path("/a")),
            (None, variable("/b"), path("/c"), path("/b")),
            (None, variable(""), path("/c"), path("/c/freewheel")),
            (None, None, path("/c"), path("/c/freewheel")),
            (None, None, None, None),
        ];
        for (explicit, environment, platform, expected) in cases {
            assert_eq!(pick(explicit, environment, platform), expected);
        }
    }

    #[test]
    fn a_missing_folder_is_made_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/er");
        let home = Home::resolve(Some(root.clone())).unwrap().open().unwrap();
        assert_eq!(home.root(), root);
        assert!(home.rides().is_dir() && home.logs().is_dir());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                fs::metadata(&root).unwrap().permissions().mode() & 0o777,
                0o700
            );
        }
        assert!(home.clone().open().is_ok(), "opening twice is fine");
        let left: Vec<_> = fs::read_dir(&root)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left.len(), 3, "no probe is left behind: {left:?}");
    }

    #[test]
    fn what_cannot_be_used_says_which_folder_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        for (root, code) in [
            (file.clone(), "home_not_a_folder"),
            (file.join("below"), "home_not_created"),
        ] {
            let error = Home::resolve(Some(root.clone()))
                .unwrap()
                .open()
                .unwrap_err();
            assert_eq!(error.code(), code);
            let text = error.to_string();
            assert!(
                text.contains(root.to_str().unwrap()) && text.contains(HOME_VARIABLE),
                "{text}"
            );
        }
        // A folder whose inside is taken by something else.
        let root = dir.path().join("home");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("rides"), "not a folder").unwrap();
        let error = Home::resolve(Some(root)).unwrap().open().unwrap_err();
        assert_eq!(error.code(), "home_not_writable");
    }

    #[test]
    fn a_place_for_logs_and_nudges_that_is_taken_keeps_nobody_from_riding() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["logs", "nudge"] {
            fs::write(dir.path().join(name), "not a folder").unwrap();
        }
        let home = Home::resolve(Some(dir.path().to_owned())).unwrap();
        assert!(home.open().is_ok());
    }

    #[test]
    fn a_full_disk_is_not_a_missing_permission() {
        for (kind, full) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::QuotaExceeded, true),
            (io::ErrorKind::PermissionDenied, false),
            (io::ErrorKind::ReadOnlyFilesystem, false),
        ] {
            assert_eq!(is_full(&io::Error::from(kind)), full);
        }
    }
}
