//! The ground: the profile folder, its databases, and where the key is kept.

use std::path::Path;

use super::{Finding, VaultSeen, moment};
use crate::store::{DatabaseCheck, Salvage};
use crate::vault::{VaultError, VaultKind};

/// Whether others than the owner may do anything with a file of these permission bits.
const OTHERS: u32 = 0o077;

/// A file's permission bits; none where there is no file, or where the system has no such bits.
#[must_use]
pub fn key_file_mode(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        Some(mode & 0o777)
    }
    #[cfg(not(unix))]
    {
        drop(path);
        None
    }
}

pub(super) fn profile(home: &Path) -> Finding {
    let path = home.display().to_string();
    let mode = key_file_mode(home);
    let shared = mode.is_some_and(|mode| mode & OTHERS != 0);
    let finding = if shared {
        Finding::note(
            "profile",
            format!("{path}; other users of this computer can look into it."),
        )
        .remedy(format!("Close it to them: chmod 700 '{path}'"))
    } else {
        Finding::ok("profile", path.as_str())
    };
    finding.fact("path", path).fact("mode", mode.map(octal))
}

pub(super) fn database(check: &DatabaseCheck) -> Finding {
    let file = check.path.file_name().unwrap_or_default().to_string_lossy();
    let precious = file == "athlete.db";
    let name = if precious { "athlete_db" } else { "library_db" };
    let newer = check.format.is_some_and(|format| format > check.known);
    let finding = match (&check.fault, check.bytes) {
        (_, None) => Finding::note(name, format!("{file} is not there yet.")),
        (None, Some(_)) if newer => {
            Finding::problem(name, format!("{file} was written by a newer version."))
                .remedy("Install the newest version of Freewheel; nothing was changed.")
        }
        (None, Some(_)) if check.format.is_none() => Finding::note(
            name,
            format!("A program ended in the middle of making {file}; what it left half-done is not undone yet."),
        )
        .remedy("Start Freewheel: it is undone before anything else."),
        (None, Some(bytes)) => {
            let format = check.format.unwrap_or_default();
            Finding::ok(
                name,
                format!("{file} is sound: {}, format {format}.", size(bytes)),
            )
        }
        (Some(fault), Some(_)) if precious => {
            Finding::problem(name, format!("{file} is damaged: {fault}.")).remedy(
                "Close every Freewheel program and start one again: what can be read is saved, and the damaged file is kept.",
            )
        }
        (Some(fault), Some(_)) => Finding::problem(name, format!("{file} is damaged: {fault}."))
            .remedy("It is only a cache: the app sets it aside and fetches the library again."),
    };
    finding
        .fact("path", check.path.display().to_string())
        .fact("bytes", check.bytes)
        .fact("format", check.format)
        .fact("known_format", check.known)
        .fact("sound", check.fault.is_none())
}

/// What became of a damaged database, where there ever was one.
pub(super) fn salvage(salvage: &Salvage) -> Finding {
    let kept = salvage.kept.display().to_string();
    Finding::note("salvage", salvage.words())
        .remedy("Look whether a ride is missing; if so, keep that file and contact support.")
        .fact("kept", kept)
        .fact("rides", salvage.rides)
        .fact("queued_again", salvage.queued_again)
}

/// What is known of the sign-in could once not be read.
pub(super) fn unread(at: i64) -> Finding {
    let words = format!(
        "On {} not all that is stored of the sign-in could be read. The rest counts; the text is kept in athlete.db.",
        moment(at)
    );
    Finding::note("unread_facts", words)
        .remedy("Nothing has to be done, unless the app asks you to sign in.")
        .fact("at", at)
}

