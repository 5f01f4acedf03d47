//! The athlete in the browser: sign-in, consent, and back to the app.

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use freewheel_protocol::oauth::OAuthErrorCode;
use serde::Deserialize;

use super::request::{AuthorizeQuery, Refused, check};
use super::{forms, redirect, same_origin};
use crate::password;
use crate::problem::Failure;
use crate::random::{Token, TokenHash};
use crate::server::Server;
use crate::store::authorization_code::{self, AuthorizationCode};
use crate::store::sign_in::{self, Pending, SignIn};
use crate::store::{AthleteId, Store, StoreError, athlete};

/// How long an athlete may take for each of the two pages.
const PAGE_SECONDS: i64 = 600;
/// How long the app may take to redeem a code.
const CODE_SECONDS: i64 = 120;

const EXPIRED: &str = "This sign-in has expired or was used already. Start again from the app.";
const FOREIGN: &str = "This form was sent by another site. Start again from the app.";
const BLOCKED: &str = "This account is closed. Please contact support.";
const WRONG: &str = "User name or password is not right.";

/// `GET /oauth/authorize`
pub(crate) async fn start(
    State(server): State<Server>,
    query: Result<Query<AuthorizeQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let Ok(Query(query)) = query else {
        let text = "The app that sent you here sent a request that cannot be read.";
        return Ok(forms::dead_end(StatusCode::BAD_REQUEST, text).into_response());
    };
    let request = match check(&query) {
        Ok(request) => request,
        Err(Refused::Here(text)) => {
            return Ok(forms::dead_end(StatusCode::BAD_REQUEST, text).into_response());
        }
        Err(Refused::Back(code, description)) => {
            return Ok(refuse(
                &server,
                &query.redirect_uri,
                query.state,
                &code,
                description,
            ));
        }
    };
    let now = server.now();
    let pending = Pending {
        request,
        athlete: None,
    };
    let key = server
        .blocking(move |store| keep(store, &pending, now))
        .await?;
    let hint = query.login_hint.unwrap_or_default();
    Ok(forms::sign_in(&key.reveal(), &hint, None).into_response())
}

/// The form of the first page.
#[derive(Deserialize)]
pub(crate) struct SignInForm {
    request: String,
    username: String,
    password: String,
}

enum SignedIn {
    Yes {
        key: Token,
        name: String,
        request: SignIn,
    },
    Wrong,
    Blocked,
    Expired,
}

/// `POST /oauth/sign-in`
pub(crate) async fn sign_in(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Form<SignInForm>, FormRejection>,
) -> Result<Response, Failure> {
    if !same_origin::is_same_origin(&headers) {
        return Ok(forms::dead_end(StatusCode::FORBIDDEN, FOREIGN).into_response());
    }
    let Ok(Form(form)) = form else {
        return Ok(forms::dead_end(StatusCode::BAD_REQUEST, EXPIRED).into_response());
    };
    let (request, username) = (form.request.clone(), form.username.clone());
    let now = server.now();
    if let Err(seconds) = server.throttle().admit(&username, now) {
        let text = format!("Too many wrong passwords. Try again in {seconds} seconds.");
        let page = forms::sign_in(&request, &username, Some(&text))
            .with_status(StatusCode::TOO_MANY_REQUESTS);
        return Ok(([(RETRY_AFTER, HeaderValue::from(seconds))], page).into_response());
    }
    let slot = server
        .throttle()
        .slots
        .acquire()
        .await
        .map_err(|_| Failure::internal())?;
    let outcome = server
        .blocking(move |store| recognise(store, &form, now))
        .await?;
    drop(slot);
    Ok(match outcome {
        SignedIn::Yes { key, name, request } => {
            server.throttle().forget(&username);
            let back = redirect::loopback_origin(&request.redirect_uri).unwrap_or_default();
            forms::consent(&key.reveal(), &name, &request.scope, back).into_response()
        }
        SignedIn::Wrong => {
            tracing::info!("sign-in with a wrong name or password");
            forms::sign_in(&request, &username, Some(WRONG))
                .with_status(StatusCode::UNPROCESSABLE_ENTITY)
                .into_response()
        }
        SignedIn::Blocked => forms::dead_end(StatusCode::FORBIDDEN, BLOCKED).into_response(),
        SignedIn::Expired => {
            server.throttle().take_back(&username, now);
            forms::dead_end(StatusCode::BAD_REQUEST, EXPIRED).into_response()
        }
    })
}

/// The form of the second page.
#[derive(Deserialize)]
pub(crate) struct ConsentForm {
    request: String,
    answer: String,
}

enum Answered {
    Allowed { code: Token, request: SignIn },
    Denied(SignIn),
    Blocked,
    Expired,
}

