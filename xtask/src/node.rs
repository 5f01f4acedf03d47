//! Node.js and npm: there, and new enough to build the user interface.

use std::process::Command;

use crate::step::{Failure, Outcome};

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
