//! `outbox`: what waits to be delivered.

use std::process::ExitCode;

use freewheel_sync::view::OutboxRow;
use serde_json::json;

use super::rides;
use crate::arguments::Outbox;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::table::{Set, Table};
use crate::words::Here;

const SEE_LIST: &str = "`freewheel outbox list` shows the ids.";

/// Does what was asked about the outbox.
pub async fn run(profile: &Profile, output: Output, command: Outbox) -> Result<ExitCode, Failure> {
    match command {
        Outbox::List => {
            let entries = undelivered(profile).await?;
            output.answer(&json!({ "entries": entries }), || {
                if entries.is_empty() {
                    return "Nothing waits.".to_owned();
                }
                table(&entries, &profile.here)
            })?;
        }
        Outbox::Retry { id } => {
            let entries = undelivered(profile).await?;
            if !entries.iter().any(|entry| entry.id == id.to_string()) {
                let words = format!("nothing with the id {id} waits");
                return Err(Failure::new("outbox_unknown", words).hint(SEE_LIST));
            }
            profile.engine.retry_ride(id).await?;
            output.answer(&json!({ "id": id, "state": "waiting" }), || {
                format!("{id} is tried again with the next sync. `freewheel sync` does it now.")
            })?;
        }
        Outbox::Export { id, path } => return rides::export(profile, output, id, &path).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// What was delivered is told by `rides list`.
async fn undelivered(profile: &Profile) -> Result<Vec<OutboxRow>, Failure> {
    let entries = profile.engine.outbox().await?;
    Ok(entries
        .into_iter()
        .filter(|entry| entry.state != "delivered")
        .collect())
}

fn table(entries: &[OutboxRow], here: &Here) -> String {
    let mut table = Table::new(&[
        ("What", Set::Left),
        ("Name", Set::Left),
        ("State", Set::Left),
        ("Tries", Set::Right),
        ("Next try", Set::Left),
        ("Id", Set::Whole),
        ("Why", Set::Whole),
    ]);
    for entry in entries {
        let why = entry.reason.as_ref().or(entry.last_error.as_ref());
        table.row([
            entry.kind.clone(),
            entry.name.clone(),
            entry.state.replace('_', " "),
            entry.attempts.to_string(),
            entry
                .next_try
                .map_or_else(|| "–".to_owned(), |at| here.moment(at)),
            entry.id.clone(),
            why.cloned().unwrap_or_default(),
        ]);
    }
    table.render()
}
