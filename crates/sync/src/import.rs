//! Own workout files: found, read, and told what became of each.

use std::fs::{self, File};
use std::io::{self, Read as _};
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
    let mut found = Vec::new();
    for path in paths {
        visit(path, 0, &mut found);
    }
    let keep = |workout: &_, name: &str| match dry_run {
        true => Ok(freewheel_workout::content_id(workout)),
        false => store.import_own(workout, name, at),
    };
    found
        .into_iter()
        .map(|file| file.map_or_else(|refusal| refusal, |file| one(&file, ftp_watts, keep)))
        .collect()
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

/// The bytes of an ordinary file. A pipe may never end, and a device tells no length: both are left alone.
fn bounded(file: &Path) -> Result<Vec<u8>, String> {
    let words = |error: io::Error| error.to_string();
    let about = fs::metadata(file).map_err(words)?;
    if !about.is_file() {
        return Err("this is not an ordinary file".to_owned());
    }
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|open| open.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(words)?;
    let length = about.len().max(bytes.len() as u64);
    if length > MAX_BYTES {
        return Err(format!("{length} bytes is too large for a workout file"));
    }
    Ok(bytes)
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

/// Files in the order of their names, so that the same folder gives the same list. What cannot be looked at is told in
/// its place and holds nothing else up.
fn visit(path: &Path, depth: usize, found: &mut Vec<Result<PathBuf, ImportOutcome>>) {
    let inside = match fs::metadata(path) {
        Ok(about) if !about.is_dir() => return found.push(Ok(path.to_owned())),
        Ok(_) if depth == MAX_DEPTH => return,
        Ok(_) => wanted(path),
        Err(error) => Err(error),
    };
    match inside {
        Ok(inside) => inside.iter().for_each(|path| visit(path, depth + 1, found)),
        Err(error) => found.push(Err(refused(path, format!("{}: {error}", path.display())))),
    }
}

/// The folders and workout files in a folder.
fn wanted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // Links to folders are passed over, whatever their names: they may lead in circles.
        if entry.file_type()?.is_dir() || (has_ending(&path) && !path.is_dir()) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn has_ending(path: &Path) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| {
            ENDINGS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(ending))
        })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;
    use crate::home::Home;

    const GOOD: &str = "<workout_file><name>Good</name><workout>\
                        <SteadyState Duration=\"60\" Power=\"0.5\"/></workout></workout_file>";

    /// File name and whether it was read, for each outcome.
    fn outcomes(folder: &Path) -> Vec<(String, bool)> {
        let profile = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(profile.path().to_owned())).unwrap();
        let store = Store::open(&home.open().unwrap()).unwrap();
        import(&store, &[folder.to_owned()], 200, 0, true)
            .into_iter()
            .map(|outcome| {
                let file = Path::new(&outcome.file).file_name().unwrap_or_default();
                (file.to_string_lossy().into_owned(), outcome.error.is_none())
            })
            .collect()
    }

    #[test]
    fn a_link_to_nowhere_is_told_and_holds_no_other_file_up() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.zwo"), GOOD).unwrap();
        symlink("/nowhere/at/all", folder.path().join("b.zwo")).unwrap();
        fs::write(folder.path().join("c.zwo"), GOOD).unwrap();
        let expected = [("a.zwo", true), ("b.zwo", false), ("c.zwo", true)];
        assert_eq!(
            outcomes(folder.path()),
            expected.map(|(name, read)| (name.to_owned(), read))
        );
    }

    #[test]
    fn links_to_folders_are_passed_over_even_when_named_like_workouts() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["loop", "loop.zwo", "another.zwo"] {
            symlink(folder.path(), folder.path().join(name)).unwrap();
        }
        fs::create_dir(folder.path().join("real.zwo")).unwrap();
        fs::write(folder.path().join("real.zwo/a.zwo"), GOOD).unwrap();
        assert_eq!(outcomes(folder.path()), [("a.zwo".to_owned(), true)]);
    }

    #[test]
    fn pipes_and_devices_are_refused_without_being_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.zwo");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        symlink("/dev/zero", folder.path().join("zero.zwo")).unwrap();
        let expected = [("pipe.zwo", false), ("zero.zwo", false)];
        assert_eq!(
            outcomes(folder.path()),
            expected.map(|(name, read)| (name.to_owned(), read))
        );
    }
}
