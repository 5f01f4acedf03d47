//! `/oauth/device`: a device without a browser gets its codes, and its athlete types one of them (RFC 8628).

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use freewheel_protocol::oauth::{CLIENT_ID, DeviceAuthorization, OAuthErrorCode};
use serde::Deserialize;

use super::refusal::Refusal;
use super::throttle::place;
use super::user_code::UserCode;
use super::{forms, request, same_origin, sign_in, target};
use crate::problem::Failure;
use crate::random::Token;
use crate::server::Server;
use crate::store::device_grant::{self, DeviceGrant, Word};
use crate::store::sign_in::{SignIn, Way};
use crate::store::{Store, StoreError};

/// Two devices with one user code at a time are unlikely; so many times in a row they are impossible.
const TRIES: usize = 5;

const UNKNOWN: &str =
    "No device waits with this code. Look at the device again: the code may have changed.";

/// The form of a device authorization request.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeviceForm {
    client_id: String,
    scope: String,
    resource: Option<String>,
}

/// `POST /oauth/device`: codes for a device (RFC 8628 §3.1).
pub(crate) async fn begin(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Form<DeviceForm>, FormRejection>,
) -> Result<Response, Failure> {
    let Ok(Form(form)) = form else {
        return Ok(
            Refusal::invalid_request("a form with each field once is expected").into_response(),
        );
    };
    if form.client_id != CLIENT_ID {
        return Ok(Refusal::new(OAuthErrorCode::InvalidClient, "unknown client").into_response());
    }
    if let Err(refusal) = target::check(form.resource.as_deref(), &server.options().public_url) {
        return Ok(refusal.into_response());
    }
    let scope = request::granted(&form.scope);
    if scope.is_empty() {
        let text = "ask for at least one known scope";
        return Ok(Refusal::new(OAuthErrorCode::InvalidScope, text).into_response());
    }
    if let Err(seconds) = server
        .throttle()
        .devices
        .admit(&place(&headers), server.now())
    {
        let text = "too many devices ask for codes; wait as long as Retry-After says";
        let refusal = Refusal::new(OAuthErrorCode::SlowDown, text).into_response();
        let waits = [(RETRY_AFTER, HeaderValue::from(seconds))];
        return Ok((StatusCode::TOO_MANY_REQUESTS, waits, refusal).into_response());
    }
    let options = server.options();
    let (interval, life) = (options.device_interval, options.device_code_life);
    let now = server.now();
    let grant = DeviceGrant {
        scope,
        word: Word::Open,
        interval_seconds: interval.as_secs(),
        asked_at: None,
        expires_at: now + life.as_secs(),
    };
    let (code, user_code) = server
        .blocking(move |store| keep(store, &grant, now))
        .await?
        .ok_or_else(Failure::internal)?;
    let verification_uri = format!("{}/oauth/device", options.public_url);
    let answer = DeviceAuthorization {
        device_code: code.reveal(),
        user_code: user_code.to_string(),
        verification_uri_complete: Some(format!("{verification_uri}?user_code={user_code}")),
        verification_uri,
        expires_in: u64::try_from(life.as_secs()).unwrap_or_default(),
        interval: u64::try_from(interval.as_secs()).unwrap_or_default(),
    };
    tracing::info!("a device asks to sign in");
    let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    Ok((headers, Json(answer)).into_response())
}

/// The query of the page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageQuery {
    user_code: String,
}

/// `GET /oauth/device`: where the athlete types the code. One that came with the address is still to be confirmed: the
/// athlete compares it with what the device shows (RFC 8628 §3.3.1).
pub(crate) async fn page(query: Result<Query<PageQuery>, QueryRejection>) -> Response {
    let Query(PageQuery { user_code }) = query.unwrap_or_default();
    let shown = UserCode::read(&user_code).map(|code| code.to_string());
    forms::user_code(&shown.unwrap_or_default(), None).into_response()
}

/// The form of the page.
#[derive(Deserialize)]
pub(crate) struct CodeForm {
    user_code: String,
}

/// `POST /oauth/device/code`: the code leads to the sign-in page.
pub(crate) async fn code(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Form<CodeForm>, FormRejection>,
) -> Result<Response, Failure> {
    if !same_origin::is_same_origin(&headers) {
        return Ok(forms::foreign().into_response());
    }
    let Ok(Form(form)) = form else {
        return Ok(forms::expired().into_response());
    };
    let Some(code) = UserCode::read(&form.user_code) else {
        return Ok(unknown(&form.user_code));
    };
    let (now, guesses) = (server.now(), &server.throttle().user_codes);
    let place = place(&headers);
    if let Err(seconds) = guesses.admit(&place, now) {
        let text = format!("Too many wrong codes. Try again in {seconds} seconds.");
        let page = forms::user_code(&form.user_code, Some(&text))
            .with_status(StatusCode::TOO_MANY_REQUESTS);
        return Ok(([(RETRY_AFTER, HeaderValue::from(seconds))], page).into_response());
    }
    match server
        .blocking(move |store| connect(store, &code, now))
        .await?
    {
        Some(key) => {
            guesses.take_back(&place, now);
            Ok(forms::sign_in(&key.reveal(), "", None).into_response())
        }
        None => {
            tracing::info!("a user code that no device shows");
            Ok(unknown(&form.user_code))
        }
    }
}

fn unknown(typed: &str) -> Response {
    forms::user_code(typed, Some(UNKNOWN))
        .with_status(StatusCode::UNPROCESSABLE_ENTITY)
        .into_response()
}

fn keep(
    store: &Store,
    grant: &DeviceGrant,
    now: i64,
) -> Result<Option<(Token, UserCode)>, StoreError> {
    for _ in 0..TRIES {
        let (code, user_code) = (Token::fresh()?, UserCode::fresh()?);
        let kept = store
            .write(|tx| device_grant::insert(tx, &code.hash(), user_code.as_str(), grant, now))?;
        if kept {
            return Ok(Some((code, user_code)));
        }
    }
    Ok(None)
}

/// Begins a sign-in for the device that shows `code`; `None` when there is none.
fn connect(store: &Store, code: &UserCode, now: i64) -> Result<Option<Token>, StoreError> {
    let Some((hash, scope)) = store.read(|db| device_grant::waiting(db, code.as_str(), now))?
    else {
        return Ok(None);
    };
    let way = Way::Device {
        code: hash,
        user_code: code.as_str().to_owned(),
    };
    sign_in::begin(store, SignIn { scope, way }, now).map(Some)
}
