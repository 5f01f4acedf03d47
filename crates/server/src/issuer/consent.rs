//! `POST /oauth/consent`: the athlete agrees or not; the answer goes to the app or to the device.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use freewheel_protocol::oauth::OAuthErrorCode;
use rusqlite::Transaction;
use serde::Deserialize;

use super::{authorize, forms, redirect, same_origin};
use crate::problem::Failure;
use crate::random::{Token, TokenHash};
use crate::server::Server;
use crate::store::authorization_code::{self, AuthorizationCode};
use crate::store::sign_in::{self, AppRequest, Pending, Proof, SignIn, Way};
use crate::store::{Store, StoreError, athlete, device_grant};

/// How long the app may take to redeem a code.
const CODE_SECONDS: i64 = 120;

/// The form of the page.
#[derive(Deserialize)]
pub(crate) struct ConsentForm {
    request: String,
    answer: String,
}

enum Answered {
    /// The app gets its code, or a no.
    App(AppRequest, Option<Token>),
    /// The device asks by itself; whether it was a yes.
    Device(bool),
    Blocked,
    Expired,
}

pub(crate) async fn consent(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Form<ConsentForm>, FormRejection>,
) -> Result<Response, Failure> {
    if !same_origin::is_same_origin(&headers) {
        return Ok(forms::foreign().into_response());
    }
    let Ok(Form(form)) = form else {
        return Ok(forms::expired().into_response());
    };
    let now = server.now();
    let answered = server
        .blocking(move |store| answer(store, &form, now))
        .await?;
    Ok(match answered {
        Answered::App(request, Some(code)) => {
            let code = code.reveal();
            let parameters = [
                ("code", Some(&*code)),
                ("state", request.state.as_deref()),
                ("iss", Some(&*server.options().public_url)),
            ];
            redirect::back(&request.redirect_uri, &parameters)
        }
        Answered::App(request, None) => authorize::refuse(
            &server,
            &request.redirect_uri,
            request.state.as_deref(),
            &OAuthErrorCode::AccessDenied,
            "the athlete said no",
        ),
        Answered::Device(allowed) => forms::device_done(allowed).into_response(),
        Answered::Blocked => forms::blocked().into_response(),
        Answered::Expired => forms::expired().into_response(),
    })
}

fn answer(store: &Store, form: &ConsentForm, now: i64) -> Result<Answered, StoreError> {
    let code = Token::fresh()?;
    store.write(|tx| {
        let pending = sign_in::take(tx, &TokenHash::of(&form.request), now)?;
        let Some(Pending {
            request: SignIn { scope, way },
            proof: Some(proof),
        }) = pending
        else {
            return Ok(Answered::Expired);
        };
        let allowed = form.answer == "allow";
        if allowed && athlete::by_id(tx, &proof.athlete)?.is_none_or(|athlete| athlete.blocked) {
            return Ok(Answered::Blocked);
        }
        match way {
            Way::App(request) if allowed => {
                let row = code_for(&request, scope, proof, now);
                authorization_code::insert(tx, &code.hash(), &row, now)?;
                Ok(Answered::App(request, Some(code)))
            }
            Way::App(request) => Ok(Answered::App(request, None)),
            Way::Device { code, .. } => tell_device(tx, &code, allowed.then_some(&proof), now),
        }
    })
}

fn code_for(request: &AppRequest, scope: String, proof: Proof, now: i64) -> AuthorizationCode {
    AuthorizationCode {
        athlete: proof.athlete,
        signed_in_at: Some(proof.at),
        redirect_uri: request.redirect_uri.clone(),
        scope,
        nonce: request.nonce.clone(),
        code_challenge: request.code_challenge.clone(),
        family: None,
        expires_at: now + CODE_SECONDS,
    }
}

fn tell_device(
    tx: &Transaction<'_>,
    code: &TokenHash,
    allowed_by: Option<&Proof>,
    now: i64,
) -> Result<Answered, StoreError> {
    let in_time = device_grant::decide(tx, code, allowed_by, now)?;
    Ok(if in_time {
        Answered::Device(allowed_by.is_some())
    } else {
        Answered::Expired
    })
}
