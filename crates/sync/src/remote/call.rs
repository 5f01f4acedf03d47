//! API calls with a bearer token: the answer as the protocol has it, or why there is none.

use freewheel_policy::time::{Millis, WallMs};
use freewheel_policy::transport::{TransportFailure, Trouble};
use freewheel_protocol::changes::ChangesPage;
use freewheel_protocol::rides::RideList;
use freewheel_protocol::{ContentDigest, Edit, Problem, ProblemCode, RideUpload, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::{Http, Reply, ServerAddress};
use crate::store::Claim;

/// The page of changes that is asked for, in changes.
const PAGE: usize = 500;

/// An answer of the service, with the time that it told.
#[derive(Debug)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The server's `Date`.
    pub date: Option<WallMs>,
}

/// Why a call brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallError {
    /// 401: the access token was not accepted.
    Unauthorized,
    /// The service says, in its own problem document, that the account is closed.
    Blocked,
    /// Anything else: could not ask.
    Trouble {
        /// What happened.
        trouble: Trouble,
        /// How long the service asks to wait.
        retry_after: Option<Millis>,
    },
}

/// What the feed answered.
#[derive(Debug)]
pub enum Feed {
    /// Changes.
    Page(ChangesPage),
    /// Nothing changed since the cursor.
    Fresh,
    /// The cursor is too old: start again without one.
    Gone,
}

/// The calls of one server.
#[derive(Debug, Clone)]
pub struct Api {
    http: Http,
    address: ServerAddress,
}

impl Api {
    /// The calls of the server at `address`.
    #[must_use]
    pub fn new(http: Http, address: ServerAddress) -> Self {
        Self { http, address }
    }

    /// Where the server is.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// `GET /v1/changes`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn changes(
        &self,
        bearer: &SecretString,
        cursor: Option<&str>,
    ) -> Result<Answer<Feed>, CallError> {
        let url = self.address.join("/v1/changes");
        let request = self.http.client().get(url).query(&[("limit", PAGE)]);
        let request = match cursor {
            Some(cursor) => request.query(&[("cursor", cursor)]),
            None => request,
        };
        let reply = self.send(request, bearer).await?;
        let value = match reply.status {
            304 => Feed::Fresh,
            410 if problem(&reply).is_some_and(|p| p.code == ProblemCode::CursorGone) => Feed::Gone,
            _ => Feed::Page(moving(json(&reply)?, cursor)?),
        };
        Ok(Answer {
            value,
            date: reply.date,
        })
    }

    /// `GET /v1/rides?after=`: one page of what the server holds.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn rides(
        &self,
        bearer: &SecretString,
        after: Option<&str>,
    ) -> Result<Answer<RideList>, CallError> {
        let request = self.http.client().get(self.address.join("/v1/rides"));
        let request = match after {
            Some(after) => request.query(&[("after", after)]),
            None => request,
        };
        let reply = self.send(request, bearer).await?;
        Ok(Answer {
            value: ending(json(&reply)?, after)?,
            date: reply.date,
        })
    }

    /// `PUT /v1/rides/{id}`: the raw outcome, for [`freewheel_policy::verdict`].
    ///
    /// # Errors
    /// No answer came.
    pub async fn put_ride(
        &self,
        bearer: &SecretString,
        claim: &Claim,
        upload: &RideUpload,
    ) -> Result<Reply, TransportFailure> {
        let request = self
            .http
            .client()
            .put(self.address.join(&format!("/v1/rides/{}", claim.id)))
            .query(upload)
            .bearer_auth(bearer.expose_secret())
            .header(header::IDEMPOTENCY_KEY, claim.id.to_string())
            .header(
                header::CONTENT_DIGEST,
                ContentDigest(claim.digest).to_string(),
            )
            .header(reqwest::header::CONTENT_TYPE, header::FIT_MEDIA_TYPE)
            .body(claim.payload.clone());
        self.http.send(request).await
    }

    /// `POST /v1/edits`: the raw outcome, for [`freewheel_policy::verdict`].
    ///
    /// # Errors
    /// No answer came.
    pub async fn post_edits(
        &self,
        bearer: &SecretString,
        edits: &[Edit],
    ) -> Result<Reply, TransportFailure> {
        let body = serde_json::json!({ "edits": edits }).to_string();
        let request = self
            .http
            .client()
            .post(self.address.join("/v1/edits"))
            .bearer_auth(bearer.expose_secret())
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body);
        self.http.send(request).await
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        bearer: &SecretString,
    ) -> Result<Reply, CallError> {
        let request = request.bearer_auth(bearer.expose_secret());
        self.http.send(request).await.map_err(unasked)
    }
}

