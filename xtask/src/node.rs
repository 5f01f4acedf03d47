//! Node.js and npm: there, and new enough to build the user interface.

use std::process::Command;

use crate::step::{Failure, Outcome};

/// The oldest Node.js that the user interface's tools accept.
const OLDEST: u32 = 20;

const REMEDY: &str = "install Node.js 20 or newer with its npm: https://nodejs.org/en/download \
    (Debian 12's own package is too old)";

/// Checks both, and says what was found.
///
/// # Errors
/// When one of them is missing, or Node.js is older than version 20.
pub fn check() -> Outcome {
    println!("\n==> Node.js {OLDEST} or newer");
    let node = version("node")?;
    let npm = version("npm")?;
    if major(&node).is_none_or(|major| major < OLDEST) {
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

fn major(version: &str) -> Option<u32> {
    version
        .strip_prefix('v')
        .unwrap_or(version)
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read() {
        let cases = [
            ("v20.20.2", Some(20)),
            ("22.1.0", Some(22)),
            ("v9", Some(9)),
            ("no", None),
        ];
        for (version, expected) in cases {
            assert_eq!(major(version), expected, "{version}");
        }
    }
}
