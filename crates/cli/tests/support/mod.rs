//! The real program on a profile of its own, and the real server on a loopback port.

// Every test file uses its own part of this.
#![allow(dead_code)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use freewheel_lab::port::Port;
use freewheel_server::{Options, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A profile folder.
pub struct Profile {
    folder: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Profile {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The same profile once more, as it is on disk now.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        copy_folder(&self.path(), &copy.path());
        copy
    }

    /// The program on this profile: no keyring, no time zone but UTC, nothing from the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_freewheel"));
        command
            .arg("--home")
            .arg(self.path())
            .args(arguments)
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .env("TZ", "UTC")
            .env("HOME", self.folder.path())
            .env_remove("FREEWHEEL_HOME")
            .env_remove("FREEWHEEL_LOG")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments))
    }

    /// Runs what must succeed, and gives its one JSON document.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(arguments);
        let ran = self.run(&all);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.document()
    }

    /// Signs in as demo by playing the athlete in the browser.
    pub fn sign_in(&self, server: &str) -> Value {
        let arguments = ["--json", "sign-in", "--server", server, "--no-browser"];
        Self::sign_in_by(self.command(&arguments))
    }

    /// The same with a command that may run in a session of its own.
    pub fn sign_in_by(mut command: Command) -> Value {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        let address = said["sign_in_url"]
            .as_str()
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned();
        browse(&address);
        let done = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(done.stdout).unwrap();
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        assert!(done.status.success(), "{stdout}{rest}");
        serde_json::from_str(&stdout).unwrap()
    }
}

impl Ran {
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of the JSON error on standard error.
    pub fn error_code(&self) -> String {
        let document: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert!(
            document["error"]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        document["error"]["code"].as_str().unwrap().to_owned()
    }
}

pub fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What Ctrl-C sends.
pub fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// The server with the athlete demo/demo, on a runtime of its own so that it can die like a process.
pub struct Host {
    data: TempDir,
    port: Port,
    running: Option<(Runtime, Server)>,
}

impl Host {
    pub fn start() -> Self {
        let mut host = Self {
            data: tempfile::tempdir().unwrap(),
            port: Port::reserve().unwrap(),
            running: None,
        };
        host.restart();
        host
    }

    pub fn url(&self) -> String {
        self.port.url()
    }

    /// Where it listens, or will again.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Comes back on the same port with the same data.
    pub fn restart(&mut self) {
        let runtime = Runtime::new().unwrap();
        let options = Options {
            dev: true,
            ..Options::at(&self.url())
        };
        let server = Server::open(self.data.path(), options).unwrap();
        let (serving, port) = (server.clone(), self.port.clone());
        let listener = runtime.block_on(async { port.listen() }).unwrap();
        runtime.spawn(async move { serving.serve(listener, std::future::pending()).await });
        self.running = Some((runtime, server));
    }

    /// Dies in the middle of whatever it does; connections are cut.
    pub fn kill(&mut self) {
        if let Some((runtime, server)) = self.running.take() {
            runtime.shutdown_timeout(Duration::from_secs(10));
            drop(server);
        }
    }

    /// Id and digest of every ride in the server's database.
    pub fn rides(&self) -> Vec<(String, String)> {
        let database = self.data.path().join(freewheel_server::store::FILE_NAME);
        let database = rusqlite::Connection::open(database).unwrap();
        let mut statement = database
            .prepare("SELECT id, digest FROM ride ORDER BY number")
            .unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.map(|row| row.unwrap()).collect()
    }
}

/// Plays the athlete in the browser: demo agrees.
pub fn browse(address: &str) {
    let runtime = Runtime::new().unwrap();
    runtime
        .block_on(freewheel_lab::sign_in_page::complete(
            address, "demo", "demo",
        ))
        .unwrap();
}

/// Types the code of a device sign-in at the server, on another device, and agrees; the password is the name.
pub fn confirm(server: &str, code: &str, athlete: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let browser = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut page = String::new();
        for (path, fields) in [
            ("/oauth/device/code", vec![("user_code", code)]),
            (
                "/oauth/sign-in",
                vec![("username", athlete), ("password", athlete)],
            ),
            ("/oauth/consent", vec![("answer", "allow")]),
        ] {
            let key = page.split_once("name=\"request\" value=\"");
            let key = key.map(|(_, rest)| rest.split_once('"').unwrap().0.to_owned());
            let key = key.as_deref().map(|key| ("request", key));
            let form: Vec<_> = fields.into_iter().chain(key).collect();
            let sent = browser.post(format!("{server}{path}")).form(&form).send();
            let sent = sent.await.unwrap();
            assert!(sent.status().is_success(), "{path} {}", sent.status());
            page = sent.text().await.unwrap();
        }
    });
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
