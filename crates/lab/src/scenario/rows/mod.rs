//! What makes each failure happen, in groups.

mod clock;
mod disk;
mod disk_full;
mod jwt;
mod jwt_forged;
mod jwt_keys;
mod network;
mod past;
mod service;
mod sign_in;
mod sign_in_command;
mod sign_in_device;
mod sign_in_other;
mod token;
mod token_end;
mod token_save;
mod vault;
mod vault_account;
mod vault_given;
mod vault_kept;
mod vault_port;

use super::play::Play;
use crate::LabError;

/// All rows, in the catalogue's order.
///
/// # Errors
/// A row's text file is not as it should be, or two rows share a number or a name.
pub fn catalogue() -> Result<Vec<Play>, LabError> {
    let groups = [
        network::rows,
        token::rows,
        token_save::rows,
        token_end::rows,
        clock::rows,
        jwt_keys::rows,
        jwt_forged::rows,
        jwt::rows,
        sign_in::rows,
        sign_in_device::rows,
        sign_in_other::rows,
        vault::rows,
        vault_port::rows,
        vault_account::rows,
        disk::rows,
        disk_full::rows,
        service::rows,
    ];
    let mut plays = Vec::new();
    for group in groups {
        plays.extend(group()?);
    }
    plays.sort_by_key(|play| play.row.row);
    for pair in plays.windows(2) {
        if let [one, next] = pair
            && (one.row.row == next.row.row || one.row.name == next.row.name)
        {
            let words = format!(
                "row {} and row {} are the same",
                one.row.name, next.row.name
            );
            return Err(LabError::Unexpected(words));
        }
    }
    Ok(plays)
}
