//! Rows 1 to 11: what stands between the computer and the service.

use std::time::Duration;

use jiff::SignedDuration;

use crate::LabError;
use crate::faults::{BlackHole, StatusServer};
use crate::rig::soon;
use crate::scenario::environment::HOST;
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage, TOKEN};
use crate::site::{Authority, Canned, Way};

const PORTAL_PAGE: &str = "<html><body>Welcome! Please accept our terms.</body></html>";
const BLOCKED_PAGE: &str = "<html><body>Blocked by the firewall.</body></html>";
const ERROR_PAGE: &str = "<html><body>Something went wrong.</body></html>";
/// Those that servers and the machines in front of them give when they have trouble.
const TROUBLE: [u16; 11] = [500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526];
/// Seconds that a busy issuer asks to wait: longer than the row looks on.
const BUSY_SECONDS: u64 = 8;

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("01-name-not-found", name_not_found)?.heal(name_found),
        play!("02-woken-before-the-network", woken)?
            .look(tries_are_spaced)
            .heal(name_found),
        play!("03-packets-lost", packets_lost)?,
        play!("04-ipv6-black-holed", ipv6_black_holed)?,
        play!("05-captive-portal", portal)?,
        play!("06-token-endpoint-redirects", redirect)?.look(nobody_went_there),
        play!("07-firewall-forbids", firewall)?,
        play!("08-too-many-requests", busy)?,
        play!("09-server-trouble", server_trouble)?,
        play!("10-tls-inspection", tls_inspection)?.heal(own_certificate),
        play!("11-proxy-wants-sign-in", proxy_wants_sign_in)?
            .look(proxy_was_asked)
            .heal(proxy_lets_through),
    ])
}

async fn name_not_found(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    stage.resolver_finds(&[]).await
}

async fn name_found(stage: &mut Stage) -> Result<(), LabError> {
    stage.resolver_finds(&["127.0.0.1"]).await
}

/// Eight hours asleep; the app goes on before the resolver does.
async fn woken(stage: &mut Stage) -> Result<(), LabError> {
    stage.time_passes(SignedDuration::from_hours(8))?;
    stage.resolver_finds(&[]).await?;
    stage.rig.engine()?.sync_now();
    Ok(())
}

/// Three tries fail within seconds, and no lane makes a storm of it.
async fn tries_are_spaced(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let sql =
        "SELECT max(state ->> '$.attempt') FROM lane WHERE lane IN ('session', 'library', 'rides')";
    let tries: i64 = stage.rig.database()?.query_row(sql, [], |row| row.get(0))?;
    let fits = (3..=8).contains(&tries);
    findings.holds(
        fits,
        "tries of the busiest lane",
        "3 to 8",
        tries.to_string(),
    );
    Ok(())
}

async fn packets_lost(stage: &mut Stage) -> Result<(), LabError> {
    stage.site_stops().await?;
    stage.keep(BlackHole::open(Some(stage.port()?)).await?);
    Ok(())
}

async fn ipv6_black_holed(stage: &mut Stage) -> Result<(), LabError> {
    let port = stage.port()?.clone();
    stage.keep(BlackHole::open_v6(&port).await?);
    stage.resolver_finds(&["::1", "127.0.0.1"]).await?;
    let found = tokio::net::lookup_host((HOST, port.number())).await;
    let found: Vec<_> = found
        .map_err(LabError::io("looking up the site"))?
        .collect();
    if !found.first().is_some_and(std::net::SocketAddr::is_ipv6) {
        let words = format!("the resolver does not put IPv6 first: {found:?}");
        return Err(LabError::Unexpected(words));
    }
    stage.token_expires()
}

async fn portal(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    stage
        .gate()?
        .rule(|_| Way::Say(200, "text/html", PORTAL_PAGE.to_owned()));
    Ok(())
}

async fn redirect(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    let elsewhere = StatusServer::open(None, 200, "application/json", "{}")?;
    let target = format!("{}/portal", elsewhere.url());
    stage.keep(elsewhere);
    stage.gate()?.only(TOKEN, move || {
        Way::SayWith(Canned {
            status: 302,
            headers: vec![
                ("location", target.clone()),
                ("content-type", "text/html".to_owned()),
            ],
            body: String::new(),
        })
    });
    Ok(())
}

async fn nobody_went_there(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let elsewhere: &StatusServer = stage.kept()?;
    let requests = elsewhere.requests();
    findings.same(
        "requests where the redirect leads",
        &Vec::<String>::new(),
        &requests,
    );
    Ok(())
}

/// The access token is good: nothing of this is about it.
async fn firewall(stage: &mut Stage) -> Result<(), LabError> {
    stage
        .gate()?
        .rule(|_| Way::Say(403, "text/html", BLOCKED_PAGE.to_owned()));
    Ok(())
}

async fn busy(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    stage.gate()?.only(TOKEN, || Way::Later(429, BUSY_SECONDS));
    Ok(())
}

/// Each status in turn, at the token endpoint and everywhere else; the athlete presses "Sync now" each time.
async fn server_trouble(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    for status in TROUBLE {
        stage
            .gate()?
            .rule(move |_| Way::Say(status, "text/html", ERROR_PAGE.to_owned()));
        let engine = stage.rig.engine()?;
        let report = soon("a sync", engine.sync(Duration::ZERO)).await??;
        if report.session != "offline" || report.reached {
            let words = format!("{status} leads to {report:?}");
            return Err(LabError::Unexpected(words));
        }
    }
    Ok(())
}

async fn tls_inspection(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    let inspector = Authority::new("Inspector of the company")?;
    stage.show_certificate(Some(&inspector))
}

async fn own_certificate(stage: &mut Stage) -> Result<(), LabError> {
    stage.show_certificate(None)
}

async fn proxy_wants_sign_in(stage: &mut Stage) -> Result<(), LabError> {
    stage.token_expires()?;
    stage.proxy()?.asks_for_sign_in(true);
    Ok(())
}

async fn proxy_was_asked(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let asked = stage.proxy()?.refused();
    let fits = (1..=12).contains(&asked);
    findings.holds(
        fits,
        "answers 407 of the proxy",
        "1 to 12",
        asked.to_string(),
    );
    Ok(())
}

async fn proxy_lets_through(stage: &mut Stage) -> Result<(), LabError> {
    stage.proxy()?.asks_for_sign_in(false);
    Ok(())
}
