//! The session's gnome-keyring: started, locked, unlocked, ended.

use std::fs;
use std::path::Path;
use std::time::Duration;

use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use super::{DesktopSession, START, script};
use crate::LabError;
use crate::program::Program;
use crate::programs::installed;
use crate::wait::{Seen, until};

/// How long gnome-keyring itself waits for a prompter that does not come.
pub const PROMPT_GIVES_UP: Duration = Duration::from_secs(25);

const SECRETS: &str = "org.freedesktop.secrets";
const SECRETS_PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
/// gnome-keyring's own; its password program uses it too.
const UNLOCKER: &str = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const PROMPTER: &str = "org.gnome.keyring.SystemPrompter";
/// The program that stands in for it.
const PROMPTER_PROGRAM: &str = "prompter";
/// The password of the session's login collection.
const PASSWORD: &str = "freewheel";

impl DesktopSession {
    /// Starts the keyring with its login collection open, as logging in does.
    ///
    /// # Errors
    /// gnome-keyring is missing or does not start.
    pub async fn start_keyring(&mut self) -> Result<(), LabError> {
        self.start_daemon(&["--unlock"], PASSWORD).await?;
        self.wait_for_login_collection(false).await
    }

    /// Locks the login collection: whoever wants something from it now waits for a prompt that never answers.
    ///
    /// # Errors
    /// The keyring does not answer.
    pub async fn lock_keyring(&self) -> Result<(), LabError> {
        let bus = self.connect().await?;
        let secrets = zbus::Proxy::new(&bus, SECRETS, SECRETS_PATH, SERVICE).await?;
        let collection = default_collection(&secrets).await?;
        let _locked: (Vec<OwnedObjectPath>, OwnedObjectPath) = secrets
            .call("Lock", &(vec![ObjectPath::from(&collection)],))
            .await?;
        self.wait_for_login_collection(true).await
    }

    /// Unlocks the login collection from outside, as typing its password elsewhere does. Open prompts stay open.
    ///
    /// # Errors
    /// The keyring does not answer.
    pub async fn unlock_keyring(&self) -> Result<(), LabError> {
        let bus = self.connect().await?;
        let secrets = zbus::Proxy::new(&bus, SECRETS, SECRETS_PATH, SERVICE).await?;
        let collection = default_collection(&secrets).await?;
        let nothing = Value::from("");
        let (_, session): (OwnedValue, OwnedObjectPath) =
            secrets.call("OpenSession", &("plain", nothing)).await?;
        let unlocker = zbus::Proxy::new(&bus, SECRETS, SECRETS_PATH, UNLOCKER).await?;
        let password = (session, Vec::<u8>::new(), PASSWORD.as_bytes(), "text/plain");
        let () = unlocker
            .call("UnlockWithMasterPassword", &(collection, password))
            .await?;
        self.wait_for_login_collection(false).await
    }

    /// Ends the keyring, as a crash of it would. What it kept stays on disk for the next start.
    pub fn stop_keyring(&mut self) {
        self.keyring = None;
    }

    /// Waits until the keyring that was ended is gone from the bus too: only then can another one take its name.
    ///
    /// # Errors
    /// It stays.
    pub async fn keyring_is_gone(&self) -> Result<(), LabError> {
        let bus = self.connect().await?;
        let names = zbus::fdo::DBusProxy::new(&bus).await?;
        until("the end of the keyring", START, async || {
            let name = SECRETS.try_into().map_err(zbus::Error::from)?;
            let owned = names.name_has_owner(name).await;
            Ok(Seen::from(!owned.map_err(zbus::Error::from)?))
        })
        .await
    }

    /// The keyring of an account of the system that was just made: nothing of what was kept is left. With a
    /// `collection` its login collection is open; without, there is none.
    ///
    /// # Errors
    /// gnome-keyring kept nothing so far, or does not start.
    pub async fn start_keyring_anew(&mut self, collection: bool) -> Result<(), LabError> {
        self.stop_keyring();
        self.keyring_is_gone().await?;
        let kept = self.root.path().join("data/keyrings");
        fs::remove_dir_all(&kept).map_err(LabError::io(kept.display().to_string()))?;
        if collection {
            self.start_keyring().await
        } else {
            self.start_keyring_without_collection().await
        }
    }

