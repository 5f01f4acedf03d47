//! The workouts that a server publishes: ZWO files, and a `plan.json` beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use freewheel_workout::{ReadError, Workout, zwo};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");

const PLAN_FILE: &str = "plan.json";

/// Where the workouts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Library {
    /// The library inside the program.
    BuiltIn,
    /// The ZWO files in a folder, and its `plan.json` if there is one.
    Folder(PathBuf),
    /// Nothing: only what is published by hand.
    Empty,
}

/// A library could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The folder or a file in it cannot be read.
    #[error("cannot read the library {}: {reason}", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A workout file is refused.
    #[error("library: {0}")]
    Workout(#[from] Box<ReadError>),
    /// The plan file is not one.
    #[error("library: {PLAN_FILE}: {0}")]
    Plan(String),
}

/// The workouts and the plan of a library, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shelf {
    /// By id: the file's name without `.zwo`.
    pub(crate) workouts: BTreeMap<String, Workout>,
    pub(crate) plan: Plan,
}

/// A training plan: which workout on which day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Plan {
    pub(crate) items: Vec<PlannedDay>,
}

/// One planned workout.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PlannedDay {
    /// Days after the plan's first.
    pub(crate) day: u16,
    /// The workout's id.
    pub(crate) workout: String,
    #[serde(default)]
    pub(crate) note: Option<String>,
}

impl Library {
    pub(crate) fn read(&self) -> Result<Shelf, LibraryError> {
        match self {
            Self::BuiltIn => shelve(built_in_files()),
            Self::Folder(folder) => shelve(folder_files(folder)?),
            Self::Empty => Ok(Shelf::default()),
        }
    }
}

/// Files by name.
type Files = BTreeMap<String, Vec<u8>>;

fn built_in_files() -> Files {
    BUILT_IN
        .files()
        .filter_map(|file| {
            let name = file.path().file_name()?.to_str()?.to_owned();
            Some((name, file.contents().to_vec()))
        })
        .collect()
}

fn folder_files(folder: &Path) -> Result<Files, LibraryError> {
    let unreadable = |path: &Path, error: std::io::Error| LibraryError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if workout_id(name).is_some() || name == PLAN_FILE {
            let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, error))?;
            files.insert(name.to_owned(), bytes);
        }
    }
    Ok(files)
}

fn shelve(files: Files) -> Result<Shelf, LibraryError> {
    let mut shelf = Shelf::default();
    for (name, bytes) in &files {
        if let Some(id) = workout_id(name) {
            let read = zwo::read(bytes, name).map_err(Box::new)?;
            for warning in &read.warnings {
                tracing::warn!(file = name, %warning, "library");
            }
            shelf.workouts.insert(id.to_owned(), read.workout);
        }
    }
    if let Some(bytes) = files.get(PLAN_FILE) {
        shelf.plan =
            serde_json::from_slice(bytes).map_err(|error| LibraryError::Plan(error.to_string()))?;
    }
    match shelf
        .plan
        .items
        .iter()
        .find(|day| !shelf.workouts.contains_key(&day.workout))
    {
        Some(day) => Err(LibraryError::Plan(format!(
            "there is no workout {}.zwo",
            day.workout
        ))),
        None => Ok(shelf),
    }
}

fn workout_id(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(".zwo").filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_library_is_read_whole_and_its_plan_stands_on_it() {
        let shelf = Library::BuiltIn.read().unwrap();
        assert!(
            shelf.workouts.len() >= 60,
            "{} workouts",
            shelf.workouts.len()
        );
        assert_eq!(shelf.plan.items.first().unwrap().day, 0);
        assert!(shelf.plan.items.len() >= 12);
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bent.zwo"), "<workout_file>").unwrap();
        let error = Library::Folder(folder.path().to_owned())
            .read()
            .unwrap_err()
            .to_string();
        assert!(error.contains("bent.zwo"), "{error}");
    }

    #[test]
    fn a_plan_for_a_workout_that_is_not_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let plan = r#"{"items": [{"day": 0, "workout": "nowhere"}]}"#;
        std::fs::write(folder.path().join(PLAN_FILE), plan).unwrap();
        let error = Library::Folder(folder.path().to_owned())
            .read()
            .unwrap_err()
            .to_string();
        assert!(error.contains("nowhere.zwo"), "{error}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let missing = Library::Folder(PathBuf::from("/nowhere/at/all"));
        let error = missing.read().unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all"), "{error}");
    }
}
