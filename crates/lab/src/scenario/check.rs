//! Whether everything is as the row says.

use std::time::Duration;

use freewheel_policy::session::{CredentialState, Riding};
use freewheel_sync::view::{Delivery, ServiceState, SyncView};

use super::report::Findings;
use super::row::{Expect, Healed, Place};
use super::stage::{Stage, TOKEN};
use crate::LabError;

/// P1: a cached workout is on the screen within this, whatever the network or the keyring does. Generous, because many
/// rows share two cores.
const OPENS: Duration = Duration::from_secs(2);

/// Requests that the gate had seen at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    all: usize,
    token: usize,
}

impl Counted {
    pub(super) fn now(stage: &Stage) -> Result<Self, LabError> {
        let gate = stage.gate()?;
        Ok(Self {
            all: gate.count(""),
            token: gate.count(TOKEN),
        })
    }

    /// All requests since then, and those to the token endpoint.
    pub(super) fn since(self, stage: &Stage) -> Result<(usize, usize), LabError> {
        let now = Self::now(stage)?;
        Ok((
            now.all.saturating_sub(self.all),
            now.token.saturating_sub(self.token),
        ))
    }
}

/// What is not as it must be while the failure lasts; the most requests are not looked at.
pub(super) async fn meanwhile(
    stage: &Stage,
    expect: &Expect,
    counted: Counted,
) -> Result<Findings, LabError> {
    let mut findings = Findings::default();
    let view = stage.rig.engine()?.view_now();
    screen(
        &view,
        &expect.state,
        &expect.headline,
        &expect.detail,
        &mut findings,
    );
    if let Some(service) = &expect.service {
        let is = service_word(view.service.state);
        findings.same("service", &service.as_str(), &is);
    }
    let session = stage.rig.session()?;
    let stored = expect.stored_state.as_ref().unwrap_or(&expect.state);
    findings.same(
        "state by the policy",
        &stored.as_str(),
        &session.state.name(),
    );
    findings.same("cause", &expect.cause, &cause(&session.state));
    findings.same("ride", &expect.ride, &session.access.ride);
    findings.same("library", &expect.library, &session.access.licensed_library);
    findings.same("uploads", &expect.uploads, &session.access.uploads);
    let library_open = session.access.licensed_library == freewheel_policy::session::Library::Open;
    findings.same(
        "library on the screen",
        &library_open,
        &view.session.library_open,
    );
    for ride in &stage.rides {
        let card = stage.rig.card(&ride.id).await?;
        let is = place(&card.delivery);
        findings.holds(
            is == Some(expect.ride_is),
            "ride's place",
            format!("{:?}", expect.ride_is),
            format!("{:?}", card.delivery),
        );
    }
    let (all, token) = counted.since(stage)?;
    at_least("requests", expect.requests, all, &mut findings);
    at_least(
        "token requests",
        expect.token_requests,
        token,
        &mut findings,
    );
    Ok(findings)
}

/// What was asked more than it may be.
pub(super) fn at_most(
    stage: &Stage,
    expect: &Expect,
    counted: Counted,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let (all, token) = counted.since(stage)?;
    for (field, [_, most], is) in [
        ("requests", expect.requests, all),
        ("token requests", expect.token_requests, token),
    ] {
        findings.holds(
            is <= most,
            field,
            format!("at most {most}"),
            format!("{is}"),
        );
    }
    Ok(())
}

/// P1: a cached workout opens at once, and can be ridden if the row says so.
pub(super) async fn workout_opens(
    stage: &Stage,
    expect: &Expect,
    findings: &mut Findings,
) -> Result<(), LabError> {
    if expect.state == "signed_out" {
        return Ok(()); // Nobody's library: there is no workout to open.
    }
    let opening = async {
        let id = stage.cached_workout().await?;
        Ok::<bool, LabError>(stage.rig.engine()?.workout(&id).await?.rideable)
    };
    match tokio::time::timeout(OPENS, opening).await {
        Ok(rideable) => {
            let must = expect.ride == Riding::Everything;
            findings.same("a cached workout can be ridden", &must, &rideable?);
        }
        Err(_) => findings.note(
            "a cached workout opens",
            format!("within {OPENS:?}"),
            "not yet",
        ),
    }
    Ok(())
}

