//! A disk at a moment of a recording: what it owes, what it may hold besides, and what it holds when the power is cut.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::PowercutError;
use crate::chance::Chance;
use crate::recording::{Content, Event, NodeId, ROOT, Recording, put};

/// What a disk writes as a whole or not at all, in bytes.
pub const SECTOR: u64 = 512;

/// Whether the disk does what a sync asks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Honesty {
    /// It does.
    Honest,
    /// It says so and does nothing; as with `PRAGMA synchronous = OFF`, which does not even ask.
    Lying,
}

/// What becomes of that which was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing of it is there.
    Nothing,
    /// All of it is there, as after the death of the program alone.
    Everything,
    /// The latest write alone is there.
    Latest,
    /// Whatever the seed says: more or less of it, whole or torn.
    Seeded(u64),
}

/// A disk that follows a recording, event by event.
#[derive(Debug)]
pub struct Disk<'r> {
    recording: &'r Recording,
    honesty: Honesty,
    next: usize,
    nodes: BTreeMap<NodeId, Node<'r>>,
}

#[derive(Debug)]
struct Node<'r> {
    durable: Content,
    /// What happened to it since, with the number of the event.
    pending: Vec<(usize, &'r Event)>,
}

/// What becomes of a change.
#[derive(Debug, Clone)]
enum Fate {
    There,
    Gone,
    Torn(Chance),
}

impl<'r> Disk<'r> {
    /// Before the first event.
    #[must_use]
    pub fn new(recording: &'r Recording, honesty: Honesty) -> Self {
        let durable = |content: &Content| Node {
            durable: content.clone(),
            pending: Vec::new(),
        };
        let base = recording.base.iter();
        Self {
            recording,
            honesty,
            next: 0,
            nodes: base.map(|(id, content)| (*id, durable(content))).collect(),
        }
    }

    /// How many events have happened.
    #[must_use]
    pub fn happened(&self) -> usize {
        self.next
    }

    /// The next event happens. `None` at the end.
    pub fn step(&mut self) -> Option<&'r Event> {
        let event = self.recording.events.get(self.next)?;
        match event {
            Event::Write { file, .. } | Event::Length { file, .. } => self.pend(*file, event),
            Event::Removed { folder, .. } => self.pend(*folder, event),
            Event::Name {
                folder, formerly, ..
            } => {
                self.pend(*folder, event);
                if let Some((former, _)) = formerly
                    && former != folder
                {
                    self.pend(*former, event);
                }
            }
            Event::Synced { node, before } => self.sync(*node, *before),
            Event::Mark(_) => {}
        }
        self.next += 1;
        Some(event)
    }

    fn pend(&mut self, node: NodeId, event: &'r Event) {
        let recording = self.recording;
        let to = self.nodes.entry(node).or_insert_with(|| Node {
            durable: recording.empty(node),
            pending: Vec::new(),
        });
        to.pending.push((self.next, event));
    }

    fn sync(&mut self, id: NodeId, before: usize) {
        if self.honesty == Honesty::Lying {
            return;
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            let (done, open): (Vec<_>, Vec<_>) =
                node.pending.drain(..).partition(|(at, _)| *at < before);
            node.pending = open;
            for (_, event) in done {
                happen(&mut node.durable, id, event, Fate::There);
            }
        }
    }

    /// What is on the disk when the power is cut now.
    #[must_use]
    pub fn image(&self, choice: Choice) -> Image {
        let mut entries = BTreeMap::new();
        let mut below = vec![(PathBuf::new(), ROOT)];
        while let Some((path, id)) = below.pop() {
            let content = match self.content(id, choice) {
                Content::Folder(names) => {
                    let inside = names.into_iter();
                    below.extend(inside.map(|(name, node)| (path.join(name), node)));
                    None
                }
                Content::File(bytes) => Some(bytes),
            };
            entries.insert(path, content);
        }
        Image(entries)
    }

    fn content(&self, id: NodeId, choice: Choice) -> Content {
        let Some(node) = self.nodes.get(&id) else {
            return self.recording.empty(id);
        };
        let mut content = node.durable.clone();
        for (at, event) in &node.pending {
            happen(&mut content, id, event, self.fate(choice, *at));
        }
        content
    }

    fn fate(&self, choice: Choice, at: usize) -> Fate {
        match choice {
            Choice::Nothing => Fate::Gone,
            Choice::Everything => Fate::There,
            Choice::Latest if at + 1 == self.next => Fate::There,
            Choice::Latest => Fate::Gone,
            Choice::Seeded(seed) => seeded(seed, at),
        }
    }
}

