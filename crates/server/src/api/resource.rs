//! `GET /.well-known/oauth-protected-resource`: whose access tokens the API takes (RFC 9728).

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use freewheel_protocol::oauth::ResourceMetadata;
use serde_json::Map;

use crate::server::Server;

/// The scope that stands for the library and the rides.
const SCOPE: &str = "freewheel";

pub(crate) async fn metadata(State(server): State<Server>) -> impl IntoResponse {
    let service = &server.options().public_url;
    let issuer = server
        .outside()
        .map_or(service, |verifier| &verifier.issuer().url);
    let metadata = ResourceMetadata {
        resource: service.clone(),
        authorization_servers: vec![issuer.clone()],
        scopes_supported: vec![SCOPE.to_owned()],
        bearer_methods_supported: vec!["header".to_owned()],
        extra: Map::new(),
    };
    ([(CACHE_CONTROL, "max-age=300")], Json(metadata))
}