pub(super) fn vault(vault: &VaultSeen) -> Finding {
    const NAME: &str = "vault";
    let finding = match &vault.answer {
        Ok(()) if vault.kind == VaultKind::KeyFile => {
            let path = vault.file.display();
            let words = format!(
                "The key to your sign-in is in a file, {path}: weaker than a keyring, for anyone who can read your \
                 files can read it."
            );
            Finding::note(NAME, words)
        }
        Ok(()) => Finding::ok(
            NAME,
            "The keyring answers and holds the key to your sign-in.",
        ),
        Err(VaultError::Missing) if vault.wanted && vault.in_file => {
            let path = vault.file.display();
            let words = format!("The key to your sign-in was kept in {path}, and is not there.");
            Finding::problem(NAME, words).remedy(
                "Put that file back if you have it, or sign in again; your rides and what waits stay as they are.",
            )
        }
        Err(VaultError::Failed(why)) if vault.in_file => {
            Finding::problem(NAME, format!("The key file could not be used: {why}."))
                .remedy("Put its owner and permissions right. Riding works without it.")
        }
        Err(VaultError::Missing) if vault.wanted => {
            Finding::problem(NAME, "The keyring answers and has no key to your sign-in.")
                .remedy("Sign in again; your rides and what waits stay as they are.")
        }
        Err(VaultError::Missing) => {
            Finding::ok(NAME, "The keyring answers; no sign-in is kept in it.")
        }
        Err(error) => {
            let words = format!("{}.", capital(&error.to_string()));
            let finding = if vault.wanted {
                Finding::problem(NAME, words)
            } else {
                Finding::note(NAME, words)
            };
            finding.remedy(remedy(error, vault.wanted))
        }
    };
    let condition = match &vault.answer {
        Ok(()) => "ready",
        Err(error) => error.code().trim_start_matches("vault_"),
    };
    finding
        .fact("kind", vault.kind.as_str())
        .fact("condition", condition)
        .fact("wanted", vault.wanted)
}

fn remedy(error: &VaultError, wanted: bool) -> &'static str {
    match error {
        VaultError::Locked | VaultError::TimedOut => {
            "Unlock it, for example by logging in to the desktop; Freewheel notices within a minute. Riding works without it."
        }
        VaultError::Denied(_) => {
            "Allow Freewheel in the keyring's own settings. Riding works without it."
        }
        VaultError::Absent(_) if wanted => {
            "Start this system's keyring (for example GNOME Keyring), or sign in again to use a key file. Riding works without it."
        }
        VaultError::Absent(_) => {
            "Nothing has to be done: a sign-in would be kept with a key file, which is weaker."
        }
        _ => "Restart the keyring, or log in to the desktop again. Riding works without it.",
    }
}

/// The key file, where there is one.
pub(super) fn key_file(vault: &VaultSeen) -> Option<Finding> {
    const NAME: &str = "key_file";
    let mode = vault.mode?;
    let path = vault.file.display().to_string();
    let finding = if let Some(line) = vault.damaged_line {
        damaged(vault, line)
    } else if mode & OTHERS == 0 {
        Finding::ok(
            NAME,
            format!("Only you can read it (mode {}).", octal(mode)),
        )
    } else {
        Finding::problem(
            NAME,
            format!("Others could read {path} (mode {}).", octal(mode)),
        )
        .remedy(
            "Its mode was put right to 600. If others use this computer, sign out and in again.",
        )
    };
    Some(finding.fact("path", path).fact("mode", octal(mode)))
}

/// A key file with lines that are not what this app writes.
fn damaged(vault: &VaultSeen, line: usize) -> Finding {
    let path = vault.file.display();
    let words = format!("{path}, line {line}, is damaged: a key in it cannot be read.");
    if vault.answer.is_ok() {
        Finding::note("key_file", format!("{words} Yours is not among them."))
            .remedy("Nothing has to be done: a copy is kept when the file is next written.")
    } else {
        Finding::problem("key_file", words).remedy(
            "Put a sound copy of that file in its place if you have one, or sign in again: a new key is made, and the \
             damaged file is kept beside it.",
        )
    }
    .fact("damaged_line", line)
}

fn octal(mode: u32) -> String {
    format!("{mode:03o}")
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000.. => format!("{} MB", bytes / 1_000_000),
    }
}

fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(signs)
        .collect()
}
