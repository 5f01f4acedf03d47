//! One at a time, across processes: file locks that the system releases when a process dies.

pub mod nudge;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::PathBuf;

use crate::home::Home;

/// What a lease is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseKind {
    /// Syncing the profile: at most one process delivers and pulls.
    Syncer,
    /// Showing the profile in a window: at most one window.
    App,
    /// Refreshing tokens: at most one refresh under way.
    Refresh,
    /// Signing in: what a process that died in a sign-in left behind is told from a sign-in that is under way.
    SignIn,
    /// Riding: a ride that is under way in one process is not resumed or finished by another.
    Ride,
}

/// Held until dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub struct Lease {
    file: File,
    kind: LeaseKind,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let_go(&self.file);
    }
}

/// A lease file could not be opened or locked.
#[derive(Debug, thiserror::Error)]
#[error("{} could not be locked: {source}", .path.display())]
pub struct LeaseError {
    /// The lock file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl LeaseError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "lease_failed"
    }
}

impl Lease {
    /// Takes the lease if nobody has it.
    ///
    /// # Errors
    /// The lock file cannot be used at all.
    pub fn try_acquire(home: &Home, kind: LeaseKind) -> Result<Option<Self>, LeaseError> {
        let path = kind.path(home);
        let file = match open(&path) {
            Ok(file) => file,
            Err(source) => return Err(LeaseError { path, source }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file, kind })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(LeaseError { path, source }),
        }
    }

    /// Whether somebody has the lease, this process too. Two who look do not see each other.
    ///
    /// # Errors
    /// The lock file cannot be used at all.
    pub fn is_held(home: &Home, kind: LeaseKind) -> Result<bool, LeaseError> {
        let path = kind.path(home);
        let looked = open(&path).and_then(|file| match file.try_lock_shared() {
            Ok(()) => {
                let_go(&file);
                Ok(false)
            }
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(source),
        });
        looked.map_err(|source| LeaseError { path, source })
    }

    /// Waits for the lease without polling. Giving up the wait is safe: a lease that arrives later is let go at once.
    ///
    /// # Errors
    /// The lock file cannot be used at all.
    pub async fn acquire(home: &Home, kind: LeaseKind) -> Result<Self, LeaseError> {
        let path = kind.path(home);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // Its own thread and not the runtime's pool: another process may hold the lock for days, and a blocked pool
        // thread would keep the runtime from shutting down.
        let thread = std::thread::Builder::new()
            .name("freewheel-lease".to_owned())
            .spawn({
                let path = path.clone();
                move || {
                    let locked = open(&path).and_then(|file| file.lock().map(|()| file));
                    drop(sender.send(locked.map(|file| Self { file, kind })));
                }
            });
        let locked = match thread {
            Ok(_) => receiver
                .await
                .unwrap_or_else(|_| Err(io::Error::other("the waiter ended"))),
            Err(error) => Err(error),
        };
        locked.map_err(|source| LeaseError { path, source })
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> LeaseKind {
        self.kind
    }
}

/// Closing the file alone would not do: a child process that another thread is just starting has a copy of it until its
/// program begins, and what is copied stays locked.
fn let_go(file: &File) {
    // It fails only for a file that is not open.
    let _ = file.unlock();
}

/// The process that holds a lease, where the system tells (Linux); it may have let go since.
#[must_use]
pub fn holder(home: &Home, kind: LeaseKind) -> Option<u32> {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::fs::MetadataExt as _;
        let inode = std::fs::metadata(kind.path(home)).ok()?.st_ino();
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find_map(|line| holder_in(line, inode))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (home, kind);
        None
    }
}

/// The process in a line of `/proc/locks` (proc_locks(5)) that holds a lock on the file `inode`:
/// `1: FLOCK  ADVISORY  WRITE 3111 08:01:131 0 EOF`. A line with an arrow is of one that waits.
#[cfg(target_os = "linux")]
fn holder_in(line: &str, inode: u64) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let pid = words.nth(2)?;
    let file = words.next()?.rsplit(':').next()?;
    (file.parse() == Ok(inode)).then(|| pid.parse().ok())?
}

impl LeaseKind {
    fn path(self, home: &Home) -> PathBuf {
        match self {
            Self::Syncer => home.syncer_lock(),
            Self::App => home.app_lock(),
            Self::Refresh => home.refresh_lock(),
            Self::SignIn => home.sign_in_lock(),
            Self::Ride => home.ride_lock(),
        }
    }
}

