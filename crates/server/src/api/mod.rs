//! The library feed, the rides and the edits, for the owner of an access token.

mod bearer;
mod changes;
mod cursor;
mod edits;
mod resource;
mod rides;

use axum::Router;
use axum::routing::{get, post, put};
use freewheel_protocol::oauth::RESOURCE_METADATA_PATH;

use crate::server::Server;

pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route(RESOURCE_METADATA_PATH, get(resource::metadata))
        .route("/v1/changes", get(changes::changes))
        .route("/v1/edits", post(edits::take))
        .route("/v1/rides", get(rides::list))
        .route("/v1/rides/{id}", put(rides::take))
        .route("/v1/rides/{id}/fit", get(rides::fit))
}
