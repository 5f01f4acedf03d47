//! The edits lane: sends what is due in batches, and rebases what was made on an older state.

use std::collections::BTreeMap;

use freewheel_policy::backoff::{self, Policy};
use freewheel_policy::edit::{
    Change, EditPark, Field, Fields, ItemAnswer, ItemVerdict, Known, judge,
};
use freewheel_policy::lane::{Lane, LaneOutcome};
use freewheel_policy::session::Event;
use freewheel_policy::transport::Trouble;
use freewheel_policy::verdict::{HttpOutcome, Verdict, trouble, verdict};
use freewheel_protocol::edits::MAX_EDITS;
use freewheel_protocol::{
    Edit, EditResults, EditTarget as WireTarget, EditVerdict, EditedField, FieldChange, PlanState,
    Rpe,
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::core::Core;
use super::lane::Attempt;
use super::rides_lane::{IN_A_ROW, answer};
use super::session::{Bearer, account_id};
use crate::remote::Reply;
use crate::store::{EditClaim, EditTarget, Store, StoreError};
use crate::version;

/// The most bytes of values in a batch: however they are written, it stays far below what a server takes.
const MAX_BATCH_BYTES: usize = 128 * 1024;
/// So many batches in one attempt; the rest is the next one's.
const AT_MOST: usize = 50;

/// What became of a batch.
enum Sent {
    /// Each edit has its own verdict.
    Judged,
    /// Not taken as a whole; another one may fare better.
    NotTaken(Attempt),
    /// Nothing can be sent now.
    Stop(Attempt),
}

impl Core {
    pub(super) async fn attempt_edits(&self, attempt: u32, policy: Policy) -> Attempt {
        match self.deliver_edits(attempt, policy).await {
            Ok(attempt) => attempt,
            Err(error) => {
                tracing::error!(%error, "the edits could not be read or written");
                Attempt::Unstored
            }
        }
    }

    async fn deliver_edits(&self, attempt: u32, policy: Policy) -> Result<Attempt, StoreError> {
        let Ok(facts) = self.session.facts() else {
            return Ok(Attempt::Nothing);
        };
        let Some(account) = account_id(&facts) else {
            return Ok(Attempt::Nothing);
        };
        // The lane is alone: what is still in flight is what an earlier pass could not settle.
        self.store().run(Store::recover_edits).await?;
        let (mut ended, mut not_taken, mut batch) = (Attempt::Nothing, 0, MAX_EDITS);
        for _ in 0..AT_MOST {
            if !self.an_edit_is_due().await {
                return Ok(ended);
            }
            // For each batch: the athlete may have signed out since the last.
            let bearer = match self.session.bearer_of(&account).await {
                Ok(bearer) => bearer,
                Err(none) => return Ok(Attempt::NoBearer(none)),
            };
            let claims = self.claim_edits(&account, batch).await?;
            if claims.is_empty() {
                return Ok(ended);
            }
            self.refresh_view();
            let sending = self.send_edits(&bearer, &account, &claims, attempt, policy);
            match sending.await? {
                Sent::Judged => (ended, not_taken) = (Attempt::Done, 0),
                // One of them may be what the service cannot bear: from now on each goes alone.
                Sent::NotTaken(_) if claims.len() > 1 => batch = 1,
                Sent::NotTaken(attempt) => {
                    not_taken += 1;
                    if not_taken >= IN_A_ROW {
                        return Ok(attempt);
                    }
                    if ended == Attempt::Nothing {
                        ended = attempt;
                    }
                }
                Sent::Stop(attempt) => return Ok(attempt),
            }
        }
        Ok(Attempt::More)
    }

    pub(super) async fn an_edit_is_due(&self) -> bool {
        let due = self.next_edit_due().await;
        due.is_some_and(|due| due <= self.clock().now().wall.0)
    }

    async fn claim_edits(&self, account: &str, limit: usize) -> Result<Vec<EditClaim>, StoreError> {
        let (account, now) = (account.to_owned(), self.clock().now().wall.0);
        self.store()
            .run(move |store| store.claim_edits(&account, now, limit, MAX_BATCH_BYTES))
            .await
    }

    async fn send_edits(
        &self,
        bearer: &Bearer,
        account: &str,
        claims: &[EditClaim],
        lane_attempt: u32,
        policy: Policy,
    ) -> Result<Sent, StoreError> {
        let now = self.clock().now().wall;
        let Some(api) = self.api(bearer) else {
            self.each(claims, move |store, claim| store.release_edit(claim, now.0))
                .await?;
            return Ok(Sent::Stop(Attempt::Nothing));
        };
        let (mut edits, mut unreadable) = (Vec::new(), Vec::new());
        for claim in claims {
            match edit(claim) {
                Some(edit) => edits.push(edit),
                None => unreadable.push(claim.clone()),
            }
        }
        self.each(&unreadable, move |store, claim| {
            let reason = "The change could not be read on this computer";
            store.park_edit(claim, reason, version::VERSION, now.0)
        })
        .await?;
        if edits.is_empty() {
            return Ok(Sent::Judged);
        }
        let claims: Vec<EditClaim> = claims
            .iter()
            .filter(|claim| !unreadable.contains(claim))
            .cloned()
            .collect();
        let reply = api.post_edits(bearer.token(), &edits).await;
        let results = reply.as_ref().ok().and_then(results);
        let outcome = match &reply {
            Ok(reply) => HttpOutcome::Answer(answer(reply, results.is_some())),
            Err(failure) => HttpOutcome::Failed(*failure),
        };
        let verdict = verdict(&outcome);
        tracing::info!(edits = edits.len(), ?verdict, "edits were sent");
        if let (Verdict::Delivered, Some(results)) = (verdict, results) {
            self.settle_edits(account, &claims, results, lane_attempt, policy)
                .await?;
            let date = reply.as_ref().ok().and_then(|reply| reply.date);
            self.session.contact(bearer, date).await?;
            return Ok(Sent::Judged);
        }
        if matches!(verdict, Verdict::NeedsAuth | Verdict::Blocked) {
            self.each(&claims, move |store, claim| {
                store.release_edit(claim, now.0)
            })
            .await?;
            let generation = bearer.generation();
            self.session
                .apply(match verdict {
                    Verdict::Blocked => Event::AccountBlocked { generation },
                    _ => Event::ApiUnauthorized { generation },
                })
                .await?;
            return Ok(Sent::Stop(Attempt::Refused(verdict)));
        }
        self.not_taken(&claims, &outcome, verdict, lane_attempt, policy)
            .await
    }

    /// The batch as a whole was not taken.
    async fn not_taken(
        &self,
        claims: &[EditClaim],
        outcome: &HttpOutcome,
        verdict: Verdict,
        lane_attempt: u32,
        policy: Policy,
    ) -> Result<Sent, StoreError> {
        let now = self.clock().now().wall;
        let retry_after = match verdict {
            Verdict::RetryAfter(floor) => Some(floor),
            _ => None,
        };
        let cause = trouble(outcome).unwrap_or(Trouble::Unreadable);
        let failed = Attempt::Failed {
            trouble: cause,
            retry_after,
        };
        let (words, spend) = (cause.words(), retry_after.is_none());
        if matches!(outcome, HttpOutcome::Failed(_)) || retry_after.is_some() {
            // The way to the service is the cause: the lane's plan says when, for all of them alike.
            self.each(claims, move |store, claim| {
                store.retry_edit(claim, now.0, words, spend)
            })
            .await?;
            return Ok(Sent::Stop(failed));
        }
        if claims.len() > 1 {
            self.each(claims, move |store, claim| store.release_edit(claim, now.0))
                .await?;
            return Ok(Sent::NotTaken(failed));
        }
        if matches!(verdict, Verdict::Parked(_)) {
            let words = EditPark::TooLarge.words();
            self.each(claims, move |store, claim| {
                store.park_edit(claim, words, version::VERSION, now.0)
            })
            .await?;
            return Ok(Sent::Judged);
        }
        for claim in claims {
            self.retry_later(claim, words, lane_attempt, policy).await?;
        }
        Ok(Sent::NotTaken(failed))
    }

    /// Notes what became of each edit of a batch.
    async fn settle_edits(
        &self,
        account: &str,
        claims: &[EditClaim],
        mut results: BTreeMap<Uuid, EditVerdict>,
        lane_attempt: u32,
        policy: Policy,
    ) -> Result<(), StoreError> {
        let at = self.clock().now().wall.0;
        let mut moved_on = false;
        for claim in claims {
            let told = results.remove(&claim.id).unwrap_or(EditVerdict::Unknown);
            let made_it = matches!(told, EditVerdict::Applied { .. });
            let verdict = judge(&change(claim), &item_answer(told));
            tracing::debug!(edit = %claim.id, claim = claim.claim, ?verdict, "an edit was judged");
            let (account, claim) = (account.to_owned(), claim.clone());
            match verdict {
                ItemVerdict::Delivered { revision } => {
                    let delivered = move |store: &Store| {
                        store.edit_delivered(&account, &claim, revision, made_it, at)
                    };
                    self.store().run(delivered).await?;
                }
                ItemVerdict::Rebase { base } => {
                    moved_on = true;
                    self.store()
                        .run(move |store| store.edit_rebased(&claim, base))
                        .await?;
                }
                ItemVerdict::Conflict { theirs, revision } => {
                    moved_on = true;
                    let conflict =
                        move |store: &Store| store.edit_in_conflict(&claim, &theirs, revision, at);
                    self.store().run(conflict).await?;
                }
                ItemVerdict::Parked(why) => {
                    self.store()
                        .run(move |store| {
                            store.park_edit(&claim, why.words(), version::VERSION, at)
                        })
                        .await?;
                }
                ItemVerdict::Retry => {
                    let words = "The service has trouble with this change.";
                    self.retry_later(&claim, words, lane_attempt, policy)
                        .await?;
                }
            }
        }
        if moved_on {
            // Somebody else changed something: what is cached is no longer the newest.
            self.wakes.of(Lane::Library).ring(LaneOutcome::More);
        }
        Ok(())
    }

    /// The service did not take this one: it gets a due time of its own.
    async fn retry_later(
        &self,
        claim: &EditClaim,
        words: &'static str,
        lane_attempt: u32,
        policy: Policy,
    ) -> Result<(), StoreError> {
        let attempts = claim.attempts.saturating_add(1).max(lane_attempt.min(2));
        let wait = backoff::delay(policy, attempts, None, self.entropy().unit());
        let due = self.clock().now().wall.plus(wait).0;
        let claim = claim.clone();
        self.store()
            .run(move |store| store.retry_edit(&claim, due, words, true))
            .await?;
        Ok(())
    }

    async fn each(
        &self,
        claims: &[EditClaim],
        outcome: impl Fn(&Store, &EditClaim) -> Result<bool, StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let claims = claims.to_vec();
        self.store()
            .run(move |store| claims.iter().try_for_each(|c| outcome(store, c).map(drop)))
            .await
    }

    /// When the next edit is due. As for rides, a time that no backoff could have set counts as now.
    pub(super) async fn next_edit_due(&self) -> Option<i64> {
        let account = account_id(&self.session.facts().ok()?)?;
        let now = self.clock().now().wall;
        let latest = now
            .plus(backoff::CAP)
            .plus(freewheel_policy::grace::TOLERANCE)
            .0;
        let due = self.store().run(move |store| {
            let due = store.next_edit_due(&account)?;
            if due.is_some_and(|due| due > latest) {
                store.make_edits_due_by(&account, now.0)?;
                return Ok(Some(now.0));
            }
            Ok(due)
        });
        due.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the edits could not be read");
            None
        })
    }

    /// Edits that wait for a later try are tried at `by`.
    pub(super) async fn make_edits_due(&self, by: freewheel_policy::WallMs) {
        let Ok(Some(account)) = self.session.facts().map(|facts| account_id(&facts)) else {
            return;
        };
        let due = self
            .store()
            .run(move |store| store.make_edits_due_by(&account, by.0));
        if let Err(error) = due.await {
            tracing::warn!(%error, "the edits that wait could not be made due");
        }
    }
}

