//! A `freewheel` command that runs beside the app.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout};

use super::past::unexpected;
use crate::LabError;
use crate::rig::soon;

/// A `freewheel` command that does not outlive the row.
pub(super) struct Running {
    child: Child,
    says: tokio::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(super) fn start(command: std::process::Command) -> Result<Self, LabError> {
        let mut command = tokio::process::Command::from(command);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.kill_on_drop(true).spawn();
        let mut child = child.map_err(LabError::io("starting the freewheel command"))?;
        let stdout = child.stdout.take().ok_or_else(|| unexpected("no output"))?;
        let says = BufReader::new(stdout).lines();
        Ok(Self { child, says })
    }

    /// The next word of its output that is the wanted one.
    pub(super) async fn word(&mut self, wanted: impl Fn(&str) -> bool) -> Result<String, LabError> {
        let has = |line: &str| line.split_whitespace().any(&wanted);
        let line = self.line(has).await?;
        let word = line.split_whitespace().find(|word| wanted(word));
        Ok(word.unwrap_or_default().to_owned())
    }

    /// The next line of its output that is the wanted one.
    pub(super) async fn line(&mut self, wanted: impl Fn(&str) -> bool) -> Result<String, LabError> {
        let reading = async {
            while let Some(line) = self.says.next_line().await? {
                if wanted(&line) {
                    return Ok(Some(line));
                }
            }
            Ok::<_, std::io::Error>(None)
        };
        let line = soon("a line of the freewheel command", reading).await?;
        let line = line.map_err(LabError::io("reading from the freewheel command"))?;
        line.ok_or_else(|| unexpected("the freewheel command ended without it"))
    }

    /// What it remarked, once it has ended well.
    pub(super) async fn ends_well(mut self) -> Result<String, LabError> {
        let mut remarks = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let read = soon("the command's remarks", stderr.read_to_string(&mut remarks)).await?;
            read.map_err(LabError::io("reading from the freewheel command"))?;
        }
        let status = soon("the command's end", self.child.wait()).await?;
        let status = status.map_err(LabError::io("waiting for the freewheel command"))?;
        if status.success() {
            return Ok(remarks);
        }
        Err(LabError::Ended {
            program: "freewheel sign-in".to_owned(),
            status: status.to_string(),
            wrote: remarks,
        })
    }
}
