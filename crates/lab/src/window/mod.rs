//! Drives real windows: the app's own, and a plain browser's.

mod began;
mod close;
mod page;

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use serde_json::json;
use thirtyfour::{Capabilities, WebDriver};
use tokio::net::TcpStream;

use crate::desktop::{DesktopSession, kill_all_with, with_environment};
use crate::port::Port;
use crate::program::{Program, signal};
use crate::wait::{Seen, until};
use crate::{LabError, programs};

pub use page::Page;

/// How long a driver may take to listen, and a program to show its window.
const START: Duration = Duration::from_secs(60);
/// How long a program may take to end after its window was closed.
const END: Duration = Duration::from_secs(20);
/// Marks the processes of one window.
const MARK: &str = "FREEWHEEL_LAB_WINDOW";

/// The window of a real app, driven through `tauri-driver`. Dropping it kills the app.
#[derive(Debug)]
pub struct Window {
    page: Page,
    processes: Processes,
    app: PathBuf,
    display: u32,
}

impl Window {
    /// Starts the app at `app` in `session`, with further environment, and waits for its window.
    ///
    /// # Errors
    /// A program is missing, or the app shows no window.
    pub async fn open(
        session: &DesktopSession,
        app: &Path,
        extra_env: &[(&str, &str)],
    ) -> Result<Self, LabError> {
        Self::open_with_args(session, app, &[], extra_env).await
    }

    /// As [`Window::open`], with arguments for the app.
    ///
    /// # Errors
    /// As [`Window::open`].
    pub async fn open_with_args(
        session: &DesktopSession,
        app: &Path,
        args: &[&str],
        extra_env: &[(&str, &str)],
    ) -> Result<Self, LabError> {
        let app = app
            .canonicalize()
            .map_err(|_| LabError::NotBuilt(app.to_owned()))?;
        let (port, native_port) = (Port::reserve()?, Port::reserve()?);
        let mark = fresh_mark();
        let mut command = session.command(programs::tauri_driver()?);
        command
            .args([
                "--port",
                &port.number().to_string(),
                "--native-port",
                &native_port.number().to_string(),
            ])
            .arg("--native-driver")
            .arg(web_driver()?)
            .envs(extra_env.iter().copied())
            .env(MARK, &mark);
        let options = json!({ "application": app, "args": args });
        let (page, processes) = connect(
            session,
            "tauri-driver",
            command,
            mark,
            vec![port, native_port],
            ("tauri:options", options),
        )
        .await?;
        Ok(Self {
            page,
            processes,
            app,
            display: session.display_number().unwrap_or_default(),
        })
    }

    /// The process id of the app.
    ///
    /// # Errors
    /// It does not run any more.
    pub fn pid(&self) -> Result<u32, LabError> {
        self.running()
            .ok_or_else(|| LabError::Unexpected(format!("{} does not run", self.app.display())))
    }

    /// When the process of the app began, to 10 ms.
    ///
    /// # Errors
    /// It does not run any more.
    pub fn began(&self) -> Result<SystemTime, LabError> {
        began::process_began(self.pid()?)
    }

    /// Closes the window as its owner would, and waits until the app has ended.
    ///
    /// # Errors
    /// The app did not end.
    pub async fn quit(self) -> Result<(), LabError> {
        let pid = self.pid()?;
        close::ask_to_close(self.display, pid)?;
        until("the end of the app", END, async || {
            Ok(Seen::from(self.running().is_none()))
        })
        .await
    }

    /// Closes the window as its owner would; what the app makes of it is its own matter.
    ///
    /// # Errors
    /// It shows none.
    pub fn ask_to_close(&self) -> Result<(), LabError> {
        close::ask_to_close(self.display, self.pid()?)
    }

    /// Kills the app at once (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    /// It did not run any more.
    pub async fn kill9(self) -> Result<(), LabError> {
        signal(self.pid()?, Signal::KILL);
        until("the end of the app", END, async || {
            Ok(Seen::from(self.running().is_none()))
        })
        .await
    }

    /// What the app wrote to its standard error, with what its drivers wrote.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.processes.driver.stderr()
    }

    fn running(&self) -> Option<u32> {
        // A program that was built anew while it runs has a new file in its place; the system then marks the old name.
        let replaced = PathBuf::from(format!("{} (deleted)", self.app.display()));
        let is_app = |id: &u32| {
            fs::read_link(format!("/proc/{id}/exe"))
                .is_ok_and(|exe| exe == self.app || exe == replaced)
        };
        with_environment(MARK, &self.processes.mark)
            .into_iter()
            .find(is_app)
    }
}

impl Deref for Window {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

/// How many windows a process shows in a session.
///
/// # Errors
/// The session has no display.
pub fn windows_of(session: &DesktopSession, pid: u32) -> Result<usize, LabError> {
    close::shown(session.display_number().unwrap_or_default(), pid)
}

/// A plain browser window (WebKit's MiniBrowser), for pages such as the issuer's sign-in. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    page: Page,
    _processes: Processes,
}

impl Browser {
    /// Opens an empty browser window in `session`.
    ///
    /// # Errors
    /// A program is missing, or no window comes.
    pub async fn open(session: &DesktopSession) -> Result<Self, LabError> {
        let port = Port::reserve()?;
        let mark = fresh_mark();
        let mut command = session.command(web_driver()?);
        command
            .args(["--host=127.0.0.1", &format!("--port={}", port.number())])
            .env(MARK, &mark);
        let options = json!({ "binary": programs::mini_browser()?, "args": ["--automation"] });
        let (page, processes) = connect(
            session,
            "WebKitWebDriver",
            command,
            mark,
            vec![port],
            ("webkitgtk:browserOptions", options),
        )
        .await?;
        Ok(Self {
            page,
            _processes: processes,
        })
    }
}

impl Deref for Browser {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

/// The driver and whatever it started. The drivers do not end what they started when they are killed.
#[derive(Debug)]
struct Processes {
    driver: Program,
    mark: String,
    /// Where it listens, now or in a moment.
    ports: Vec<Port>,
}

impl Drop for Processes {
    fn drop(&mut self) {
        kill_all_with(MARK, &self.mark);
    }
}

/// Opens a session at the first port, once something listens on all of them.
async fn connect(
    session: &DesktopSession,
    name: &str,
    mut command: std::process::Command,
    mark: String,
    ports: Vec<Port>,
    (capability, options): (&str, serde_json::Value),
) -> Result<(Page, Processes), LabError> {
    let driver = Program::start(name, &mut command, &session.logs())?;
    let mut processes = Processes {
        driver,
        mark,
        ports,
    };
    for port in &processes.ports {
        until("the WebDriver's port", START, async || {
            processes.driver.still_runs()?;
            let connected = TcpStream::connect(port.address()).await;
            Ok(Seen::from(connected.is_ok()))
        })
        .await?;
    }
    let Some(port) = processes.ports.first() else {
        return Err(LabError::Unexpected("a driver without a port".to_owned()));
    };
    let mut capabilities = Capabilities::new();
    capabilities.set(capability, options)?;
    let driver = WebDriver::builder(port.url(), capabilities)
        .request_timeout(START)
        .await?;
    Ok((Page::new(driver), processes))
}

fn web_driver() -> Result<PathBuf, LabError> {
    programs::installed("WebKitWebDriver", "webkit2gtk-driver")
}

fn fresh_mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}
