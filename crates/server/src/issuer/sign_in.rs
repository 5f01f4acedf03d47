//! `POST /oauth/sign-in`: the athlete says who they are, for an app or for a device.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{forms, same_origin};
use crate::password;
use crate::problem::Failure;
use crate::random::{Token, TokenHash};
use crate::server::Server;
use crate::store::sign_in::{self, Pending, Proof, SignIn};
use crate::store::{Store, StoreError};

/// How long an athlete may take for each of the two pages.
const PAGE_SECONDS: i64 = 600;

const WRONG: &str = "User name or password is not right.";

/// The form of the page.
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

/// Keeps a request until its athlete has signed in; the key goes into the page.
pub(crate) fn begin(store: &Store, request: SignIn, now: i64) -> Result<Token, StoreError> {
    let key = Token::fresh()?;
    let pending = Pending {
        request,
        proof: None,
    };
    store.write(|tx| sign_in::insert(tx, &key.hash(), &pending, now, now + PAGE_SECONDS))?;
    Ok(key)
}

pub(crate) async fn sign_in(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Form<SignInForm>, FormRejection>,
) -> Result<Response, Failure> {
    if !same_origin::is_same_origin(&headers) {
        return Ok(forms::foreign().into_response());
    }
    let Ok(Form(form)) = form else {
        return Ok(forms::expired().into_response());
    };
    let (request, username) = (form.request.clone(), form.username.clone());
    let now = server.now();
    if let Err(seconds) = server.throttle().passwords.admit(&username, now) {
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
            server.throttle().passwords.forget(&username);
            forms::consent(&key.reveal(), &name, &request).into_response()
        }
        SignedIn::Wrong => {
            tracing::info!("sign-in with a wrong name or password");
            forms::sign_in(&request, &username, Some(WRONG))
                .with_status(StatusCode::UNPROCESSABLE_ENTITY)
                .into_response()
        }
        SignedIn::Blocked => forms::blocked().into_response(),
        SignedIn::Expired => {
            server.throttle().passwords.take_back(&username, now);
            forms::expired().into_response()
        }
    })
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
        let proof = Proof {
            athlete: athlete.id.clone(),
            at: now,
        };
        let pending = Pending {
            proof: Some(proof),
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
