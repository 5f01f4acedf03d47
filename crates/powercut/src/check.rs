//! After the power cut: the real code opens what the disk holds, and every promise is looked for in it.

mod edits;
mod files;
mod library;
mod outbox;
mod rides;
mod session;
mod states;

use std::path::Path;

use freewheel_lab::rig;
use freewheel_sync::store::Store;
use rusqlite::{Connection, OpenFlags};

use crate::PowercutError;
use crate::promises::Promises;

pub use states::State;

/// What must hold after a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The profile opens, and nothing was damaged, set aside or salvaged that was not damaged before.
    Opens,
    /// A database that was damaged before is kept as it was found.
    Untouched,
    /// SQLite finds nothing wrong in either database.
    Sound,
    /// Samples that were said to be safe are there, and those that are there have no gap.
    Samples,
    /// A ride that was said to be saved is finished.
    Saved,
    /// A finished ride of somebody is in the outbox with the same file, and a ride in the outbox is finished.
    Whole,
    /// A ride that was sent was claimed before.
    Claimed,
    /// A ride that was said to be delivered is delivered, and has its receipt as long as it is.
    Delivered,
    /// A change that was said to be saved is there.
    Edited,
    /// A change that was sent was claimed before.
    EditClaimed,
    /// A change that was said to be delivered is delivered.
    EditDelivered,
    /// Tokens that were said to be saved are there.
    Tokens,
    /// A renewal that was asked for had been noted before.
    Intent,
    /// Sealed tokens have their key.
    Key,
    /// The library is at a cursor with what belongs to it.
    Page,
    /// The file of a ride that counts as written for people is whole; that of any other can be written.
    Files,
    /// Both databases are in a state in which they once were.
    State,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub rule: Rule,
    /// How.
    pub words: String,
}

/// What a power cut left.
#[derive(Debug, Default)]
pub struct Left {
    /// Broken promises.
    pub findings: Vec<Finding>,
    /// What is in the databases; none where there is no profile.
    pub state: Option<State>,
}

/// Where findings are gathered.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, rule: Rule, words: impl Into<String>) {
        self.0.push(Finding {
            rule,
            words: words.into(),
        });
    }

    fn unless(&mut self, holds: bool, rule: Rule, words: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, words());
        }
    }
}

/// Opens the profile folder with the real code and looks for what was promised. The folder is changed by it, as a launch
/// changes it.
///
/// # Errors
/// It could not be looked at; that the code itself cannot open it is a finding.
pub fn check(profile: &Path, promises: &Promises) -> Result<Left, PowercutError> {
    let mut findings = Findings::default();
    if !profile.exists() {
        findings.unless(promises.are_none(), Rule::Opens, || {
            "the profile folder is gone, with everything in it".to_owned()
        });
        return Ok(Left {
            findings: findings.0,
            state: None,
        });
    }
    let home = rig::home(profile)?;
    let store = match Store::open(&home) {
        Ok(store) => store,
        Err(error) => {
            findings.add(Rule::Opens, error.to_string());
            return Ok(Left {
                findings: findings.0,
                state: None,
            });
        }
    };
    match &promises.damaged {
        None => nothing_was_damaged(profile, &store, &mut findings)?,
        Some(digest) => files::untouched(profile, digest, &mut findings)?,
    }
    let athlete = reading(&home.athlete_db())?;
    let library = reading(&home.library_db())?;
    for (name, database) in [("athlete.db", &athlete), ("library.db", &library)] {
        sound(name, database, &mut findings)?;
    }
    let state = State::of(&athlete, &library)?;
    rides::check(&athlete, &store, promises, &mut findings)?;
    outbox::check(&athlete, promises, &mut findings)?;
    edits::check(&athlete, promises, &mut findings)?;
    session::check(&athlete, profile, promises, &mut findings)?;
    library::check(&library, promises, &mut findings)?;
    files::check(&athlete, &store, &mut findings)?;
    Ok(Left {
        findings: findings.0,
        state: Some(state),
    })
}

fn nothing_was_damaged(
    profile: &Path,
    store: &Store,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    match store.salvage() {
        Ok(None) => {}
        Ok(Some(salvage)) => findings.add(Rule::Opens, salvage.words()),
        Err(error) => findings.add(Rule::Opens, error.to_string()),
    }
    let unreadable = || PowercutError::io("reading", profile);
    for entry in std::fs::read_dir(profile).map_err(unreadable())? {
        let name = entry.map_err(unreadable())?.file_name();
        let name = name.to_string_lossy();
        let telling = [".damaged", ".newer", ".suspect"];
        findings.unless(
            !telling.iter().any(|part| name.contains(part)),
            Rule::Opens,
            || format!("{name} is there"),
        );
    }
    Ok(())
}

fn reading(path: &Path) -> Result<Connection, PowercutError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

fn sound(name: &str, database: &Connection, findings: &mut Findings) -> Result<(), PowercutError> {
    let mut verdict = database.prepare("PRAGMA integrity_check(3)")?;
    let verdict = verdict.query_map([], |row| row.get::<_, String>(0))?;
    let verdict: Vec<String> = verdict.collect::<Result<_, _>>()?;
    findings.unless(verdict == ["ok"], Rule::Sound, || {
        format!("{name}: {}", verdict.join("; "))
    });
    let mut orphans = database.prepare("PRAGMA foreign_key_check")?;
    let orphan = orphans.exists([])?;
    findings.unless(!orphan, Rule::Sound, || {
        format!("{name}: rows without their parent")
    });
    Ok(())
}
