//! `/oauth/token` and `/oauth/revoke`.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use freewheel_protocol::oauth::{
    AUDIENCE, CLIENT_ID, Claims, DEVICE_CODE_GRANT, OAuthErrorCode, TokenAnswer,
};
use serde::{Deserialize, Serialize};

use super::grant::{self, Grant, Outcome, Terms};
use super::keys::{KeyError, Keys};
use super::refusal::Refusal;
use super::{device_token, target};
use crate::problem::Failure;
use crate::random::{self, Token};
use crate::server::Server;
use crate::store::{Store, StoreError};

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
    device_code: Option<String>,
    resource: Option<String>,
}

/// What is asked for, with all that it takes.
enum Ask {
    Code {
        code: String,
        redirect_uri: String,
        verifier: String,
    },
    Refresh(String),
    Device(String),
}

/// `POST /oauth/token`
pub(crate) async fn token(
    State(server): State<Server>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Failure> {
    let ask = match form {
        Ok(Form(form)) => read(form, &server.options().public_url),
        Err(_) => Err(Refusal::invalid_request(
            "a form with each field once is expected",
        )),
    };
    let ask = match ask {
        Ok(ask) => ask,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let options = server.options();
    let terms = Terms {
        now: server.now(),
        refresh_life: options.refresh_token_life.as_secs(),
        max_sessions: options.max_sessions,
    };
    // The keys first: once a token is spent, only its successor may keep the answer from being written.
    let keys = server.keys().await?;
    match server
        .blocking(move |store| decide(store, &ask, terms))
        .await?
    {
        Ok(grant) => answer(&server, &keys, grant, terms.now).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Failure::internal()
        }),
        Err(refusal) => {
            tracing::info!(code = %refusal.code, reason = refusal.description, "token refused");
            Ok(refusal.into_response())
        }
    }
}

fn read(form: TokenForm, public_url: &str) -> Result<Ask, Refusal> {
    if form.client_id != CLIENT_ID {
        return Err(Refusal::new(
            OAuthErrorCode::InvalidClient,
            "unknown client",
        ));
    }
    target::check(form.resource.as_deref(), public_url)?;
    match form.grant_type.as_str() {
        "authorization_code" => match (form.code, form.redirect_uri, form.code_verifier) {
            (Some(code), Some(redirect_uri), Some(verifier)) => Ok(Ask::Code {
                code,
                redirect_uri,
                verifier,
            }),
            _ => Err(Refusal::invalid_request(
                "code, redirect_uri and code_verifier are required",
            )),
        },
        "refresh_token" => form
            .refresh_token
            .map(Ask::Refresh)
            .ok_or(Refusal::invalid_request("refresh_token is required")),
        DEVICE_CODE_GRANT => form
            .device_code
            .map(Ask::Device)
            .ok_or(Refusal::invalid_request("device_code is required")),
        _ => Err(Refusal::new(
            OAuthErrorCode::UnsupportedGrantType,
            "authorization_code, refresh_token and device codes are offered",
        )),
    }
}

fn decide(store: &Store, ask: &Ask, terms: Terms) -> Result<Outcome, StoreError> {
    match ask {
        Ask::Code {
            code,
            redirect_uri,
            verifier,
        } => grant::redeem_code(store, code, redirect_uri, verifier, terms),
        Ask::Refresh(presented) => grant::refresh(store, presented, terms),
        Ask::Device(code) => device_token::redeem(store, code, terms),
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

/// The claims of an ID token (OpenID Connect Core 1.0 §2).
#[derive(Serialize)]
struct IdClaims {
    #[serde(flatten)]
    claims: Claims,
    /// When the password was right, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
}

fn answer(server: &Server, keys: &Keys, grant: Grant, now: i64) -> Result<Response, KeyError> {
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
    let asked_who = grant::has(&grant.scope, "openid");
    let id_token = grant
        .identity
        .filter(|_| asked_who)
        .map(|identity| {
            let claims = Claims {
                aud: CLIENT_ID.to_owned(),
                nonce: identity.nonce,
                name: Some(grant.athlete.name),
                ..claims
            };
            let auth_time = identity.signed_in_at;
            keys.sign("JWT", &IdClaims { claims, auth_time })
        })
        .transpose()?;
    let tokens = TokenAnswer {
        access_token: keys.sign("at+jwt", &access)?,
        token_type: "Bearer".to_owned(),
        expires_in: u64::try_from(life).unwrap_or_default(),
        refresh_token: grant.refresh_token.map(Token::reveal),
        id_token,
        scope: Some(grant.scope),
    };
    let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    Ok((headers, Json(tokens)).into_response())
}
