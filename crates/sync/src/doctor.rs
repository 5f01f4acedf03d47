//! What `freewheel doctor` tells: one finding a line, in plain words, with what to do about it.
//!
//! [`crate::Engine::doctor`] looks; `findings` says what it means. A report holds no secret: no token, no key, no
//! password, and no name.

mod account;
mod findings;
mod place;

use std::path::PathBuf;
use std::time::Duration;

use freewheel_policy::session;
use freewheel_policy::time::Now;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::EngineError;
use crate::home::Home;
use crate::store::{DatabaseCheck, OutboxCounts, Salvage, check_databases};
use crate::vault::{VaultError, VaultKind};
use crate::version;

pub use place::key_file_mode;

/// How long the issuer may take to answer a doctor.
pub const ISSUER_PATIENCE: Duration = Duration::from_secs(3);

/// How a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    /// Something should be done.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Stable name for programs, for example `vault`.
    pub name: &'static str,
    /// How it is meant.
    pub grade: Grade,
    /// What was found, in a sentence or two.
    pub words: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// The same for programs.
    pub facts: Map<String, Value>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Semantic version of the program.
    pub version: &'static str,
    /// Commit that it was built from.
    pub commit: &'static str,
    /// Day that it was built.
    pub built: &'static str,
    /// Whether the profile could be opened.
    pub opened: bool,
    /// What was found, from the ground up.
    pub findings: Vec<Finding>,
}

/// What was looked at; nothing is judged yet.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) home: PathBuf,
    pub(crate) databases: [DatabaseCheck; 2],
    pub(crate) salvage: Option<Salvage>,
    /// When facts of the session were last kept because they could not be read, Unix ms.
    pub(crate) unread: Option<i64>,
    pub(crate) vault: VaultSeen,
    pub(crate) now: Now,
    pub(crate) session: session::View,
    pub(crate) facts: session::Facts,
    pub(crate) issuer: IssuerSeen,
    pub(crate) queue: Option<Queue>,
    pub(crate) syncer: Syncer,
}

/// A real question to the vault, and its answer.
#[derive(Debug)]
pub(crate) struct VaultSeen {
    /// Where the key was found.
    pub(crate) kind: VaultKind,
    /// Whether the key of the profile's owner was there.
    pub(crate) answer: Result<(), VaultError>,
    /// The key file is where it was put.
    pub(crate) in_file: bool,
    /// The first line of the key file that is damaged.
    pub(crate) damaged_line: Option<usize>,
    /// Whether sealed tokens wait for that key.
    pub(crate) wanted: bool,
    /// The key file.
    pub(crate) file: PathBuf,
    /// Its permission bits before it was read; none where there is no file, or where files have none.
    pub(crate) mode: Option<u32>,
}

/// Whether the issuer answered.
#[derive(Debug)]
pub(crate) enum IssuerSeen {
    /// Nobody is signed in, so there is none.
    None,
    /// It describes itself.
    Answers(String),
    /// It could not be asked, or gave no proper answer: its address, and why.
    Silent(String, String),
}

/// What is stored for delivery.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Rides.
    pub(crate) counts: OutboxCounts,
    /// Changes of the plan and of what is said about rides.
    pub(crate) edits: OutboxCounts,
    /// Rides that were begun and not finished.
    pub(crate) unfinished: usize,
}

/// Who delivers and fetches.
#[derive(Debug)]
pub(crate) enum Syncer {
    /// Nobody at the moment.
    Nobody,
    /// This very program.
    This,
    /// Another process, with its id where the system tells.
    Other(Option<u32>),
    /// It could not be seen.
    Unknown(String),
}

impl Report {
    pub(crate) fn of(seen: &Seen) -> Self {
        Self::with(true, findings::of(seen))
    }

    /// What can be told of a profile that cannot be opened.
    #[must_use]
    pub fn unopened(home: &Home, error: &EngineError) -> Self {
        let mut findings = vec![place::profile(home.root())];
        findings.extend(check_databases(home).iter().map(place::database));
        let words = format!("The profile cannot be opened: {error}.");
        findings.push(Finding::new("opening", Grade::Problem, words).fact("code", error.code()));
        Self::with(false, findings)
    }

    fn with(opened: bool, findings: Vec<Finding>) -> Self {
        Self {
            version: version::VERSION,
            commit: version::COMMIT,
            built: version::BUILT,
            opened,
            findings,
        }
    }

    /// For people: a line for each finding, and one more where there is something to do.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![format!("Freewheel {}", version::LONG)];
        for finding in &self.findings {
            let (grade, name) = (finding.grade.word(), title(finding.name));
            lines.push(format!("{grade:<8} {name:<9} {}", finding.words));
            if let Some(remedy) = &finding.remedy {
                lines.push(format!("{:<18} → {remedy}", ""));
            }
        }
        lines.push(self.sum());
        lines.join("\n")
    }

    fn sum(&self) -> String {
        let count = |grade| {
            let found = self.findings.iter();
            found.filter(|finding| finding.grade == grade).count()
        };
        match (count(Grade::Problem), count(Grade::Note)) {
            (0, 0) => "All is well.".to_owned(),
            (0, _) => "No problem was found.".to_owned(),
            (1, _) => "1 problem was found.".to_owned(),
            (problems, _) => format!("{problems} problems were found."),
        }
    }
}

impl Grade {
    /// As it stands before a line.
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Note => "note",
            Self::Problem => "PROBLEM",
        }
    }
}

impl Finding {
    fn new(name: &'static str, grade: Grade, words: impl Into<String>) -> Self {
        Self {
            name,
            grade,
            words: words.into(),
            remedy: None,
            facts: Map::new(),
        }
    }

    fn ok(name: &'static str, words: impl Into<String>) -> Self {
        Self::new(name, Grade::Ok, words)
    }

    fn note(name: &'static str, words: impl Into<String>) -> Self {
        Self::new(name, Grade::Note, words)
    }

    fn problem(name: &'static str, words: impl Into<String>) -> Self {
        Self::new(name, Grade::Problem, words)
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

/// A finding's name before a line for people.
fn title(name: &str) -> &str {
    match name {
        "athlete_db" => "rides",
        "library_db" => "library",
        "key_file" => "key file",
        "salvage" => "saved",
        "unread_facts" => "facts",
        other => other,
    }
}

/// A moment in the athlete's time zone, to the minute.
fn moment(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms).map_or_else(
        |_| "outside the calendar".to_owned(),
        |at| {
            let at = at.to_zoned(TimeZone::system());
            at.strftime("%Y-%m-%d %H:%M").to_string()
        },
    )
}

/// A length of time in its largest unit.
fn length(milliseconds: u64) -> String {
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute")];
    for (unit, name) in units {
        let count = milliseconds / unit;
        if count > 0 {
            return counted(count, name);
        }
    }
    "less than a minute".to_owned()
}

/// `1 ride`, `2 rides`.
fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
