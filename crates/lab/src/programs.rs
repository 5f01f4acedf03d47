//! Where programs are: the project's own beside the test, the system's in the path.

use std::env;
use std::path::{Path, PathBuf};

use crate::LabError;

/// MiniBrowser, the plain window around WebKit that Debian ships with the library.
const MINI_BROWSER: &str = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

/// The desktop app.
///
/// # Errors
/// [`LabError::NotBuilt`].
pub fn desktop_app() -> Result<PathBuf, LabError> {
    built("freewheel-desktop")
}

/// The command-line client.
///
/// # Errors
/// [`LabError::NotBuilt`].
pub fn cli() -> Result<PathBuf, LabError> {
    built("freewheel")
}

/// The reference server.
///
/// # Errors
/// [`LabError::NotBuilt`].
pub fn server() -> Result<PathBuf, LabError> {
    built("freewheel-server")
}

/// A program of this workspace, in the folder of the running one or (for tests, which run in `deps`) above it.
///
/// # Errors
/// [`LabError::NotBuilt`].
pub fn built(name: &str) -> Result<PathBuf, LabError> {
    let here = env::current_exe().map_err(LabError::io("finding the running program"))?;
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let places: Vec<PathBuf> = here
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(&file))
        .collect();
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| LabError::NotBuilt(places.last().cloned().unwrap_or_default()))
}

/// The program that turns a Tauri window into a WebDriver session: `$FREEWHEEL_TAURI_DRIVER`, else what the set-up put
/// under `target/tools`, else the one in the path.
///
/// # Errors
/// [`LabError::MissingProgram`].
pub fn tauri_driver() -> Result<PathBuf, LabError> {
    if let Some(path) = env::var_os("FREEWHEEL_TAURI_DRIVER") {
        return Ok(path.into());
    }
    let name = format!("tauri-driver{}", env::consts::EXE_SUFFIX);
    let set_up = env::current_exe().ok().and_then(|here| {
        here.ancestors()
            .map(|folder| folder.join("tools/bin").join(&name))
            .find(|path| path.is_file())
    });
    set_up.map_or_else(
        || installed("tauri-driver", "none: a tool of the project"),
        Ok,
    )
}

/// MiniBrowser, a real browser window for the sign-in page.
///
/// # Errors
/// [`LabError::MissingProgram`].
pub fn mini_browser() -> Result<PathBuf, LabError> {
    let path = PathBuf::from(MINI_BROWSER);
    if path.is_file() {
        return Ok(path);
    }
    installed("MiniBrowser", "libwebkit2gtk-4.1-0")
}

/// A program of the system.
///
/// # Errors
/// [`LabError::MissingProgram`] naming the package.
pub fn installed(program: &str, package: &'static str) -> Result<PathBuf, LabError> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/bin"), PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|candidate| is_program(candidate))
        .ok_or_else(|| LabError::MissingProgram {
            program: program.to_owned(),
            package,
        })
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
