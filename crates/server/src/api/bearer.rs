//! Who asks: the athlete of the access token (RFC 6750).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use freewheel_protocol::ProblemCode;
use freewheel_protocol::oauth::AUDIENCE;

use crate::outside_issuer::{Closed, Verifier};
use crate::problem::Failure;
use crate::server::Server;
use crate::store::{Athlete, AthleteId, athlete};

/// The athlete who asks: the token is valid and the account is open.
pub(crate) struct Asker(pub(crate) AthleteId);

impl FromRequestParts<Server> for Asker {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Failure> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header
            .and_then(bearer_token)
            .ok_or_else(Failure::no_token)?;
        let athlete = match server.outside() {
            None => own(server, token).await?,
            Some(verifier) => outside(server, verifier, token).await?,
        };
        if athlete.blocked {
            return Err(Failure::new(
                ProblemCode::AccountBlocked,
                StatusCode::FORBIDDEN,
                "The account is closed",
            )
            .because("Please contact support."));
        }
        Ok(Self(athlete.id))
    }
}

/// The athlete of a token that this server signed.
async fn own(server: &Server, token: &str) -> Result<Athlete, Failure> {
    let (token, now) = (token.to_owned(), server.now());
    let verifying = server.clone();
    let found = server
        .blocking(move |store| {
            store.read(|db| {
                let keys = verifying.keys_in(db, now)?;
                let issuer = &verifying.options().public_url;
                Ok(match keys.verify(&token, issuer, AUDIENCE, now) {
                    Ok(claims) => athlete::by_id(db, &AthleteId(claims.sub))?
                        .ok_or("the athlete of this token is not known here"),
                    Err(reason) => Err(reason),
                })
            })
        })
        .await?;
    found.map_err(Failure::invalid_token)
}

/// The athlete of a token that another issuer signed, made at first sight.
async fn outside(
    server: &Server,
    verifier: &Arc<Verifier>,
    token: &str,
) -> Result<Athlete, Failure> {
    let claims = verifier
        .verify(token, server.now())
        .await
        .map_err(|closed| match closed {
            Closed::Token(reason) => Failure::invalid_token(reason),
            Closed::CannotAsk(seconds) => Failure::new(
                ProblemCode::Unavailable,
                StatusCode::SERVICE_UNAVAILABLE,
                "The issuer of access tokens cannot be asked now",
            )
            .because("Nothing is known about this token yet. Try again later.")
            .retry_after(seconds),
        })?;
    let (issuer, now) = (verifier.issuer().url.clone(), server.clock().now());
    server
        .blocking(move |store| {
            store.outside_athlete(&issuer, &claims.sub, claims.name.as_deref(), now)
        })
        .await
}

/// The scheme's name has no case (RFC 9110 §11.1).
fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
