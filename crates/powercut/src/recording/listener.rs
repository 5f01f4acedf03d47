//! System calls, heard one after the other, as events.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::tree::{Content, Tree};
use super::{Event, NodeId, put};
use crate::trace::{Call, Descriptor, Moment, descriptor};

/// Writes down what the calls do to the disk.
pub(super) struct Listener {
    tree: Tree,
    marks: PathBuf,
    events: Vec<Event>,
    /// Where the next byte goes that is written to an open file without saying where.
    positions: BTreeMap<i32, Position>,
    /// When the syncs that are under way began, by thread.
    syncs: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Copy)]
enum Position {
    At(u64),
    End,
}

/// What became of a call.
type Heard = Result<(), String>;

impl Listener {
    pub(super) fn new(tree: Tree, marks: &Path) -> Self {
        Self {
            tree,
            marks: marks.to_owned(),
            events: Vec::new(),
            positions: BTreeMap::new(),
            syncs: BTreeMap::new(),
        }
    }

    pub(super) fn end(self) -> (Tree, Vec<Event>) {
        (self.tree, self.events)
    }

    /// A change counts from when its call returned; a sync, too, but only for what was there when it began; a mark counts
    /// from when it begins, as what it says was true before.
    pub(super) fn hear(&mut self, call: &Call<'_>) -> Heard {
        match call.moment {
            Moment::Begun => self.begun(call),
            Moment::Returned(result) => self.returned(call, result),
        }
    }

    fn begun(&mut self, call: &Call<'_>) -> Heard {
        match call.name {
            "fsync" | "fdatasync" => {
                self.syncs.insert(call.thread.to_owned(), self.events.len());
            }
            "write" if self.is_marks(call) => {
                let mark = serde_json::from_slice(&call.arguments.data()?);
                let mark = mark.map_err(|error| format!("a mark: {error}"))?;
                self.events.push(Event::Mark(mark));
            }
            _ => {}
        }
        Ok(())
    }

    fn is_marks(&self, call: &Call<'_>) -> bool {
        let open = call.arguments.descriptor(0);
        open.is_some_and(|open| open.path == self.marks)
    }

    fn returned(&mut self, call: &Call<'_>, result: i64) -> Heard {
        match call.name {
            "open" | "openat" | "openat2" | "creat" => self.opened(call, result),
            "write" | "writev" => self.written_on(call, result),
            "pwrite64" => self.written_at(call, result),
            "ftruncate" => {
                let bytes = call.arguments.number(1)?;
                self.on_file(call, |listener, file| listener.set_length(file, bytes))
            }
            "lseek" => {
                let (open, at) = (call.arguments.descriptor(0), u64::try_from(result));
                if let (Some(open), Ok(at)) = (open, at) {
                    self.moved(open.number, at);
                }
                Ok(())
            }
            "fsync" | "fdatasync" => {
                let before = self.syncs.remove(call.thread).unwrap_or_default();
                self.on_file(call, |listener, node| {
                    listener.events.push(Event::Synced { node, before });
                    Ok(())
                })
            }
            "rename" | "renameat" | "renameat2" => self.renamed(call),
            "unlink" | "unlinkat" | "rmdir" => self.removed(call),
            "mkdir" | "mkdirat" => self.made_folder(call),
            "sendfile" => self.copied(call, 0, 1, result),
            "copy_file_range" => self.copied(call, 2, 0, result),
            _ => self.unknown(call),
        }
    }

    fn opened(&mut self, call: &Call<'_>, result: i64) -> Heard {
        let Some(open) = descriptor(call.result) else {
            return Ok(());
        };
        let number = i32::try_from(result).map_err(|_| "no number of a descriptor")?;
        let flags = |flag| (0..3).any(|at| has_flag(call.arguments.at(at), flag));
        let position = if flags("O_APPEND") {
            Position::End
        } else {
            Position::At(0)
        };
        self.positions.insert(number, position);
        if open.deleted || !self.tree.is_below(&open.path) || flags("O_TMPFILE") {
            return Ok(());
        }
        match self.tree.find(&open.path) {
            Some(file) if flags("O_TRUNC") || call.name == "creat" => {
                if self.tree.file(file).is_some_and(|bytes| !bytes.is_empty()) {
                    self.set_length(file, 0)?;
                }
                Ok(())
            }
            Some(_) => Ok(()),
            None => self.made(&open.path, Content::File(Vec::new())),
        }
    }

