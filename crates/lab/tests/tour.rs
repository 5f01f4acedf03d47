//! The tour, as `cargo xtask run` shows it where there is no display.
//!
//! Needs `freewheel-server` beside the test: `cargo build --workspace`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::program::Program;
use rustix::process::{Pid, Signal, kill_process};
use zbus::zvariant::OwnedObjectPath;

const TOUR: &str = env!("CARGO_BIN_EXE_freewheel-tour");
const BOUND: Duration = Duration::from_secs(60);

async fn session(keyring: Keyring) -> DesktopSession {
    DesktopSession::start(SessionOptions::headless(keyring))
        .await
        .unwrap()
}

/// A command whose temporary files go to a folder of their own, and that folder.
fn tour(session: &DesktopSession) -> (Command, PathBuf) {
    let temporary = session.folder().join("tour");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = session.command(TOUR);
    command.env("TMPDIR", &temporary);
    (command, temporary)
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The first word of the amount in a row of the table.
fn figure(text: &str, row: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(row)?.strip_prefix("  "));
    let amount = line.unwrap_or_else(|| panic!("no row {row} in:\n{text}"));
    amount.split_whitespace().next().unwrap().parse().unwrap()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// What the session's keyring holds.
async fn items(session: &DesktopSession) -> usize {
    let address = session
        .env()
        .into_iter()
        .find(|(name, _)| name == "DBUS_SESSION_BUS_ADDRESS")
        .unwrap()
        .1;
    let bus = zbus::connection::Builder::address(address.as_str())
        .unwrap()
        .build()
        .await
        .unwrap();
    let login = "/org/freedesktop/secrets/collection/login";
    let service = "org.freedesktop.secrets";
    let proxy = zbus::Proxy::new(&bus, service, login, "org.freedesktop.Secret.Collection")
        .await
        .unwrap();
    proxy
        .get_property::<Vec<OwnedObjectPath>>("Items")
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn it_does_the_main_job_with_a_keyring_and_leaves_nothing_behind() {
    let session = session(Keyring::Unlocked).await;
    let before = items(&session).await;
    let (mut command, temporary) = tour(&session);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("lies in this session's keyring"), "{text}");
    assert!(figure(&text, "workouts cached") >= 60.0, "{text}");
    for row in ["time to open, server up", "time to open, server dead"] {
        assert!(figure(&text, row) > 0.0, "{text}");
    }
    assert!(figure(&text, "samples on disk") >= 90.0, "{text}");
    for (row, amount) in [
        ("deliveries", 1.0),
        ("sent again, answer lost", 1.0),
        ("duplicates", 0.0),
    ] {
        assert!(
            (figure(&text, row) - amount).abs() < f64::EPSILON,
            "{row}: {text}"
        );
    }
    assert!(!text.contains('\u{1b}'), "no colours into a pipe: {text}");
    assert!(is_empty(&temporary), "a folder is left");
    assert_eq!(
        items(&session).await,
        before,
        "a key is left in the keyring"
    );
}

#[tokio::test]
async fn without_a_keyring_it_says_so_and_does_the_same() {
    let session = session(Keyring::NoBus).await;
    let (mut command, temporary) = tour(&session);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("private file") && text.contains("this session has no keyring"),
        "{text}"
    );
    assert!(is_empty(&temporary), "a folder is left");
}

#[tokio::test]
async fn interrupted_it_ends_its_server_and_removes_its_folder() {
    let session = session(Keyring::NoBus).await;
    let (mut command, temporary) = tour(&session);
    let mut program = Program::start("tour", &mut command, &session.logs()).unwrap();
    let address = |line: &str| Some(line.split_once("http://")?.1.split(' ').next()?.to_owned());
    let server = program
        .line("the server's address", BOUND, address)
        .await
        .unwrap();
    assert!(std::net::TcpStream::connect(&server).is_ok());
    let pid = Pid::from_raw(i32::try_from(program.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let status = program.wait(BOUND).await.unwrap();
    assert_eq!(status.code(), Some(130), "{}", program.stdout());
    assert!(
        std::net::TcpStream::connect(&server).is_err(),
        "the server still listens"
    );
    assert!(is_empty(&temporary), "a folder is left");
}

#[test]
fn what_is_not_as_it_should_be_is_said_with_exit_1() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("freewheel-tour");
    fs::copy(TOUR, &alone).unwrap();
    let output = Command::new(&alone).output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("freewheel-server is not built") && text.contains("cargo build"),
        "{text}"
    );
}
