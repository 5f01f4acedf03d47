//! Who signed in, as the issuer's tokens prove it.

use freewheel_policy::definitive::{TokenOutcome, classify_token_answer};
use freewheel_policy::session::{self, Account, SignedTimes};
use freewheel_policy::time::Millis;
use freewheel_policy::{Generation, WallMs};
use freewheel_protocol::oauth::TokenAnswer;
use secrecy::SecretString;

use crate::engine::core::Core;
use crate::engine::issuer::{Provider, Unproved};
use crate::engine::refresh::{Granted, http_facts};
use crate::jwt::{self, Claims, JwtError};
use crate::remote::{Reply, issuer as remote};
use crate::sign_in::SignInError;

/// The longest subject, in bytes (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// An athlete who just signed in, and the tokens.
pub(super) struct Newcomer {
    pub(super) account: Account,
    pub(super) granted: Granted,
}

impl Newcomer {
    /// The token whose end ends all of them: the refresh token, if there is one.
    pub(super) fn revocable(&self) -> SecretString {
        let answer = &self.granted.answer;
        let token = answer.refresh_token.as_ref();
        token.unwrap_or(&answer.access_token).clone().into()
    }
}

/// What a token endpoint's reply means, and the tokens when there are any.
pub(super) fn judged(provider: &Provider, reply: &Reply) -> (TokenOutcome, Option<TokenAnswer>) {
    let answer = remote::tokens(reply);
    let (sent, stored) = (Generation::default(), Generation::default());
    let facts = http_facts(&provider.address, reply, answer.is_some(), sent, stored);
    (classify_token_answer(&facts), answer)
}

impl Core {
    /// Who signed in: the ID token, verified, with the `nonce` of the request where there was one (OpenID Connect Core
    /// §3.1.3.7), and an access token that is the same athlete's.
    pub(super) async fn newcomer(
        &self,
        provider: &Provider,
        answer: TokenAnswer,
        date: Option<WallMs>,
        nonce: Option<&str>,
    ) -> Result<Newcomer, SignInError> {
        let came = self.clock().now();
        let token = answer.id_token.as_deref();
        let token = token.ok_or_else(|| unbelieved("no ID token came"))?;
        let claims = self.issuer.id_claims(&provider.address, token).await;
        let claims = claims.map_err(|error| unbelieved(&error.words()))?;
        let now = date.unwrap_or(came.wall);
        jwt::check_id_times(&claims, now, date).map_err(|error| unbelieved(&error.to_string()))?;
        if nonce.is_some() && claims.nonce.as_deref() != nonce {
            return Err(unbelieved("the answer belongs to another sign-in"));
        }
        if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT {
            return Err(unbelieved("the ID token names nobody (claim “sub”)"));
        }
        let signed_in = claims.signed_times();
        let account = Account {
            issuer: provider.address.as_str().to_owned(),
            name: claims.shown_name(),
            subject: claims.sub,
            service: provider.service.clone(),
        };
        let (offline_grace, signed) = self.access_says(provider, &account, &answer, date).await?;
        let granted = Granted {
            answer,
            server_time: session::time_of_tokens(date, signed.or(signed_in), came.wall),
            offline_grace,
            came,
        };
        Ok(Newcomer { account, granted })
    }

    /// The grace that the access token asks for, and its signed times. One that cannot be read, or not be checked now, is
    /// as good as others: it came straight from the issuer, over a verified connection.
    async fn access_says(
        &self,
        provider: &Provider,
        account: &Account,
        answer: &TokenAnswer,
        date: Option<WallMs>,
    ) -> Result<(Option<Millis>, Option<SignedTimes>), SignInError> {
        let (service, token) = (account.service.as_deref(), &answer.access_token);
        let claims = self
            .issuer
            .access_claims(&provider.address, service, token, date);
        match claims.await {
            Ok(Claims { sub, .. }) if sub != account.subject => {
                Err(unbelieved("the access token is another athlete's"))
            }
            Ok(claims) => Ok((
                claims.offline_grace.map(Millis::secs),
                claims.signed_times(),
            )),
            Err(Unproved::NoKeys(_) | Unproved::Token(JwtError::Opaque)) => {
                Ok((self.grace_before(account), None))
            }
            Err(error) => Err(unbelieved(&format!("access token: {}", error.words()))),
        }
    }

    /// What the last contact of the same athlete said of it.
    fn grace_before(&self, account: &Account) -> Option<Millis> {
        let facts = self.session.facts().ok()?;
        let same = facts.account.is_some_and(|known| known.is_same(account));
        facts.anchor.filter(|_| same)?.offline_grace
    }
}

fn unbelieved(cause: &str) -> SignInError {
    SignInError::Unbelieved {
        cause: cause.to_owned(),
    }
}
