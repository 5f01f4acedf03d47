//! The reference server as a process of its own, to be killed and started again.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::port::Port;
use crate::program::Program;
use crate::{LabError, programs};

/// How long the server may take until it listens (the first start seeds its library).
const START: Duration = Duration::from_secs(60);
/// How long it may take to end on SIGTERM.
const END: Duration = Duration::from_secs(30);

/// A running `freewheel-server`. Dropping it kills it.
#[derive(Debug)]
pub struct ServerProcess {
    program: Program,
    url: String,
    port: Port,
    data: PathBuf,
    args: Vec<String>,
}

impl ServerProcess {
    /// Starts the server over `data` on `port` of 127.0.0.1 (a free one if `None`) with further `args`, and waits
    /// until it listens. Its output goes to `server.out` and `server.err` beside `data`.
    ///
    /// # Errors
    /// It is not built, or ended, or does not listen in time.
    pub async fn start(data: &Path, port: Option<&Port>, args: &[&str]) -> Result<Self, LabError> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let port = Port::or_reserve(port)?;
        let (program, url) = launch(data, &port, &args).await?;
        Ok(Self {
            program,
            url,
            port,
            data: data.to_owned(),
            args,
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port that it listens on; nobody else gets it while the process is dead.
    #[must_use]
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The process, for its log.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Kills it at once (SIGKILL).
    pub fn kill9(&mut self) {
        self.program.kill9();
    }

    /// Ends it with SIGTERM.
    ///
    /// # Errors
    /// It did not end in time.
    pub async fn terminate(&mut self) -> Result<ExitStatus, LabError> {
        self.program.terminate(END).await
    }

    /// Starts it again on the same port, over the same data, after it was killed or ended.
    ///
    /// # Errors
    /// As [`ServerProcess::start`].
    pub async fn start_again(&mut self) -> Result<(), LabError> {
        self.program.kill9();
        let (program, url) = launch(&self.data, &self.port, &self.args).await?;
        (self.program, self.url) = (program, url);
        Ok(())
    }
}

async fn launch(data: &Path, port: &Port, args: &[String]) -> Result<(Program, String), LabError> {
    let logs = data.parent().unwrap_or(data);
    let mut command = Command::new(programs::server()?);
    command
        .arg("--listen")
        .arg(port.address().to_string())
        .arg("--data")
        .arg(data)
        .args(args);
    let mut program = Program::start("server", &mut command, logs)?;
    let url = program
        .line("the server's ready line", START, |line| {
            line.strip_prefix("listening on ")
                .map(|url| url.trim_end_matches('/').to_owned())
        })
        .await?;
    Ok((program, url))
}
