//! A row of the catalogue as its text file tells it.

use freewheel_policy::session::{Library, Riding, Uploads};
use serde::{Deserialize, Serialize};

use super::environment::Environment;
use crate::LabError;

/// A failure, and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its number in the catalogue.
    pub row: u8,
    /// Its name on the command line.
    pub name: String,
    /// What it is an example of.
    pub kind: Kind,
    /// What happens to the athlete, in a sentence.
    pub cause: String,
    /// The rule that keeps it harmless, and where that rule stands.
    pub guards: String,
    /// How the failure is made, in words.
    pub injection: String,
    /// Where it is made.
    pub injected_at: At,
    /// What the engine's process runs in.
    #[serde(default)]
    pub environment: Environment,
    /// Whether the app runs when it happens.
    #[serde(default)]
    pub opening: Opening,
    /// What must be so while it lasts.
    pub expect: Expect,
    /// What must be so afterwards.
    pub healed: Healed,
}

/// What a failure must lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Fails open: tokens are kept, the app is usable, tries go on.
    #[serde(rename = "FO")]
    FailsOpen,
    /// Asks to sign in; local use and the queue stay.
    #[serde(rename = "SI")]
    AsksToSignIn,
    /// Locks licensed content, and nothing else.
    #[serde(rename = "LK")]
    Locks,
    /// Repairs, then fails open.
    #[serde(rename = "RP")]
    Repairs,
}

impl Kind {
    /// The two letters of the catalogue.
    #[must_use]
    pub fn letters(self) -> &'static str {
        match self {
            Self::FailsOpen => "FO",
            Self::AsksToSignIn => "SI",
            Self::Locks => "LK",
            Self::Repairs => "RP",
        }
    }
}

/// Where a failure is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// On the wire: real requests, spoiled answers or connections.
    Wire,
    /// At the server: its own accounts, keys and lives of tokens.
    Server,
    /// At the clock that the engine reads.
    Clock,
    /// In a real keyring, or a real desktop session without one.
    Keyring,
    /// In the profile's files, or the disk under them.
    Disk,
    /// In processes: several, or killed ones.
    Process,
    /// In the program as built: what cannot happen any more.
    Build,
    /// This platform cannot make it happen: its error is given at the port.
    Port,
}

impl At {
    /// The word for tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Server => "server",
            Self::Clock => "clock",
            Self::Keyring => "keyring",
            Self::Disk => "disk",
            Self::Process => "process",
            Self::Build => "build",
            Self::Port => "port",
        }
    }
}

/// Whether the app runs when the failure begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// It runs, all is well; the athlete rides once the failure is there.
    #[default]
    Running,
    /// It is closed, and a ride waits in the queue; it is opened once the failure is there.
    Closed,
}

/// What must be so while the failure lasts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The session's state, as `SessionView::state` names it.
    pub state: String,
    /// The state that the stored facts lead to, where the disk cannot take what the screen knows.
    #[serde(default)]
    pub stored_state: Option<String>,
    /// What the policy gives as its cause, in its own words with a dot between the parts: `token_refused`,
    /// `transport.dns`, `locked`. Exactly the states that have a cause have it here.
    #[serde(default)]
    pub cause: Option<String>,
    /// What can be ridden.
    pub ride: Riding,
    /// The licensed library.
    pub library: Library,
    /// What becomes of uploads.
    pub uploads: Uploads,
    /// The headline on the screen, exactly.
    pub headline: String,
    /// What the second line has in it.
    #[serde(default)]
    pub detail: Vec<String>,
    /// The service's state in one word, where the row is about it: `unknown`, `reachable`, `unreachable`, `trouble`.
    #[serde(default)]
    pub service: Option<String>,
    /// Where the ride is.
    #[serde(default)]
    pub ride_is: Place,
    /// Requests to the token endpoint from the moment of the failure to the end of the observation: least and most.
    pub token_requests: [usize; 2],
    /// All requests in that time: least and most.
    pub requests: [usize; 2],
    /// All this must be so within so many seconds.
    #[serde(default = "twenty")]
    pub within_seconds: u64,
    /// And still be so after so many more, in which requests are counted.
    #[serde(default = "two")]
    pub observe_seconds: u64,
}

/// Where a ride is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the queue.
    #[default]
    Waiting,
    /// With the service.
    Delivered,
    /// On this computer, and nobody's to send: it was ridden while nobody was signed in, or its owner signed out.
    Kept,
}

/// What must be so once the cause is gone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Healed {
    /// The session's state.
    #[serde(default = "active")]
    pub state: String,
    /// The headline on the screen, exactly.
    #[serde(default)]
    pub headline: String,
    /// Whether the athlete has to sign in for it.
    #[serde(default)]
    pub sign_in: bool,
    /// Whether the athlete presses "Sync now"; else it comes by itself.
    #[serde(default)]
    pub sync_now: bool,
    /// All this must be so within so many seconds.
    #[serde(default = "forty")]
    pub within_seconds: u64,
}

impl Row {
    /// Reads a row's text file.
    ///
    /// # Errors
    /// It is not as it should be; the text says where.
    pub fn read(text: &str) -> Result<Self, LabError> {
        toml::from_str(text).map_err(|error| {
            let start = text.lines().take(2).collect::<Vec<_>>().join(", ");
            LabError::Unexpected(format!("the scenario of {start}: {error}"))
        })
    }
}

const fn two() -> u64 {
    2
}

const fn twenty() -> u64 {
    20
}

const fn forty() -> u64 {
    40
}

fn active() -> String {
    "active".to_owned()
}