/// What is not as it must be once the cause is gone.
pub(super) async fn afterwards(stage: &Stage, healed: &Healed) -> Result<Findings, LabError> {
    let mut findings = Findings::default();
    let view = stage.rig.engine()?.view_now();
    screen(&view, &healed.state, &healed.headline, &[], &mut findings);
    findings.same("rides waiting", &0, &(view.data.waiting + view.data.parked));
    let site = stage.site()?;
    let mut has: Vec<String> = site
        .rides_of(&site.demo()?)?
        .iter()
        .map(|ride| ride.id.0.to_string())
        .collect();
    let rides = stage.delivered.iter().chain(&stage.rides);
    let mut must: Vec<String> = rides.map(|ride| ride.id.clone()).collect();
    has.sort();
    must.sort();
    findings.same("rides at the server, each once", &must, &has);
    Ok(findings)
}

fn screen(
    view: &SyncView,
    state: &str,
    headline: &str,
    detail: &[String],
    findings: &mut Findings,
) {
    let session = &view.session;
    findings.same("state", &state, &session.state.as_str());
    findings.same("headline", &headline, &session.headline.as_str());
    for words in detail {
        let said = session.detail.contains(words.as_str());
        findings.holds(said, "second line", words.as_str(), session.detail.as_str());
    }
}

/// What the state gives as its cause, in the words of the policy. A generation is none, and a sign-in under way has that
/// of the state it began from.
fn cause(state: &CredentialState) -> Option<String> {
    let told = match state {
        CredentialState::SigningIn(from) => return cause(from),
        CredentialState::Offline(trouble) => serde_json::to_value(trouble),
        CredentialState::VaultUnavailable(cause) => serde_json::to_value(cause),
        CredentialState::NeedsSignIn(cause) | CredentialState::GraceExpired(Some(cause)) => {
            serde_json::to_value(cause)
        }
        CredentialState::SignedOut
        | CredentialState::Active
        | CredentialState::OutcomeUnknown(_)
        | CredentialState::GraceExpired(None)
        | CredentialState::Blocked => return None,
    };
    told.ok().map(|told| dotted(&told))
}

/// `{"transport": {"timeout": {"sent": "after"}}}` as `transport.timeout.sent.after`.
fn dotted(told: &serde_json::Value) -> String {
    match told {
        serde_json::Value::String(word) => word.clone(),
        serde_json::Value::Object(parts) => {
            let parts = parts
                .iter()
                .map(|(name, part)| format!("{name}.{}", dotted(part)));
            parts.collect::<Vec<_>>().join(".")
        }
        other => other.to_string(),
    }
}

fn at_least(field: &str, [least, _]: [usize; 2], is: usize, findings: &mut Findings) {
    findings.holds(
        is >= least,
        field,
        format!("at least {least}"),
        format!("{is}"),
    );
}

/// None where the ride needs the athlete, which no row of the catalogue leads to.
fn place(delivery: &Delivery) -> Option<Place> {
    match delivery {
        Delivery::LocalOnly => Some(Place::Kept),
        Delivery::Waiting { .. } | Delivery::Sending => Some(Place::Waiting),
        Delivery::Delivered { .. } => Some(Place::Delivered),
        Delivery::Parked { .. } => None,
    }
}

fn service_word(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Unknown => "unknown",
        ServiceState::Reachable => "reachable",
        ServiceState::Unreachable => "unreachable",
        ServiceState::Trouble => "trouble",
    }
}

#[cfg(test)]
mod tests {
    use freewheel_policy::session::{SignInCause, VaultCause};
    use freewheel_policy::transport::{Sent, TransportFailure, Trouble};

    use super::*;

    #[test]
    fn a_cause_is_told_in_the_words_of_the_policy() {
        use CredentialState as S;
        let timeout = TransportFailure::Timeout { sent: Sent::After };
        let refused = SignInCause::TokenRefused;
        #[rustfmt::skip]
        let cases = [
            (S::Offline(Trouble::Transport(timeout)),          Some("transport.timeout.sent.after")),
            (S::Offline(Trouble::Status(502)),                 Some("status.502")),
            (S::Offline(Trouble::Busy),                        Some("busy")),
            (S::VaultUnavailable(VaultCause::NotSaved),        Some("not_saved")),
            (S::NeedsSignIn(refused),                          Some("token_refused")),
            (S::SigningIn(Box::new(S::NeedsSignIn(refused))),  Some("token_refused")),
            (S::GraceExpired(Some(refused)),                   Some("token_refused")),
            (S::GraceExpired(None),                            None),
            (S::Active,                                        None),
        ];
        for (state, told) in cases {
            assert_eq!(cause(&state).as_deref(), told, "{state:?}");
        }
    }
}
