//! The rides lane: sends what is due, one entry after the other, and compares the server's list with our own.

use std::collections::BTreeMap;

use freewheel_policy::backoff::{self, Policy};
use freewheel_policy::lane::Lane;
use freewheel_policy::session::Event;
use freewheel_policy::time::Millis;
use freewheel_policy::verdict::{Answer, Body, HttpOutcome, Verdict, trouble, verdict};
use freewheel_protocol::{RideReceipt, RideUpload};

use super::core::Core;
use super::lane::Attempt;
use super::session::{Bearer, account_id};
use crate::remote::Reply;
use crate::remote::call::problem;
use crate::store::{Claim, RIDE_KIND, Store, StoreError};
use crate::version;

/// So many entries in a row that the service does not take mean that it is not about the entries.
pub(super) const IN_A_ROW: u32 = 3;
/// How often the server's list of rides is compared with ours.
const CONFIRM_EVERY: Millis = Millis::hours(6);
/// Where the time of the last comparison is stored.
pub(super) const CONFIRMED_AT: &str = "rides-confirmed-at";

/// What became of one entry.
enum Sent {
    Delivered,
    /// Parked or given back; the next entry is not affected.
    Aside,
    /// Not taken; the next entry may fare better.
    NotTaken(Attempt),
    /// Nothing can be sent now.
    Stop(Attempt),
}

impl Core {
    pub(super) async fn attempt_rides(&self, attempt: u32, policy: Policy) -> Attempt {
        match self.deliver(attempt, policy).await {
            Ok(attempt) => attempt,
            Err(error) => {
                tracing::error!(%error, "the outbox could not be read or written");
                Attempt::Unstored
            }
        }
    }

    async fn deliver(&self, attempt: u32, policy: Policy) -> Result<Attempt, StoreError> {
        let Ok(facts) = self.session.facts() else {
            return Ok(Attempt::Nothing);
        };
        let Some(account) = account_id(&facts) else {
            return Ok(Attempt::Nothing);
        };
        // The lane is alone: what is still in flight is what an earlier pass could not settle.
        self.store().run(Store::recover_in_flight).await?;
        let confirm = self.confirmation_is_due().await;
        let (mut ended, mut not_taken) = (Attempt::Nothing, 0);
        while self.a_ride_is_due().await {
            // For each one: the athlete may have signed out since the last.
            let bearer = match self.session.bearer_of(&account).await {
                Ok(bearer) => bearer,
                Err(none) => return Ok(Attempt::NoBearer(none)),
            };
            let Some(claim) = self.claim(&account).await? else {
                break;
            };
            self.refresh_view();
            match self.send(&bearer, &claim, attempt, policy).await? {
                Sent::Delivered => (ended, not_taken) = (Attempt::Done, 0),
                Sent::Aside => ended = Attempt::Done,
                Sent::NotTaken(attempt) => {
                    not_taken += 1;
                    if not_taken >= IN_A_ROW {
                        return Ok(attempt);
                    }
                    // Alone, it says as much about the service as about the entry.
                    if ended == Attempt::Nothing {
                        ended = attempt;
                    }
                }
                Sent::Stop(attempt) => return Ok(attempt),
            }
        }
        if confirm && !matches!(ended, Attempt::Failed { .. }) {
            return self.confirm(&account).await;
        }
        Ok(ended)
    }

    async fn a_ride_is_due(&self) -> bool {
        let due = self.next_ride_due().await;
        due.is_some_and(|due| due <= self.clock().now().wall.0)
    }

    async fn claim(&self, account: &str) -> Result<Option<Claim>, StoreError> {
        let (account, now) = (account.to_owned(), self.clock().now().wall.0);
        self.store()
            .run(move |store| store.claim_due(RIDE_KIND, &account, now))
            .await
    }