fn unasked(failure: TransportFailure) -> CallError {
    CallError::Trouble {
        trouble: Trouble::Transport(failure),
        retry_after: None,
    }
}

/// The problem document of a reply, when it is one.
#[must_use]
pub fn problem(reply: &Reply) -> Option<Problem> {
    let ours = reply.media_type.as_deref() == Some(header::PROBLEM_MEDIA_TYPE) && reply.complete;
    ours.then(|| reply.object()).flatten()
}

/// A 2xx with the body that the protocol promises; everything else is told by kind.
fn json<T: DeserializeOwned>(reply: &Reply) -> Result<T, CallError> {
    // As in `policy::verdict`: a page with a 401 is a gateway's word, not the service's.
    let page = reply.media_type.as_deref() == Some("text/html");
    if reply.status == 401 && reply.complete && !page {
        return Err(CallError::Unauthorized);
    }
    let blocked = |problem: Problem| problem.code == ProblemCode::AccountBlocked;
    if reply.status == 403 && problem(reply).is_some_and(blocked) {
        return Err(CallError::Blocked);
    }
    reply.document().map_err(|trouble| CallError::Trouble {
        trouble,
        retry_after: reply.retry_after,
    })
}

/// A page that promises more must bring something and lead on, or asking for the rest would never end.
fn moving(page: ChangesPage, cursor: Option<&str>) -> Result<ChangesPage, CallError> {
    let stands = page.changes.is_empty() || cursor == Some(page.next_cursor.as_str());
    if page.more && stands {
        return Err(UNREADABLE);
    }
    Ok(page)
}

/// As [`moving`], for the list of rides.
fn ending(list: RideList, after: Option<&str>) -> Result<RideList, CallError> {
    match &list.next {
        Some(next) if list.rides.is_empty() || after == Some(next) => Err(UNREADABLE),
        Some(_) | None => Ok(list),
    }
}

const UNREADABLE: CallError = CallError::Trouble {
    trouble: Trouble::Unreadable,
    retry_after: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_told_with_403_and_with_nothing_else() {
        let problem = r#"{"type":"about:blank","title":"Blocked","code":"account-blocked"}"#;
        for (status, blocks) in [(403, true), (200, false), (400, false), (500, false)] {
            let reply = Reply {
                status,
                media_type: Some(header::PROBLEM_MEDIA_TYPE.to_owned()),
                body: problem.as_bytes().to_vec(),
                complete: true,
                retry_after: None,
                date: None,
            };
            assert!(self::problem(&reply).is_some());
            let told = json::<RideList>(&reply).unwrap_err();
            assert_eq!(told == CallError::Blocked, blocks, "{status}: {told:?}");
        }
    }

    #[test]
    fn a_feed_that_promises_more_must_lead_on() {
        let one = r#"{"kind":"flag","id":"f","revision":1}"#;
        for (changes, next, more, cursor, good) in [
            (one, "b", true, Some("a"), true),
            (one, "b", true, None, true),
            (one, "a", true, Some("a"), false),
            ("", "b", true, Some("a"), false),
            ("", "a", false, Some("a"), true),
            (one, "a", false, Some("a"), true),
        ] {
            let text = format!(r#"{{"changes":[{changes}],"next_cursor":"{next}","more":{more}}}"#);
            let page = serde_json::from_str(&text).unwrap();
            assert_eq!(
                moving(page, cursor).is_ok(),
                good,
                "{text} after {cursor:?}"
            );
        }
    }

    #[test]
    fn a_list_of_rides_that_goes_on_must_lead_on() {
        let one = format!(
            r#"{{"id":"{}","digest":"{}","received_at":"2026-01-01T00:00:00Z"}}"#,
            uuid::Uuid::nil(),
            "0".repeat(64)
        );
        for (rides, next, after, good) in [
            (one.as_str(), r#","next":"2""#, Some("1"), true),
            (&one, r#","next":"1""#, Some("1"), false),
            ("", r#","next":"2""#, None, false),
            ("", "", Some("1"), true),
            (&one, "", None, true),
        ] {
            let text = format!(r#"{{"rides":[{rides}]{next}}}"#);
            let list = serde_json::from_str(&text).unwrap();
            assert_eq!(ending(list, after).is_ok(), good, "{text} after {after:?}");
        }
    }
}
