//! A sign-in from the athlete's click to saved tokens.
//!
//! At most one goes on per profile: whoever begins another ends the one before, in this process through the slot, and
//! in others through the id of the newest one, which is stored. What an older one brings is not kept.

mod browser;
mod device;
mod newcomer;
mod slot;

use std::sync::Arc;
use std::time::Duration;

use freewheel_policy::session::{self, Event};
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::core::Core;
use super::issuer::Provider;
use super::session::Session;
use crate::error::EngineError;
use crate::lease::{Lease, LeaseKind};
use crate::remote::issuer::{self as remote, IssuerError};
use crate::remote::{Http, ServerAddress};
use crate::sign_in::SignInError;
use browser::BrowserRoad;
use device::DeviceRoad;
use newcomer::Newcomer;
pub(crate) use slot::{Attempt, Failure, Shown, SignInSlot};

/// Where the id of the newest sign-in lies among the lanes' states.
const NEWEST: &str = "sign in";
/// How often a sign-in looks whether another process has begun a newer one, or given this one up.
const LOOK: Duration = Duration::from_secs(1);
/// A cancelled sign-in has ended after this, unless its tokens are being saved.
const ENDING: Duration = Duration::from_secs(5);
/// How long the issuer may take to hear that tokens are not wanted.
const REVOKING: Duration = Duration::from_secs(3);

/// How the athlete agrees.
pub(super) enum Road {
    /// In the browser on this computer.
    Browser(Box<BrowserRoad>),
    /// With a code, on another device.
    Device(Box<DeviceRoad>),
}

impl Road {
    fn provider(&self) -> &Provider {
        match self {
            Self::Browser(road) => road.provider(),
            Self::Device(road) => road.provider(),
        }
    }

    async fn travel(&mut self, core: &Core) -> Result<Newcomer, SignInError> {
        match self {
            Self::Browser(road) => road.travel(core).await,
            Self::Device(road) => road.travel(core).await,
        }
    }

    /// Tells whoever waits there how it ended, and stays a moment for whoever comes late.
    async fn part(self, result: &Result<String, SignInError>) {
        match self {
            Self::Browser(road) => road.part(result).await,
            Self::Device(_) => {}
        }
    }
}

impl Core {
    /// Who signs in for `server`.
    async fn provider(&self, server: &str) -> Result<Provider, EngineError> {
        let address = ServerAddress::parse(server)?;
        let provider = self.issuer.discover(&address).await;
        Ok(provider.map_err(|error| match error {
            IssuerError::Trouble(trouble) => unasked(&address, trouble.words()),
            IssuerError::NoMetadata | IssuerError::Metadata(_) => SignInError::Unsuitable {
                issuer: address.to_string(),
                cause: error.to_string(),
            },
        })?)
    }

    /// Goes the road to its end, and tells it; `begun` hears when the beginning is stored.
    pub(super) async fn go(
        self: Arc<Self>,
        mut attempt: Attempt,
        shown: Shown,
        mut road: Road,
        begun: oneshot::Sender<Result<(), SignInError>>,
    ) {
        // What the one before still has to write must not come after what is written here.
        attempt.previous_ended().await;
        // Held to the end. Where an older sign-in of another process has it still, this one goes without.
        let _alive = Lease::try_acquire(self.store().home(), LeaseKind::SignIn);
        let id = format!("{:016x}", self.entropy().next_u64());
        let beginning = match self.begin_sign_in(&id).await {
            Ok(()) => attempt.show(shown),
            Err(error) => Err(error),
        };
        self.refresh_view();
        // Whoever asked may have gone; the sign-in is then given up by whoever ends the engine.
        drop(begun.send(beginning.clone()));
        let result = match beginning {
            Ok(()) => self.sign_in(&attempt, &mut road, &id).await,
            Err(error) => {
                self.give_back(&id).await;
                Err(error)
            }
        };
        if let Err(error) = &result {
            tracing::info!(code = error.code(), "the sign-in did not come about");
            attempt.failed(self.failure(error));
        }
        attempt.end(result.clone());
        if result.is_ok() {
            // The athlete is looking at an empty library.
            self.sync_now();
        }
        self.refresh_view();
        road.part(&result).await;
    }

    fn failure(&self, error: &SignInError) -> Failure {
        let (facts, at) = (self.session.facts().unwrap_or_default(), self.clock().now());
        Failure {
            error: error.clone(),
            left: session::state(&facts, &at).name(),
            at,
        }
    }

    /// A sign-in that came to nothing: everything is as before, unless a newer one is under way.
    async fn give_back(&self, id: &str) {
        if self.take_newest(id).await {
            self.store_cancelled().await;
        }
    }

    async fn sign_in(
        &self,
        attempt: &Attempt,
        road: &mut Road,
        id: &str,
    ) -> Result<String, SignInError> {
        let newcomer = tokio::select! {
            newcomer = road.travel(self) => newcomer,
            () = attempt.cancelled() => Err(SignInError::Cancelled),
            () = self.overtaken(id) => Err(SignInError::Cancelled),
        };
        // From here on it is either kept or not: nothing interrupts it.
        let newest = self.take_newest(id).await;
        let result = match newcomer {
            Ok(newcomer) if newest => self.welcome(road.provider(), newcomer).await,
            Ok(newcomer) => {
                self.send_back(road.provider(), newcomer.revocable()).await;
                Err(SignInError::Cancelled)
            }
            Err(error) => Err(error),
        };
        // A newer one that is under way is not to be ended by this one.
        if result.is_err() && newest {
            self.store_cancelled().await;
        }
        result
    }

