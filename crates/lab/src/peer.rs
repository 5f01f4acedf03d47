//! A certified OpenID Connect provider that is not ours (`peers/oidc-provider`) as a process of its own. It is strict: a
//! refresh token that was used is refused at once, and its use ends the whole sign-in. It tells its own events, so that
//! what the client believes can be compared with what the issuer did.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use freewheel_protocol::oauth::CLIENT_ID;
use serde::Deserialize;

use crate::peer_gate::Gate;
use crate::program::Program;
use crate::wait::until;
use crate::{LabError, programs};

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(60);
/// How long an event may take to be told.
const TELL: Duration = Duration::from_secs(10);

/// How the provider is set up. Times are in seconds, at least 1.
#[derive(Debug, Clone, Copy)]
pub struct PeerOptions {
    /// Life of an access token.
    pub access_token_life: u64,
    /// Life of a refresh token.
    pub refresh_token_life: u64,
    /// Life of a device code.
    pub device_code_life: u64,
}

impl Default for PeerOptions {
    /// Quarter of an hour, 30 days, ten minutes.
    fn default() -> Self {
        Self {
            access_token_life: 15 * 60,
            refresh_token_life: 30 * 24 * 60 * 60,
            device_code_life: 10 * 60,
        }
    }
}

/// A running provider behind a gate of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Peer {
    program: Program,
    gate: Gate,
}

/// An event as the provider tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PeerEvent {
    /// Its name: `grant.success`, `grant.error`, `grant.revoked`, `refresh_token.consumed`, …
    pub event: String,
    /// Where it happened: `token`, `revocation`, … , or `operator`.
    pub route: Option<String>,
    /// The grant type of a token request.
    pub grant_type: Option<String>,
    /// The OAuth error code that the client was told.
    pub error: Option<String>,
    /// The true cause, which the client was not told.
    pub detail: Option<String>,
    /// The sign-in that it is about.
    pub grant: Option<String>,
}

impl PeerEvent {
    /// In one line: name, and what it is about.
    #[must_use]
    pub fn line(&self) -> String {
        let about = [&self.route, &self.grant_type, &self.error, &self.detail];
        let about = about.into_iter().flatten().map(String::as_str);
        let words: Vec<&str> = std::iter::once(self.event.as_str()).chain(about).collect();
        words.join(" · ")
    }
}

impl Peer {
    /// Starts the provider behind a gate, whose address is the issuer's; its output goes to `peer.out` and `peer.err`
    /// in `logs`.
    ///
    /// # Errors
    /// Node.js or the provider's packages are not installed, or it does not listen in time.
    pub async fn start(logs: &Path, options: PeerOptions) -> Result<Self, LabError> {
        let gate = Gate::open().await?;
        let folder = folder()?;
        let mut command = Command::new(programs::installed("node", "none: https://nodejs.org")?);
        command.arg(folder.join("provider.mjs")).args([
            "--client",
            CLIENT_ID,
            "--issuer",
            gate.url(),
        ]);
        for (option, seconds) in [
            ("--access-token-life", options.access_token_life),
            ("--refresh-token-life", options.refresh_token_life),
            ("--device-code-life", options.device_code_life),
        ] {
            command.arg(option).arg(seconds.to_string());
        }
        let mut program = Program::start("peer", &mut command, logs)?;
        let url = program
            .line("the provider's ready line", START, |line| {
                line.strip_prefix("listening on ").map(str::to_owned)
            })
            .await?;
        gate.lead_to(&url);
        Ok(Self { program, gate })
    }

    /// The issuer's address, through the gate.
    #[must_use]
    pub fn url(&self) -> &str {
        self.gate.url()
    }

    /// The gate.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Everything that the provider has told so far.
    #[must_use]
    pub fn events(&self) -> Vec<PeerEvent> {
        let told = self.program.stdout();
        told.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// How many events `which` is true of.
    #[must_use]
    pub fn count(&self, which: impl Fn(&PeerEvent) -> bool) -> usize {
        self.events().iter().filter(|event| which(event)).count()
    }

    /// Waits until it has told everything that has happened, and gives it. Whatever a client has an answer to is part of
    /// it.
    ///
    /// # Errors
    /// It does not answer in time.
    pub async fn all_events(&mut self) -> Result<Vec<PeerEvent>, LabError> {
        let mark = |event: &PeerEvent| event.event == "mark";
        let marks = self.count(mark);
        self.program.send("mark\n")?;
        until("the provider's mark", TELL, async || {
            let events = self.events();
            let marked = events.iter().filter(|event| mark(event)).count() > marks;
            Ok(marked.then_some(events))
        })
        .await
    }

    /// Ends every sign-in at the provider, as a change of password does.
    ///
    /// # Errors
    /// It does not do so in time.
    pub async fn revoke_all(&mut self) -> Result<(), LabError> {
        self.program.send("revoke\n")?;
        self.all_events().await.map(drop)
    }
}

/// Where the provider is, if its packages are installed.
fn folder() -> Result<PathBuf, LabError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/oidc-provider");
    if folder.join("node_modules/oidc-provider").is_dir() {
        return Ok(folder);
    }
    Err(LabError::Unexpected(format!(
        "the packages of {} are not installed; run `cargo xtask setup`",
        folder.display()
    )))
}
