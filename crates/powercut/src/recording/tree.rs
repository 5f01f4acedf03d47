//! Files and folders as the programs see them, and their names.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use super::{NodeId, ROOT};
use crate::PowercutError;

/// The file that keeps room for a full disk. It holds nothing, so nothing of it can be lost; it is no part of the recording.
const RESERVE: &str = "athlete.reserve";

/// What is in a file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file's bytes.
    File(Vec<u8>),
    /// A folder's names.
    Folder(BTreeMap<OsString, NodeId>),
}

/// Everything below a folder.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    nodes: BTreeMap<NodeId, Content>,
    areas: BTreeMap<NodeId, OsString>,
}

impl Tree {
    /// What is in the folder now.
    pub(super) fn of(root: &Path) -> Result<Self, PowercutError> {
        let mut tree = Self {
            root: root.to_owned(),
            nodes: BTreeMap::from([(ROOT, Content::Folder(BTreeMap::new()))]),
            areas: BTreeMap::new(),
        };
        tree.read(root, ROOT)?;
        Ok(tree)
    }

    fn read(&mut self, path: &Path, folder: NodeId) -> Result<(), PowercutError> {
        let unreadable = || PowercutError::io("reading", path);
        for entry in std::fs::read_dir(path).map_err(unreadable())? {
            let entry = entry.map_err(unreadable())?;
            let below = entry.path();
            if entry.file_name() == RESERVE {
                continue;
            }
            let is_folder = entry.file_type().map_err(unreadable())?.is_dir();
            let content = if is_folder {
                Content::Folder(BTreeMap::new())
            } else {
                let bytes = std::fs::read(&below);
                Content::File(bytes.map_err(PowercutError::io("reading", &below))?)
            };
            let node = self.add(content);
            self.name(folder, entry.file_name(), node);
            if is_folder {
                self.read(&below, node)?;
            }
        }
        Ok(())
    }

    pub(super) fn contents(&self) -> BTreeMap<NodeId, Content> {
        self.nodes.clone()
    }

    pub(super) fn folders(&self) -> BTreeSet<NodeId> {
        let folders = self.nodes.iter();
        let folders = folders.filter(|(_, content)| matches!(content, Content::Folder(_)));
        folders.map(|(node, _)| *node).collect()
    }

    pub(super) fn areas(self) -> BTreeMap<NodeId, OsString> {
        self.areas
    }

    /// A file or a folder that has no name yet.
    pub(super) fn add(&mut self, content: Content) -> NodeId {
        let node = NodeId(self.nodes.len());
        self.nodes.insert(node, content);
        node
    }

    pub(super) fn name(&mut self, folder: NodeId, name: OsString, node: NodeId) {
        let area = if folder == ROOT {
            Some(name.clone())
        } else {
            self.areas.get(&folder).cloned()
        };
        if let Some(area) = area {
            self.areas.entry(node).or_insert(area);
        }
        if let Some(Content::Folder(names)) = self.nodes.get_mut(&folder) {
            names.insert(name, node);
        }
    }

    pub(super) fn remove(&mut self, folder: NodeId, name: &OsStr) -> Option<NodeId> {
        match self.nodes.get_mut(&folder) {
            Some(Content::Folder(names)) => names.remove(name),
            _ => None,
        }
    }

    /// What the path names; `None` outside the root and where nothing is.
    pub(super) fn find(&self, path: &Path) -> Option<NodeId> {
        let mut node = ROOT;
        for component in path.strip_prefix(&self.root).ok()?.components() {
            match (component, self.nodes.get(&node)?) {
                (Component::Normal(name), Content::Folder(names)) => node = *names.get(name)?,
                (Component::CurDir, _) => {}
                _ => return None,
            }
        }
        Some(node)
    }

    /// The folder and the name in it that a path means; `None` outside the root.
    pub(super) fn place(&self, path: &Path) -> Option<(NodeId, OsString)> {
        let folder = self.find(path.parent()?)?;
        Some((folder, path.file_name()?.to_owned()))
    }

    pub(super) fn is_below(&self, path: &Path) -> bool {
        path.starts_with(&self.root) && path.file_name().is_none_or(|name| name != RESERVE)
    }

    pub(super) fn file(&mut self, node: NodeId) -> Option<&mut Vec<u8>> {
        match self.nodes.get_mut(&node) {
            Some(Content::File(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// # Errors
    /// What is in the folder is not what was seen to happen. The memory that SQLite's connections share (`-shm`) does not
    /// count: it is written without system calls, and worth nothing after a power cut.
    pub(super) fn agrees_with_the_folder(&self) -> Result<(), PowercutError> {
        let really = Self::of(&self.root)?;
        let (seen, is) = (self.files(), really.files());
        let names: BTreeSet<&PathBuf> = seen.keys().chain(is.keys()).collect();
        let differ = |path: &&&PathBuf| {
            let shared = path.to_string_lossy().ends_with("-shm");
            !shared && seen.get(**path) != is.get(**path)
        };
        match names.iter().find(differ) {
            None => Ok(()),
            Some(path) => Err(PowercutError::Incomplete(format!(
                "{} is {} in it, and really {}",
                path.display(),
                length(seen.get(*path)),
                length(is.get(*path))
            ))),
        }
    }

    fn files(&self) -> BTreeMap<PathBuf, &[u8]> {
        let mut files = BTreeMap::new();
        let mut folders = vec![(PathBuf::new(), ROOT)];
        while let Some((path, node)) = folders.pop() {
            match self.nodes.get(&node) {
                Some(Content::File(bytes)) => {
                    files.insert(path, bytes.as_slice());
                }
                Some(Content::Folder(names)) => {
                    folders.extend(names.iter().map(|(name, node)| (path.join(name), *node)));
                }
                None => {}
            }
        }
        files
    }
}

fn length(file: Option<&&[u8]>) -> String {
    file.map_or_else(
        || "not there".to_owned(),
        |bytes| format!("a file of {} bytes", bytes.len()),
    )
}
