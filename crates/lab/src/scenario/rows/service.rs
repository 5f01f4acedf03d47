//! Rows 61 and 62: a service that is not of one mind.

use std::time::Duration;

use freewheel_server::{Options, Server};
use tempfile::TempDir;

use crate::LabError;
use crate::rig::soon;
use crate::scenario::play::{Play, play};
use crate::scenario::{Stage, TOKEN};
use crate::site::Way;

const UNAUTHORIZED: &str =
    r#"{"type":"about:blank","title":"no","status":401,"code":"invalid-token"}"#;

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("61-unauthorized-now-and-then", unauthorized)?,
        play!("62-two-servers-in-a-deploy", two_servers)?,
    ])
}

fn refused() -> Way {
    Way::Say(401, "application/problem+json", UNAUTHORIZED.to_owned())
}

/// One 401, two in a row, and then nothing but 401s. The first two are over before anybody notices. One 401 costs one
/// renewal; the second of two costs another only if some other call went well in between.
async fn unauthorized(stage: &mut Stage) -> Result<(), LabError> {
    for times in [1, 2] {
        let tokens = stage.gate()?.count(TOKEN);
        stage.gate()?.first(times, "PUT", refused);
        stage.ride().await?;
        stage.rides_come_through().await?;
        let spent = stage.gate()?.count(TOKEN) - tokens;
        if !(1..=times).contains(&spent) {
            let words = format!("{times} times 401 cost {spent} renewals");
            return Err(LabError::Unexpected(words));
        }
        // Renewals that 401s ask for are a quarter of an hour apart; the token is a new one by then.
        stage.token_expires()?;
        let engine = stage.rig.engine()?;
        soon("a sync", engine.sync(Duration::ZERO)).await??;
    }
    stage.gate()?.rule(|line| {
        if line.contains("/v1/") {
            refused()
        } else {
            Way::Through
        }
    });
    stage.ride().await
}

/// A second server at the same address that knows nothing of what the first one gave out: every other request to the
/// token endpoint is answered by it. The athlete signs in.
async fn two_servers(stage: &mut Stage) -> Result<(), LabError> {
    let folder = TempDir::new().map_err(LabError::io("making the other server's folder"))?;
    let site = stage.site()?;
    let options = Options {
        dev: true,
        clock: std::sync::Arc::clone(&site.settings().clock) as _,
        library: freewheel_server::Library::Empty,
        ..Options::at(&site.url)
    };
    let other = Server::open(folder.path(), options)
        .map_err(|error| LabError::Unexpected(format!("the other server: {error}")))?;
    let (router, mut turn) = (other.router(), false);
    stage.gate()?.only(TOKEN, move || {
        turn = !turn;
        if turn {
            Way::To(Box::new(router.clone()))
        } else {
            Way::Through
        }
    });
    stage.keep((folder, other));
    stage.sign_in("demo").await
}
