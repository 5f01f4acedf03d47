//! Through the browser: authorization code + PKCE (RFC 8252, RFC 7636).

use std::time::Duration;

use freewheel_policy::definitive::no_token_answer;
use freewheel_policy::redeem::{Redeem, RedeemCause, Redeeming};
use freewheel_policy::time::WallMs;
use freewheel_protocol::oauth::TokenAnswer;
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::newcomer::{Newcomer, judged};
use super::{Road, http, unasked};
use crate::engine::core::Core;
use crate::engine::issuer::Provider;
use crate::error::EngineError;
use crate::remote::issuer as remote;
use crate::remote::metadata::names_itself;
use crate::sign_in::callback::{Callback, CallbackListener, Expected, Page};
use crate::sign_in::request::{self, AuthorizationRequest};
use crate::sign_in::{SignInError, SignInStarted};

/// A browser page that nobody finishes is given up after this.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How long a page that is loaded again is still answered after the end.
const LINGER: Duration = Duration::from_secs(30);

/// A sign-in in the browser.
pub(in crate::engine) struct BrowserRoad {
    provider: Provider,
    listener: CallbackListener,
    request: AuthorizationRequest,
    expected: Expected,
    /// Tells the browser, which waits, how it ended.
    page: Option<oneshot::Sender<Page>>,
}

impl Core {
    /// Prepares a sign-in in the browser, without any effect.
    pub(in crate::engine) async fn browser_road(
        &self,
        server: &str,
    ) -> Result<(SignInStarted, Road), EngineError> {
        let provider = self.provider(server).await?;
        let listener = CallbackListener::open().await;
        let listener = listener.map_err(|error| SignInError::NoListener {
            cause: error.to_string(),
        })?;
        let metadata = &provider.known.metadata;
        let request = request::build(metadata, listener.port(), provider.service.as_deref());
        let request = request.map_err(|error| SignInError::Unsuitable {
            issuer: provider.address.to_string(),
            cause: error.to_string(),
        })?;
        let expected = Expected {
            state: request.state.secret().clone(),
            issuer: metadata.issuer.clone(),
            names_itself: names_itself(metadata),
        };
        let started = SignInStarted {
            url: request.url.clone(),
        };
        let road = BrowserRoad {
            provider,
            listener,
            request,
            expected,
            page: None,
        };
        Ok((started, Road::Browser(Box::new(road))))
    }
}

impl BrowserRoad {
    pub(super) fn provider(&self) -> &Provider {
        &self.provider
    }

    pub(super) async fn travel(&mut self, core: &Core) -> Result<Newcomer, SignInError> {
        let browser = self.listener.wait(&self.expected);
        let browser = tokio::time::timeout(PATIENCE, browser).await;
        let (callback, visitor) = browser.map_err(|_| SignInError::TooLate)?;
        let (page, told) = oneshot::channel();
        self.page = Some(page);
        tokio::spawn(visitor.answer_when_told(told));
        let code = match callback {
            Callback::Code(code) => code,
            Callback::Refused(code) => return Err(SignInError::Declined { code }),
            Callback::OtherIssuer => {
                return Err(SignInError::Unbelieved {
                    cause: "it came from another server than the one that was asked".to_owned(),
                });
            }
        };
        tokio::select! {
            newcomer = self.redeem(core, &code) => newcomer,
            () = self.listener.answer_latecomers(&self.expected) => Err(SignInError::Cancelled),
        }
    }

    pub(super) async fn part(self, result: &Result<String, SignInError>) {
        let Some(page) = self.page else { return };
        let told = match result {
            Ok(_) => Page::SignedIn,
            Err(SignInError::Declined { .. }) => {
                Page::NotSignedIn("Nothing was changed.".to_owned())
            }
            Err(error) => Page::NotSignedIn(error.sentence()),
        };
        // The browser may have gone already.
        drop(page.send(told));
        let latecomers = self.listener.answer_latecomers(&self.expected);
        drop(tokio::time::timeout(LINGER, latecomers).await);
    }

    async fn redeem(&self, core: &Core, code: &SecretString) -> Result<Newcomer, SignInError> {
        let (answer, date) = self.tokens(core, code).await?;
        let nonce = Some(self.request.nonce.as_str());
        core.newcomer(&self.provider, answer, date, nonce).await
    }

    /// The tokens for the code: the athlete has done their part, so it is worth some patience.
    async fn tokens(
        &self,
        core: &Core,
        code: &SecretString,
    ) -> Result<(TokenAnswer, Option<WallMs>), SignInError> {
        let mut redeeming = Redeeming::begun(&core.clock().now());
        loop {
            let reply = remote::redeem(
                http(&self.provider),
                &self.provider.known.metadata,
                code,
                &self.request.redirect_uri,
                &self.request.verifier,
                self.provider.service.as_deref(),
            );
            let (outcome, answer, date) = match reply.await {
                Ok(reply) => {
                    let (outcome, answer) = judged(&self.provider, &reply);
                    (outcome, answer, reply.date)
                }
                Err(failure) => (no_token_answer(failure), None, None),
            };
            let (now, seed) = (core.clock().now(), core.entropy().unit());
            let (next, then) = redeeming.answered(&outcome, &now, seed);
            redeeming = next;
            match (then, answer) {
                (Redeem::Granted, Some(answer)) => return Ok((answer, date)),
                (Redeem::Again(pause), _) => {
                    tokio::time::sleep(Duration::from_millis(pause.0)).await;
                }
                (Redeem::Ended(cause), _) => return Err(self.unredeemed(cause)),
                (Redeem::Granted, None) => return Err(self.unredeemed(RedeemCause::ReplyLost)),
            }
        }
    }

    fn unredeemed(&self, cause: RedeemCause) -> SignInError {
        match cause {
            RedeemCause::NotAsked(trouble) => unasked(&self.provider.address, trouble.words()),
            RedeemCause::CodeRefused | RedeemCause::ReplyLost | RedeemCause::Refused(_) => {
                SignInError::NotRedeemed {
                    cause: cause.words().trim_end_matches('.').to_owned(),
                }
            }
        }
    }
}
