//! A sign-in from the athlete's click to saved tokens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use freewheel_policy::session::{Account, Event};
use freewheel_policy::time::WallMs;
use freewheel_protocol::oauth::{CLIENT_ID, OAuthError, TokenAnswer};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::core::Core;
use super::issuer::Known;
use super::refresh::Granted;
use crate::error::EngineError;
use crate::jwt::{self, Expected};
use crate::remote::{ServerAddress, issuer as remote};
use crate::sign_in::callback::{Callback, CallbackListener};
use crate::sign_in::request::{self, AuthorizationRequest};
use crate::sign_in::{SignInError, SignInStarted};

/// A browser page that nobody finishes is given up after this.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The sign-in that is under way, and how the last one ended.
#[derive(Default)]
pub(crate) struct SignInSlot {
    current: Mutex<Option<Current>>,
    ended: Mutex<Option<watch::Receiver<Ended>>>,
}

struct Current {
    url: String,
    task: AbortHandle,
}

/// How a sign-in ended; `None` while it is under way.
pub(crate) type Ended = Option<Result<String, SignInError>>;

impl SignInSlot {
    /// The address that the browser was sent to, while a sign-in is under way in this process.
    pub(crate) fn url(&self) -> Option<String> {
        self.lock().as_ref().map(|current| current.url.clone())
    }

