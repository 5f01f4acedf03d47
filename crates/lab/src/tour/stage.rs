//! What the tour plays on: a folder for everything, the server's process, and the athlete's profile.

use std::path::{Path, PathBuf};

use freewheel_sync::remote::ServerAddress;
use freewheel_sync::store::Store;
use freewheel_sync::vault::{KeyringChoice, Vault, VaultError, VaultOptions, account_entry};
use freewheel_sync::{Engine, Home, Mode, Ports};
use tempfile::TempDir;

use super::books;
use super::output::Output;
use super::trouble::Trouble;
use crate::server::ServerProcess;

/// An account that no keyring knows.
const NOBODY: &str = "freewheel-tour-nobody";

pub(super) struct Stage {
    folder: TempDir,
    server: Option<ServerProcess>,
    vault: VaultOptions,
    /// Under which name the vault keeps the key.
    entry: Option<String>,
}

impl Stage {
    pub(super) fn new() -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new().prefix("freewheel-tour-").tempdir();
        let folder = folder.map_err(|error| Trouble::failed("making a temporary folder", error))?;
        Ok(Self {
            folder,
            server: None,
            vault: VaultOptions::default(),
            entry: None,
        })
    }

    /// Starts the server on a free port, over a new data folder.
    pub(super) async fn start_server(&mut self) -> Result<&ServerProcess, Trouble> {
        let server =
            ServerProcess::start(&self.folder.path().join("server"), None, &["--dev"]).await?;
        let subject = books::athlete(&self.server_db())?;
        let address = ServerAddress::parse(server.url())
            .map_err(|error| Trouble::failed("the server's address", error))?;
        self.entry = Some(account_entry(address.as_str(), &subject));
        Ok(self.server.insert(server))
    }

    /// The server's process, running or dead.
    pub(super) fn server(&mut self) -> Result<&mut ServerProcess, Trouble> {
        self.server
            .as_mut()
            .ok_or_else(|| Trouble::failed("the server", "it was never started"))
    }

    /// Asks for a keyring, for as long as the app itself would wait. Returns why there is none.
    pub(super) async fn find_keyring(&mut self) -> Result<Option<VaultError>, Trouble> {
        let home = self.home()?;
        let vault = Vault::open(home.root(), self.vault.clone());
        match vault.key(NOBODY).await {
            Ok(_) | Err(VaultError::Missing) => Ok(None),
            Err(why) => {
                self.vault = VaultOptions::key_file_only();
                Ok(Some(why))
            }
        }
    }

    /// Opens the app's engine over the profile, as the window does.
    pub(super) async fn open(&self) -> Result<Engine, Trouble> {
        let ports = Ports {
            vault: self.vault.clone(),
            ..Ports::system()
        };
        Ok(Engine::open(self.home()?, ports, Mode::Resident).await?)
    }

    /// The profile's precious database.
    pub(super) fn athlete_db(&self) -> Result<PathBuf, Trouble> {
        Ok(self.home()?.athlete_db())
    }

    /// The server's database.
    pub(super) fn server_db(&self) -> PathBuf {
        self.folder.path().join("server/server.db")
    }

    /// Where the tour may put a file.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the server and takes the key back out of the keyring.
    pub(super) async fn strike(&mut self, output: &Output) {
        self.server = None;
        let (Some(entry), KeyringChoice::System) = (&self.entry, &self.vault.keyring) else {
            return; // A key file goes with the folder.
        };
        let profile = self.home().ok().and_then(|home| {
            let store = Store::open(&home).ok()?;
            store.profile_name().ok()
        });
        let folder = self.folder.path().join("profile");
        let vault = Vault::of_profile(&folder, profile.as_deref(), self.vault.clone());
        match vault.delete_key(entry).await {
            Ok(()) | Err(VaultError::Missing | VaultError::Absent(_)) => {}
            Err(error) => output.line(&format!(
                "The tour's key {entry} is still in the keyring: {error}"
            )),
        }
    }

    /// Removes the folder.
    pub(super) fn remove(self) -> Result<(), Trouble> {
        let path = self.folder.path().display().to_string();
        self.folder
            .close()
            .map_err(|error| Trouble::failed(format!("removing {path}"), error))
    }

    fn home(&self) -> Result<Home, Trouble> {
        let home = Home::resolve(Some(self.folder.path().join("profile"))).and_then(Home::open);
        home.map_err(|error| Trouble::failed("the profile folder", error))
    }
}
