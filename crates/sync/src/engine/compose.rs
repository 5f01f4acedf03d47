//! Composes the one observable from the store's facts.

use freewheel_policy::Generation;
use freewheel_policy::lane::{Lane, LanePlan, PlanReason};
use freewheel_policy::reach::{Reach, Service};
use freewheel_policy::session::{self, ActionLabel, CredentialState, Facts};
use freewheel_policy::time::Now;

use super::core::{Core, lane_name, reach_name};
use super::issuer::service_address;
use super::lane::LaneState;
use super::session::{account_id, stored_facts};
use super::sign_in::Shown;
use crate::store::{OutboxCounts, RIDE_KIND, Room, Store, StoreError};
use crate::view::{
    DataFact, LibraryFact, NetworkFact, ServiceFact, ServiceState, SessionAction, SessionView,
    SyncView,
};

/// A full disk, for people.
const DISK_IS_FULL: &str = "The disk is almost full. Rides are still saved, in the last of its room: please free some space.";

/// What only this process knows.
pub(super) struct Local {
    /// What the sign-in of this process shows.
    pub(super) sign_in: Shown,
    /// Why the sign-in that the athlete just tried failed, as long as that is worth saying.
    pub(super) sign_in_failure: Option<String>,
    /// As in [`SessionView::vault`].
    pub(super) vault: &'static str,
    /// Tokens that only this process has, and whose they are, as in [`account_id`]. With a full disk the facts cannot
    /// tell.
    pub(super) unsaved: Option<(String, Generation)>,
    pub(super) pulling: bool,
    pub(super) sending: bool,
    pub(super) system: NetworkFact,
}

impl Core {
    /// What this process knows beside the store.
    pub(super) fn local(&self) -> Local {
        let (pulling, sending) = self.business();
        Local {
            sign_in: self.sign_in.shown(),
            sign_in_failure: self.sign_in_failure(),
            vault: self.session.kept_in(),
            unsaved: self
                .session
                .unsaved()
                .map(|unsaved| (unsaved.account, unsaved.tokens.generation)),
            pulling,
            sending,
            system: self.network.state(),
        }
    }

    /// Said where the athlete just tried. It is over once time has passed, or the session stands elsewhere: then that is
    /// what the athlete wants to know.
    fn sign_in_failure(&self) -> Option<String> {
        let failure = self.sign_in.failure()?;
        let (facts, now) = (self.session.facts().ok()?, self.clock().now());
        if failure.stands(session::state(&facts, &now).name(), &now) {
            return Some(failure.error.sentence());
        }
        self.sign_in.forget_failure();
        None
    }
}

/// The view as of `now`.
pub(super) fn compose(store: &Store, local: Local, now: &Now) -> Result<SyncView, StoreError> {
    let facts = with_unsaved(stored_facts(store)?, local.unsaved.as_ref());
    let account = account_id(&facts);
    let reach = reach(store, &facts)?;
    let counts = match &account {
        Some(account) => store.counts(account)?,
        None => OutboxCounts::default(),
    };
    let library: LaneState = state(store, Lane::Library)?;
    let rides: LaneState = state(store, Lane::Rides)?;
    let pull = store.pull_state()?;
    let revisions = *store.revisions().borrow();
    let sending = local.sending || counts.in_flight > 0;
    let waiting = counts.waiting + counts.in_flight;
    let next_try = if waiting > 0 {
        next_try(store, account.as_deref(), &rides, now)?
    } else {
        None
    };
    let data = DataFact {
        waiting,
        parked: counts.parked,
        words: data_words(waiting, counts.parked),
        last_success: [library.last_success, rides.last_success]
            .into_iter()
            .flatten()
            .max(),
        next_try,
        busy: sending || local.pulling,
        disk: (store.room() == Room::Last).then(|| DISK_IS_FULL.to_owned()),
        delivered: counts.delivered.into(),
    };
    Ok(SyncView {
        network: local.system,
        service: service(&reach),
        data,
        library: LibraryFact {
            workouts: store.library_count()?,
            pulling: local.pulling,
            fresh_at: pull.fresh_at,
            revision: revisions.library,
            rides_revision: revisions.rides,
        },
        session: session_view(&facts, local, now),
    })
}

