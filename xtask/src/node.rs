//! Node.js and npm: there, new enough, and the packages that a lock file names.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place::Place;
use crate::step::{self, Failure, Outcome};

/// The oldest Node.js that the user interface's tools accept, as major and minor version.
const OLDEST: (u32, u32) = (20, 19);

const REMEDY: &str = "install Node.js 20.19 or newer with its npm: https://nodejs.org/en/download \
    (Debian 12's own package is too old)";

/// Checks both, and says what was found.
///
/// # Errors
/// When one of them is missing, or Node.js is older than version 20.19.
pub fn check() -> Outcome {
    println!("\n==> Node.js {}.{} or newer", OLDEST.0, OLDEST.1);
    let node = version("node")?;
    let npm = version("npm")?;
    if number(&node).is_none_or(|number| number < OLDEST) {
        return Err(Failure::of("node --version", format!("found {node}")).remedy(REMEDY));
    }
    println!("    node {node}, npm {npm}");
    Ok(())
}

/// A command that runs npm in the user interface's folder.
pub fn npm() -> Command {
    // On Windows npm is a script, which only its full name finds.
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Installs exactly the packages of `FOLDER/package-lock.json`, once for each state of that file. `whose` names them in
/// the step's title; `stamp` is the file under `target/xtask` that remembers the state.
///
/// # Errors
/// When npm fails, or there is no lock file.
pub fn packages(place: &Place, folder: &str, whose: &str, stamp: &str) -> Outcome {
    let lock = format!("{folder}/package-lock.json");
    let wanted = fs::read_to_string(place.at(&lock)).map_err(|error| {
        Failure::of(&format!("read {lock}"), error.to_string())
            .remedy("restore it from git; npm ci installs exactly what it lists")
    })?;
    let stamp = place.in_target("xtask").join(stamp);
    let there = place.at(folder).join("node_modules").is_dir();
    if there && fs::read_to_string(&stamp).is_ok_and(|old| old == wanted) {
        println!("\n==> {whose} packages: as in {lock}");
        return Ok(());
    }
    let mut install = npm();
    install
        .current_dir(place.at(folder))
        .args(["ci", "--no-audit", "--no-fund"]);
    let remedy = "is the network there? npm's words are above";
    step::run(&format!("Install {whose} packages"), &mut install, remedy)?;
    keep(&stamp, &wanted)
}

/// The packages of the certified OpenID Connect provider that tests sign in at.
///
/// # Errors
/// When npm fails.
pub fn peers(place: &Place) -> Outcome {
    let folder = "crates/lab/peers/oidc-provider";
    packages(
        place,
        folder,
        "the tests' OpenID provider's",
        "oidc-provider.stamp",
    )
}

/// Writes a stamp, and the folder that it is in.
///
/// # Errors
/// When it cannot be written.
pub fn keep(stamp: &Path, text: &str) -> Outcome {
    let folder = stamp.parent().unwrap_or(stamp);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(stamp, text))
        .map_err(|error| Failure::of(&format!("write {}", stamp.display()), error.to_string()))
}

fn version(program: &str) -> Outcome<String> {
    let line = format!("{program} --version");
    let mut command = if program == "npm" {
        npm()
    } else {
        Command::new(program)
    };
    let output = command
        .arg("--version")
        .output()
        .map_err(|error| Failure::of(&line, error.to_string()).remedy(REMEDY))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::of(&line, why).remedy(REMEDY));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Major and minor version.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix('v').unwrap_or(version).split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, number};

    #[test]
    fn versions_are_read_and_compared() {
        let cases = [
            ("v20.20.2", true),
            ("20.19.0", true),
            ("v22.1.0", true),
            ("v20.18.3", false),
            ("v9.99.0", false),
            ("no", false),
        ];
        for (version, expected) in cases {
            assert_eq!(
                number(version).is_some_and(|number| number >= OLDEST),
                expected,
                "{version}"
            );
        }
    }
}