fn change(claim: &EditClaim) -> Change {
    Change {
        field: claim.field,
        was: claim.was.clone(),
        value: claim.value.clone(),
    }
}

/// The edit as the wire has it; none if its value cannot be read.
fn edit(claim: &EditClaim) -> Option<Edit> {
    let text = claim.value.clone();
    let field = match claim.field {
        Field::PlanDate => EditedField::PlanDate(text.parse().ok()?),
        Field::PlanState => EditedField::PlanState(PlanState::from(text.as_str())),
        Field::RideTitle => EditedField::RideTitle(text),
        Field::RideNote => EditedField::RideNote(text),
        Field::RideRpe if text.is_empty() => EditedField::RideRpe(None),
        Field::RideRpe => {
            let number: u8 = text.parse().ok()?;
            EditedField::RideRpe(Some(Rpe::try_from(number).ok()?))
        }
    };
    let kind = match &claim.target {
        EditTarget::PlanItem(_) => freewheel_protocol::TargetKind::PlanItem,
        EditTarget::Ride(_) => freewheel_protocol::TargetKind::Ride,
    };
    Some(Edit {
        id: claim.id,
        made: Timestamp::from_millisecond(claim.made).unwrap_or_default(),
        target: WireTarget {
            kind,
            id: claim.target.id(),
        },
        base: claim.base,
        changes: vec![field.into()],
        extra: Map::new(),
    })
}

/// The results of a reply by their edits, if it is one of this call.
fn results(reply: &Reply) -> Option<BTreeMap<Uuid, EditVerdict>> {
    let whole = reply.is_success() && reply.complete && reply.is_json();
    let results: EditResults = whole.then(|| reply.object()).flatten()?;
    let results = results.results.into_iter();
    Some(results.map(|result| (result.id, result.verdict)).collect())
}

fn item_answer(told: EditVerdict) -> ItemAnswer {
    match told {
        EditVerdict::Applied { revision } | EditVerdict::Already { revision } => {
            ItemAnswer::Applied(revision)
        }
        EditVerdict::Conflict { revision, current } => {
            let fields: Fields = current.into_iter().filter_map(field_of).collect();
            ItemAnswer::Conflict(Known { revision, fields })
        }
        EditVerdict::Refused { problem } => ItemAnswer::Refused(problem.code.as_str().to_owned()),
        EditVerdict::Unknown => ItemAnswer::Unclear,
    }
}

/// A field of the service's as text; none where this version does not know it.
fn field_of(change: FieldChange) -> Option<(Field, String)> {
    let text = match change.value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some((Field::parse(change.field.as_str())?, text))
}
