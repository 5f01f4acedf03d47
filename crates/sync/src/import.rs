//! Own workout files: found, read, and told what became of each.

use std::path::{Path, PathBuf};

use freewheel_workout::read_any;

use crate::store::{Store, StoreError};
use crate::view::ImportOutcome;

/// What is looked for in a folder.
const ENDINGS: [&str; 3] = ["zwo", "erg", "mrc"];
/// Folders deeper than this are passed over.
const MAX_DEPTH: usize = 16;
/// A larger file is no workout; in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Reads every file and every workout file below every folder. With `dry_run` nothing is kept.
pub(crate) fn import(
    store: &Store,
    paths: &[PathBuf],
    ftp_watts: u16,
    at: i64,
    dry_run: bool,
) -> Vec<ImportOutcome> {
    let mut files = Vec::new();
    let mut outcomes = Vec::new();
    for path in paths {
        if let Err(error) = collect(path, 0, &mut files) {
            outcomes.push(refused(path, format!("{}: {error}", path.display())));
        }
    }
    outcomes.extend(files.iter().map(|file| {
        let keep = |workout: &_, name: &str| match dry_run {
            true => Ok(freewheel_workout::content_id(workout)),
            false => store.import_own(workout, name, at),
        };
        one(file, ftp_watts, keep)
    }));
    outcomes
}

fn one(
    file: &Path,
    ftp_watts: u16,
    keep: impl Fn(&freewheel_workout::Workout, &str) -> Result<String, StoreError>,
) -> ImportOutcome {
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let bytes = match bounded(file) {
        Ok(bytes) => bytes,
        Err(error) => return refused(file, format!("{}: {error}", file.display())),
    };
    let read = match read_any(&bytes, &name, Some(f64::from(ftp_watts))) {
        Ok(read) => read,
        Err(error) => return refused(file, error.to_string()),
    };
    match keep(&read.workout, &name) {
        Ok(id) => ImportOutcome {
            file: file.display().to_string(),
            workout_id: Some(id),
            seconds: Some(read.workout.seconds()),
            name: Some(read.workout.name),
            warnings: read.warnings.iter().map(ToString::to_string).collect(),
            error: None,
        },
        Err(error) => refused(file, error.to_string()),
    }
}

fn bounded(file: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(file)
        .map_err(|error| error.to_string())?
        .len();
    if length > MAX_BYTES {
        return Err(format!("{length} bytes is too large for a workout file"));
    }
    std::fs::read(file).map_err(|error| error.to_string())
}

fn refused(file: &Path, error: String) -> ImportOutcome {
    ImportOutcome {
        file: file.display().to_string(),
        workout_id: None,
        name: None,
        seconds: None,
        warnings: Vec::new(),
        error: Some(error),
    }
}

/// Files in the order of their names, so that the same folder gives the same list.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type()?;
        let wanted = path
            .extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| {
                ENDINGS
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(ending))
            });
        // Links to folders are passed over: they may lead in circles.
        if kind.is_dir() || wanted {
            collect(&path, depth + 1, files)?;
        }
    }
    Ok(())
}
