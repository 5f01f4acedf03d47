//! A row that is played by a child process in an environment of its own, and what it says to its parent: one line of
//! JSON for each thing that it wants done to the desktop session, and one for its report.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

use super::environment::{self, HOST, HOSTS, PROXY_PORT, Prepared, TRUSTED};
use super::play::Play;
use super::report::Report;
use super::row::Row;
use super::{catalogue, run};
use crate::LabError;
use crate::desktop::DesktopSession;
use crate::rig::soon;
use crate::site::{Authority, Settings, Shown};
use rustls::ServerConfig;
use std::sync::Arc;

/// Where the child finds what was prepared for it.
const FOLDER: &str = "FREEWHEEL_LAB_FOLDER";
/// Longer than any row takes.
const LONGEST: Duration = Duration::from_secs(150);

/// What is done to the desktop session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Locks the login collection.
    LockKeyring,
    /// Unlocks it from outside.
    UnlockKeyring,
    /// Starts the keyring with its login collection open.
    StartKeyring,
    /// Ends the keyring.
    StopKeyring,
    /// Starts a keyring that has nothing of what was kept so far; its login collection is open.
    NewKeyring,
    /// The same, and it has no collection either.
    EmptyKeyring,
    /// From now on whoever would have to be asked for a password is told so at once.
    BreakPrompter,
    /// From now on the bus lets nobody speak to the keyring.
    DenyKeyring,
    /// Starts a session bus.
    StartBus,
    /// Ends the session bus.
    StopBus,
}

/// A line from the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Ask(Ask),
    Report(Box<Report>),
}

/// What the child knows of its environment.
pub struct Inside {
    folder: PathBuf,
    elsewhere: bool,
    answers: tokio::sync::Mutex<tokio::io::Lines<BufReader<tokio::io::Stdin>>>,
}

impl Inside {
    fn here(row: &Row) -> Result<Self, LabError> {
        let folder = std::env::var_os(FOLDER);
        let missing = || LabError::Unexpected(format!("{FOLDER} is not set: `run` starts this"));
        Ok(Self {
            folder: folder.map(PathBuf::from).ok_or_else(missing)?,
            elsewhere: row.environment.elsewhere(),
            answers: tokio::sync::Mutex::new(BufReader::new(tokio::io::stdin()).lines()),
        })
    }

    /// The folder that the environment was prepared in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Has something done to the desktop session, and waits until it is.
    pub async fn ask(&self, ask: Ask) -> Result<(), LabError> {
        say(&Line::Ask(ask))?;
        let mut answers = self.answers.lock().await;
        let answer = soon("the desktop session", answers.next_line()).await?;
        match answer.map_err(LabError::io("hearing from the parent"))? {
            Some(line) if line == "done" => Ok(()),
            Some(line) => Err(LabError::Unexpected(line)),
            None => Err(LabError::Unexpected("the parent is gone".to_owned())),
        }
    }

    /// A certificate for the site, from the authority that this computer trusts.
    pub fn certificate(&self) -> Result<Arc<ServerConfig>, LabError> {
        Authority::load(&self.folder, TRUSTED)?.server(&[HOST])
    }

    /// Puts TLS in front of a site that is elsewhere.
    pub(super) fn front(&self, settings: &mut Settings) -> Result<(), LabError> {
        if self.elsewhere {
            settings.tls = Some((HOST.to_owned(), Shown::new(self.certificate()?)));
        }
        Ok(())
    }

    /// The port of the proxy in the settings, if there is one.
    pub(super) fn proxy_port(&self) -> Option<u16> {
        std::env::var(PROXY_PORT).ok()?.parse().ok()
    }

    /// From now on this computer's list of hosts has these addresses for the site.
    pub(super) fn list_host(&self, addresses: &[&str]) -> Result<(), LabError> {
        let path = self.folder.join(HOSTS);
        // Written in place: another file under this name would not be the one that is mounted.
        let hosts = environment::hosts(addresses);
        fs::write(&path, hosts).map_err(LabError::io("the list of hosts"))
    }
}

