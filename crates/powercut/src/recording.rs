//! A recording: what was on the disk before, and everything that happened to it since, in one order.

mod listener;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use crate::PowercutError;
use crate::mark::Mark;
use crate::trace;
use listener::Listener;
pub use tree::Content;
use tree::Tree;

/// A file or a folder, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(usize);

/// The root of the disk.
pub const ROOT: NodeId = NodeId(0);

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Bytes were written.
    Write {
        /// The file.
        file: NodeId,
        /// From which byte on.
        at: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// The file was cut, or made longer.
    Length {
        /// The file.
        file: NodeId,
        /// Its length.
        bytes: u64,
    },
    /// A name was given, to a new file or instead of another name.
    Name {
        /// Where it is.
        folder: NodeId,
        /// The name.
        name: OsString,
        /// What it names now.
        node: NodeId,
        /// The name that it had, in which folder, when it was renamed.
        formerly: Option<(NodeId, OsString)>,
    },
    /// A name was removed.
    Removed {
        /// Where it was.
        folder: NodeId,
        /// The name.
        name: OsString,
    },
    /// A file, or a folder's names, became durable.
    Synced {
        /// Which.
        node: NodeId,
        /// What happened before the event of this number; the sync began then.
        before: usize,
    },
    /// The story noted something.
    Mark(Mark),
}

/// A recording.
#[derive(Debug)]
pub struct Recording {
    /// What was there, durably, when it began.
    pub base: BTreeMap<NodeId, Content>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Which files and folders are below which folder of the root.
    areas: BTreeMap<NodeId, OsString>,
    folders: BTreeSet<NodeId>,
}

impl Recording {
    /// What is on the disk now, before anything happens.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn begin(disk: &Path) -> Result<Beginning, PowercutError> {
        Ok(Beginning(Tree::of(disk)?))
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// What a file or folder holds that nothing has happened to.
    #[must_use]
    pub fn empty(&self, node: NodeId) -> Content {
        if self.folders.contains(&node) {
            Content::Folder(BTreeMap::new())
        } else {
            Content::File(Vec::new())
        }
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether an event changes, or makes durable, something in this folder of the root.
    #[must_use]
    pub fn concerns(&self, event: &Event, area: &str) -> bool {
        let within = |node: &NodeId| self.areas.get(node).is_some_and(|is| is == area);
        match event {
            Event::Write { file, .. } | Event::Length { file, .. } => within(file),
            Event::Name {
                folder, name, node, ..
            } => within(folder) || within(node) || (*folder == ROOT && name == area),
            Event::Removed { folder, name } => within(folder) || (*folder == ROOT && name == area),
            Event::Synced { node, .. } => within(node) || *node == ROOT,
            Event::Mark(_) => false,
        }
    }
}

/// What was on the disk before the story.
#[derive(Debug)]
pub(crate) struct Beginning(Tree);

impl Beginning {
    /// The recording that strace's `text` tells of, with the marks that were written to the file `marks`.
    ///
    /// # Errors
    /// A line cannot be understood, or something happened to the disk that is not in it.
    pub(crate) fn and(self, text: &str, marks: &Path) -> Result<Recording, PowercutError> {
        let base = self.0.contents();
        let mut listener = Listener::new(self.0, marks);
        trace::read(text, |call| listener.hear(call))?;
        let (tree, events) = listener.end();
        tree.agrees_with_the_folder()?;
        Ok(Recording {
            base,
            events,
            folders: tree.folders(),
            areas: tree.areas(),
        })
    }
}

/// Puts bytes into a file, which grows with zeros where it ended before.
pub(crate) fn put(file: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    if file.len() < at {
        file.resize(at, 0);
    }
    let (over, beyond) = bytes.split_at(bytes.len().min(file.len() - at));
    if let Some(place) = file.get_mut(at..at + over.len()) {
        place.copy_from_slice(over);
    }
    file.extend_from_slice(beyond);
}
