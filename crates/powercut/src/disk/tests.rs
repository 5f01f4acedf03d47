use std::fmt::Write as _;
use std::ops::Range;

use tempfile::TempDir;

use super::*;
use crate::recording::Recording;

/// A recording of calls on a disk with one file, `kept`, of 1,024 times `o`. Paths are below the disk; `{…}` stands for
/// their hexadecimal.
struct Script {
    folder: TempDir,
    text: String,
}

impl Script {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("disk")).unwrap();
        std::fs::write(folder.path().join("disk/kept"), "o".repeat(1024)).unwrap();
        Self {
            folder,
            text: String::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("disk").join(name)
    }

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\x{byte:02x}").unwrap();
            text
        })
    }

    fn name(&self, name: &str) -> String {
        Self::hexadecimal(self.path(name).as_os_str().as_encoded_bytes())
    }

    /// The call as strace writes it; the disk really changes as well.
    fn call(&mut self, line: &str) -> &mut Self {
        writeln!(self.text, "1 {line}").unwrap();
        self
    }

    fn open(&mut self, name: &str) -> &mut Self {
        let hexadecimal = self.name(name);
        let options = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path(name));
        options.unwrap();
        let flags = "O_RDWR|O_CREAT, 0600";
        self.call(&format!(
            "openat(AT_FDCWD<\\x2f>, \"{hexadecimal}\", {flags}) = 3<{hexadecimal}>"
        ))
    }

    fn write(&mut self, name: &str, at: u64, bytes: &[u8]) -> &mut Self {
        let mut file = std::fs::read(self.path(name)).unwrap();
        put(&mut file, at, bytes);
        std::fs::write(self.path(name), file).unwrap();
        let (path, data, length) = (self.name(name), Self::hexadecimal(bytes), bytes.len());
        self.call(&format!(
            "pwrite64(3<{path}>, \"{data}\", {length}, {at}) = {length}"
        ))
    }

    fn sync(&mut self, name: &str) -> &mut Self {
        let path = self.name(name);
        self.call(&format!("fsync(3<{path}>) = 0"))
    }

    fn rename(&mut self, from: &str, to: &str) -> &mut Self {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
        let (from, to) = (self.name(from), self.name(to));
        self.call(&format!("rename(\"{from}\", \"{to}\") = 0"))
    }

    fn remove(&mut self, name: &str) -> &mut Self {
        std::fs::remove_file(self.path(name)).unwrap();
        let name = self.name(name);
        self.call(&format!("unlink(\"{name}\") = 0"))
    }

    /// As the disk was before the first call, the recording of all of them.
    fn recording(&self, before: &[(&str, Vec<u8>)]) -> Recording {
        let after: Vec<_> = std::fs::read_dir(self.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        for (path, _) in &after {
            std::fs::remove_file(path).unwrap();
        }
        for (name, bytes) in before {
            std::fs::write(self.path(name), bytes).unwrap();
        }
        let disk = self.path("").components().as_path().to_owned();
        let beginning = Recording::begin(&disk).unwrap();
        for (name, _) in before {
            std::fs::remove_file(self.path(name)).unwrap();
        }
        for (path, bytes) in after {
            std::fs::write(path, bytes).unwrap();
        }
        beginning.and(&self.text, &self.path("../marks")).unwrap()
    }

    fn kept_and(&self) -> Recording {
        self.recording(&[("kept", b"o".repeat(1024))])
    }
}

/// All files of an image of the whole recording.
fn files(recording: &Recording, choice: Choice, honesty: Honesty) -> BTreeMap<String, Vec<u8>> {
    let mut disk = Disk::new(recording, honesty);
    while disk.step().is_some() {}
    let named =
        |(path, content): (PathBuf, Option<Vec<u8>>)| Some((path.to_str()?.to_owned(), content?));
    disk.image(choice).0.into_iter().filter_map(named).collect()
}

fn honest(recording: &Recording, choice: Choice) -> BTreeMap<String, Vec<u8>> {
    files(recording, choice, Honesty::Honest)
}

