//! What is stored about a session.

use serde::{Deserialize, Serialize};

use super::access::{Library, Riding};
use crate::grace::{Anchor, Mark};
use crate::time::{Millis, Now, WallMs};
use crate::token::{Fingerprint, Generation};
use crate::transport::Trouble;

/// Everything that is known of one profile's session.
///
/// The facts are saved whenever [`super::step`] changes them, the anchor and the mark authenticated
/// with the vault's key. An anchor that does not verify is loaded as `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Whose profile this is; stays after signing out, for the queue still belongs to its owner.
    pub account: Option<Account>,
    /// Who just signed in, until the new tokens are saved.
    pub arriving: Option<Account>,
    /// The athlete signed out and has not come back.
    pub signed_out: bool,
    /// A sign-in is under way in the browser.
    pub signing_in: bool,
    /// The last sign-in was made with another account and was discarded.
    pub wrong_account: bool,
    /// The stored tokens.
    pub tokens: Option<TokenFacts>,
    /// New tokens that are in memory only, because saving them failed.
    pub unsaved: Option<Generation>,
    /// An access token is in memory, whatever the vault's condition.
    pub access_in_memory: bool,
    /// The last authenticated contact.
    pub anchor: Option<Anchor>,
    /// The high-water mark of the grace clock.
    pub mark: Option<Mark>,
    /// The last definitive verdict of the issuer that still stands.
    pub condemned: Option<Condemned>,
    /// A refresh that was begun and whose outcome is not settled.
    pub intent: Option<Intent>,
    /// When the issuer was last asked to renew. Paces the questions about a blocked account.
    pub asked: Option<Now>,
    /// The vault, when it was last asked.
    pub vault: VaultCondition,
    /// What the system says of the network.
    pub network: SystemNetwork,
    /// Why the last call brought nothing; `None` after one that did.
    pub trouble: Option<Trouble>,
    /// API calls that were answered 401 since the last contact.
    pub unauthorized: Option<Unauthorized>,
    /// The access that the ride in progress began with.
    pub riding: Option<(Riding, Library)>,
}

/// One athlete at one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The issuer's URL.
    pub issuer: String,
    /// The athlete's id there.
    pub subject: String,
    /// The name to show; changes without making another account.
    pub name: String,
    /// The base URL of the service's API, where that differs from the issuer. No part of the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

impl Account {
    /// The base URL of the service's API: the one that was told, else the issuer's URL.
    #[must_use]
    pub fn service(&self) -> &str {
        self.service.as_deref().unwrap_or(&self.issuer)
    }

    /// Whether both are the same athlete at the same issuer.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.subject == other.subject
    }

    /// All of it but the name.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            service: self.service.clone(),
        }
    }
}

/// Whose a token is, and where it may be sent: what of an [`Account`] must never be another's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The issuer's URL.
    pub issuer: String,
    /// The athlete's id there.
    pub subject: String,
    /// The base URL of the service's API, where that differs from the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

impl Principal {
    /// The base URL of the service's API: the one that was told, else the issuer's URL.
    #[must_use]
    pub fn service(&self) -> &str {
        self.service.as_deref().unwrap_or(&self.issuer)
    }
}

/// What is known of the stored tokens. All times are the server's, so a wrong clock here does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFacts {
    /// Which set.
    pub generation: Generation,
    /// Which refresh token.
    pub fingerprint: Fingerprint,
    /// The access token's life; `None` once it was dropped.
    pub access: Option<AccessLife>,
    /// When the refresh token ends, if the server told. For show: only the server decides.
    pub refresh_until: Option<WallMs>,
    /// The issuer gave no refresh token (RFC 6749 §5.1 makes it optional): this set cannot be renewed, and the sign-in
    /// ends with its access token. Versions before this fact did not note it ([`super::Event::NoRefreshToken`]).
    #[serde(default)]
    pub unrenewable: bool,
}

/// The life of an access token, in the server's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLife {
    /// Issued.
    pub from: WallMs,
    /// Its length.
    pub life: Millis,
}

/// A verdict of the issuer that stands until tokens are saved or a contact is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condemned {
    /// This refresh token is not valid any more.
    Token {
        /// The set that it belonged to.
        generation: Generation,
        /// A reply to an earlier refresh with it was, or may have been, lost.
        reply_lost: bool,
    },
    /// The account is blocked.
    Account,
}

/// A refresh that was begun: written before the request leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The set that is being spent.
    pub generation: Generation,
    /// The refresh token that is being spent.
    pub fingerprint: Fingerprint,
    /// When the last request was made with it.
    pub sent: Now,
    /// Requests made with it.
    pub attempts: u32,
    /// Whether one of them may have been answered without our knowing.
    pub doubt: Doubt,
    /// The one immediate repetition was used.
    pub repeated: bool,
}

/// Whether the issuer may have rotated a token without our knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// No.
    #[default]
    None,
    /// A gateway or the issuer failed half-way.
    Possible,
    /// A reply was lost.
    Lost,
}

/// What the vault was like when it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultCondition {
    /// It answers (a key file counts).
    #[default]
    Ready,
    /// It answers, and has no credential of this account; or the sealed tokens are gone.
    Missing,
    /// It is locked.
    Locked,
    /// There is no keyring on this system, or none can be reached.
    Absent,
    /// It refuses this app.
    Denied,
    /// It did not answer in time.
    TimedOut,
    /// It failed otherwise.
    Failed,
}

/// What the system says of its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemNetwork {
    /// There is a network.
    Up,
    /// There is none.
    Down,
    /// It does not say.
    #[default]
    Unknown,
}

/// API calls that were answered 401 although the session is sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unauthorized {
    /// How many in a row.
    pub count: u32,
    /// When a refresh was last asked for because of them.
    pub refreshed: Now,
}
