//! A sign-in that no keyring keeps ends with the command, and says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use serde_json::Value;
use support::{Host, Profile, Ran, ran};
use tokio::runtime::Runtime;

/// Signs in by the address that stands in the output, for people or for programs.
fn signed_in(mut command: Command, address: impl Fn(&str) -> Option<String>) -> Ran {
    let (reader, writer) = std::io::pipe().unwrap();
    let child = command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = child.stdin(Stdio::null()).spawn().unwrap();
    drop(command);
    let mut said = BufReader::new(reader);
    let (mut line, mut all) = (String::new(), String::new());
    while said.read_line(&mut line).unwrap() > 0 {
        if let Some(address) = address(line.trim()) {
            support::browse(&address);
        }
        all.push_str(&line);
        line.clear();
    }
    Ran {
        code: child.wait().unwrap().code().unwrap(),
        stdout: all,
        stderr: String::new(),
    }
}

#[test]
fn a_sign_in_that_a_locked_keyring_does_not_keep_says_that_it_ends_with_the_command() {
    let (host, profile) = (Host::start(), Profile::new());
    let runtime = Runtime::new().unwrap();
    let options = SessionOptions::headless(Keyring::Locked);
    let session = runtime.block_on(DesktopSession::start(options)).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = session.command(env!("CARGO_BIN_EXE_freewheel"));
        command.arg("--home").arg(profile.path()).args(arguments);
        command
    };
    let server = host.url();
    let for_people = ["sign-in", "--server", &server, "--no-browser"];
    let ran_once = signed_in(command(&for_people), |line| {
        line.starts_with("http").then(|| line.to_owned())
    });
    assert_eq!(ran_once.code, 0, "{ran_once:?}");
    for words in [
        "Signed in as",
        "Warning: this sign-in could not be saved",
        "ends with this command",
        "freewheel doctor",
    ] {
        assert!(ran_once.stdout.contains(words), "{words}: {ran_once:?}");
    }
    let status = ran(command(&["--json", "status"])).document();
    assert_eq!(
        status["session"]["state"], "needs_sign_in",
        "it did end: {status}"
    );

    let mut for_programs = vec!["--json"];
    for_programs.extend(for_people);
    let document = Profile::sign_in_by(command(&for_programs));
    assert_eq!(document["kept"], "memory", "{document}");
    assert_eq!(document["session"], "vault_unavailable", "{document}");

    runtime.block_on(session.unlock_keyring()).unwrap();
    let document: Value = Profile::sign_in_by(command(&for_programs));
    assert_eq!(document["kept"], "keyring", "{document}");
    assert_eq!(document["session"], "active", "{document}");
}

#[test]
fn a_sign_in_that_a_file_keeps_says_that() {
    let (host, profile) = (Host::start(), Profile::new());
    assert_eq!(profile.sign_in(&host.url())["kept"], "key_file");
}
