//! With a code that is typed on another device (RFC 8628): for machines without a browser.

use std::time::Duration;

use freewheel_policy::Generation;
use freewheel_policy::definitive::Refusal;
use freewheel_policy::device_grant::{
    DeviceAnswer, DeviceGrant, End, Poll, classify_device_answer, no_device_answer,
};
use freewheel_policy::time::Millis;
use freewheel_policy::transport::Trouble;
use freewheel_protocol::oauth::{DeviceAuthorization, OAuthError, SCOPES, TokenAnswer};
use secrecy::SecretString;

use super::newcomer::Newcomer;
use super::{Road, http, unasked};
use crate::engine::core::Core;
use crate::engine::issuer::Provider;
use crate::engine::refresh::http_facts;
use crate::error::EngineError;
use crate::remote::metadata::offered_scopes;
use crate::remote::{Reply, ServerAddress, issuer as remote};
use crate::sign_in::{DeviceSignIn, SignInError};

/// No code is waited for longer than this, whatever life it is given.
const LONGEST: Millis = Millis::mins(60);
/// The longest sleep at a stretch: a machine that was suspended looks at the time again.
const NAP: Millis = Millis::secs(30);
/// The longest code that a person can be asked to type, in characters.
const MAX_USER_CODE: usize = 40;

/// A sign-in on another device.
pub(in crate::engine) struct DeviceRoad {
    provider: Provider,
    device_code: SecretString,
    grant: DeviceGrant,
}

impl Core {
    /// Asks the issuer for a code; nothing else is changed.
    pub(in crate::engine) async fn device_road(
        &self,
        server: &str,
    ) -> Result<(DeviceSignIn, Road), EngineError> {
        let provider = self.provider(server).await?;
        let metadata = &provider.known.metadata;
        let endpoint = metadata.device_authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or_else(|| SignInError::NoDeviceGrant {
            issuer: provider.address.to_string(),
        })?;
        let scopes = offered_scopes(metadata, &SCOPES).join(" ");
        let service = provider.service.as_deref();
        let reply = remote::begin_device(http(&provider), endpoint, &scopes, service).await;
        let reply = reply
            .map_err(|failure| unasked(&provider.address, Trouble::Transport(failure).words()))?;
        let authorization = authorization(&provider.address, &reply)?;
        let life = Millis::secs(authorization.expires_in).min(LONGEST);
        let interval = Some(Millis::secs(authorization.interval));
        let road = DeviceRoad {
            device_code: authorization.device_code.clone().into(),
            grant: DeviceGrant::begun(&self.clock().now(), life, interval),
            provider,
        };
        let started = DeviceSignIn {
            user_code: authorization.user_code,
            verification_uri: authorization.verification_uri,
            verification_uri_complete: authorization.verification_uri_complete,
            expires_in_seconds: life.0 / 1000,
        };
        Ok((started, Road::Device(Box::new(road))))
    }
}

impl DeviceRoad {
    pub(super) fn provider(&self) -> &Provider {
        &self.provider
    }

    pub(super) async fn travel(&mut self, core: &Core) -> Result<Newcomer, SignInError> {
        loop {
            match self.grant.next(&core.clock().now()) {
                Poll::Wait(wait) => {
                    let nap = Duration::from_millis(wait.min(NAP).0);
                    tokio::time::sleep(nap).await;
                    continue;
                }
                Poll::Ended(end) => return Err(self.ended(end)),
                Poll::Now => {}
            }
            let metadata = &self.provider.known.metadata;
            let service = self.provider.service.as_deref();
            let reply =
                remote::ask_device(http(&self.provider), metadata, &self.device_code, service);
            let (answer, tokens, date) = match reply.await {
                Ok(reply) => {
                    let (answer, tokens) = self.judged(&reply);
                    (answer, tokens, reply.date)
                }
                Err(failure) => (no_device_answer(failure), None, None),
            };
            match (self.grant.answered(answer, &core.clock().now()), tokens) {
                (Ok(grant), _) => self.grant = grant,
                (Err(End::Granted), Some(tokens)) => {
                    return core.newcomer(&self.provider, tokens, date, None).await;
                }
                (Err(end), _) => return Err(self.ended(end)),
            }
        }
    }

    fn judged(&self, reply: &Reply) -> (DeviceAnswer, Option<TokenAnswer>) {
        let tokens = remote::tokens(reply);
        let (sent, stored) = (Generation::default(), Generation::default());
        let address = &self.provider.address;
        let facts = http_facts(address, reply, tokens.is_some(), sent, stored);
        (classify_device_answer(&facts), tokens)
    }

    fn ended(&self, end: End) -> SignInError {
        match end {
            End::Denied => SignInError::Declined {
                code: "access_denied".to_owned(),
            },
            End::Expired => SignInError::CodeExpired,
            End::Refused(Refusal::AccountBlocked) => SignInError::NotRedeemed {
                cause: "the service has blocked this account".to_owned(),
            },
            End::Refused(Refusal::InvalidGrant) => SignInError::NotRedeemed {
                cause: "the service did not recognise its own code; ask for a new one".to_owned(),
            },
            End::Refused(_) | End::Granted => refused(&self.provider.address),
        }
    }
}

/// The codes that the issuer gave, checked: they are shown to the athlete, and a browser may be sent there.
fn authorization(
    issuer: &ServerAddress,
    reply: &Reply,
) -> Result<DeviceAuthorization, SignInError> {
    let is_refusal = matches!(reply.status, 400 | 401) && reply.is_json();
    if is_refusal && reply.object::<OAuthError>().is_some() {
        return Err(refused(issuer));
    }
    let answer = reply.document::<DeviceAuthorization>();
    let mut answer = answer.map_err(|trouble| unasked(issuer, trouble.words()))?;
    let unsuitable = |field: &str| SignInError::Unsuitable {
        issuer: issuer.to_string(),
        cause: format!("“{field}” of the device authorization cannot be used"),
    };
    let length = answer.user_code.chars().count();
    if length == 0 || length > MAX_USER_CODE || answer.user_code.chars().any(char::is_control) {
        return Err(unsuitable("user_code"));
    }
    if answer.device_code.is_empty() {
        return Err(unsuitable("device_code"));
    }
    if !issuer.allows_endpoint(&answer.verification_uri) {
        return Err(unsuitable("verification_uri"));
    }
    // It only saves typing.
    let complete = answer.verification_uri_complete.take();
    answer.verification_uri_complete = complete.filter(|url| issuer.allows_endpoint(url));
    Ok(answer)
}

fn refused(issuer: &ServerAddress) -> SignInError {
    SignInError::NotRedeemed {
        cause: format!("{issuer} does not let this app sign in on another device"),
    }
}
