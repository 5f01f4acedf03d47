//! Signing in from a terminal: in the browser, by a printed address, with a code on another device, and not at all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::{Host, Profile, confirm, interrupt};

/// A sign-in that waits for the athlete.
struct Waiting {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Waiting {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// What it says before it waits, as JSON.
    fn said(&mut self) -> Value {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }

    /// Exit code, standard output, standard error.
    fn ended(mut self) -> (i32, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.read_to_string(&mut out).unwrap();
        self.stderr.read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code().unwrap(), out, err)
    }
}

#[test]
fn a_code_that_is_confirmed_on_another_device_signs_in() {
    let host = Host::start();
    let profile = Profile::new();
    let arguments = ["--json", "sign-in", "--device", "--server", &host.url()];
    let mut waiting = Waiting::start(profile.command(&arguments));
    let device = waiting.said()["device"].clone();
    let code = device["user_code"].as_str().unwrap();
    let complete = device["verification_uri_complete"].as_str().unwrap();
    assert!(complete.contains(code), "{device}");
    assert!(device["expires_in_seconds"].as_u64().unwrap() >= 60);
    confirm(&host.url(), code, "demo");
    let (exit, out, err) = waiting.ended();
    assert_eq!(exit, 0, "{out}{err}");
    let signed_in: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(signed_in["session"], "active", "{signed_in}");
    profile.json(&["sync"]);
}

#[test]
fn people_are_told_where_to_go_and_what_to_type() {
    let host = Host::start();
    let profile = Profile::new();
    let arguments = ["sign-in", "--device", "--server", &host.url()];
    let mut waiting = Waiting::start(profile.command(&arguments));
    let mut words = String::new();
    while !words.contains("Ctrl-C") {
        assert_ne!(waiting.stdout.read_line(&mut words).unwrap(), 0, "{words}");
    }
    let place = format!("{}/oauth/device", host.url());
    assert!(words.contains(&format!("  {place}\n")), "{words}");
    assert!(words.contains("type this code"), "{words}");
    assert!(words.contains(&format!("{place}?user_code=")), "{words}");
    assert!(words.contains("minutes"), "{words}");
    interrupt(&waiting.child);
    let (exit, _, err) = waiting.ended();
    assert_eq!(exit, 1, "{err}");
    assert!(err.contains("cancelled"), "{err}");
    assert_eq!(profile.json(&["status"])["session"]["state"], "signed_out");
}

#[test]
fn ctrl_c_gives_a_browser_sign_in_up_and_leaves_all_as_it_was() {
    let host = Host::start();
    let profile = Profile::new();
    profile.sign_in(&host.url());
    let arguments = ["--json", "sign-in", "--no-browser", "--server", &host.url()];
    let mut waiting = Waiting::start(profile.command(&arguments));
    assert!(waiting.said()["sign_in_url"].is_string());
    assert_eq!(profile.json(&["status"])["session"]["state"], "signing_in");
    interrupt(&waiting.child);
    let (exit, _, err) = waiting.ended();
    assert_eq!(exit, 1, "{err}");
    assert!(err.contains("sign_in_cancelled"), "{err}");
    assert_eq!(profile.json(&["status"])["session"]["state"], "active");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_browser_the_address_is_printed_and_the_sign_in_goes_on() {
    let host = Host::start();
    let profile = Profile::new();
    let nothing = tempfile::tempdir().unwrap();
    let arguments = ["--json", "sign-in", "--server", &host.url()];
    let mut command = profile.command(&arguments);
    // No program that could open anything is found.
    command.env("PATH", nothing.path()).env_remove("BROWSER");
    let mut waiting = Waiting::start(command);
    let address = waiting.said()["sign_in_url"].as_str().unwrap().to_owned();
    let note = waiting.said()["note"].as_str().unwrap().to_owned();
    assert!(
        note.contains("could not be opened") && note.contains("--device"),
        "{note}"
    );
    support::browse(&address);
    let (exit, out, err) = waiting.ended();
    assert_eq!(exit, 0, "{out}{err}");
}

#[test]
fn of_two_terminals_the_one_that_began_last_signs_in() {
    let host = Host::start();
    let profile = Profile::new();
    let arguments = ["--json", "sign-in", "--no-browser", "--server", &host.url()];
    let mut first = Waiting::start(profile.command(&arguments));
    first.said();
    let mut second = Waiting::start(profile.command(&arguments));
    let address = second.said()["sign_in_url"].as_str().unwrap().to_owned();
    let (exit, _, err) = first.ended();
    assert_eq!(exit, 1, "{err}");
    assert!(err.contains("sign_in_cancelled"), "{err}");
    support::browse(&address);
    let (exit, out, err) = second.ended();
    assert_eq!(exit, 0, "{out}{err}");
    assert_eq!(profile.json(&["status"])["session"]["state"], "active");
}
