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

impl KeyFile {
    pub(super) fn new(home: &Path) -> Self {
        Self {
            path: super::key_file_path(home),
        }
    }

    pub(super) fn read(&self, account: &str) -> Result<Option<VaultKey>, VaultError> {
        Ok(self.load()?.remove(account))
    }

    pub(super) fn write(&self, account: &str, key: &VaultKey) -> Result<(), VaultError> {
        if account.is_empty() || account.contains(char::is_whitespace) {
            return Err(VaultError::Failed(
                "an account's entry name is one word".to_owned(),
            ));
        }
        let mut keys = self.load()?;
        keys.insert(account.to_owned(), key.clone());
        self.save(&keys)
    }

    /// Whether there was something to remove.
    pub(super) fn remove(&self, account: &str) -> Result<bool, VaultError> {
        let mut keys = self.load()?;
        if keys.remove(account).is_none() {
            return Ok(false);
        }
        if keys.is_empty() {
            fs::remove_file(&self.path).map_err(|error| self.failed(&error))?;
        } else {
            self.save(&keys)?;
        }
        Ok(true)
    }

    fn load(&self) -> Result<BTreeMap<String, VaultKey>, VaultError> {
        // Before it is read: a key that others can read is not used.
        match make_private(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => {
                return Err(VaultError::Failed(format!(
                    "{} can be read by others, and its permissions could not be changed ({error}); \
                     make it private with `chmod 600`",
                    self.path.display()
                )));
            }
        }
        let text = fs::read_to_string(&self.path).map_err(|error| self.failed(&error))?;
        let text = Zeroizing::new(text);
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Err(self.unreadable(1));
        }
        let mut keys = BTreeMap::new();
        for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            let entry = line.split_once(' ').and_then(|(account, key)| {
                let key = Zeroizing::new(BASE64.decode(key).ok()?);
                Some((account.to_owned(), VaultKey::from_kept(&key).ok()?))
            });
            let (account, key) = entry.ok_or_else(|| self.unreadable(number + 2))?;
            keys.insert(account, key);
        }
        Ok(keys)
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

    fn unreadable(&self, line: usize) -> VaultError {
        VaultError::Failed(format!(
            "{}, line {line}, is not what this version writes; it is left as it is",
            self.path.display()
        ))
    }
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