/// The stored facts, and of the tokens that this process could not save what it could not store either.
fn with_unsaved(mut facts: Facts, unsaved: Option<&(String, Generation)>) -> Facts {
    let account = account_id(&facts);
    if let Some((owner, generation)) = unsaved
        && account.as_ref() == Some(owner)
        && !facts.signed_out
    {
        facts.unsaved.get_or_insert(*generation);
    }
    facts
}

/// When the rides that wait are tried next: not before the lane may, and not before the first entry is due.
pub(super) fn next_try(
    store: &Store,
    account: Option<&str>,
    rides: &LaneState,
    now: &Now,
) -> Result<Option<i64>, StoreError> {
    let Some(account) = account else {
        return Ok(None);
    };
    let Some(entry) = store.next_due(RIDE_KIND, account)? else {
        return Ok(None);
    };
    Ok(tried_next(held_until(store, rides, now)?, entry))
}

/// When an entry that is due at `due` is tried, given until when its lane is held back. What nothing was ever planned
/// for has no time.
pub(super) fn tried_next(held: Option<i64>, due: i64) -> Option<i64> {
    held.map(|lane| lane.max(due)).filter(|at| *at > 0)
}

/// Until when the rides lane is held back, in Unix ms; none while only an event can wake it.
pub(super) fn held_until(
    store: &Store,
    rides: &LaneState,
    now: &Now,
) -> Result<Option<i64>, StoreError> {
    let facts = stored_facts(store)?;
    if session::state(&facts, now).waits_for_the_athlete() {
        return Ok(None); // Whatever was planned: time alone may have ended the sign-in.
    }
    if !reach(store, &facts)?.may_try() {
        return Ok(None); // Its return wakes the lane.
    }
    let held = |plan: &LanePlan| match plan.reason {
        // It is not held back: it looks as soon as something is due.
        PlanReason::Idle => Some(plan.made.0),
        PlanReason::NoNetwork | PlanReason::NoSession => None,
        PlanReason::Work
        | PlanReason::SyncNow
        | PlanReason::Returned
        | PlanReason::Backoff
        | PlanReason::RetryAfter
        | PlanReason::Budget => plan.due.map(|due| due.0),
    };
    let own = rides.plan.as_ref().map_or(Some(0), held);
    if !rides.waits_for_session {
        return Ok(own);
    }
    let session: LaneState = state(store, Lane::Session)?;
    let plan = session.plan.filter(|plan| plan.reason != PlanReason::Idle);
    Ok(plan.as_ref().and_then(held).or(own))
}