#[test]
fn what_was_synced_is_there_whatever_the_choice_and_nothing_else_need_be() {
    let mut script = Script::new();
    script.open("kept").write("kept", 0, b"synced").sync("kept");
    script.write("kept", 100, b"not yet");
    let recording = script.kept_and();
    let choices = (0..200).map(Choice::Seeded);
    for choice in choices.chain([Choice::Nothing, Choice::Everything, Choice::Latest]) {
        assert!(
            honest(&recording, choice)["kept"].starts_with(b"synced"),
            "{choice:?}"
        );
    }
    let at_100 = |choice| honest(&recording, choice)["kept"][100..107].to_vec();
    assert_eq!(at_100(Choice::Nothing), b"ooooooo");
    assert_eq!(at_100(Choice::Everything), b"not yet");
    let lying = files(&recording, Choice::Nothing, Honesty::Lying);
    assert_eq!(lying["kept"], b"o".repeat(1024));
}

#[test]
fn a_write_is_torn_at_sectors_only_and_in_every_way() {
    let mut script = Script::new();
    script.open("kept").write("kept", 500, &b"n".repeat(600));
    let recording = script.kept_and();
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let file = &honest(&recording, Choice::Seeded(seed))["kept"];
        // Its three parts lie in the first sector, fill the second, and begin the third, beyond the old end.
        let part = |range: Range<usize>| {
            let bytes = file.get(range.clone()).unwrap_or_default();
            let new = bytes.iter().filter(|byte| **byte == b'n').count();
            assert!(new == 0 || new == range.len(), "torn within a sector");
            new > 0
        };
        seen.insert([part(500..512), part(512..1024), part(1024..1100)]);
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}

#[test]
fn a_new_name_is_durable_when_its_folder_is() {
    let mut script = Script::new();
    script.open("new").write("new", 0, b"bytes").sync("new");
    let recording = script.kept_and();
    assert!(!honest(&recording, Choice::Nothing).contains_key("new"));
    assert_eq!(honest(&recording, Choice::Everything)["new"], b"bytes");
    script.sync("");
    let recording = script.kept_and();
    assert_eq!(honest(&recording, Choice::Nothing)["new"], b"bytes");
}

#[test]
fn a_renamed_file_has_one_of_its_names_and_a_removed_one_may_come_back() {
    let mut script = Script::new();
    script
        .open("new")
        .write("new", 0, b"new")
        .sync("new")
        .rename("new", "kept");
    let recording = script.kept_and();
    assert_eq!(
        honest(&recording, Choice::Nothing)["kept"],
        b"o".repeat(1024)
    );
    let after = honest(&recording, Choice::Everything);
    assert_eq!(
        (after["kept"].as_slice(), after.len()),
        (b"new".as_slice(), 1)
    );

    let mut script = Script::new();
    script.remove("kept");
    let recording = script.kept_and();
    assert_eq!(honest(&recording, Choice::Nothing).len(), 1);
    assert_eq!(honest(&recording, Choice::Everything).len(), 0);
}

#[test]
fn a_sync_covers_what_was_there_when_it_began() {
    let mut script = Script::new();
    script.open("kept");
    let path = script.name("kept");
    script.call(&format!("fsync(3<{path}> <unfinished ...>"));
    script.text.push_str("2 ");
    let before = script.text.len();
    script.write("kept", 0, b"late");
    // The other thread wrote it.
    script.text.replace_range(before..before + 2, "");
    script.call("<... fsync resumed>) = 0");
    let recording = script.kept_and();
    assert!(!honest(&recording, Choice::Nothing)["kept"].starts_with(b"late"));
    assert!(honest(&recording, Choice::Everything)["kept"].starts_with(b"late"));
}

#[test]
fn a_change_that_was_not_recorded_is_noticed() {
    let mut script = Script::new();
    script.open("kept");
    std::fs::write(script.path("kept"), "something else").unwrap();
    let before = [("kept", b"o".repeat(1024))];
    let disk = script.path("").components().as_path().to_owned();
    let beginning = {
        std::fs::write(script.path("kept"), &before[0].1).unwrap();
        let beginning = Recording::begin(&disk).unwrap();
        std::fs::write(script.path("kept"), "something else").unwrap();
        beginning
    };
    let refused = beginning
        .and(&script.text, &script.path("../marks"))
        .unwrap_err();
    assert!(matches!(refused, PowercutError::Incomplete(_)), "{refused}");
    assert!(refused.to_string().contains("kept"), "{refused}");
}
