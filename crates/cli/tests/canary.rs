//! Secrets are put through every flow and every failure; then each byte that was written down or printed is searched.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use freewheel_lab::sign_in_page;
use freewheel_lab::site::{Gate, Settings, Site, Way};
use freewheel_server::Clock as _;
use freewheel_server::store::NewAthlete;
use jiff::SignedDuration;
use serde_json::Value;
use support::{Profile, confirm};
use tokio::runtime::Runtime;

/// What the athlete types at the server, and nowhere else: name (an e-mail address) and password are the same text.
const TYPED: &str = "canary-4f1b9c@mail.invalid";
/// How long new tokens are left alone, and a little more.
const YOUNG: Duration = Duration::from_millis(5_500);
/// Everything that any part of the program might log.
const LOUD: &str = "trace";
/// Fields of the issuer's requests and answers that nobody else may ever see.
const SECRET: [&str; 9] = [
    "access_token",
    "refresh_token",
    "id_token",
    "code",
    "code_verifier",
    "device_code",
    "token",
    "password",
    "username",
];

/// One profile, and all that its programs printed.
struct Trap {
    profile: Profile,
    runtime: Runtime,
    site: Site,
    printed: Vec<u8>,
}

impl Trap {
    fn set() -> Self {
        let runtime = Runtime::new().unwrap();
        // Tokens that are over at once: every command renews them.
        let settings = Settings {
            access_token_life: SignedDuration::from_secs(1),
            ..Settings::default()
        };
        let site = runtime.block_on(Site::with(settings)).unwrap();
        let profile = freewheel_protocol::Profile {
            name: "Ann".to_owned(),
            ftp_watts: 200,
            weight_kg: None,
            extra: serde_json::Map::new(),
        };
        let ann = NewAthlete {
            username: TYPED,
            password: TYPED,
            profile,
        };
        let now = site.settings().clock.now();
        site.server.store().add_athlete(&ann, now).unwrap();
        site.gate.listen();
        Self {
            profile: Profile::new(),
            runtime,
            site,
            printed: Vec::new(),
        }
    }

    fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.site.gate)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.profile.command(arguments);
        command
            .env("FREEWHEEL_LOG", LOUD)
            .env("RUST_BACKTRACE", "full");
        command
    }

    /// Runs a command, whatever comes of it.
    fn run(&mut self, arguments: &[&str]) -> i32 {
        let output = self.command(arguments).output().unwrap();
        self.printed.extend(&output.stdout);
        self.printed.extend(&output.stderr);
        output.status.code().unwrap_or(-1)
    }

    /// Signs in; the address that is printed for the browser is the athlete's to see.
    fn sign_in(&mut self) -> bool {
        let server = self.site.url.clone();
        let mut child = self
            .command(&["--json", "sign-in", "--no-browser", "--server", &server])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut address = None;
        while address.is_none() {
            let mut line = String::new();
            if stderr.read_line(&mut line).unwrap() == 0 {
                break;
            }
            let said: Option<Value> = serde_json::from_str(&line).ok();
            address = said.and_then(|said| said["sign_in_url"].as_str().map(str::to_owned));
            if address.is_none() {
                self.printed.extend(line.bytes());
            }
        }
        // Whatever is said next must not wait for a reader.
        let reading = std::thread::spawn(move || {
            let mut rest = Vec::new();
            stderr.read_to_end(&mut rest).unwrap();
            rest
        });
        if let Some(address) = address {
            let page = sign_in_page::complete(&address, TYPED, TYPED);
            drop(self.runtime.block_on(page));
        }
        let done = child.wait_with_output().unwrap();
        self.printed.extend(&done.stdout);
        self.printed.extend(reading.join().unwrap());
        done.status.success()
    }

    /// Signs in with a code on another device; the code that is printed is the athlete's to see.
    fn sign_in_by_code(&mut self) -> bool {
        let server = self.site.url.clone();
        let mut child = self
            .command(&["--json", "sign-in", "--device", "--server", &server])
            .env_remove("FREEWHEEL_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        confirm(
            &server,
            said["device"]["user_code"].as_str().unwrap(),
            TYPED,
        );
        let done = child.wait_with_output().unwrap();
        self.printed.extend(line.bytes());
        self.printed.extend(&done.stdout);
        stderr.read_to_end(&mut self.printed).unwrap();
        done.status.success()
    }

    /// Every secret that passed the gate, by where it stood.
    fn secrets(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut secrets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut note = |name: &str, value: &str| {
            if SECRET.contains(&name) && value.len() >= 12 {
                let kept = secrets.entry(name.to_owned()).or_default();
                kept.insert(value.to_owned());
                // The parts of a JWT are as secret as the whole.
                kept.extend(
                    value
                        .split('.')
                        .skip(1)
                        .filter(|part| part.len() > 40)
                        .map(str::to_owned),
                );
            }
        };
        for heard in self.site.gate.heard() {
            for (name, value) in url::form_urlencoded::parse(&heard.asked) {
                note(&name, &value);
            }
            if let Ok(Value::Object(answer)) = serde_json::from_slice(&heard.answered) {
                for (name, value) in &answer {
                    note(name, value.as_str().unwrap_or_default());
                }
            }
        }
        secrets
    }

    /// Searches everything.
    fn search(&self) {
        let mut places = vec![("what was printed".to_owned(), self.printed.clone())];
        collect(&self.profile.path(), &mut places);
        let written: Vec<&str> = places.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            written.iter().any(|name| name.ends_with("athlete.db")),
            "{written:?}"
        );
        assert!(
            written.iter().any(|name| name.ends_with(".jsonl")),
            "{written:?}"
        );
        let secrets = self.secrets();
        let all = secrets.values().flatten();
        for secret in all {
            for form in forms(secret) {
                for (place, bytes) in &places {
                    assert!(
                        !contains(bytes, &form),
                        "{place} holds a secret, as {:?}",
                        String::from_utf8_lossy(&form)
                    );
                }
            }
        }
    }
}

