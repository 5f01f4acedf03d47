//! A private desktop session: display, session bus, keyring and browser, in folders of their own.

mod bus;
mod catcher;
mod keyring;
mod leftovers;
pub mod panel;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

use crate::LabError;
use crate::program::Program;
use crate::programs::installed;

pub use keyring::PROMPT_GIVES_UP;
#[cfg(feature = "window")]
pub(crate) use leftovers::{kill_all_with, with_environment};

/// How long each part of the session may take to start.
const START: Duration = Duration::from_secs(20);

/// What of the real session must not reach programs in this one.
const FOREIGN: [&str; 10] = [
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNOME_KEYRING_CONTROL",
    "SSH_AUTH_SOCK",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "DESKTOP_STARTUP_ID",
    "FREEWHEEL_HOME",
    "FREEWHEEL_SERVER",
];

/// The condition of a session's bus and keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyring {
    /// Not even a session bus; its address is known, but nobody is there.
    NoBus,
    /// A bus without a keyring.
    Absent,
    /// A keyring that has no collection to keep anything in, and could only ask for a password.
    NoCollection,
    /// A keyring with its login collection open, as after logging in.
    Unlocked,
    /// The same, then locked; its prompt never answers.
    Locked,
}

/// What a session has.
#[derive(Debug, Clone, Copy)]
pub struct SessionOptions {
    /// Width and height of the display in pixels; `None` for no display.
    pub display: Option<(u32, u32)>,
    /// Bus and keyring.
    pub keyring: Keyring,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            display: Some((1280, 800)),
            keyring: Keyring::Unlocked,
        }
    }
}

impl SessionOptions {
    /// Without a display.
    #[must_use]
    pub fn headless(keyring: Keyring) -> Self {
        Self {
            display: None,
            keyring,
        }
    }
}

/// A private desktop session. Dropping it ends every process that was started in it.
#[derive(Debug)]
pub struct DesktopSession {
    display_number: Option<u32>,
    display: Option<Program>,
    bus: Option<Program>,
    keyring: Option<Program>,
    opened_read: Mutex<usize>,
    /// Last: the others still need their files while they end.
    root: TempDir,
}

impl DesktopSession {
    /// Starts what `options` ask for and waits until each part is ready.
    ///
    /// # Errors
    /// A program is missing (the error names its package) or does not start.
    pub async fn start(options: SessionOptions) -> Result<Self, LabError> {
        let root = tempfile::Builder::new()
            .prefix("freewheel-desktop-")
            .tempdir()
            .map_err(LabError::io("making the session's folder"))?;
        let mut session = Self {
            display_number: None,
            display: None,
            bus: None,
            keyring: None,
            opened_read: Mutex::new(0),
            root,
        };
        session.lay_out()?;
        if let Some(size) = options.display {
            session.start_display(size).await?;
        }
        if options.keyring != Keyring::NoBus {
            session.start_bus().await?;
        }
        match options.keyring {
            Keyring::NoBus | Keyring::Absent => {}
            Keyring::NoCollection => session.start_keyring_without_collection().await?,
            Keyring::Unlocked => session.start_keyring().await?,
            Keyring::Locked => {
                session.start_keyring().await?;
                session.lock_keyring().await?;
            }
        }
        Ok(session)
    }

    /// The environment of programs in this session.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let folder = |name: &str| self.root.path().join(name).display().to_string();
        let path = env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        let mut env = vec![
            ("HOME", folder("home")),
            ("XDG_DATA_HOME", folder("data")),
            ("XDG_CONFIG_HOME", folder("config")),
            ("XDG_CACHE_HOME", folder("cache")),
            ("XDG_STATE_HOME", folder("state")),
            ("XDG_RUNTIME_DIR", folder("run")),
            ("DBUS_SESSION_BUS_ADDRESS", self.bus_address()),
            ("PATH", format!("{}:{path}", folder("bin"))),
            (
                "BROWSER",
                self.root
                    .path()
                    .join("bin")
                    .join(catcher::NAME)
                    .display()
                    .to_string(),
            ),
            ("GDK_BACKEND", "x11".to_owned()),
            // No accessibility bus, no stored desktop settings: both would be started over the bus.
            ("NO_AT_BRIDGE", "1".to_owned()),
            ("GTK_A11Y", "none".to_owned()),
            ("GSETTINGS_BACKEND", "memory".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ];
        if let Some(number) = self.display_number {
            env.push(("DISPLAY", format!(":{number}")));
        }
        env.into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// A command that will run in this session.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs(self.env()).current_dir(self.root.path());
        command
    }

    /// A folder that lives as long as the session, for profiles, servers' data and screenshots of failures.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.root.path()
    }

    /// Where programs of the session write their logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.path().join("logs")
    }

    /// The number of the display.
    #[must_use]
    pub fn display_number(&self) -> Option<u32> {
        self.display_number
    }

    async fn start_display(&mut self, (width, height): (u32, u32)) -> Result<(), LabError> {
        let mut command = self.command(installed("Xvfb", "xvfb")?);
        let screen = format!("{width}x{height}x24");
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            &screen,
            "-nolisten",
            "tcp",
            "-noreset",
        ]);
        let mut display = Program::start("Xvfb", &mut command, &self.logs())?;
        let number = display
            .line("the display", START, |line| line.trim().parse().ok())
            .await?;
        self.display_number = Some(number);
        self.display = Some(display);
        Ok(())
    }

    fn lay_out(&self) -> Result<(), LabError> {
        let mut private = fs::DirBuilder::new();
        private.mode(0o700).recursive(true);
        for name in [
            "home", "data", "config", "cache", "state", "run", "bin", "logs", "services",
        ] {
            let folder = self.root.path().join(name);
            private
                .create(&folder)
                .map_err(LabError::io(folder.display().to_string()))?;
        }
        let bin = self.root.path().join("bin");
        for name in catcher::NAMES {
            script(&bin.join(name), &catcher::script(&self.opened_file()))?;
        }
        keyring::install_silent_prompter(&bin, &self.root.path().join("services"))
    }

    fn opened_file(&self) -> PathBuf {
        self.root.path().join("opened-urls")
    }
}

impl Drop for DesktopSession {
    fn drop(&mut self) {
        // Whatever carries this session's own folder in its environment was started in it.
        leftovers::kill_all_with(
            "XDG_RUNTIME_DIR",
            &self.root.path().join("run").display().to_string(),
        );
    }
}

fn script(path: &Path, text: &str) -> Result<(), LabError> {
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .map_err(LabError::io(path.display().to_string()))
}