/// Plays the row `name` in the environment that this process was started in, and tells the parent.
///
/// # Errors
/// There is no such row, or this is not such a process.
pub async fn run_inside(name: &str, program: PathBuf) -> Result<(), LabError> {
    let plays = catalogue()?;
    let play = plays.into_iter().find(|play| play.row.name == name);
    let play = play.ok_or_else(|| LabError::Unexpected(format!("there is no row {name}")))?;
    let inside = Inside::here(&play.row)?;
    let report = run::play(&play, program, Some(inside)).await;
    say(&Line::Report(Box::new(report)))
}

/// Plays a row in a child process, in an environment of its own.
pub(super) async fn run_outside(play: &Play, program: &Path) -> Result<Report, LabError> {
    let mut prepared = play.row.environment.prepare().await?;
    let mut command = prepared.command(program, &["scenario", "inside", &play.row.name]);
    command
        .env(FOLDER, prepared.folder.path())
        .env_remove("FREEWHEEL_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .map_err(LabError::io(format!("starting {}", program.display())))?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(LabError::Unexpected("the child has no pipes".to_owned()));
    };
    let conversing = converse(stdin, stdout, &mut prepared);
    match tokio::time::timeout(LONGEST, conversing).await {
        Ok(Ok(Some(report))) => Ok(report),
        Ok(Ok(None)) => {
            let ended = soon("the child's end", child.wait_with_output()).await?;
            let ended = ended.map_err(LabError::io("waiting for the child"))?;
            Err(LabError::Ended {
                program: format!("scenario {}", play.row.name),
                status: ended.status.to_string(),
                wrote: String::from_utf8_lossy(&ended.stderr).into_owned(),
            })
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(LabError::TimedOut {
            what: format!("scenario {}", play.row.name),
            bound: LONGEST,
            last: None,
        }),
    }
}

/// Does what the child asks for until it reports; none if it ends without a report.
async fn converse(
    mut stdin: ChildStdin,
    stdout: ChildStdout,
    prepared: &mut Prepared,
) -> Result<Option<Report>, LabError> {
    let mut lines = BufReader::new(stdout).lines();
    loop {
        let line = lines.next_line().await;
        let Some(line) = line.map_err(LabError::io("hearing from the child"))? else {
            return Ok(None);
        };
        let line = serde_json::from_str(&line)
            .map_err(|error| LabError::Unexpected(format!("the child says {line}: {error}")))?;
        match line {
            Line::Report(report) => return Ok(Some(*report)),
            Line::Ask(ask) => {
                let answer = match obey(prepared.desktop.as_mut(), ask).await {
                    Ok(()) => "done".to_owned(),
                    Err(error) => error.to_string().replace('\n', " "),
                };
                let answer = format!("{answer}\n");
                let sent = stdin.write_all(answer.as_bytes()).await;
                sent.map_err(LabError::io("answering the child"))?;
            }
        }
    }
}

async fn obey(desktop: Option<&mut DesktopSession>, ask: Ask) -> Result<(), LabError> {
    let none = || LabError::Unexpected("the row's environment has no desktop session".to_owned());
    let desktop = desktop.ok_or_else(none)?;
    match ask {
        Ask::LockKeyring => desktop.lock_keyring().await,
        Ask::UnlockKeyring => desktop.unlock_keyring().await,
        Ask::StartKeyring => desktop.start_keyring().await,
        Ask::StopKeyring => {
            desktop.stop_keyring();
            desktop.keyring_is_gone().await
        }
        Ask::NewKeyring => desktop.start_keyring_anew(true).await,
        Ask::EmptyKeyring => desktop.start_keyring_anew(false).await,
        Ask::BreakPrompter => desktop.break_prompter(),
        Ask::DenyKeyring => desktop.deny_keyring().await,
        Ask::StartBus => desktop.start_bus().await,
        Ask::StopBus => {
            desktop.stop_bus();
            Ok(())
        }
    }
}

fn say(line: &Line) -> Result<(), LabError> {
    let text = serde_json::to_string(line)
        .map_err(|error| LabError::Unexpected(format!("a line for the parent: {error}")))?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(LabError::io("telling the parent"))
}