fn collect(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, places);
        } else {
            places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

/// The ways in which a text may be written down.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let listed = format!("{bytes:?}");
    let mut forms = vec![
        bytes.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        listed.trim_matches(['[', ']']).as_bytes().to_vec(),
        secret.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        url::form_urlencoded::byte_serialize(bytes)
            .collect::<String>()
            .into_bytes(),
    ];
    // Base64 of the text at each of the three places where it may begin; the ends depend on what is beside it.
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for skip in 0..3 {
            let inner = engine.encode(&bytes[skip..bytes.len() - (bytes.len() - skip) % 3]);
            forms.push(inner.into_bytes());
        }
    }
    forms.push(STANDARD.encode(bytes).into_bytes());
    forms
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

#[test]
fn no_secret_is_ever_written_down_or_printed() {
    let mut trap = Trap::set();
    let gate = trap.gate();

    // Failures of the sign-in itself, then one that works.
    gate.first(2, "POST /oauth/token", || {
        Way::Say(500, "text/html", "<p>no</p>".to_owned())
    });
    trap.sign_in();
    gate.first(2, "POST /oauth/token", || {
        Way::Change(Box::new(|_, body| {
            let echo = format!("<html>{}</html>", String::from_utf8_lossy(&body));
            (200, echo.into_bytes())
        }))
    });
    trap.sign_in();
    gate.through();
    assert!(trap.sign_in(), "{}", String::from_utf8_lossy(&trap.printed));
    assert_eq!(trap.run(&["sync", "--wait", "10"]), 0);
    trap.run(&["ride", "--free", "--speed", "200", "--stop-after", "30"]);

    // Failures of renewing: each answer that may end in an error message with the answer in it.
    type Spoil = fn() -> Way;
    let spoils: [Spoil; 8] = [
        || Way::LoseReply,
        || Way::Cut(40),
        || Way::Cut(400),
        || Way::Redirect,
        || Way::Later(429, 1),
        || Way::Change(Box::new(|_, body| (500, body))),
        || {
            Way::Change(Box::new(|_, mut body| {
                body.truncate(body.len().saturating_sub(1));
                (200, body)
            }))
        },
        || {
            Way::Change(Box::new(|_, body| {
                let text = String::from_utf8_lossy(&body).replace("Bearer", "bearer\\u0000");
                (200, text.into_bytes())
            }))
        },
    ];
    for spoil in spoils {
        gate.first(1, "POST /oauth/token", spoil);
        // Tokens that were just made are not renewed yet.
        trap.runtime
            .block_on(async { tokio::time::sleep(YOUNG).await });
        trap.run(&["sync"]);
        gate.through();
    }
    gate.only("GET /v1/", || {
        Way::Say(401, "application/json", "{}".to_owned())
    });
    trap.run(&["sync"]);
    gate.through();

    // A store that cannot save what came.
    let database = rusqlite::Connection::open(trap.profile.path().join("athlete.db")).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER canary BEFORE UPDATE OF sealed ON session BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        .unwrap();
    trap.run(&["sync"]);
    database.execute_batch("DROP TRIGGER canary").unwrap();
    drop(database);

    for arguments in [
        &["status"][..],
        &["--json", "status"],
        &["doctor"],
        &["--json", "doctor"],
        &["outbox", "list"],
        &["--json", "rides", "list"],
    ] {
        trap.run(arguments);
    }

    // Refused for good, signed out with the issuer away, and in again.
    gate.only("POST /oauth/revoke", || Way::LoseRequest);
    trap.run(&["sign-out"]);
    gate.through();
    trap.run(&["sync"]);
    assert!(trap.sign_in());
    trap.run(&["sign-out"]);
    assert!(trap.sign_in_by_code());
    trap.run(&["sync"]);

    let secrets = trap.secrets();
    let found: BTreeMap<&str, usize> = secrets
        .iter()
        .map(|(name, all)| (name.as_str(), all.len()))
        .collect();
    for name in [
        "access_token",
        "refresh_token",
        "id_token",
        "code",
        "code_verifier",
        "device_code",
        "password",
    ] {
        assert!(found.contains_key(name), "no {name} passed: {found:?}");
    }
    let heard = trap.site.gate.heard();
    let renewals = heard
        .iter()
        .filter(|heard| contains(&heard.asked, b"grant_type=refresh_token"))
        .count();
    assert!(renewals >= 4, "{renewals} renewals, {found:?}");
    trap.search();
}

#[test]
fn the_search_finds_each_form_of_a_secret() {
    let secret = "a-secret-of-some-length";
    for (number, form) in forms(secret).into_iter().enumerate() {
        let mut haystack = vec![7; 100];
        haystack.extend(&form);
        haystack.extend([9; 100]);
        assert!(contains(&haystack, &form), "{number}");
    }
    for before in ["", "x", "xy"] {
        let hidden = STANDARD.encode(format!("{before}{secret}, and more"));
        let seen = forms(secret)
            .iter()
            .any(|form| contains(hidden.as_bytes(), form));
        assert!(seen, "{hidden}");
    }
}
