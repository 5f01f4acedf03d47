//! How processes of one profile wake each other: a file appears in the `nudge` folder and is gone again.
//!
//! A nudge is a hint and carries no data; whoever hears it reads the store. Each nudge is a file of its own, named by
//! kind and sender, so that two at the same moment cannot hide each other. A folder of its own, so that the busy
//! database files beside it wake nobody.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::home::Home;

/// What the other process should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NudgeKind {
    /// Sync now: the athlete asked for it, or signed in or out.
    Sync,
    /// There is a new ride to deliver. Nobody asked for more than that, so the network and the backoff have their say.
    Work,
    /// Bring the window to the front.
    Show,
    /// Read the store again: this process changed it.
    Changed,
}

impl NudgeKind {
    const ALL: [Self; 4] = [Self::Sync, Self::Work, Self::Show, Self::Changed];

    fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Work => "work",
            Self::Show => "show",
            Self::Changed => "changed",
        }
    }
}

/// Nudges could not be sent or watched.
#[derive(Debug, thiserror::Error)]
pub enum NudgeError {
    /// The nudge could not be written.
    #[error("the nudge could not be written: {0}")]
    Send(#[from] io::Error),
    /// The folder could not be watched.
    #[error("the nudge folder could not be watched: {0}")]
    Watch(#[from] notify::Error),
}

/// Hears the nudges of other processes for as long as it lives.
#[derive(Debug)]
pub struct Nudges {
    receiver: mpsc::UnboundedReceiver<NudgeKind>,
    /// Dropping the watcher ends the watch.
    _watcher: RecommendedWatcher,
}

impl Nudges {
    /// The next nudge of somebody else; `None` only when the watch has ended.
    pub async fn recv(&mut self) -> Option<NudgeKind> {
        self.receiver.recv().await
    }
}

/// Whoever named a profile folder, among all the processes that use it, and among all who do so in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opener(Arc<str>);

impl Opener {
    /// A new one.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}-{count}", process()).into())
    }
}

/// Nudges whoever else has this profile open. Nobody hears their own nudges.
///
/// # Errors
/// The file could not be made.
pub fn send(home: &Home, kind: NudgeKind) -> Result<(), NudgeError> {
    send_as(&home.opener().0, home, kind)
}

/// Watches for the nudges of others.
///
/// # Errors
/// The system cannot watch the folder; sync works without, only later.
pub fn watch(home: &Home) -> Result<Nudges, NudgeError> {
    watch_as(&home.opener().0, home)
}

fn send_as(origin: &str, home: &Home, kind: NudgeKind) -> Result<(), NudgeError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = home
        .nudges()
        .join(format!("{}.{origin}.{count}", kind.name()));
    File::create(&path)?;
    fs::remove_file(&path)?;
    Ok(())
}

fn watch_as(origin: &str, home: &Home) -> Result<Nudges, NudgeError> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let origin = origin.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if !matches!(event.kind, EventKind::Create(_)) {
            return;
        }
        for kind in event.paths.iter().filter_map(|path| heard(path, &origin)) {
            // Nobody listens any more: the watch is about to end.
            let _ = sender.send(kind);
        }
    })?;
    watcher.watch(&home.nudges(), RecursiveMode::NonRecursive)?;
    Ok(Nudges {
        receiver,
        _watcher: watcher,
    })
}

/// What a file of this name says to `origin`.
fn heard(path: &Path, origin: &str) -> Option<NudgeKind> {
    let mut parts = path.file_name()?.to_str()?.split('.');
    let name = parts.next()?;
    let sender = parts.next()?;
    if sender == origin {
        return None;
    }
    NudgeKind::ALL.into_iter().find(|kind| kind.name() == name)
}

/// This process. The number alone would not do: processes in different containers may share it.
fn process() -> &'static str {
    static PROCESS: OnceLock<String> = OnceLock::new();
    PROCESS.get_or_init(|| {
        let pid = std::process::id();
        getrandom::u64().map_or_else(|_| pid.to_string(), |token| format!("{pid}-{token:016x}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_and_who() {
        let cases = [
            ("sync.12.0", Some(NudgeKind::Sync)),
            ("show.12.7", Some(NudgeKind::Show)),
            ("changed.12-ff.0", Some(NudgeKind::Changed)),
            ("sync.me.0", None),
            ("sync", None),
            (".writable-12", None),
            ("else.12.0", None),
        ];
        for (name, expected) in cases {
            assert_eq!(heard(Path::new(name), "me"), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn nudges_arrive_in_order_and_only_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path().to_owned()))
            .unwrap()
            .open()
            .unwrap();
        let mut app = watch_as("app", &home).unwrap();
        let mut cli = watch_as("cli", &home).unwrap();
        send_as("app", &home, NudgeKind::Changed).unwrap();
        send_as("cli", &home, NudgeKind::Sync).unwrap();
        send_as("app", &home, NudgeKind::Changed).unwrap();
        send_as("cli", &home, NudgeKind::Show).unwrap();
        assert_eq!(app.recv().await, Some(NudgeKind::Sync));
        assert_eq!(app.recv().await, Some(NudgeKind::Show));
        assert_eq!(cli.recv().await, Some(NudgeKind::Changed));
        assert_eq!(cli.recv().await, Some(NudgeKind::Changed));
        // Own nudges never came: everything sent so far is accounted for.
        assert!(app.receiver.try_recv().is_err() && cli.receiver.try_recv().is_err());
        assert_eq!(
            fs::read_dir(home.nudges()).unwrap().count(),
            0,
            "nothing is left behind"
        );
    }

    #[tokio::test]
    async fn whoever_opened_it_hears_the_others_of_the_same_process_but_not_itself() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path().to_owned()))
            .unwrap()
            .open()
            .unwrap();
        let other = Home::resolve(Some(dir.path().to_owned())).unwrap();
        let mut own = watch(&home).unwrap();
        send(&home, NudgeKind::Sync).unwrap();
        send(&home.clone(), NudgeKind::Sync).unwrap();
        send(&other, NudgeKind::Show).unwrap();
        assert_eq!(own.recv().await, Some(NudgeKind::Show));
    }
}
