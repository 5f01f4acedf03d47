//! The key file: where keys go on a machine without a keyring. Readable by its owner only.
//!
//! A version line, then one line per account: its entry name and the key in base64.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::VaultError;
use super::key::VaultKey;

const FIRST_LINE: &str = "freewheel vault keys 1";

/// The key file of one profile folder.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

/// What the file holds.
#[derive(Default)]
struct Kept {
    keys: BTreeMap<String, VaultKey>,
    /// The first line that is not what this version writes, counted from 1.
    damaged_line: Option<usize>,
}

impl KeyFile {
    pub(super) fn new(home: &Path) -> Self {
        Self {
            path: super::key_file_path(home),
        }
    }

    pub(super) fn read(&self, account: &str) -> Result<Option<VaultKey>, VaultError> {
        Ok(self.load()?.keys.remove(account))
    }

    /// The number of the first line that is damaged.
    pub(super) fn damaged_line(&self) -> Option<usize> {
        self.load().ok()?.damaged_line
    }

    pub(super) fn write(&self, account: &str, key: &VaultKey) -> Result<(), VaultError> {
        if account.is_empty() || account.contains(char::is_whitespace) {
            return Err(VaultError::Failed(
                "an account's entry name is one word".to_owned(),
            ));
        }
        let mut kept = self.load()?;
        kept.keys.insert(account.to_owned(), key.clone());
        self.keep_damaged(&kept)?;
        self.save(&kept.keys)
    }

    /// Whether there was something to remove.
    pub(super) fn remove(&self, account: &str) -> Result<bool, VaultError> {
        let mut kept = self.load()?;
        if kept.keys.remove(account).is_none() {
            return Ok(false);
        }
        self.keep_damaged(&kept)?;
        let keys = kept.keys;
        if keys.is_empty() {
            fs::remove_file(&self.path).map_err(|error| self.failed(&error))?;
        } else {
            self.save(&keys)?;
        }
        Ok(true)
    }

    /// The keys that can be read. A line that is damaged costs its own key, and no other.
    fn load(&self) -> Result<Kept, VaultError> {
        // Before it is read: a key that others can read is not used.
        match make_private(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => {
                return Err(VaultError::Failed(format!(
                    "{} can be read by others, and its permissions could not be changed ({error}); \
                     make it private with `chmod 600`",
                    self.path.display()
                )));
            }
        }
        let bytes = fs::read(&self.path).map_err(|error| self.failed(&error))?;
        let bytes = Zeroizing::new(bytes);
        let mut kept = Kept::default();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let read = match (number, line) {
                (1, line) => line == FIRST_LINE.as_bytes(),
                (_, []) => true,
                (_, line) => entry(line)
                    .map(|(account, key)| kept.keys.insert(account, key))
                    .is_some(),
            };
            if !read {
                kept.damaged_line.get_or_insert(number);
            }
        }
        Ok(kept)
    }

    /// A damaged file is not written over: a copy of it stays beside.
    fn keep_damaged(&self, kept: &Kept) -> Result<(), VaultError> {
        let Some(line) = kept.damaged_line else {
            return Ok(());
        };
        let named = self.path.with_extension("key.damaged");
        let numbered = (2_u32..).map(|n| self.path.with_extension(format!("key.damaged-{n}")));
        let aside = std::iter::once(named.clone())
            .chain(numbered)
            .find(|aside| !aside.exists())
            .unwrap_or(named);
        tracing::error!(line, kept = %aside.display(), "the key file is damaged; a copy of it is kept");
        let copied = create_private(&aside).and_then(|mut copy| {
            copy.write_all(&Zeroizing::new(fs::read(&self.path)?))?;
            copy.sync_all()
        });
        copied.map_err(|error| self.failed(&error))
    }

    /// Written beside, then renamed: a reader sees the old file or the new one, whole.
    fn save(&self, keys: &BTreeMap<String, VaultKey>) -> Result<(), VaultError> {
        let mut text = Zeroizing::new(format!("{FIRST_LINE}\n"));
        for (account, key) in keys {
            let key = Zeroizing::new(BASE64.encode(key.expose()));
            text.push_str(account);
            text.push(' ');
            text.push_str(&key);
            text.push('\n');
        }
        let beside = self.path.with_extension("key.new");
        let written = create_private(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)?;
            sync_folder(&self.path)
        });
        written.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> VaultError {
        VaultError::Failed(format!("{}: {error}", self.path.display()))
    }
}

/// An account's entry name and its key.
fn entry(line: &[u8]) -> Option<(String, VaultKey)> {
    let (account, key) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let key = Zeroizing::new(BASE64.decode(key).ok()?);
    Some((account.to_owned(), VaultKey::from_kept(&key).ok()?))
}

fn create_private(path: &Path) -> io::Result<File> {
    // A leftover of a crash may have other permission bits; `mode` only counts for new files.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others could read the key file until now; its permissions are 0600 again");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// The profile folder lies inside the athlete's own, which other users cannot read there.
#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    fs::metadata(path).map(drop)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
