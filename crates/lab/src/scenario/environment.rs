//! What a row's engine runs in, where the process that plays the others is not enough: a desktop session of its own, a
//! proxy in its settings, a list of hosts of its own. Such a row is played by a child process, prepared here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use tempfile::TempDir;

use crate::LabError;
use crate::desktop::{DesktopSession, Keyring, SessionOptions};
use crate::port::Port;
use crate::site::Authority;

/// The host in the address of a site that is not on this computer, as far as the engine can tell.
pub const HOST: &str = "freewheel.test";
/// The authority that this computer trusts.
pub const TRUSTED: &str = "Authority of the lab";
/// The port of the proxy in the environment, for the child.
pub const PROXY_PORT: &str = "FREEWHEEL_LAB_PROXY_PORT";
/// The small disk.
pub const DISK: &str = "disk";
/// The file of hosts that the child may write.
pub const HOSTS: &str = "hosts";

/// What a row's engine runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The process that plays all the others.
    #[default]
    Plain,
    /// A desktop session whose keyring is open.
    KeyringOpen,
    /// A desktop session whose keyring is locked; its prompt never answers.
    KeyringLocked,
    /// A desktop session whose keyring has no collection.
    KeyringEmpty,
    /// A desktop session with a bus and no keyring.
    NoKeyring,
    /// No session bus.
    NoBus,
    /// A site elsewhere, with TLS from an authority that this computer trusts, behind the proxy in the settings.
    Proxied,
    /// A site elsewhere, with TLS from an authority that this computer trusts, found by a list of hosts of its own.
    OwnHosts,
    /// A disk of its own, of a few megabytes, in the environment's folder.
    SmallDisk,
}

/// An environment that stands. Dropping it ends and removes all of it.
pub(super) struct Prepared {
    /// For the child, and for what the child leaves there.
    pub(super) folder: TempDir,
    /// The desktop session, where there is one.
    pub(super) desktop: Option<DesktopSession>,
    /// Where the child's proxy will listen.
    proxy: Option<Port>,
    variables: Vec<(&'static str, String)>,
    /// What is mounted for the child alone.
    mounts: Option<&'static str>,
}

/// The system's list of hosts and its name servers are files of the row's folder.
const OWN_HOSTS: &str = "mount --bind \"$1/hosts\" /etc/hosts && \
    mount --bind \"$1/resolv.conf\" /etc/resolv.conf";
const SMALL_DISK: &str = "mount -t tmpfs -o size=24m,mode=700 freewheel-lab \"$1/disk\"";

impl Environment {
    /// Sets it up.
    pub(super) async fn prepare(self) -> Result<Prepared, LabError> {
        let folder = tempfile::tempdir().map_err(LabError::io("making the row's folder"))?;
        let mut prepared = Prepared {
            folder,
            desktop: None,
            proxy: None,
            variables: Vec::new(),
            mounts: match self {
                Self::OwnHosts => Some(OWN_HOSTS),
                Self::SmallDisk => Some(SMALL_DISK),
                Self::Plain
                | Self::KeyringOpen
                | Self::KeyringLocked
                | Self::KeyringEmpty
                | Self::NoKeyring
                | Self::NoBus
                | Self::Proxied => None,
            },
        };
        if let Some(keyring) = self.keyring() {
            let session = DesktopSession::start(SessionOptions::headless(keyring)).await?;
            prepared.desktop = Some(session);
        }
        match self {
            Self::Proxied => {
                prepared.trust()?;
                let port = Port::reserve()?;
                prepared.variables.push(("HTTPS_PROXY", port.url()));
                let number = port.number().to_string();
                prepared.variables.push((PROXY_PORT, number));
                prepared.proxy = Some(port);
            }
            Self::OwnHosts => {
                prepared.trust()?;
                prepared.write(HOSTS, &hosts(&["127.0.0.1"]))?;
                prepared.write(
                    "resolv.conf",
                    "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n",
                )?;
            }
            Self::SmallDisk => {
                let disk = prepared.folder.path().join(DISK);
                fs::create_dir(disk).map_err(LabError::io("making the small disk's place"))?;
            }
            Self::Plain
            | Self::KeyringOpen
            | Self::KeyringLocked
            | Self::KeyringEmpty
            | Self::NoKeyring
            | Self::NoBus => {}
        }
        Ok(prepared)
    }

    /// Whether the site is elsewhere, behind TLS.
    pub(super) fn elsewhere(self) -> bool {
        matches!(self, Self::Proxied | Self::OwnHosts)
    }

    fn keyring(self) -> Option<Keyring> {
        match self {
            Self::KeyringOpen => Some(Keyring::Unlocked),
            Self::KeyringLocked => Some(Keyring::Locked),
            Self::KeyringEmpty => Some(Keyring::NoCollection),
            Self::NoKeyring => Some(Keyring::Absent),
            Self::NoBus => Some(Keyring::NoBus),
            Self::Plain | Self::Proxied | Self::OwnHosts | Self::SmallDisk => None,
        }
    }
}

impl Prepared {
    /// The command that plays a row in this environment.
    pub(super) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = match self.mounts {
            Some(mounts) => with_mounts(mounts, self.folder.path(), program, arguments),
            None => self.plain(program, arguments),
        };
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn plain(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = match &self.desktop {
            Some(desktop) => desktop.command(program),
            None => {
                let mut command = Command::new(program);
                command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
                command
            }
        };
        command.args(arguments);
        command
    }

    /// An authority whose certificate is the one root that programs of this environment trust.
    fn trust(&mut self) -> Result<(), LabError> {
        let authority = Authority::new(TRUSTED)?;
        authority.save(self.folder.path(), TRUSTED)?;
        let roots = self.write("roots.pem", authority.pem())?;
        let roots = roots.display().to_string();
        self.variables.push(("SSL_CERT_FILE", roots));
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, LabError> {
        let path = self.folder.path().join(name);
        fs::write(&path, text).map_err(LabError::io(path.display().to_string()))?;
        Ok(path)
    }
}

/// A list of hosts in which the site has these addresses.
pub(super) fn hosts(addresses: &[&str]) -> String {
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    for address in addresses {
        hosts.push_str(&format!("{address} {HOST}\n"));
    }
    hosts
}

/// A mount namespace in which `mounts`, whose first argument is the row's folder, is mounted.
fn with_mounts(mounts: &str, folder: &Path, program: &Path, arguments: &[&str]) -> Command {
    let script = format!("{mounts} && shift && exec \"$@\"");
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .arg(folder)
        .arg(program)
        .args(arguments)
        .env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
    command
}
