//! Asks the vault under whatever environment it is started in. Commands on standard input, one per line:
//! `create ACCOUNT`, `key ACCOUNT`, `delete ACCOUNT`; one line of JSON for each on standard output.
//!
//! Arguments: the profile folder, and how long a call may take in milliseconds.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use freewheel_sync::vault::{Vault, VaultError, VaultOptions};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (home, millis) = (
        arguments.next(),
        arguments.next().and_then(|text| text.parse().ok()),
    );
    let (Some(home), Some(millis)) = (home.map(PathBuf::from), millis) else {
        return ExitCode::from(2);
    };
    let timeout = Duration::from_millis(millis);
    let vault = Vault::open(
        &home,
        VaultOptions {
            timeout,
            ..VaultOptions::default()
        },
    );
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let started = tokio::time::Instant::now();
        let mut answer = match line.split_once(' ') {
            Some(("create", account)) => key(vault
                .create_key(account)
                .await
                .map(|key| key.fingerprint(b"probe"))),
            Some(("key", account)) => key(vault
                .key(account)
                .await
                .map(|key| key.fingerprint(b"probe"))),
            Some(("delete", account)) => match vault.delete_key(account).await {
                Ok(()) => json!({ "removed": true }),
                Err(error) => refusal(&error),
            },
            _ => return ExitCode::from(2),
        };
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("kind".to_owned(), vault.kind().as_str().into());
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            answer.insert("millis".to_owned(), millis.into());
        }
        if writeln!(std::io::stdout(), "{answer}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Two keys are the same when their fingerprints are.
fn key(outcome: Result<String, VaultError>) -> Value {
    match outcome {
        Ok(fingerprint) => json!({ "key": fingerprint }),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &VaultError) -> Value {
    json!({ "error": error.code(), "text": error.to_string() })
}