    fn made_folder(&mut self, call: &Call<'_>) -> Heard {
        match self.whole_paths(call)?.first() {
            Some(path) if self.tree.is_below(path) => {
                self.made(path, Content::Folder(BTreeMap::new()))
            }
            _ => Ok(()),
        }
    }

    fn made(&mut self, path: &Path, content: Content) -> Heard {
        let (folder, name) = self.place(path)?;
        let node = self.tree.add(content);
        self.give(folder, name, node, None)
    }

    fn give(
        &mut self,
        folder: NodeId,
        name: OsString,
        node: NodeId,
        formerly: Option<(NodeId, OsString)>,
    ) -> Heard {
        self.tree.name(folder, name.clone(), node);
        self.events.push(Event::Name {
            folder,
            name,
            node,
            formerly,
        });
        Ok(())
    }

    fn renamed(&mut self, call: &Call<'_>) -> Heard {
        let paths = self.whole_paths(call)?;
        let [from, to] = paths.as_slice() else {
            return Err("a rename has two paths".to_owned());
        };
        match (self.tree.is_below(from), self.tree.is_below(to)) {
            (false, false) => return Ok(()),
            (true, true) => {}
            _ => return Err("a file is moved over the edge of the disk".to_owned()),
        }
        let (folder, name) = self.place(from)?;
        let node = self.tree.remove(folder, &name);
        let node = node.ok_or_else(|| format!("{} was never there", from.display()))?;
        let (new_folder, new_name) = self.place(to)?;
        self.give(new_folder, new_name, node, Some((folder, name)))
    }

    fn removed(&mut self, call: &Call<'_>) -> Heard {
        for path in self.whole_paths(call)? {
            if !self.tree.is_below(&path) {
                continue;
            }
            let (folder, name) = self.place(&path)?;
            let removed = self.tree.remove(folder, &name);
            removed.ok_or_else(|| format!("{} was never there", path.display()))?;
            self.events.push(Event::Removed { folder, name });
        }
        Ok(())
    }

    fn written_on(&mut self, call: &Call<'_>, result: i64) -> Heard {
        if self.is_marks(call) {
            return Ok(());
        }
        let Some((open, file)) = self.open_file(call)? else {
            return Ok(());
        };
        let length = self.tree.file(file).map_or(0, |bytes| bytes.len());
        let at = match self.positions.get(&open.number) {
            Some(Position::At(at)) => *at,
            Some(Position::End) => in_bytes(length),
            None => return Err("written to a file that was not seen to be opened".to_owned()),
        };
        let bytes = data(call, result)?;
        self.moved(open.number, at + in_bytes(bytes.len()));
        self.write(file, at, bytes)
    }

    fn written_at(&mut self, call: &Call<'_>, result: i64) -> Heard {
        let Some((_, file)) = self.open_file(call)? else {
            return Ok(());
        };
        self.write(file, call.arguments.number(3)?, data(call, result)?)
    }

    fn copied(&mut self, call: &Call<'_>, to: usize, from: usize, bytes: i64) -> Heard {
        let ends = (
            call.arguments.descriptor(to),
            call.arguments.descriptor(from),
        );
        let (Some(to), Some(from)) = ends else {
            return Err("a copy between files that are not named".to_owned());
        };
        if to.deleted || !self.tree.is_below(&to.path) {
            return Ok(());
        }
        let source = self.tree.find(&from.path);
        let source = source.and_then(|file| self.tree.file(file)).cloned();
        let source = source.ok_or("a copy from outside the disk")?;
        let target = self.tree.find(&to.path).ok_or("a copy to nowhere")?;
        let length = usize::try_from(bytes).map_err(|_| "a length below nothing")?;
        let (at, from_at) = (self.position(to.number)?, self.position(from.number)?);
        let begin = usize::try_from(from_at).map_err(|_| "too far")?;
        let copied = source.get(begin..begin + length);
        let copied = copied.ok_or("a copy from beyond the end")?.to_vec();
        self.moved(to.number, at + in_bytes(length));
        self.moved(from.number, from_at + in_bytes(length));
        self.write(target, at, copied)
    }