    async fn send(
        &self,
        bearer: &Bearer,
        claim: &Claim,
        lane_attempt: u32,
        policy: Policy,
    ) -> Result<Sent, StoreError> {
        let (id, number) = (claim.id, claim.attempt);
        let Ok(upload) = serde_json::from_str::<RideUpload>(&claim.body) else {
            let reason = "The entry in the outbox could not be read";
            self.store()
                .run(move |s| s.park(id, number, reason, version::VERSION))
                .await?;
            return Ok(Sent::Aside);
        };
        let Some(api) = self.api(bearer) else {
            let now = self.clock().now().wall.0;
            self.store()
                .run(move |s| s.release(id, number, now))
                .await?;
            return Ok(Sent::Stop(Attempt::Nothing));
        };
        let reply = api.put_ride(bearer.token(), claim, &upload).await;
        let date = reply.as_ref().ok().and_then(|reply| reply.date);
        let receipt = reply.as_ref().ok().and_then(|reply| receipt(reply, claim));
        let outcome = match &reply {
            Ok(reply) => HttpOutcome::Answer(answer(reply, receipt.is_some())),
            Err(failure) => HttpOutcome::Failed(*failure),
        };
        let verdict = verdict(&outcome);
        tracing::info!(ride = %id, attempt = number, ?verdict, "a ride was sent");
        let now = self.clock().now().wall;
        match verdict {
            Verdict::Delivered => {
                let at = receipt
                    .as_ref()
                    .map_or(now.0, |r| r.received_at.as_millisecond());
                let receipt = serde_json::to_string(&receipt)?;
                self.store()
                    .run(move |s| s.delivered(id, number, &receipt, at))
                    .await?;
                self.session.contact(bearer, date).await?;
                // What was said about the ride may follow it now.
                self.wakes.of(Lane::Edits).look();
                Ok(Sent::Delivered)
            }
            Verdict::Parked(reason) => {
                let words = reason.words();
                self.store()
                    .run(move |s| s.park(id, number, words, version::VERSION))
                    .await?;
                self.session.contact(bearer, date).await?;
                Ok(Sent::Aside)
            }
            Verdict::NeedsAuth | Verdict::Blocked => {
                self.store()
                    .run(move |s| s.release(id, number, now.0))
                    .await?;
                let generation = bearer.generation();
                let event = if verdict == Verdict::Blocked {
                    Event::AccountBlocked { generation }
                } else {
                    Event::ApiUnauthorized { generation }
                };
                self.session.apply(event).await?;
                Ok(Sent::Stop(Attempt::Refused(verdict)))
            }
            Verdict::Retry | Verdict::RetryAfter(_) | Verdict::Conflict => {
                let retry_after = match verdict {
                    Verdict::RetryAfter(floor) => Some(floor),
                    _ => None,
                };
                let cause =
                    trouble(&outcome).unwrap_or(freewheel_policy::transport::Trouble::Unreadable);
                let failed = Attempt::Failed {
                    trouble: cause,
                    retry_after,
                };
                let spend = retry_after.is_none();
                let words = cause.words();
                if reply.is_err() || retry_after.is_some() {
                    // The way to the service is the cause: the lane's plan says when, for all entries alike.
                    self.store()
                        .run(move |s| s.retry(id, number, now.0, words, spend))
                        .await?;
                    return Ok(Sent::Stop(failed));
                }
                let attempts = claim.attempts.saturating_add(1).max(lane_attempt.min(2));
                let wait = backoff::delay(policy, attempts, None, self.entropy().unit());
                let due = now.plus(wait).0;
                self.store()
                    .run(move |s| s.retry(id, number, due, words, spend))
                    .await?;
                Ok(Sent::NotTaken(failed))
            }
        }
    }

    async fn confirmation_is_due(&self) -> bool {
        let stored = self
            .store()
            .run(|store| store.lane_state(CONFIRMED_AT))
            .await
            .ok()
            .flatten();
        let at: Option<i64> = stored.and_then(|text| text.parse().ok());
        let now = self.clock().now().wall;
        at.and_then(|at| now.since(freewheel_policy::WallMs(at)))
            .is_none_or(|since| since >= CONFIRM_EVERY)
    }

    /// Confirm, don't assume: what the server lost is sent again, and what it has without our knowing is ticked off.
    async fn confirm(&self, account: &str) -> Result<Attempt, StoreError> {
        let mut theirs = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let bearer = match self.session.bearer_of(account).await {
                Ok(bearer) => bearer,
                Err(none) => return Ok(Attempt::NoBearer(none)),
            };
            let Some(api) = self.api(&bearer) else {
                return Ok(Attempt::Nothing);
            };
            let answer = match api.rides(bearer.token(), after.as_deref()).await {
                Ok(answer) => answer,
                Err(error) => return Ok(self.call_failed(error, bearer.generation()).await),
            };
            self.session.contact(&bearer, answer.date).await?;
            theirs.extend(answer.value.rides.into_iter().map(|row| (row.id.0, row)));
            match answer.value.next {
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => break,
            }
        }
        let (account, at) = (account.to_owned(), self.clock().now().wall.0);
        let lost = self.store().run(move |store| {
            let mut lost = 0_u32;
            for (id, digest) in store.delivered_entries(RIDE_KIND, &account)? {
                if theirs.get(&id).is_none_or(|row| row.digest != digest)
                    && store.redeliver(&account, id)?
                {
                    lost += 1;
                }
            }
            for (id, row) in &theirs {
                let receipt = serde_json::to_string(row)?;
                let received = row.received_at.as_millisecond();
                store.delivered_unnoticed(&account, *id, row.digest, &receipt, received)?;
            }
            store.put_lane_state(CONFIRMED_AT, &at.to_string())?;
            Ok(lost)
        });
        let lost = lost.await?;
        if lost > 0 {
            tracing::warn!(
                lost,
                "the server does not have rides that it had received; they are sent again"
            );
            return Ok(Attempt::More);
        }
        Ok(Attempt::Done)
    }
}

/// The receipt of a reply, if it is one for exactly these bytes.
fn receipt(reply: &Reply, claim: &Claim) -> Option<RideReceipt> {
    let whole = reply.is_success() && reply.complete && reply.is_json();
    let receipt: RideReceipt = whole.then(|| reply.object()).flatten()?;
    (receipt.id.0 == claim.id && receipt.digest == claim.digest).then_some(receipt)
}

/// An answer, as the policy wants it told; `is_receipt`: the body is what the protocol promises for the call.
pub(super) fn answer(reply: &Reply, is_receipt: bool) -> Answer {
    let media = reply.media_type.as_deref().unwrap_or_default();
    let body = if !reply.complete {
        Body::Cut
    } else if is_receipt {
        Body::Protocol
    } else if let Some(problem) = problem(reply) {
        Body::Problem(problem.code.as_str().to_owned())
    } else if reply.body.is_empty() {
        Body::Empty
    } else if reply.is_json() {
        Body::Json
    } else if media == "text/html" {
        Body::Html
    } else {
        Body::Other
    };
    Answer {
        status: reply.status,
        body,
        redirected: reply.is_redirect(),
        retry_after: reply.retry_after,
    }
}
