//! The user interface: its packages and its build, each only when something changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use crate::node;
use crate::place::Place;
use crate::step::{self, Outcome};

/// Installs the packages and builds `ui/dist`, which the app carries inside.
///
/// # Errors
/// When npm or the build fails.
pub fn build(place: &Place) -> Outcome {
    packages(place)?;
    let stamp = place.in_target("xtask/ui-build.stamp");
    let built = place.at("ui/dist/index.html").exists();
    if built && fs::read_to_string(&stamp).is_ok_and(|old| old == sources(&place.at("ui"))) {
        println!("\n==> User interface: ui/dist is up to date");
        return Ok(());
    }
    let remedy = "the compiler's words are above; `cargo xtask test` also checks the types";
    step::run(
        "Build the user interface",
        npm(place).args(["run", "build"]),
        remedy,
    )?;
    // Read again: a build may write files of its own beside the sources.
    node::keep(&stamp, &sources(&place.at("ui")))
}

/// Installs exactly the packages of `ui/package-lock.json`, once for each state of that file.
///
/// # Errors
/// When npm fails, or there is no lock file.
pub fn packages(place: &Place) -> Outcome {
    node::packages(place, "ui", "the user interface's", "ui-packages.stamp")
}

/// A command that runs npm in `ui/`.
pub fn npm(place: &Place) -> Command {
    let mut command = node::npm();
    command.current_dir(place.at("ui"));
    command
}

/// Every source file with its length and time of change, one per line: equal text means that
/// nothing was added, removed or edited.
fn sources(ui: &Path) -> String {
    let mut found = BTreeMap::new();
    let mut folders = vec![ui.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() {
                if name != "node_modules" && name != "dist" {
                    folders.push(path);
                }
            } else if let Ok(about) = path.metadata() {
                let changed = about
                    .modified()
                    .ok()
                    .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                found.insert(path, (about.len(), changed.unwrap_or_default().as_nanos()));
            }
        }
    }
    found
        .iter()
        .map(|(path, (len, changed))| format!("{} {len} {changed}\n", path.display()))
        .collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_an_addition_and_a_removal_are_all_seen_and_the_build_itself_is_not() {
        let folder = std::env::temp_dir().join(format!("xtask-ui-{}", std::process::id()));
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::create_dir_all(folder.join("dist")).unwrap();
        fs::write(folder.join("src/a.ts"), "a").unwrap();
        let first = sources(&folder);
        fs::write(folder.join("dist/index.html"), "built").unwrap();
        assert_eq!(
            first,
            sources(&folder),
            "the build's own output is no source"
        );
        fs::write(folder.join("src/b.ts"), "b").unwrap();
        let added = sources(&folder);
        fs::write(folder.join("src/a.ts"), "longer").unwrap();
        let edited = sources(&folder);
        fs::remove_file(folder.join("src/b.ts")).unwrap();
        let removed = sources(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert!(first != added && added != edited && edited != removed);
    }
}
