//! `POST /v1/edits`: a batch of edits, each with its own verdict in its own transaction.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use freewheel_protocol::edits::{MAX_EDITS, MAX_EDITS_BYTES};
use freewheel_protocol::{Edit, EditBatch, EditResult, EditResults, EditVerdict, ProblemCode};
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;
use uuid::Uuid;

use super::bearer::Asker;
use crate::problem::Failure;
use crate::server::Server;
use crate::store::edit::refused;
use crate::store::{AthleteId, Store};

/// `POST /v1/edits`: 200 with a result per item, also when some or all of them were refused.
pub(crate) async fn take(
    State(server): State<Server>,
    Asker(athlete): Asker,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<EditResults>, Failure> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Failure::bad_request(rejection.body_text()),
    })?;
    if body.len() > MAX_EDITS_BYTES {
        return Err(too_large());
    }
    let batch: EditBatch = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad_request(format!("not a batch of edits: {error}")))?;
    if batch.edits.len() > MAX_EDITS {
        return Err(too_large());
    }
    let named = batch
        .edits
        .into_iter()
        .map(|item| Ok((id_of(&item)?, item)));
    let named = named.collect::<Result<Vec<_>, Failure>>()?;
    let now = server.clock().now();
    let results = server.blocking(move |store| {
        let results = named.into_iter().map(|(id, item)| EditResult {
            id,
            verdict: judge(store, &athlete, &item, now),
        });
        Ok(results.collect::<Vec<_>>())
    });
    let results = results.await?;
    tracing::info!(edits = results.len(), "edits taken");
    Ok(Json(EditResults { results }))
}

/// One item that cannot be read, or that the database fails on, spoils no other.
fn judge(store: &Store, athlete: &AthleteId, item: &Value, now: Timestamp) -> EditVerdict {
    let edit = match Edit::deserialize(item) {
        Ok(edit) => edit,
        Err(error) => return refused(ProblemCode::EditUnreadable, error.to_string()),
    };
    store
        .take_edit(athlete, &edit, now)
        .unwrap_or_else(|error| {
            tracing::error!(%error, edit = %edit.id, "an edit could not be stored");
            refused(ProblemCode::Internal, "the service failed; try again later")
        })
}

/// Without an id there is nothing to answer to.
fn id_of(item: &Value) -> Result<Uuid, Failure> {
    let id = item.get("id").and_then(Value::as_str);
    id.and_then(|id| id.parse().ok())
        .ok_or_else(|| Failure::bad_request("every edit needs an id, a UUID"))
}

fn too_large() -> Failure {
    Failure::new(
        ProblemCode::TooLarge,
        StatusCode::PAYLOAD_TOO_LARGE,
        "Too large",
    )
    .because("a batch may have 100 edits and 1 MiB; send the rest in another one")
}
