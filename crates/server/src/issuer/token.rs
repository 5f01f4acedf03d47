//! `/oauth/token` and `/oauth/revoke`.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use freewheel_protocol::oauth::{AUDIENCE, CLIENT_ID, Claims, OAuthErrorCode, TokenAnswer};
use serde::Deserialize;

use super::grant::{self, Grant, Times};
use super::keys::KeyError;
use super::refusal::Refusal;
use crate::problem::Failure;
use crate::random::{self, Token};
use crate::server::Server;

/// The form of a token request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    grant_type: String,
    client_id: String,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
}

/// `POST /oauth/token`
pub(crate) async fn token(
    State(server): State<Server>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Failure> {
    let Ok(Form(form)) = form else {
        return Ok(
            Refusal::invalid_request("a form with each field once is expected").into_response(),
        );
    };
    if form.client_id != CLIENT_ID {
        return Ok(Refusal::new(OAuthErrorCode::InvalidClient, "unknown client").into_response());
    }
    let times = Times {
        now: server.now(),
        refresh_life: server.options().refresh_token_life.as_secs(),
    };
    let outcome = match form.grant_type.as_str() {
        "authorization_code" => {
            let (Some(code), Some(redirect_uri), Some(verifier)) =
                (form.code, form.redirect_uri, form.code_verifier)
            else {
                let text = "code, redirect_uri and code_verifier are required";
                return Ok(Refusal::invalid_request(text).into_response());
            };
            server
                .blocking(move |store| {
                    grant::redeem_code(store, &code, &redirect_uri, &verifier, times)
                })
                .await?
        }
        "refresh_token" => {
            let Some(presented) = form.refresh_token else {
                return Ok(Refusal::invalid_request("refresh_token is required").into_response());
            };
            server
                .blocking(move |store| grant::refresh(store, &presented, times))
                .await?
        }
        _ => {
            let code = OAuthErrorCode::UnsupportedGrantType;
            Err(Refusal::new(
                code,
                "authorization_code and refresh_token are offered",
            ))
        }
    };
    match outcome {
        Ok(grant) => answer(&server, grant, times.now).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Failure::internal()
        }),
        Err(refusal) => {
            tracing::info!(code = %refusal.code, reason = refusal.description, "token refused");
            Ok(refusal.into_response())
        }
    }
}

/// The form of a revocation request.
#[derive(Deserialize)]
pub(crate) struct RevokeForm {
    token: String,
}

/// `POST /oauth/revoke`: an unknown token is as good as a revoked one.
pub(crate) async fn revoke(
    State(server): State<Server>,
    form: Result<Form<RevokeForm>, FormRejection>,
) -> Result<Response, Failure> {
    let Ok(Form(form)) = form else {
        return Ok(Refusal::invalid_request("token is required, once").into_response());
    };
    // Access tokens are verified without the database and cannot be called back.
    if form.token.split('.').count() == 3 {
        let code = OAuthErrorCode::from("unsupported_token_type");
        let text = "only refresh tokens can be revoked";
        return Ok(Refusal::new(code, text).into_response());
    }
    let now = server.now();
    server
        .blocking(move |store| grant::revoke(store, &form.token, now))
        .await?;
    Ok([(CACHE_CONTROL, "no-store")].into_response())
}

fn answer(server: &Server, grant: Grant, now: i64) -> Result<Response, KeyError> {
    let options = server.options();
    let life = options.access_token_life.as_secs();
    let claims = Claims {
        iss: options.public_url.clone(),
        sub: grant.athlete.id.as_str().to_owned(),
        aud: AUDIENCE.to_owned(),
        iat: now,
        exp: now + life,
        jti: None,
        nonce: None,
        name: None,
        offline_grace: None,
    };
    let access = Claims {
        jti: Some(random::id().map_err(|_| KeyError::Make)?),
        offline_grace: options
            .offline_grace
            .and_then(|grace| u64::try_from(grace.as_secs()).ok()),
        ..claims.clone()
    };
    let id_token = grant
        .identity
        .map(|nonce| {
            let name = Some(grant.athlete.name);
            let identity = Claims {
                aud: CLIENT_ID.to_owned(),
                nonce,
                name,
                ..claims
            };
            server.key().sign("JWT", &identity)
        })
        .transpose()?;
    let tokens = TokenAnswer {
        access_token: server.key().sign("at+jwt", &access)?,
        token_type: "Bearer".to_owned(),
        expires_in: u64::try_from(life).unwrap_or_default(),
        refresh_token: grant.refresh_token.map(Token::reveal),
        id_token,
        scope: Some(grant.scope),
    };
    let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    Ok((headers, Json(tokens)).into_response())
}
