//! The frozen FIT files as files in `rides/`, for people to open. Copies: the database keeps the truth.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::named_params;
use uuid::Uuid;

use super::ride_sample::timestamp;
use super::{Store, StoreError};

impl Store {
    /// Writes the files of finished rides that were never written, for example because the disk was full. A file that
    /// was written once and is gone was removed by someone, and stays gone. Returns how many were written.
    ///
    /// # Errors
    /// The first ride whose file could not be written; the others were tried.
    pub fn export_missing_files(&self) -> Result<usize, StoreError> {
        let missing: Vec<String> = self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM ride WHERE state = 'finished' AND exported = 0 ORDER BY started_at, id",
            )?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        })?;
        let (mut written, mut failed) = (0, None);
        for id in missing {
            match parse_id(&id).and_then(|id| self.export_ride(id)) {
                Ok(_) => written += 1,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(written), Err)
    }

    /// Writes the file of a finished ride and returns where it is.
    pub(super) fn export_ride(&self, id: Uuid) -> Result<PathBuf, StoreError> {
        let (name, started_at, fit): (String, i64, Vec<u8>) =
            self.athlete().read(|connection| {
                Ok(connection.query_row(
                    "SELECT name, started_at, fit FROM ride WHERE id = :id AND state = 'finished'",
                    named_params! { ":id": id.to_string() },
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )?)
            })?;
        let folder = self.home().rides();
        let path = folder.join(file_name(id, &name, started_at));
        write_whole(&folder, &path, &fit).map_err(|source| StoreError::File {
            path: path.clone(),
            source,
        })?;
        self.athlete().write(|connection| {
            connection.execute(
                "UPDATE ride SET exported = 1 WHERE id = :id",
                named_params! { ":id": id.to_string() },
            )?;
            Ok(())
        })?;
        Ok(path)
    }
}

/// `2026-03-01-sweet-spot-3x12-1a2b3c4d.fit`: the day is UTC's, so that the name does not depend on where the
/// computer is; the last digits of the id are the random ones.
fn file_name(id: Uuid, name: &str, started_at: i64) -> String {
    let day = timestamp(started_at).map_or_else(
        || "undated".to_owned(),
        |at| at.strftime("%Y-%m-%d").to_string(),
    );
    let id = id.simple().to_string();
    let tail = id.get(24..).unwrap_or(&id);
    format!("{day}-{}-{tail}.fit", slug(name))
}

fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let short: String = slug.chars().take(40).collect();
    let short = short.trim_end_matches('-');
    if short.is_empty() {
        "ride".to_owned()
    } else {
        short.to_owned()
    }
}

/// The whole file or none: written beside, made durable, then renamed.
fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&part, path)?;
    // The name itself must survive as well; folders cannot be opened for this on every system.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

pub(super) fn parse_id(text: &str) -> Result<Uuid, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Invalid(format!("id {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_day_name_and_id() {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_1a2b_3c4d);
        let cases = [
            ("Sweet Spot 3x12", "1970-01-01-sweet-spot-3x12-1a2b3c4d.fit"),
            (
                "  Über/Schwelle: \"hart\" ..",
                "1970-01-01-über-schwelle-hart-1a2b3c4d.fit",
            ),
            ("../../etc", "1970-01-01-etc-1a2b3c4d.fit"),
            ("***", "1970-01-01-ride-1a2b3c4d.fit"),
        ];
        for (name, expected) in cases {
            assert_eq!(file_name(id, name, 1000), expected);
        }
        assert!(file_name(id, &"long ".repeat(100), 0).len() < 80);
    }
}
