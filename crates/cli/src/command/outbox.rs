//! `outbox`: what waits to be delivered.

use std::process::ExitCode;

use freewheel_sync::store::EDIT_KIND;
use freewheel_sync::view::{ConflictChoice, ConflictView, OutboxRow};
use serde_json::json;

use super::rides;
use crate::arguments::{Outbox, Version};
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::table::{Set, Table};
use crate::words::{Here, plain};

const KEEP: &str = "`freewheel outbox keep` chooses one.";
const SEE_LIST: &str = "`freewheel outbox list` shows the ids.";

/// Does what was asked about the outbox.
pub async fn run(profile: &Profile, output: Output, command: Outbox) -> Result<ExitCode, Failure> {
    match command {
        Outbox::List => {
            let entries = undelivered(profile).await?;
            let conflicts = profile.engine.conflicts().await?;
            output.answer(
                &json!({ "entries": entries, "conflicts": conflicts }),
                || {
                    if entries.is_empty() {
                        return "Nothing waits.".to_owned();
                    }
                    let table = table(&entries, &profile.here);
                    [table]
                        .into_iter()
                        .chain(conflicts.iter().map(versions))
                        .collect()
                },
            )?;
        }
        Outbox::Retry { id } => {
            let entries = undelivered(profile).await?;
            let Some(entry) = entries.iter().find(|entry| entry.id == id.to_string()) else {
                let words = format!("nothing with the id {id} waits");
                return Err(Failure::new("outbox_unknown", words).hint(SEE_LIST));
            };
            if entry.state == "conflict" {
                let words = "there are two versions of this change; trying again settles nothing";
                return Err(Failure::new("two_versions", words).hint(KEEP));
            }
            profile.engine.retry_ride(id).await?;
            output.answer(&json!({ "id": id, "state": "waiting" }), || {
                format!("{id} is tried again with the next sync. `freewheel sync` does it now.")
            })?;
        }
        Outbox::Export { id, path } => {
            let entries = undelivered(profile).await?;
            let is_edit = |entry: &OutboxRow| entry.id == id.to_string() && entry.kind == EDIT_KIND;
            if !entries.iter().any(is_edit) {
                return rides::export(profile, output, id, &path).await;
            }
            let file = profile.engine.export_edit(id, &path).await?;
            output.answer(&json!({ "id": id, "file": file }), || {
                format!("Written to {}", plain(&file.display().to_string()))
            })?;
        }
        Outbox::Keep { id, version } => {
            let conflicts = profile.engine.conflicts().await?;
            if !conflicts
                .iter()
                .any(|conflict| conflict.id == id.to_string())
            {
                let words = format!("there is nothing to choose about with the id {id}");
                return Err(Failure::new("conflict_unknown", words).hint(SEE_LIST));
            }
            let (choice, words) = match version {
                Version::Mine => (
                    ConflictChoice::Mine,
                    "Your version is kept. `freewheel sync` sends it.",
                ),
                Version::Service => (ConflictChoice::Theirs, "The service's version is kept."),
            };
            profile.engine.choose(id, choice).await?;
            output.answer(&json!({ "id": id, "kept": choice }), || words.to_owned())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What needs the athlete, and how to choose.
fn versions(conflict: &ConflictView) -> String {
    let ConflictView {
        about, part, id, ..
    } = conflict;
    if let Some(refused) = &conflict.refused {
        return format!(
            "\n{}: {} of {} was not changed to {}.\n  choose: freewheel outbox keep {} mine|service\n",
            plain(refused.trim_end_matches('.')),
            plain(part),
            plain(about),
            plain(&conflict.mine),
            plain(id)
        );
    }
    format!(
        "\n{} was changed here and elsewhere. {}\n  yours:         {}\n  the service's: {}\n  \
         choose: freewheel outbox keep {} mine|service\n",
        plain(about),
        plain(part),
        plain(&conflict.mine),
        plain(&conflict.theirs),
        plain(id)
    )
}

/// What was delivered is told by `rides list`; what the athlete ended is over.
async fn undelivered(profile: &Profile) -> Result<Vec<OutboxRow>, Failure> {
    let entries = profile.engine.outbox().await?;
    Ok(entries
        .into_iter()
        .filter(|entry| entry.state != "delivered" && entry.state != "ended")
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
