//! `GET /oauth/authorize`: an app sends its athlete's browser here (RFC 6749 §4.1.1, RFC 8252).

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use freewheel_protocol::oauth::OAuthErrorCode;

use super::request::{AuthorizeQuery, Refused, check};
use super::{forms, redirect, sign_in};
use crate::problem::Failure;
use crate::server::Server;

pub(crate) async fn start(
    State(server): State<Server>,
    query: Result<Query<AuthorizeQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let Ok(Query(query)) = query else {
        let text = "The app that sent you here sent a request that cannot be read.";
        return Ok(forms::dead_end(StatusCode::BAD_REQUEST, text).into_response());
    };
    let request = match check(&query, &server.options().public_url) {
        Ok(request) => request,
        Err(Refused::Here(text)) => {
            return Ok(forms::dead_end(StatusCode::BAD_REQUEST, text).into_response());
        }
        Err(Refused::Back(code, description)) => {
            let state = query.state.as_deref();
            return Ok(refuse(
                &server,
                &query.redirect_uri,
                state,
                &code,
                description,
            ));
        }
    };
    let now = server.now();
    let key = server
        .blocking(move |store| sign_in::begin(store, request, now))
        .await?;
    let hint = query.login_hint.unwrap_or_default();
    Ok(forms::sign_in(&key.reveal(), &hint, None).into_response())
}

/// Tells the app why it gets no code (RFC 6749 §4.1.2.1), and who says so (RFC 9207).
pub(crate) fn refuse(
    server: &Server,
    redirect_uri: &str,
    state: Option<&str>,
    code: &OAuthErrorCode,
    description: &str,
) -> Response {
    let parameters = [
        ("error", Some(code.as_str())),
        ("error_description", Some(description)),
        ("state", state),
        ("iss", Some(&*server.options().public_url)),
    ];
    redirect::back(redirect_uri, &parameters)
}