/// Lock files stay: removing one would let a third process lock another file of the same name.
pub(crate) fn open(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path().to_owned()))
            .unwrap()
            .open()
            .unwrap();
        (dir, home)
    }

    #[test]
    fn only_one_holds_a_lease_and_kinds_do_not_meet() {
        let (_dir, home) = home();
        let first = Lease::try_acquire(&home, LeaseKind::Syncer)
            .unwrap()
            .unwrap();
        assert_eq!(first.kind(), LeaseKind::Syncer);
        assert!(
            Lease::try_acquire(&home, LeaseKind::Syncer)
                .unwrap()
                .is_none()
        );
        assert!(Lease::try_acquire(&home, LeaseKind::App).unwrap().is_some());
        assert!(
            Lease::try_acquire(&home, LeaseKind::Refresh)
                .unwrap()
                .is_some()
        );
        assert!(Lease::is_held(&home, LeaseKind::Syncer).unwrap());
        drop(first);
        assert!(!Lease::is_held(&home, LeaseKind::Syncer).unwrap());
        assert!(
            Lease::try_acquire(&home, LeaseKind::Syncer)
                .unwrap()
                .is_some()
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_holder_of_a_lease_is_named() {
        for (line, holder) in [
            ("1: FLOCK  ADVISORY  WRITE 3111 08:01:131 0 EOF", Some(3111)),
            ("1: FLOCK  ADVISORY  WRITE -1 08:01:131 0 EOF", None),
            ("1: -> FLOCK  ADVISORY  WRITE 9 08:01:131 0 EOF", None),
            ("2: POSIX  ADVISORY  WRITE 5 08:01:131 0 EOF", None),
            ("3: FLOCK  ADVISORY  WRITE 7 08:01:132 0 EOF", None),
            ("", None),
        ] {
            assert_eq!(holder_in(line, 131), holder, "{line}");
        }
        let (_dir, home) = home();
        assert_eq!(holder(&home, LeaseKind::Syncer), None);
        let lease = Lease::try_acquire(&home, LeaseKind::Syncer).unwrap();
        assert_eq!(holder(&home, LeaseKind::Syncer), Some(std::process::id()));
        drop(lease);
    }

    #[test]
    fn a_copy_of_the_file_in_a_child_that_is_just_starting_holds_nothing() {
        let (_dir, home) = home();
        let lease = Lease::try_acquire(&home, LeaseKind::Syncer)
            .unwrap()
            .unwrap();
        let copy = lease.file.try_clone().unwrap();
        drop(lease);
        let next = Lease::try_acquire(&home, LeaseKind::Syncer).unwrap();
        assert!(next.is_some());
        drop((copy, next));
    }

    #[tokio::test]
    async fn a_waiter_gets_the_lease_when_it_is_let_go() {
        let (_dir, home) = home();
        let first = Lease::try_acquire(&home, LeaseKind::Syncer)
            .unwrap()
            .unwrap();
        let waiter = tokio::spawn({
            let home = home.clone();
            async move { Lease::acquire(&home, LeaseKind::Syncer).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        drop(first);
        let second = waiter.await.unwrap().unwrap();
        assert!(
            Lease::try_acquire(&home, LeaseKind::Syncer)
                .unwrap()
                .is_none()
        );
        drop(second);
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_keep_the_lease() {
        let (_dir, home) = home();
        let first = Lease::try_acquire(&home, LeaseKind::Refresh)
            .unwrap()
            .unwrap();
        let waiter = tokio::spawn({
            let home = home.clone();
            async move { Lease::acquire(&home, LeaseKind::Refresh).await.map(|_| ()) }
        });
        tokio::task::yield_now().await;
        waiter.abort();
        drop(waiter.await);
        drop(first);
        // The orphaned thread takes the lock, finds nobody, and lets it go; so a second wait must end.
        assert!(Lease::acquire(&home, LeaseKind::Refresh).await.is_ok());
    }

    #[tokio::test]
    async fn a_lease_file_that_cannot_be_opened_is_named() {
        let (_dir, home) = home();
        std::fs::create_dir(home.app_lock()).unwrap();
        let error = Lease::try_acquire(&home, LeaseKind::App).unwrap_err();
        assert!(error.to_string().contains("app.lock"), "{error}");
        assert!(Lease::acquire(&home, LeaseKind::App).await.is_err());
    }
}