/// `POST /oauth/consent`
pub(crate) async fn consent(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Form<ConsentForm>, FormRejection>,
) -> Result<Response, Failure> {
    if !same_origin::is_same_origin(&headers) {
        return Ok(forms::dead_end(StatusCode::FORBIDDEN, FOREIGN).into_response());
    }
    let Ok(Form(form)) = form else {
        return Ok(forms::dead_end(StatusCode::BAD_REQUEST, EXPIRED).into_response());
    };
    let now = server.now();
    let issuer = server.options().public_url.clone();
    Ok(
        match server
            .blocking(move |store| answer(store, &form, now))
            .await?
        {
            Answered::Allowed { code, request } => {
                let code = code.reveal();
                let parameters = [
                    ("code", Some(&*code)),
                    ("state", request.state.as_deref()),
                    ("iss", Some(&issuer)),
                ];
                redirect::back(&request.redirect_uri, &parameters)
            }
            Answered::Denied(request) => {
                let code = OAuthErrorCode::AccessDenied;
                refuse(
                    &server,
                    &request.redirect_uri,
                    request.state,
                    &code,
                    "the athlete said no",
                )
            }
            Answered::Blocked => forms::dead_end(StatusCode::FORBIDDEN, BLOCKED).into_response(),
            Answered::Expired => forms::dead_end(StatusCode::BAD_REQUEST, EXPIRED).into_response(),
        },
    )
}

fn refuse(
    server: &Server,
    redirect_uri: &str,
    state: Option<String>,
    code: &OAuthErrorCode,
    description: &str,
) -> Response {
    let parameters = [
        ("error", Some(code.as_str())),
        ("error_description", Some(description)),
        ("state", state.as_deref()),
        ("iss", Some(&*server.options().public_url)),
    ];
    redirect::back(redirect_uri, &parameters)
}

fn keep(store: &Store, pending: &Pending, now: i64) -> Result<Token, StoreError> {
    let key = Token::fresh()?;
    store.write(|tx| sign_in::insert(tx, &key.hash(), pending, now, now + PAGE_SECONDS))?;
    Ok(key)
}

fn recognise(store: &Store, form: &SignInForm, now: i64) -> Result<SignedIn, StoreError> {
    let key = TokenHash::of(&form.request);
    if store.read(|db| sign_in::find(db, &key, now))?.is_none() {
        return Ok(SignedIn::Expired);
    }
    let athlete = store.athlete_named(&form.username)?;
    let stored = athlete
        .as_ref()
        .map(|athlete| athlete.password_hash.as_str());
    if !password::matches(&form.password, stored) {
        return Ok(SignedIn::Wrong);
    }
    let Some(athlete) = athlete else {
        return Ok(SignedIn::Wrong);
    };
    if athlete.blocked {
        return Ok(SignedIn::Blocked);
    }
    // A new key for the second page: one that was known before the password came is worth nothing.
    let fresh = Token::fresh()?;
    let request = store.write(|tx| {
        let Some(pending) = sign_in::take(tx, &key, now)? else {
            return Ok(None);
        };
        let pending = Pending {
            athlete: Some(athlete.id.clone()),
            ..pending
        };
        sign_in::insert(tx, &fresh.hash(), &pending, now, now + PAGE_SECONDS)?;
        Ok(Some(pending.request))
    })?;
    Ok(match request {
        Some(request) => SignedIn::Yes {
            key: fresh,
            name: athlete.name,
            request,
        },
        None => SignedIn::Expired,
    })
}

fn answer(store: &Store, form: &ConsentForm, now: i64) -> Result<Answered, StoreError> {
    let code = Token::fresh()?;
    store.write(|tx| {
        let pending = sign_in::take(tx, &TokenHash::of(&form.request), now)?;
        let Some(Pending {
            request,
            athlete: Some(athlete),
        }) = pending
        else {
            return Ok(Answered::Expired);
        };
        if form.answer != "allow" {
            return Ok(Answered::Denied(request));
        }
        if is_blocked(tx, &athlete)? {
            return Ok(Answered::Blocked);
        }
        let row = AuthorizationCode {
            athlete,
            redirect_uri: request.redirect_uri.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            code_challenge: request.code_challenge.clone(),
            family: None,
            expires_at: now + CODE_SECONDS,
        };
        authorization_code::insert(tx, &code.hash(), &row, now)?;
        Ok(Answered::Allowed { code, request })
    })
}

fn is_blocked(db: &rusqlite::Connection, id: &AthleteId) -> Result<bool, StoreError> {
    Ok(athlete::by_id(db, id)?.is_none_or(|athlete| athlete.blocked))
}
