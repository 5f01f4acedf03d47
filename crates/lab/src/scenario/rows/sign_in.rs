//! Rows 56 and 57: whose the way back from the browser is, and where it leads.

use freewheel_sync::EngineError;
use freewheel_sync::lease::{Lease, LeaseKind};
use tokio::net::TcpStream;
use url::Url;

use super::past::{same, unexpected, until_state};
use super::sign_in_command::Running;
use crate::LabError;
use crate::rig::soon;
use crate::scenario::Stage;
use crate::scenario::environment::{HOST, HOSTS};
use crate::scenario::play::{Play, play};
use crate::sign_in_page;

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("56-second-instance", second_instance)?,
        play!("57-localhost-is-ipv6", localhost_is_ipv6)?,
    ])
}

/// The service has ended the sign-in, the app knows, and a ride waits.
pub(super) async fn must_sign_in(stage: &mut Stage) -> Result<(), LabError> {
    let ended = stage
        .site()?
        .sql("UPDATE token_family SET revoked_at = 1, revoked_because = 'asked'")?;
    same("some sign-in ended", &true, &(ended > 0))?;
    stage.token_expires()?;
    stage.rig.engine()?.sync_now();
    until_state(stage, "needs_sign_in").await?;
    if stage.rides.is_empty() {
        stage.ride().await?;
    }
    Ok(())
}

/// The sign-in must have ended like this.
pub(super) fn must_fail(
    ended: Result<String, EngineError>,
    code: &'static str,
) -> Result<(), LabError> {
    same(
        "how the sign-in ends",
        &Err(code),
        &ended
            .as_ref()
            .map_err(EngineError::code)
            .map(String::as_str),
    )
}

/// While the browser shows the sign-in page, another app is started, and so is a command. The browser comes back to the
/// one that it left.
async fn second_instance(stage: &mut Stage) -> Result<(), LabError> {
    must_sign_in(stage).await?;
    let home = stage.rig.home()?;
    let window = Lease::try_acquire(&home, LeaseKind::App).map_err(lease)?;
    same("the first window", &true, &window.is_some())?;
    let first = stage.rig.engine()?.clone();
    let started = first.sign_in(&stage.site()?.url).await?;
    let another = Lease::try_acquire(&home, LeaseKind::App).map_err(lease)?;
    same("a second window", &false, &another.is_some())?;
    let mut second = Running::start(stage.command(&["--json", "watch"]))?;
    second.line(|line| shows(line, "signing_in")).await?;
    let status = stage.run(&["--json", "status"]).await?;
    same("a command beside it", &Some(0), &status.status.code())?;
    let state = stage.rig.session()?.state;
    same("what they leave of it", &"signing_in", &state.name())?;

    sign_in_page::complete(&started.url, "demo", "demo").await?;
    let name = soon("the first one's sign-in", first.sign_in_finished()).await??;
    same("whether somebody signed in", &false, &name.is_empty())?;
    second.line(|line| shows(line, "active")).await.map(drop)
}

/// Whether a line of `watch` shows the session in this state.
fn shows(line: &str, state: &str) -> bool {
    line.contains(&format!(r#""session":{{"state":"{state}""#))
}

fn lease(error: impl std::fmt::Display) -> LabError {
    unexpected(error.to_string())
}

/// The browser is sent to 127.0.0.1, where the app listens, whatever `localhost` means.
async fn localhost_is_ipv6(stage: &mut Stage) -> Result<(), LabError> {
    let hosts = stage.environment_folder()?.join(HOSTS);
    // Written in place, as it is mounted.
    std::fs::write(&hosts, format!("::1 localhost\n127.0.0.1 {HOST}\n"))
        .map_err(LabError::io("the list of hosts"))?;
    let found = tokio::net::lookup_host(("localhost", 1)).await;
    let found: Vec<_> = found
        .map_err(LabError::io("looking localhost up"))?
        .collect();
    let is_v6 = found.first().is_some_and(std::net::SocketAddr::is_ipv6);
    same("localhost is IPv6", &true, &is_v6)?;

    must_sign_in(stage).await?;
    let engine = stage.rig.engine()?;
    let started = engine.sign_in(&stage.site()?.url).await?;
    let redirect = redirect_of(&started.url)?;
    same(
        "where the browser is sent",
        &Some("127.0.0.1"),
        &redirect.host_str(),
    )?;
    let port = redirect.port().ok_or_else(|| unexpected("no port"))?;
    let elsewhere = TcpStream::connect(("localhost", port)).await;
    let elsewhere = elsewhere.and_then(|stream| stream.peer_addr());
    let listens = elsewhere.is_ok_and(|address| address.is_ipv6());
    same("whether it listens at ::1", &false, &listens)?;
    sign_in_page::complete(&started.url, "demo", "demo").await?;
    soon("the sign-in", engine.sign_in_finished()).await??;
    Ok(())
}

fn redirect_of(authorize: &str) -> Result<Url, LabError> {
    let url = |text: &str| Url::parse(text).map_err(|error| unexpected(format!("{text}: {error}")));
    let authorize = url(authorize)?;
    let mut pairs = authorize.query_pairs();
    let redirect = pairs.find(|(name, _)| name == "redirect_uri");
    let (_, redirect) = redirect.ok_or_else(|| unexpected("no redirect_uri"))?;
    url(&redirect)
}