    /// Keeps what the sign-in brought. What is not kept, because it is another athlete's, is worth nothing afterwards.
    async fn welcome(
        &self,
        provider: &Provider,
        newcomer: Newcomer,
    ) -> Result<String, SignInError> {
        let unwanted = newcomer.revocable();
        let arrived = self.arrive(newcomer.account, newcomer.granted).await;
        if arrived.is_ok() {
            self.issuer.keep(&provider.address).await;
        }
        if matches!(arrived, Err(SignInError::WrongAccount { .. })) {
            self.send_back(provider, unwanted).await;
        }
        arrived
    }

    /// Tells the issuer that tokens are over which nobody will use.
    async fn send_back(&self, provider: &Provider, token: SecretString) {
        let known = &provider.known;
        let told = remote::revoke(&known.http, &known.metadata, &token);
        let told = tokio::time::timeout(REVOKING, told).await;
        let told = told.is_ok_and(|told| told.is_ok());
        tracing::info!(told, "tokens that are not kept were revoked");
    }

    async fn begin_sign_in(&self, id: &str) -> Result<(), SignInError> {
        let id = id.to_owned();
        let newest = self
            .store()
            .run(move |store| store.put_lane_state(NEWEST, &id))
            .await;
        let begun = match newest {
            Ok(()) => self.session.apply(Event::SignInStarted).await.map(drop),
            Err(error) => Err(error),
        };
        begun.map_err(|error| SignInError::NotSaved {
            cause: error.to_string(),
        })
    }

    /// Returns when another process has begun a newer sign-in, or has given this one up. A process that was started
    /// meanwhile did not know of it: then the fact is put right.
    async fn overtaken(&self, id: &str) {
        loop {
            tokio::time::sleep(LOOK).await;
            match self.store().run(|store| store.lane_state(NEWEST)).await {
                Ok(newest) if newest.as_deref() != Some(id) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "the newest sign-in could not be read");
                    continue;
                }
            }
            if self.session.facts().is_ok_and(|facts| !facts.signing_in)
                && let Err(error) = self.session.apply(Event::SignInStarted).await
            {
                tracing::debug!(%error, "the sign-in that is under way could not be stored");
            }
        }
    }

    /// Whether this is the newest sign-in of the profile; afterwards there is none.
    async fn take_newest(&self, id: &str) -> bool {
        let id = id.to_owned();
        let taken = self
            .store()
            .run(move |store| store.take_lane_state(NEWEST, &id));
        taken.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the newest sign-in could not be read");
            true
        })
    }

    async fn store_cancelled(&self) {
        if let Err(error) = self.session.apply(Event::SignInCancelled).await {
            tracing::warn!(%error, "the end of the sign-in could not be stored");
        }
    }

    /// Waits for the end of the sign-in that is under way.
    pub(super) async fn sign_in_ended(&self) -> Result<String, SignInError> {
        let mut ended = self.sign_in.last().ok_or(SignInError::Cancelled)?;
        let ended = ended.wait_for(Option::is_some).await;
        // The sender is gone without an end only when the engine's tasks were ended.
        let ended = ended.map_err(|_| SignInError::Cancelled)?;
        ended.clone().unwrap_or(Err(SignInError::Cancelled))
    }

    /// Cancels the sign-in of this process and waits until it has ended.
    pub(super) async fn cancel_sign_in(&self) {
        if let Some(mut ended) = self.sign_in.cancel() {
            let ended = tokio::time::timeout(ENDING, ended.wait_for(Option::is_some));
            if ended.await.is_err() {
                tracing::warn!("the cancelled sign-in takes long to end");
            }
            self.refresh_view();
        }
    }

    /// The athlete gives the sign-in up, whoever began it: one of another process ends too, and what a process that
    /// died left behind.
    pub(super) async fn give_up_sign_in(&self) {
        self.cancel_sign_in().await;
        if self.session.facts().is_ok_and(|facts| facts.signing_in) {
            let given_up = self
                .store()
                .run(|store| store.put_lane_state(NEWEST, ""))
                .await;
            if let Err(error) = given_up {
                tracing::warn!(%error, "the sign-in could not be given up");
            }
            self.store_cancelled().await;
        }
        self.refresh_view();
    }
}

impl Session {
    /// Ends a sign-in whose process died in it: as long as one lives, it holds the lease.
    pub(super) async fn end_orphaned_sign_in(&self) {
        if self.facts().is_ok_and(|facts| facts.signing_in)
            && let Ok(Some(_orphaned)) = Lease::try_acquire(self.store.home(), LeaseKind::SignIn)
            && let Err(error) = self.apply(Event::SignInCancelled).await
        {
            tracing::warn!(%error, "the end of a sign-in could not be stored");
        }
    }
}

/// The server could not be asked.
fn unasked(server: &ServerAddress, cause: &str) -> SignInError {
    SignInError::Server {
        server: server.to_string(),
        cause: cause.to_owned(),
    }
}

/// The issuer's HTTP client.
fn http(provider: &Provider) -> &Http {
    &provider.known.http
}