    /// From now on the prompter ends as soon as it is started, like one that has no display: whoever wants something
    /// from a locked keyring is told so at once.
    ///
    /// # Errors
    /// The session's folder cannot be written.
    pub fn break_prompter(&self) -> Result<(), LabError> {
        script(
            &self.root.path().join("bin").join(PROMPTER_PROGRAM),
            "#!/bin/sh\nexit 1\n",
        )
    }

    /// From now on the bus lets nobody speak to the keyring, like that of a sandbox.
    ///
    /// # Errors
    /// The bus does not answer.
    pub async fn deny_keyring(&self) -> Result<(), LabError> {
        let rule = format!("<deny send_destination=\"{SECRETS}\"/>\n");
        self.write_bus_config(&rule)?;
        let bus = self.connect().await?;
        let daemon = zbus::fdo::DBusProxy::new(&bus).await?;
        Ok(daemon.reload_config().await.map_err(zbus::Error::from)?)
    }

    pub(super) async fn start_keyring_without_collection(&mut self) -> Result<(), LabError> {
        self.start_daemon(&[], "").await
    }

    async fn start_daemon(&mut self, args: &[&str], input: &str) -> Result<(), LabError> {
        let mut command = self.command(installed("gnome-keyring-daemon", "gnome-keyring")?);
        command
            .args(["--foreground", "--components=secrets"])
            .args(args);
        let mut daemon = Program::start("gnome-keyring", &mut command, &self.logs())?;
        daemon.send(input)?;
        daemon.close_input();
        let bus = self.connect().await?;
        let names = zbus::fdo::DBusProxy::new(&bus).await?;
        until("the keyring on the bus", START, async || {
            daemon.still_runs()?;
            let name = SECRETS.try_into().map_err(zbus::Error::from)?;
            Ok(Seen::from(
                names
                    .name_has_owner(name)
                    .await
                    .map_err(zbus::Error::from)?,
            ))
        })
        .await?;
        self.keyring = Some(daemon);
        Ok(())
    }

    async fn wait_for_login_collection(&self, locked: bool) -> Result<(), LabError> {
        let bus = self.connect().await?;
        let secrets = zbus::Proxy::new(&bus, SECRETS, SECRETS_PATH, SERVICE).await?;
        let wanted = if locked {
            "a locked login collection"
        } else {
            "an open login collection"
        };
        until(wanted, START, async || {
            let path = default_collection(&secrets).await?;
            if path.as_str() == "/" {
                return Ok(Seen::NotYet(Some("no collection".to_owned())));
            }
            let collection = zbus::Proxy::new(&bus, SECRETS, path, COLLECTION).await?;
            Ok(Seen::from(
                collection.get_property::<bool>("Locked").await? == locked,
            ))
        })
        .await
    }

    async fn connect(&self) -> Result<zbus::Connection, LabError> {
        let address = self.bus_address();
        let connecting = zbus::connection::Builder::address(address.as_str())?
            .method_timeout(START)
            .build();
        // A bus that accepts and then says nothing would keep this for ever.
        match tokio::time::timeout(START, connecting).await {
            Ok(connection) => Ok(connection?),
            Err(_) => Err(LabError::Unexpected(format!("{address} does not answer"))),
        }
    }
}

async fn default_collection(secrets: &zbus::Proxy<'_>) -> Result<OwnedObjectPath, LabError> {
    Ok(secrets.call("ReadAlias", &("default",)).await?)
}

/// A prompter that is started when a password is needed, and never even takes its name on the bus.
pub(super) fn install_silent_prompter(bin: &Path, services: &Path) -> Result<(), LabError> {
    let program = bin.join(PROMPTER_PROGRAM);
    script(&program, "#!/bin/sh\nexec sleep 300\n")?;
    let file = services.join(format!("{PROMPTER}.service"));
    let text = format!(
        "[D-BUS Service]\nName={PROMPTER}\nExec={}\n",
        program.display()
    );
    fs::write(&file, text).map_err(LabError::io(file.display().to_string()))
}