    fn write(&mut self, file: NodeId, at: u64, bytes: Vec<u8>) -> Heard {
        if bytes.is_empty() {
            return Ok(());
        }
        let target = self
            .tree
            .file(file)
            .ok_or("bytes are written to a folder")?;
        put(target, at, &bytes);
        self.events.push(Event::Write { file, at, bytes });
        Ok(())
    }

    fn set_length(&mut self, file: NodeId, bytes: u64) -> Heard {
        let length = usize::try_from(bytes).map_err(|_| "too long")?;
        let target = self.tree.file(file).ok_or("a folder has no length")?;
        target.resize(length, 0);
        self.events.push(Event::Length { file, bytes });
        Ok(())
    }

    /// A call that changes something on the disk and is not known here would make the recording a lie.
    fn unknown(&self, call: &Call<'_>) -> Heard {
        let open = [0, 1, 2, 3].map(|at| call.arguments.descriptor(at));
        let mut paths = call.arguments.paths()?;
        paths.extend(open.into_iter().flatten().map(|open| open.path));
        let whole = matches!(call.name, "sync" | "syncfs");
        if whole || paths.iter().any(|path| self.tree.is_below(path)) {
            return Err(format!("{} is not known here", call.name));
        }
        Ok(())
    }

    fn on_file(&mut self, call: &Call<'_>, act: impl FnOnce(&mut Self, NodeId) -> Heard) -> Heard {
        match self.open_file(call)? {
            Some((_, node)) => act(self, node),
            None => Ok(()),
        }
    }

    /// The file or folder on the disk that the call is about, if it is about one that still has a name.
    fn open_file(&self, call: &Call<'_>) -> Result<Option<(Descriptor, NodeId)>, String> {
        let Some(open) = call.arguments.descriptor(0) else {
            return Ok(None);
        };
        if open.deleted || !self.tree.is_below(&open.path) {
            return Ok(None);
        }
        let node = self.tree.find(&open.path);
        let node = node.ok_or_else(|| format!("{} was never made", open.path.display()))?;
        Ok(Some((open, node)))
    }

    /// The paths of a call; those that are relative begin at the open folder before them.
    fn whole_paths(&self, call: &Call<'_>) -> Result<Vec<PathBuf>, String> {
        let folder = call.arguments.descriptor(0).map(|open| open.path);
        let whole = |path: PathBuf| match &folder {
            Some(folder) if path.is_relative() => folder.join(path),
            _ => path,
        };
        Ok(call.arguments.paths()?.into_iter().map(whole).collect())
    }

    fn place(&self, path: &Path) -> Result<(NodeId, OsString), String> {
        let place = self.tree.place(path);
        place.ok_or_else(|| format!("nothing is known of the folder of {}", path.display()))
    }

    fn position(&self, number: i32) -> Result<u64, String> {
        match self.positions.get(&number) {
            Some(Position::At(at)) => Ok(*at),
            Some(Position::End) | None => Err("a copy at a place that is not known".to_owned()),
        }
    }

    fn moved(&mut self, number: i32, at: u64) {
        if let Some(Position::At(now)) = self.positions.get_mut(&number) {
            *now = at;
        }
    }
}

/// What was written: as much as the result says.
fn data(call: &Call<'_>, result: i64) -> Result<Vec<u8>, String> {
    let mut bytes = call.arguments.data()?;
    bytes.truncate(usize::try_from(result).unwrap_or_default());
    Ok(bytes)
}

fn in_bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn has_flag(argument: Option<&str>, flag: &str) -> bool {
    argument.is_some_and(|flags| flags.split('|').any(|word| word == flag))
}
