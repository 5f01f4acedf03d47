//! The session: tokens that were saved, the renewal that was noted before it was asked for, the key that opens them.

use std::path::Path;

use freewheel_policy::session::Facts;
use freewheel_sync::vault;
use rusqlite::{Connection, OptionalExtension as _};

use super::{Findings, Rule};
use crate::PowercutError;
use crate::promises::Promises;

pub(super) fn check(
    athlete: &Connection,
    profile: &Path,
    promises: &Promises,
    findings: &mut Findings,
) -> Result<(), PowercutError> {
    let sql = "SELECT facts, generation, sealed IS NOT NULL FROM session WHERE id = 1";
    let stored = athlete.query_row(sql, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, row.get(2)?))
    });
    let (facts, generation, sealed) = match stored.optional()? {
        Some((facts, generation, sealed)) => {
            (serde_json::from_str(&facts)?, u64::from(generation), sealed)
        }
        None => (Facts::default(), 0, false),
    };
    findings.unless(
        generation >= promises.generation && (sealed || promises.generation == 0),
        Rule::Tokens,
        || {
            let promised = promises.generation;
            format!("tokens of generation {promised} were saved; there are {generation}: {sealed}")
        },
    );
    let noted = facts.intent.is_some() || generation > promises.generation;
    findings.unless(noted || !promises.renewing, Rule::Intent, || {
        format!("generation {generation} was to be renewed, and nothing tells of it")
    });
    if let (true, Some(account)) = (sealed, &facts.account) {
        let entry = vault::account_entry(&account.issuer, &account.subject);
        let keys = std::fs::read_to_string(vault::key_file_path(profile)).unwrap_or_default();
        let key = keys.lines().any(|line| line.starts_with(&entry));
        findings.unless(key, Rule::Key, || {
            "there are sealed tokens without a key".to_owned()
        });
    }
    Ok(())
}
