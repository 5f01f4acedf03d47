//! How often a program has the disk sync, as strace(1) sees it.

use std::path::Path;
use std::process::Command;

use crate::Trouble;

/// Runs a command and counts its calls of fsync(2) and fdatasync(2) between two of its writes of `mark` to standard error:
/// one list of files for each stretch between marks, the first stretch being that before the first mark.
///
/// # Errors
/// There is no strace (package `strace`), or the command failed.
pub fn between_marks(
    mut command: Command,
    trace: &Path,
    mark: &str,
) -> Result<Vec<Vec<String>>, Trouble> {
    let mut traced = Command::new("strace");
    traced
        .args([
            "-f",
            "-y",
            "-e",
            "trace=fsync,fdatasync,write",
            "-s",
            "64",
            "-o",
        ])
        .arg(trace)
        .arg(command.get_program())
        .args(command.get_args())
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let ran = traced
        .output()
        .map_err(|error| format!("strace (package strace): {error}"))?;
    command.env_clear();
    if !ran.status.success() {
        return Err(format!("{}", String::from_utf8_lossy(&ran.stderr)).into());
    }
    Ok(stretches(&std::fs::read_to_string(trace)?, mark))
}

fn stretches(trace: &str, mark: &str) -> Vec<Vec<String>> {
    let mut stretches = vec![Vec::new()];
    for line in trace.lines() {
        // A call that another one came between is on two lines; the first has its arguments.
        if line.contains("resumed>") {
            continue;
        }
        if line.contains(" write(2") && line.contains(mark) {
            stretches.push(Vec::new());
        } else if (line.contains(" fsync(") || line.contains(" fdatasync("))
            && let Some(file) = line
                .split_once('<')
                .and_then(|(_, rest)| rest.split_once('>'))
            && let Some(stretch) = stretches.last_mut()
        {
            stretch.push(file.0.to_owned());
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_counted_from_mark_to_mark() {
        let trace = "7 fdatasync(4</a/athlete.db-wal>) = 0\n\
                     7 write(2</dev/pts/0>, \"mark\\n\", 5) = 5\n\
                     7 fsync(5</a/x>) = 0\n\
                     8 fdatasync(4</a/y> <unfinished ...>\n\
                     8 <... fdatasync resumed>) = 0\n\
                     7 write(1</dev/pts/0>, \"mark\\n\", 5) = 5\n\
                     7 write(2</dev/pts/0>, \"mark\\n\", 5) = 5\n";
        assert_eq!(
            stretches(trace, "mark"),
            [vec!["/a/athlete.db-wal"], vec!["/a/x", "/a/y"], vec![]]
        );
    }
}