    /// How the last sign-in failed, for the screen.
    pub(crate) fn failure(&self) -> Option<SignInError> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = ended.as_ref()?.borrow().clone();
        ended?.err()
    }

    /// The sign-in goes on in `task`.
    pub(super) fn begun(&self, started: &SignInStarted, task: AbortHandle) {
        let url = started.url.clone();
        // A task that has ended already has nothing to give up.
        *self.lock() = (!task.is_finished()).then_some(Current { url, task });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Begins a sign-in, and returns what remains to be run in the background.
    pub(super) async fn begin_sign_in(
        self: &Arc<Self>,
        server: &str,
    ) -> Result<(SignInStarted, impl Future<Output = ()> + Send + use<>), EngineError> {
        let address = ServerAddress::parse(server)?;
        self.cancel_sign_in().await;
        let known = self
            .issuer
            .ask(&address)
            .await
            .map_err(|error| SignInError::Server {
                server: address.to_string(),
                cause: error.to_string(),
            })?;
        let listener = CallbackListener::open()
            .await
            .map_err(|error| SignInError::NoListener {
                cause: error.to_string(),
            })?;
        let request = request::build(&known.metadata, listener.port()).map_err(|error| {
            SignInError::Server {
                server: address.to_string(),
                cause: error.to_string(),
            }
        })?;
        self.session.apply(Event::SignInStarted).await?;
        let url = request.url.clone();
        let (sender, ended) = watch::channel(None);
        *self
            .sign_in
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(ended);
        let core = Arc::clone(self);
        let road = async move {
            let road = core.sign_in_road(&address, &known, &listener, &request);
            let result = match tokio::time::timeout(PATIENCE, road).await {
                Ok(result) => result,
                Err(_) => Err(SignInError::TooLate),
            };
            if let Err(error) = &result {
                tracing::info!(code = error.code(), "the sign-in did not come about");
                if let Err(error) = core.session.apply(Event::SignInCancelled).await {
                    tracing::warn!(%error, "the end of the sign-in could not be stored");
                }
            }
            *core.sign_in.lock() = None;
            if result.is_ok() {
                // The athlete is looking at an empty library.
                core.sync_now();
            }
            sender.send_replace(Some(result));
            core.refresh_view();
        };
        Ok((SignInStarted { url }, road))
    }

    /// Waits for the end of the sign-in that is under way.
    pub(super) async fn sign_in_ended(&self) -> Result<String, SignInError> {
        let ended = self
            .sign_in
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut ended = ended.ok_or(SignInError::Cancelled)?;
        let ended = ended.wait_for(Option::is_some).await;
        // The sender is gone without an end only when the sign-in was cancelled.
        let ended = ended.map_err(|_| SignInError::Cancelled)?;
        ended.clone().unwrap_or(Err(SignInError::Cancelled))
    }

    pub(super) async fn cancel_sign_in(&self) {
        let current = self.sign_in.lock().take();
        if let Some(current) = current {
            current.task.abort();
            *self
                .sign_in
                .ended
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = None;
            if let Err(error) = self.session.apply(Event::SignInCancelled).await {
                tracing::warn!(%error, "the end of the sign-in could not be stored");
            }
            self.refresh_view();
        }
    }

    /// The athlete gives the sign-in up, whoever began it: one that another process left behind ends too.
    pub(super) async fn give_up_sign_in(&self) {
        self.cancel_sign_in().await;
        if self.session.facts().is_ok_and(|facts| facts.signing_in)
            && let Err(error) = self.session.apply(Event::SignInCancelled).await
        {
            tracing::warn!(%error, "the end of the sign-in could not be stored");
        }
        self.refresh_view();
    }

    async fn sign_in_road(
        &self,
        address: &ServerAddress,
        known: &Known,
        listener: &CallbackListener,
        request: &AuthorizationRequest,
    ) -> Result<String, SignInError> {
        let unlistened = |error: std::io::Error| SignInError::NoListener {
            cause: error.to_string(),
        };
        let code = match listener
            .wait(request.state.secret())
            .await
            .map_err(unlistened)?
        {
            Callback::Code(code) => code,
            Callback::Refused(code) => return Err(SignInError::Declined { code }),
        };
        let redirect = &request.redirect_uri;
        let reply = remote::redeem(
            &known.http,
            &known.metadata,
            &code,
            redirect,
            &request.verifier,
        )
        .await;
        let unasked = |cause: &str| SignInError::Server {
            server: address.to_string(),
            cause: cause.to_owned(),
        };
        let reply = reply.map_err(|failure| {
            unasked(freewheel_policy::transport::Trouble::Transport(failure).words())
        })?;
        if let Ok(refused) = serde_json::from_slice::<OAuthError>(&reply.body) {
            return Err(SignInError::Declined {
                code: refused.error.as_str().to_owned(),
            });
        }
        let answer: TokenAnswer = reply
            .document()
            .map_err(|trouble| unasked(trouble.words()))?;
        let account = self.account(address, &answer, reply.date, &request.nonce);
        let account = account.await?;
        let granted = Granted {
            answer,
            date: reply.date,
            offline_grace: None,
        };
        self.arrive(account, granted).await
    }

    /// Who signed in: the ID token, verified, with our nonce (OpenID Connect Core §3.1.3.7).
    async fn account(
        &self,
        address: &ServerAddress,
        answer: &TokenAnswer,
        date: Option<WallMs>,
        nonce: &str,
    ) -> Result<Account, SignInError> {
        let unbelieved = |cause: &str| SignInError::Unbelieved {
            cause: cause.to_owned(),
        };
        let token = answer
            .id_token
            .as_deref()
            .ok_or_else(|| unbelieved("no ID token came"))?;
        let mut fresh = false;
        let claims = loop {
            let keys = self.issuer.keys(address, fresh).await;
            let (keys, algorithms) = keys.map_err(|trouble| unbelieved(trouble.words()))?;
            let expected = Expected {
                issuer: address.as_str(),
                audience: CLIENT_ID,
                algorithms: &algorithms,
            };
            match jwt::verify(token, &keys, expected) {
                Ok(claims) => break claims,
                Err(error) if error.may_be_stale_keys() && !fresh => fresh = true,
                Err(error) => return Err(unbelieved(&error.to_string())),
            }
        };
        let now = date.unwrap_or_else(|| self.clock().now().wall);
        jwt::check_times(&claims, now, date).map_err(|error| unbelieved(&error.to_string()))?;
        if claims.nonce.as_deref() != Some(nonce) {
            return Err(unbelieved("the answer belongs to another sign-in"));
        }
        let name = claims.name.unwrap_or_else(|| claims.sub.clone());
        Ok(Account {
            issuer: address.as_str().to_owned(),
            subject: claims.sub,
            name,
            service: None,
        })
    }
}
