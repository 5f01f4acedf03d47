//! What a profile knows of its issuer, changed from outside as if the app had learned it so.

use std::path::Path;

use freewheel_sync::vault::{Vault, VaultOptions, account_entry};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::home;
use crate::LabError;

/// What the app's MAC is over, before the account and the text.
const PURPOSE: &str = "freewheel issuer 1\n";

/// Changes it, and authenticates it again with the account's key out of the key file.
///
/// # Errors
/// Nothing is known of an issuer, or the key is not there.
pub async fn change_known_issuer(
    folder: &Path,
    change: impl FnOnce(&mut Value),
) -> Result<(), LabError> {
    let database = Connection::open(home(folder)?.athlete_db())?;
    let text = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0));
    let account = account_entry(
        &text("SELECT facts ->> '$.account.issuer' FROM session")?,
        &text("SELECT facts ->> '$.account.subject' FROM session")?,
    );
    let known = text("SELECT state ->> '$.text' FROM lane WHERE lane = 'issuer'")?;
    let mut known: Value = serde_json::from_str(&known).map_err(unexpected)?;
    change(&mut known);
    let known = known.to_string();
    let vault = Vault::open(folder, VaultOptions::key_file_only());
    let key = vault.key(&account).await.map_err(unexpected)?;
    let mac = key.mac(format!("{PURPOSE}{account}\n{known}").as_bytes());
    let form = json!({ "text": known, "mac": mac }).to_string();
    database.execute("UPDATE lane SET state = ?1 WHERE lane = 'issuer'", [form])?;
    Ok(())
}

fn unexpected(error: impl std::fmt::Display) -> LabError {
    LabError::Unexpected(error.to_string())
}
