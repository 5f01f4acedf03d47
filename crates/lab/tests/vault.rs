//! The vault against the real gnome-keyring, in private sessions in each condition that a keyring can be in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use freewheel_lab::desktop::{DesktopSession, Keyring, PROMPT_GIVES_UP, SessionOptions};
use freewheel_lab::program::Program;
use serde_json::Value;

const ACCOUNT: &str = "account-0123";
const TIMEOUT: Duration = Duration::from_secs(3);

struct Probe {
    program: Program,
    home: PathBuf,
}

impl Probe {
    fn start(session: &DesktopSession, name: &str) -> Self {
        let home = session.folder().join("profile");
        fs::create_dir_all(&home).unwrap();
        let mut command = session.command(env!("CARGO_BIN_EXE_vault-probe"));
        command.arg(&home).arg(TIMEOUT.as_millis().to_string());
        Self {
            program: Program::start(name, &mut command, &session.logs()).unwrap(),
            home,
        }
    }

    async fn ask(&mut self, verb: &str) -> Value {
        self.program.send(&format!("{verb} {ACCOUNT}\n")).unwrap();
        let parse = |line: &str| serde_json::from_str(line).ok();
        self.program
            .line("an answer", Duration::from_secs(60), parse)
            .await
            .unwrap()
    }

    /// Asks until the answer is a key; the vault itself bounds each call.
    async fn ask_until_key(&mut self, verb: &str, calls: u32) -> Value {
        let mut last = Value::Null;
        for _ in 0..calls {
            last = self.ask(verb).await;
            if last["key"].is_string() {
                return last;
            }
        }
        panic!("no key after {calls} calls: {last}");
    }
}

async fn session(keyring: Keyring) -> DesktopSession {
    DesktopSession::start(SessionOptions::headless(keyring))
        .await
        .unwrap()
}

#[tokio::test]
async fn an_open_keyring_keeps_one_key_across_restarts_and_gives_it_up_on_request() {
    let mut session = session(Keyring::Unlocked).await;
    let mut probe = Probe::start(&session, "first");
    assert_eq!(probe.ask("key").await["error"], "vault_missing");
    let made = probe.ask("create").await;
    assert_eq!(made["kind"], "keyring", "{made}");
    assert_eq!(probe.ask("create").await["key"], made["key"]);
    assert!(!probe.home.join("vault.key").exists());

    let mut later = Probe::start(&session, "second");
    assert_eq!(later.ask("key").await["key"], made["key"]);

    // The keyring crashes and comes back: the connection that the process holds is dead.
    session.stop_keyring();
    assert_eq!(later.ask("key").await["error"], "vault_absent");
    session.start_keyring().await.unwrap();
    assert_eq!(
        later.ask("key").await["key"],
        made["key"],
        "without a restart"
    );

    later.ask("delete").await;
    assert_eq!(probe.ask("key").await["error"], "vault_missing");
}

#[tokio::test]
async fn without_a_bus_reading_says_so_and_works_as_soon_as_one_is_there() {
    let mut session = session(Keyring::NoBus).await;
    let mut probe = Probe::start(&session, "probe");
    assert_eq!(probe.ask("key").await["error"], "vault_absent");
    assert_eq!(probe.ask("key").await["error"], "vault_absent");
    session.start_bus().await.unwrap();
    assert_eq!(
        probe.ask("key").await["error"],
        "vault_absent",
        "a bus alone is no keyring"
    );
    session.start_keyring().await.unwrap();
    assert_eq!(
        probe.ask("key").await["error"],
        "vault_missing",
        "the same process finds it"
    );
    assert_eq!(probe.ask("create").await["kind"], "keyring");
}

#[tokio::test]
async fn without_a_keyring_the_key_goes_to_a_file_that_only_its_owner_reads() {
    for keyring in [Keyring::NoBus, Keyring::Absent, Keyring::NoCollection] {
        let session = session(keyring).await;
        let mut probe = Probe::start(&session, "first");
        let made = probe.ask("create").await;
        assert_eq!(made["kind"], "key_file", "{keyring:?}: {made}");
        let file = probe.home.join("vault.key");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{keyring:?}");
        assert!(fs::read_to_string(&file).unwrap().contains(ACCOUNT));

        let mut later = Probe::start(&session, "second");
        let found = later.ask("key").await;
        assert_eq!(found["key"], made["key"], "{keyring:?}: {found}");
        assert_eq!(found["kind"], "key_file");
        assert_eq!(later.ask("delete").await["removed"], true, "{keyring:?}");
        assert!(!file.exists());
    }
}

#[tokio::test]
async fn a_service_without_a_collection_looks_empty_when_read() {
    let session = session(Keyring::NoCollection).await;
    let mut probe = Probe::start(&session, "probe");
    assert_eq!(probe.ask("key").await["error"], "vault_missing");
    assert!(
        !probe.home.join("vault.key").exists(),
        "reading never makes a key file"
    );
}

#[tokio::test]
async fn a_locked_keyring_with_a_silent_prompt_costs_one_timeout_and_recovers_without_a_restart() {
    let session = session(Keyring::Unlocked).await;
    let mut probe = Probe::start(&session, "first");
    let made = probe.ask("create").await;
    session.lock_keyring().await.unwrap();

    let mut later = Probe::start(&session, "second");
    for verb in ["key", "create", "key"] {
        let refused = later.ask(verb).await;
        assert_eq!(refused["error"], "vault_timed_out", "{refused}");
        let millis = refused["millis"].as_u64().unwrap();
        assert!(millis < 2 * 3_000, "{verb} took {millis} ms");
    }
    assert!(
        !later.home.join("vault.key").exists(),
        "a locked keyring is no reason for a weaker place"
    );

    session.unlock_keyring().await.unwrap();
    // The call that hangs goes on until the keyring gives its prompt up; calls until then are bounded too.
    let calls = u32::try_from(PROMPT_GIVES_UP.as_secs() / TIMEOUT.as_secs()).unwrap() + 5;
    let found = later.ask_until_key("key", calls).await;
    assert_eq!(found["key"], made["key"]);
    assert_eq!(found["kind"], "keyring");
    assert_eq!(probe.ask("key").await["key"], made["key"]);
}