/// The stored state of a lane.
pub(super) fn state(store: &Store, lane: Lane) -> Result<LaneState, StoreError> {
    let text = store.lane_state(lane_name(lane))?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

fn reach(store: &Store, facts: &Facts) -> Result<Reach, StoreError> {
    let text = store.lane_state(&reach_name(service_address(facts).as_ref()))?;
    let known = text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(known.unwrap_or_else(|| Reach::new(false)))
}

fn service(reach: &Reach) -> ServiceFact {
    let service = reach.service();
    let (state, words, since) = match service {
        Service::Unknown => (
            ServiceState::Unknown,
            "Freewheel has not been asked yet",
            None,
        ),
        Service::Reachable => (ServiceState::Reachable, "Freewheel is reachable", None),
        Service::Unreachable { since, .. } => (
            ServiceState::Unreachable,
            "Freewheel cannot be reached",
            Some(since.0),
        ),
        Service::Trouble { since, .. } => (
            ServiceState::Trouble,
            "Freewheel has trouble",
            Some(since.0),
        ),
    };
    let cause = since.map(|_| service.words().to_owned());
    ServiceFact {
        state,
        words: words.to_owned(),
        cause,
        since,
    }
}

/// What waits, in a few words.
pub(super) fn data_words(waiting: u32, parked: u32) -> String {
    let rides = |count: u32| {
        if count == 1 {
            "1 ride".to_owned()
        } else {
            format!("{count} rides")
        }
    };
    let needs = |count: u32| if count == 1 { "needs" } else { "need" };
    match (waiting, parked) {
        (0, 0) => "Nothing waits".to_owned(),
        (waiting, 0) => format!("{} waiting", rides(waiting)),
        (0, parked) => format!("{} {} you", rides(parked), needs(parked)),
        (waiting, parked) => format!("{} waiting, {parked} {} you", rides(waiting), needs(parked)),
    }
}

fn session_view(facts: &Facts, local: Local, now: &Now) -> SessionView {
    let view = session::view(facts, now);
    let (mut headline, mut detail, mut action) = (
        view.words.headline,
        view.words.detail,
        view.words.action.map(action),
    );
    let signing_in = matches!(view.state, CredentialState::SigningIn(_));
    if let Some(failure) = local.sign_in_failure
        && !signing_in
        && view.state != CredentialState::Active
    {
        headline = "The sign-in did not work".to_owned();
        detail = failure;
        action = Some(SessionAction::SignIn);
    }
    SessionView {
        state: view.state.name().to_owned(),
        account: (!facts.signed_out)
            .then(|| facts.account.as_ref().map(|account| account.name.clone()))
            .flatten(),
        server: facts
            .account
            .as_ref()
            .map(|account| account.service().to_owned()),
        library_open: view.access.licensed_library == session::Library::Open,
        headline,
        detail,
        action,
        days_left: view
            .days_left
            .filter(|days| *days <= freewheel_policy::grace::NUDGE_DAYS),
        sign_in_url: local.sign_in.url,
        device: local.sign_in.device.map(Into::into),
        vault: if facts.signed_out || facts.account.is_none() {
            "none".to_owned()
        } else {
            local.vault.to_owned()
        },
    }
}

fn action(label: ActionLabel) -> SessionAction {
    match label {
        ActionLabel::SignIn => SessionAction::SignIn,
        ActionLabel::CancelSignIn => SessionAction::CancelSignIn,
        ActionLabel::SyncNow => SessionAction::SyncNow,
        ActionLabel::UnlockKeyring => SessionAction::UnlockKeyring,
        ActionLabel::CheckClock => SessionAction::CheckClock,
        ActionLabel::ContactSupport => SessionAction::ContactSupport,
    }
}

#[cfg(test)]
mod tests {
    use freewheel_policy::session::Account;

    use super::*;

    #[test]
    fn tokens_that_could_not_be_saved_are_told_of_although_that_could_not_be_stored() {
        let owner = Account {
            issuer: "https://rides.example".into(),
            subject: "a".into(),
            name: "A".into(),
            service: None,
        };
        let stored = Facts {
            account: Some(owner),
            ..Facts::default()
        };
        let id = account_id(&stored).unwrap();
        let of = |facts: &Facts, owner: &str| {
            let unsaved = (owner.to_owned(), Generation(2));
            with_unsaved(facts.clone(), Some(&unsaved)).unsaved
        };
        assert_eq!(of(&stored, &id), Some(Generation(2)));
        assert_eq!(of(&stored, "somebody-else"), None);
        assert_eq!(with_unsaved(stored.clone(), None), stored);
        let signed_out = Facts {
            signed_out: true,
            ..stored.clone()
        };
        assert_eq!(of(&signed_out, &id), None);
        let known = Facts {
            unsaved: Some(Generation(3)),
            ..stored
        };
        assert_eq!(of(&known, &id), Some(Generation(3)));
    }

    #[test]
    fn what_waits_is_said_in_a_few_words() {
        for (waiting, parked, words) in [
            (0, 0, "Nothing waits"),
            (1, 0, "1 ride waiting"),
            (2, 0, "2 rides waiting"),
            (0, 1, "1 ride needs you"),
            (3, 2, "3 rides waiting, 2 need you"),
        ] {
            assert_eq!(data_words(waiting, parked), words);
        }
    }
}
