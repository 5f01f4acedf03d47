//! A child process whose output goes to files and who does not outlive its owner.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::LabError;
use crate::wait::{Seen, until};

/// How much of a program's output an error quotes, in bytes.
const QUOTED: usize = 2000;

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    lines_read: usize,
}

impl Program {
    /// Starts `command`; its output goes to `NAME.out` and `NAME.err` in `logs` (appended).
    ///
    /// # Errors
    /// The log files cannot be written, or the program cannot be started.
    pub fn start(name: &str, command: &mut Command, logs: &Path) -> Result<Self, LabError> {
        let stdout = logs.join(format!("{name}.out"));
        let stderr = logs.join(format!("{name}.err"));
        let append = |path: &Path| {
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .map_err(LabError::io(path.display().to_string()))
        };
        // Lines of an earlier run under the same name do not count.
        let lines_read = fs::read_to_string(&stdout)
            .unwrap_or_default()
            .lines()
            .count();
        let child = command
            .stdin(Stdio::piped())
            .stdout(append(&stdout)?)
            .stderr(append(&stderr)?)
            .spawn()
            .map_err(LabError::io(format!("starting {name}")))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            stdout,
            stderr,
            lines_read,
        })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes `text` to its standard input.
    ///
    /// # Errors
    /// It no longer reads.
    pub fn send(&mut self, text: &str) -> Result<(), LabError> {
        let what = format!("writing to {}", self.name);
        match self.child.stdin.as_mut() {
            Some(stdin) => stdin
                .write_all(text.as_bytes())
                .and_then(|()| stdin.flush())
                .map_err(LabError::io(what)),
            None => Err(LabError::Unexpected(format!("{what}: its input is closed"))),
        }
    }

    /// Closes its standard input.
    pub fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// The next line on its standard output for which `pick` gives something; lines before it are passed over.
    ///
    /// # Errors
    /// It ended, or wrote no such line within `bound`.
    pub async fn line<T>(
        &mut self,
        what: &str,
        bound: Duration,
        pick: impl Fn(&str) -> Option<T>,
    ) -> Result<T, LabError> {
        until(what, bound, async || {
            let ended = self.ended();
            let text = fs::read_to_string(&self.stdout).unwrap_or_default();
            // The last piece has no newline yet: it may still grow.
            let complete = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            for line in complete.skip(self.lines_read) {
                self.lines_read += 1;
                if let Some(value) = pick(line.trim_end()) {
                    return Ok(Some(value));
                }
            }
            match ended {
                Some(status) => Err(self.gone(status)),
                None => Ok(None),
            }
        })
        .await
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// An error when it has ended.
    ///
    /// # Errors
    /// [`LabError::Ended`] with the end of its output.
    pub fn still_runs(&mut self) -> Result<(), LabError> {
        self.ended().map_or(Ok(()), |status| Err(self.gone(status)))
    }

    /// Sends SIGTERM and waits until it has ended.
    ///
    /// # Errors
    /// It did not end within `bound`.
    pub async fn terminate(&mut self, bound: Duration) -> Result<ExitStatus, LabError> {
        signal(self.id(), Signal::TERM);
        self.wait(bound).await
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It did not end within `bound`.
    pub async fn wait(&mut self, bound: Duration) -> Result<ExitStatus, LabError> {
        let what = format!("the end of {}", self.name);
        until(&what, bound, async || Ok(Seen::from(self.ended()))).await
    }

    /// Kills it at once (SIGKILL); it gets no chance to do anything.
    pub fn kill9(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Everything that it wrote to its standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// Everything that it wrote to its standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Where its standard error goes.
    #[must_use]
    pub fn stderr_path(&self) -> &Path {
        &self.stderr
    }

    fn gone(&self, status: ExitStatus) -> LabError {
        let wrote = format!("{}{}", self.stdout(), self.stderr());
        let from = wrote.ceil_char_boundary(wrote.len().saturating_sub(QUOTED));
        LabError::Ended {
            program: self.name.clone(),
            status: status.to_string(),
            wrote: wrote.get(from..).unwrap_or_default().to_owned(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// Sends a signal; a process that is gone already is fine.
pub(crate) fn signal(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
