//! Files beside the databases: FIT files for people, which are copies that the database can write again; and a damaged
//! database, of which there is no other copy.

use std::collections::BTreeSet;
use std::path::Path;

use freewheel_protocol::Sha256Digest;
use freewheel_sync::store::Store;
use rusqlite::Connection;

use super::{Findings, Rule};
use crate::PowercutError;

pub(super) fn check(
    athlete: &Connection,
    store: &Store,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    whole(
        athlete,
        store,
        "exported = 1",
        "counts as written",
        findings,
    )?;
    if let Err(error) = store.export_missing_files() {
        findings.add(Rule::Files, error.to_string());
    }
    whole(
        athlete,
        store,
        "state = 'finished'",
        "was written again",
        findings,
    )
}

/// A database that was damaged before is there as it was found, under whatever name.
pub(super) fn untouched(
    profile: &Path,
    digest: &str,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    let there = digests(profile, |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("athlete.db")
    })?;
    findings.unless(there.contains(digest), Rule::Untouched, || {
        "the damaged database is not kept as it was".to_owned()
    });
    Ok(())
}

fn whole(
    athlete: &Connection,
    store: &Store,
    which: &str,
    what: &str,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    let there = files(store)?;
    let mut rides = athlete.prepare(&format!("SELECT id, digest FROM ride WHERE {which}"))?;
    let rides = rides.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for ride in rides {
        let (id, digest): (String, String) = ride?;
        findings.unless(there.contains(&digest), Rule::Files, || {
            format!("the file of {id} {what}, and is not there as it should be")
        });
    }
    Ok(())
}

/// The digests of the files that people see.
fn files(store: &Store) -> Result<BTreeSet<String>, PowercutError> {
    digests(&store.home().rides(), |path| {
        path.extension().is_some_and(|extension| extension == "fit")
    })
}

fn digests(
    folder: &Path,
    which: impl Fn(&Path) -> bool,
) -> Result<BTreeSet<String>, PowercutError> {
    let unreadable = || PowercutError::io("reading", folder);
    let mut digests = BTreeSet::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable())? {
        let path = entry.map_err(unreadable())?.path();
        if which(&path) {
            let bytes = std::fs::read(&path).map_err(unreadable())?;
            digests.insert(Sha256Digest::of(&bytes).to_string());
        }
    }
    Ok(digests)
}
