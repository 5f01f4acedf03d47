//! Tools that the tests use, at pinned versions, all under `target/tools`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::place::Place;
use crate::step::{self, Failure, Outcome};

const TAURI_DRIVER: (&str, &str) = ("tauri-driver", "2.1.0");
const CARGO_DENY: (&str, &str) = ("cargo-deny", "0.20.2");
const CARGO_MUTANTS: (&str, &str) = ("cargo-mutants", "27.1.0");

/// `tauri-driver`: lets a test press the buttons of the real window.
///
/// # Errors
/// When it is missing and cannot be built.
pub fn tauri_driver(place: &Place) -> Outcome<PathBuf> {
    cargo_tool(place, TAURI_DRIVER, "drives the real window in tests")
}

/// `cargo-deny`: checks licences, bans and sources of the dependencies.
///
/// # Errors
/// When it is missing and cannot be built.
pub fn cargo_deny(place: &Place) -> Outcome<PathBuf> {
    cargo_tool(
        place,
        CARGO_DENY,
        "checks licences, bans and sources of the dependencies",
    )
}

/// `cargo-mutants`: breaks the code and sees whether a test notices.
///
/// # Errors
/// When it is missing and cannot be built.
pub fn cargo_mutants(place: &Place) -> Outcome<PathBuf> {
    cargo_tool(place, CARGO_MUTANTS, "breaks the code to test the tests")
}

/// Python with the packages of `tests/requirements.txt`, for tests alone. Gives the interpreter.
///
/// # Errors
/// When Python is missing or the packages cannot be fetched.
pub fn python(place: &Place) -> Outcome<PathBuf> {
    let folder = place.in_target("tools/python");
    let interpreter = folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let requirements = place.at("tests/requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .map_err(|error| Failure::of("read tests/requirements.txt", error.to_string()))?;
    let stamp = folder.join("requirements.stamp");
    if interpreter.exists() && fs::read_to_string(&stamp).is_ok_and(|old| old == wanted) {
        println!("\n==> Python's packages for tests: as in tests/requirements.txt");
        return Ok(interpreter);
    }
    let mut venv = Command::new(if cfg!(windows) { "python" } else { "python3" });
    venv.args(["-m", "venv"]).arg(&folder);
    let remedy = "install Python 3 with its venv module (Debian: python3-venv)";
    step::run(
        "A Python of the tests' own (for Garmin's FIT decoder)",
        &mut venv,
        remedy,
    )?;
    let mut install = Command::new(&interpreter);
    install
        .args(["-m", "pip", "install", "--quiet", "--requirement"])
        .arg(&requirements);
    step::run(
        "Its packages",
        &mut install,
        "is the network there? pip's words are above",
    )?;
    fs::write(&stamp, wanted)
        .map_err(|error| Failure::of(&format!("write {}", stamp.display()), error.to_string()))?;
    Ok(interpreter)
}

fn cargo_tool(place: &Place, (name, version): (&str, &str), why: &str) -> Outcome<PathBuf> {
    let program = place.tool(name);
    if installed_version(place, name).as_deref() == Some(version) {
        println!("\n==> {name} {version}: installed");
        return Ok(program);
    }
    let mut install = place.cargo();
    // A debug build: it is there minutes sooner and fast enough for what it does here. The build
    // folder is shared by the tools, so that what they have in common is built once.
    install
        .env("CARGO_TARGET_DIR", place.in_target("tools/build"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .args([
            "install",
            "--debug",
            "--locked",
            "--force",
            "--version",
            version,
            "--root",
        ])
        .arg(place.in_target("tools"))
        .arg(name);
    let remedy = "is the network there? the compiler's words are above";
    step::run(
        &format!("Install {name} {version} ({why})"),
        &mut install,
        remedy,
    )?;
    Ok(program)
}

/// The version that stands in cargo's own list of what it installed under `target/tools`, if
/// the program is there too.
fn installed_version(place: &Place, name: &str) -> Option<String> {
    if !place.tool(name).exists() {
        return None;
    }
    let list = fs::read_to_string(place.in_target("tools/.crates.toml")).ok()?;
    listed_version(&list, name)
}

fn listed_version(list: &str, name: &str) -> Option<String> {
    let entry = format!("\"{name} ");
    let line = list.lines().find(|line| line.starts_with(&entry))?;
    line.strip_prefix(&entry)?
        .split(' ')
        .next()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::listed_version;

    #[test]
    fn the_installed_version_is_read_from_cargos_list() {
        let list = "[v1]\n\
            \"cargo-deny 0.20.2 (registry+https://example.org/index)\" = [\"cargo-deny\"]\n\
            \"tauri-driver 2.1.0 (registry+https://example.org/index)\" = [\"tauri-driver\"]\n";
        assert_eq!(
            listed_version(list, "tauri-driver").as_deref(),
            Some("2.1.0")
        );
        assert_eq!(
            listed_version(list, "cargo-deny").as_deref(),
            Some("0.20.2")
        );
        assert_eq!(listed_version(list, "tauri"), None);
        assert_eq!(listed_version("", "tauri"), None);
    }
}
