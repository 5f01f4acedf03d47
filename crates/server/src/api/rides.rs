//! `PUT /v1/rides/{id}`, `GET /v1/rides?after=`, `GET /v1/rides/{id}/fit`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use freewheel_protocol::changes::MAX_PAGE;
use freewheel_protocol::header::{CONTENT_DIGEST, FIT_MEDIA_TYPE, IDEMPOTENCY_KEY};
use freewheel_protocol::{ContentDigest, ProblemCode, RideId, RideList, RideUpload, Sha256Digest};
use serde::Deserialize;

use super::bearer::Asker;
use crate::fit;
use crate::problem::Failure;
use crate::server::Server;
use crate::store::ride::Taken;

/// A longer name is cut; it is not worth refusing a ride for.
const MAX_NAME_CHARACTERS: usize = 200;

/// `PUT /v1/rides/{id}`: 201 when the ride is new, 200 when it was here already.
pub(crate) async fn take(
    State(server): State<Server>,
    Asker(athlete): Asker,
    id: Result<Path<RideId>, PathRejection>,
    query: Result<Query<RideUpload>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let Path(id) = id?;
    let Query(mut upload) = query?;
    let body = body?;
    check_key(&headers, id)?;
    let promised = promised_digest(&headers)?;
    upload.name = upload.name.chars().take(MAX_NAME_CHARACTERS).collect();

    let now = server.clock().now();
    // Digest and checksum take a while for a long ride, so they are done off the async threads too.
    let checked = tokio::task::spawn_blocking(move || check_body(&body, promised).map(|()| body));
    let body = checked.await??;
    let taken = server
        .blocking(move |store| store.take_ride(&athlete, id, &upload, &body, now))
        .await?;
    match taken {
        Taken::New(receipt) => {
            tracing::info!(ride = %id, "ride taken");
            Ok((StatusCode::CREATED, Json(receipt)).into_response())
        }
        Taken::Already(receipt) => {
            tracing::info!(ride = %id, "ride was here already");
            Ok(Json(receipt).into_response())
        }
        Taken::Conflict => Err(Failure::new(
            ProblemCode::RideConflict,
            StatusCode::CONFLICT,
            "Another ride of yours has this id",
        )
        .because("A ride never changes. Upload this one under a new id.")),
    }
}

/// The query of `GET /v1/rides`.
#[derive(Deserialize)]
pub(crate) struct ListQuery {
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/rides?after=`: ids and digests, in the order in which the rides came.
pub(crate) async fn list(
    State(server): State<Server>,
    Asker(athlete): Asker,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<RideList>, Failure> {
    let Query(query) = query?;
    let after = match query.after {
        Some(text) => text
            .parse()
            .map_err(|_| Failure::bad_request("after is not one that this server gave"))?,
        None => 0,
    };
    let limit = query.limit.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
    server
        .blocking(move |store| store.ride_list(&athlete, after, limit))
        .await
        .map(Json)
}

/// `GET /v1/rides/{id}/fit`: the athlete's own ride, as it was uploaded.
pub(crate) async fn fit(
    State(server): State<Server>,
    Asker(athlete): Asker,
    id: Result<Path<RideId>, PathRejection>,
) -> Result<Response, Failure> {
    let Path(id) = id?;
    let bytes = server
        .blocking(move |store| store.fit(&athlete, id))
        .await?;
    let bytes = bytes.ok_or_else(|| Failure::not_found("you have no ride with this id here"))?;
    let digest = ContentDigest(Sha256Digest::of(&bytes)).to_string();
    let headers = [
        (CONTENT_TYPE.as_str(), FIT_MEDIA_TYPE.to_owned()),
        (CACHE_CONTROL.as_str(), "private, no-store".to_owned()),
        (CONTENT_DIGEST, digest),
    ];
    Ok((headers, bytes).into_response())
}

/// The ride's id is its idempotency key; one that says otherwise belongs to another request.
fn check_key(headers: &HeaderMap, id: RideId) -> Result<(), Failure> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(());
    };
    let same = key
        .to_str()
        .is_ok_and(|key| key.trim_matches('"').parse() == Ok(id));
    if same {
        Ok(())
    } else {
        Err(Failure::bad_request(
            "Idempotency-Key must be the ride's id",
        ))
    }
}

fn promised_digest(headers: &HeaderMap) -> Result<Sha256Digest, Failure> {
    let header = headers
        .get(CONTENT_DIGEST)
        .ok_or_else(|| Failure::bad_request("Content-Digest with sha-256 is required"))?;
    let ContentDigest(digest) = header
        .to_str()
        .unwrap_or_default()
        .parse()
        .map_err(|error| Failure::bad_request(format!("Content-Digest: {error}")))?;
    Ok(digest)
}

fn check_body(body: &[u8], promised: Sha256Digest) -> Result<(), Failure> {
    if Sha256Digest::of(body) != promised {
        return Err(Failure::new(
            ProblemCode::DigestMismatch,
            StatusCode::BAD_REQUEST,
            "The ride was damaged under way",
        )
        .because("The content is not what Content-Digest says. Send it again."));
    }
    fit::check(body).map_err(|flaw| {
        Failure::new(
            ProblemCode::RideUnreadable,
            StatusCode::UNPROCESSABLE_ENTITY,
            "This is not a FIT file",
        )
        .because(flaw.to_string())
    })
}
