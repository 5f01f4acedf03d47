//! The account: the clock, the grace, the session, and whether its issuer answers.

use freewheel_policy::grace::{self, Standing};
use freewheel_policy::session::{self, ActionLabel, CredentialState, Facts, VaultCause, View};
use freewheel_policy::time::{Millis, Now};

use super::{Finding, IssuerSeen, counted, length, moment};

/// Signs of a boot's id that tell two boots apart; the whole of it would mark the machine.
const BOOT_SIGNS: usize = 8;

pub(super) fn clock(now: &Now, suspect: bool) -> Finding {
    let boot: String = now.boot_id.0.chars().take(BOOT_SIGNS).collect();
    let (wall, up) = (moment(now.wall.0), length(now.boot.0));
    let finding = if suspect {
        Finding::problem("clock", format!("{wall}: behind what is known to have passed."))
            .remedy("Set this computer's date and time; the days offline are counted by its uptime until then.")
    } else {
        Finding::ok("clock", format!("{wall}; up for {up}, boot {boot}."))
    };
    finding
        .fact("wall_ms", now.wall.0)
        .fact("uptime_ms", now.boot.0)
        .fact("boot", boot)
        .fact("suspect", suspect)
}

pub(super) fn grace(facts: &Facts, now: &Now) -> Finding {
    const NAME: &str = "grace";
    if facts.account.is_none() || facts.signed_out {
        return Finding::ok(NAME, "Nobody is signed in, so no time runs out.");
    }
    let (Some(state), Some(anchor)) = (session::grace(facts, now), &facts.anchor) else {
        return Finding::problem(NAME, "No contact with the service is on record.")
            .remedy("Connect once: Sync now in the app, or `freewheel sync`.");
    };
    let (since, limit) = (moment(anchor.server.0), length(anchor.limit().0));
    let last = format!("Last contact {since}.");
    let finding = match state.standing {
        Standing::Open { left } => {
            let left = if left < Millis::days(1) {
                length(left.0)
            } else {
                counted(state.days_left().into(), "day")
            };
            let words = format!("{last} The library stays open for {left} of {limit}.");
            if state.days_left() > grace::NUDGE_DAYS || anchor.limit().0 < grace::GRACE.0 {
                Finding::ok(NAME, words)
            } else {
                Finding::note(NAME, words).remedy("Connect once before then.")
            }
        }
        Standing::Expired { since } => {
            let since = length(since.0);
            let words = format!("{last} The {limit} without contact ended {since} ago.");
            Finding::problem(NAME, format!("{words} The library is locked, not deleted."))
                .remedy("Connect once: Sync now in the app, or `freewheel sync`.")
        }
    };
    finding
        .fact("last_contact_ms", anchor.server.0)
        .fact("days_left", state.days_left())
        .fact("open", state.is_open())
}

pub(super) fn session(view: &View) -> Finding {
    const NAME: &str = "session";
    let words = &view.words;
    let said = if words.headline.is_empty() {
        "Signed in.".to_owned()
    } else {
        format!("{}. {}", words.headline, words.detail)
            .trim()
            .to_owned()
    };
    let finding = match &view.state {
        CredentialState::Active => Finding::ok(NAME, said),
        CredentialState::SignedOut
        | CredentialState::SigningIn(_)
        | CredentialState::Offline(_)
        | CredentialState::OutcomeUnknown(_) => Finding::note(NAME, said),
        CredentialState::VaultUnavailable(VaultCause::NotSaved)
        | CredentialState::NeedsSignIn(_)
        | CredentialState::GraceExpired(_)
        | CredentialState::Blocked => Finding::problem(NAME, said),
        CredentialState::VaultUnavailable(_) => Finding::note(NAME, said),
    };
    let finding = match words.action.map(remedy) {
        Some(remedy) => finding.remedy(remedy),
        None => finding,
    };
    let library = view.access.licensed_library == session::Library::Open;
    finding
        .fact("state", view.state.name())
        .fact("library_open", library)
        .fact("days_left", view.days_left)
}

fn remedy(action: ActionLabel) -> &'static str {
    match action {
        ActionLabel::SignIn => "Sign in: Account in the app, or `freewheel sign-in`.",
        ActionLabel::CancelSignIn => "Finish it in the browser, or cancel it under Account.",
        ActionLabel::SyncNow => {
            "Nothing has to be done; Sync now, or `freewheel sync`, tries at once."
        }
        ActionLabel::UnlockKeyring => "Unlock the keyring, then Sync now.",
        ActionLabel::CheckClock => "Set this computer's date and time.",
        ActionLabel::ContactSupport => "Send this report to support.",
    }
}

pub(super) fn issuer(seen: &IssuerSeen) -> Finding {
    const NAME: &str = "issuer";
    match seen {
        IssuerSeen::None => Finding::ok(NAME, "Nobody is signed in, so there is no server to ask.")
            .fact("reachable", None::<bool>),
        IssuerSeen::Answers(address) => Finding::ok(NAME, format!("{address} answers."))
            .fact("address", address.as_str())
            .fact("reachable", true),
        IssuerSeen::Silent(address, why) => {
            let why = why.trim_end_matches('.');
            Finding::note(NAME, format!("{address} could not be asked: {why}."))
                .remedy("Nothing has to be done: riding goes on, and what waits is sent later.")
                .fact("address", address.as_str())
                .fact("reachable", false)
        }
    }
}
