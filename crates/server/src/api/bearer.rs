//! Who asks: the athlete of the access token (RFC 6750).

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use freewheel_protocol::ProblemCode;
use freewheel_protocol::oauth::AUDIENCE;

use crate::problem::Failure;
use crate::server::Server;
use crate::store::AthleteId;

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
            .ok_or_else(|| Failure::invalid_token("send an access token as Bearer"))?;
        let claims = server
            .key()
            .verify(token, &server.options().public_url, AUDIENCE, server.now())
            .map_err(Failure::invalid_token)?;
        let id = AthleteId(claims.sub);
        let asked = id.clone();
        match server.blocking(move |store| store.athlete(&asked)).await? {
            Some(athlete) if athlete.blocked => Err(Failure::new(
                ProblemCode::AccountBlocked,
                StatusCode::FORBIDDEN,
                "The account is closed",
            )
            .because("Please contact support.")),
            Some(_) => Ok(Self(id)),
            None => Err(Failure::invalid_token(
                "the athlete of this token is not known here",
            )),
        }
    }
}

/// The scheme's name has no case (RFC 9110 §11.1).
fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