/// One seed keeps little, another half, another most; of the rest, half is torn.
fn seeded(seed: u64, at: usize) -> Fate {
    let kept = match Chance::of(seed).percent() {
        0..33 => 10,
        33..67 => 50,
        _ => 90,
    };
    let mut chance = Chance::about(seed, at);
    let roll = chance.percent();
    if roll < kept {
        Fate::There
    } else if roll < kept + (100 - kept) / 2 {
        Fate::Torn(chance)
    } else {
        Fate::Gone
    }
}

/// Does to a file or folder what the event did to it, as far as fate has it.
fn happen(content: &mut Content, id: NodeId, event: &Event, fate: Fate) {
    match (content, event, fate) {
        (_, _, Fate::Gone) => {}
        (Content::File(file), Event::Write { at, bytes, .. }, fate) => {
            write(file, *at, bytes, fate);
        }
        (Content::File(file), Event::Length { bytes, .. }, Fate::There) => {
            file.resize(usize::try_from(*bytes).unwrap_or(usize::MAX), 0);
        }
        (Content::Folder(names), event, Fate::There) => rename(names, id, event),
        // A length or a name is there or it is not.
        (_, _, Fate::There | Fate::Torn(_)) => {}
    }
}

fn rename(names: &mut BTreeMap<OsString, NodeId>, id: NodeId, event: &Event) {
    match event {
        Event::Name {
            folder,
            name,
            node,
            formerly,
        } => {
            if let Some((former, old)) = formerly
                && *former == id
            {
                names.remove(old);
            }
            if *folder == id {
                names.insert(name.clone(), *node);
            }
        }
        Event::Removed { name, .. } => {
            names.remove(name);
        }
        Event::Write { .. } | Event::Length { .. } | Event::Synced { .. } | Event::Mark(_) => {}
    }
}

fn write(file: &mut Vec<u8>, at: u64, bytes: &[u8], fate: Fate) {
    let Fate::Torn(mut chance) = fate else {
        put(file, at, bytes);
        return;
    };
    let (mut at, mut rest) = (at, bytes);
    while !rest.is_empty() {
        let to_the_next = usize::try_from(SECTOR - at % SECTOR).unwrap_or(usize::MAX);
        let (sector, after) = rest.split_at(to_the_next.min(rest.len()));
        if chance.coin() {
            put(file, at, sector);
        }
        at += u64::try_from(sector.len()).unwrap_or(u64::MAX);
        rest = after;
    }
}

/// What is on a disk: paths below its root, with the bytes of files; none for folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image(BTreeMap<PathBuf, Option<Vec<u8>>>);

impl Image {
    /// Writes what is in the folder `area` of the root into `to`, which must not be there yet; nothing, if the image has no
    /// such folder. Everything is for its owner only.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, area: &str, to: &Path) -> Result<(), PowercutError> {
        for (path, content) in &self.0 {
            let Ok(below) = path.strip_prefix(area) else {
                continue;
            };
            // Joining nothing would end in a slash.
            let path = if below.as_os_str().is_empty() {
                to.to_owned()
            } else {
                to.join(below)
            };
            let written = match content {
                None => std::fs::DirBuilder::new().mode(0o700).create(&path),
                Some(bytes) => private(&path, bytes),
            };
            written.map_err(PowercutError::io("writing", &path))?;
        }
        Ok(())
    }
}

fn private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    std::io::Write::write_all(&mut file, bytes)
}

#[cfg(test)]
mod tests;
