//! Rows 44, 45 and 47: what only the keyrings of other systems do, given at the vault's port.

use std::fmt;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use keyring_core::Error;
use serde_json::Value;

use super::vault::never_seemed_lost;
use super::vault_given::Given;
use crate::LabError;
use crate::rig::PATIENCE;
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage, TOKEN};
use crate::site::Way;
use crate::wait::{Seen, until};

/// What makes a refresh token longer than any keyring's entry may be, in bytes.
const PADDING: u16 = 5 * 1024;
/// Longest body that is changed, in bytes.
const LONGEST: usize = 1024 * 1024;

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("44-keyring-read-denied", no_interaction)?
            .computer(given_keyring)
            .look(asked_again)
            .heal(answers),
        play!("45-tokens-too-large", tokens_are_renewed)?
            .computer(large_tokens)
            .look(only_a_key)
            .heal(tokens_are_renewed),
        play!("47-signed-anew", access_refused)?
            .computer(given_keyring)
            .look(same_entry)
            .heal(answers),
    ])
}

async fn given_keyring(stage: &mut Stage) -> Result<(), LabError> {
    let given = Given::default();
    stage.rig.vault = given.vault();
    stage.keep(given);
    Ok(())
}

async fn answers(stage: &mut Stage) -> Result<(), LabError> {
    stage.kept::<Given>()?.answers();
    Ok(())
}

/// An error of macOS' Keychain as its store hands it on: `security_framework::base::Error`, which that system alone has.
struct OsStatus(i32, &'static str);

impl fmt::Debug for OsStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0)
            .field("message", &self.1)
            .finish()
    }
}

impl fmt::Display for OsStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

impl std::error::Error for OsStatus {}

async fn no_interaction(stage: &mut Stage) -> Result<(), LabError> {
    let refusal = || {
        let status = OsStatus(-25308, "User interaction is not allowed.");
        Error::PlatformFailure(Box::new(status))
    };
    stage.kept::<Given>()?.refuses(refusal);
    Ok(())
}

/// The athlete presses the button: the keyring is asked once more, without a relaunch.
async fn asked_again(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let given: &Given = stage.kept()?;
    let before = given.asked().len();
    findings.holds(before > 0, "calls to the keyring", "at least 1", "none");
    stage.rig.engine()?.sync_now();
    until("another call to the keyring", PATIENCE, async || {
        Ok(Seen::from(given.asked().len() > before))
    })
    .await?;
    never_seemed_lost(stage, findings).await
}

/// The athlete was asked whether the app, which was built and signed anew, may read the entry, and said no.
async fn access_refused(stage: &mut Stage) -> Result<(), LabError> {
    let refusal = || {
        let status = OsStatus(-128, "User canceled the operation.");
        Error::PlatformFailure(Box::new(status))
    };
    stage.kept::<Given>()?.refuses(refusal);
    Ok(())
}

/// A new build asks for the entry that the old one made, which is named after the account and the profile and has nothing
/// of the build in it. Before it was there, the name that earlier versions gave was looked for.
async fn same_entry(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let sql = "SELECT name FROM profile_name";
    let profile: String = stage.rig.database()?.query_row(sql, [], |row| row.get(0))?;
    let given: &Given = stage.kept()?;
    let names = given.asked();
    let own = names.first().cloned().unwrap_or_default();
    let earlier = own.strip_suffix(&format!("-{profile}")).unwrap_or_default();
    let ours = earlier.starts_with("freewheel/account-")
        && names.iter().all(|name| *name == own || name == earlier)
        && names.iter().filter(|name| *name == earlier).count() == 1
        && names.last() == Some(&own);
    findings.holds(ours, "entries asked for", "one", format!("{names:?}"));
    never_seemed_lost(stage, findings).await
}

/// Refresh tokens are 5 KB longer than the server's own; what stands between takes that off again on their way back.
async fn large_tokens(stage: &mut Stage) -> Result<(), LabError> {
    given_keyring(stage).await?;
    let router = stage.site()?.server.router();
    let router: Router = router.layer(axum::middleware::from_fn(padded));
    stage
        .gate()?
        .only(TOKEN, move || Way::To(Box::new(router.clone())));
    Ok(())
}

async fn tokens_are_renewed(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    stage.rig.engine()?.sync_now();
    Ok(())
}

async fn only_a_key(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let bytes = stage.kept::<Given>()?.kept();
    findings.same("bytes of each entry in the keyring", &vec![32], &bytes);
    let vault = stage.rig.engine()?.view_now().session.vault;
    findings.same("vault", &"keyring", &vault.as_str());
    let sql = "SELECT length(sealed) FROM session";
    let sealed: i64 = stage.rig.database()?.query_row(sql, [], |row| row.get(0))?;
    findings.holds(
        sealed > PADDING.into(),
        "bytes of the sealed tokens",
        format!("more than {PADDING}"),
        sealed.to_string(),
    );
    Ok(())
}

async fn padded(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(ACCEPT_ENCODING);
    let padding = "x".repeat(PADDING.into());
    let changed = change_request(request, &padding).await;
    let Ok(request) = changed else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = next.run(request).await;
    change_answer(answer, &padding)
        .await
        .unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
}

async fn change_request(request: Request, padding: &str) -> Result<Request, axum::Error> {
    let (mut head, body) = request.into_parts();
    let body = to_bytes(body, LONGEST).await?;
    let body = String::from_utf8_lossy(&body).replace(padding, "");
    head.headers.remove(CONTENT_LENGTH);
    Ok(Request::from_parts(head, Body::from(body)))
}

async fn change_answer(answer: Response, padding: &str) -> Result<Response, axum::Error> {
    let (mut head, body) = answer.into_parts();
    let body = to_bytes(body, LONGEST).await?;
    let mut tokens: Value = serde_json::from_slice(&body).unwrap_or_default();
    let longer = tokens
        .get("refresh_token")
        .and_then(Value::as_str)
        .map(|token| format!("{token}{padding}"));
    let body = match (longer, tokens.as_object_mut()) {
        (Some(longer), Some(tokens)) => {
            tokens.insert("refresh_token".to_owned(), longer.into());
            Bytes::from(serde_json::to_vec(tokens).map_err(axum::Error::new)?)
        }
        _ => body,
    };
    head.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(head, Body::from(body)))
}
