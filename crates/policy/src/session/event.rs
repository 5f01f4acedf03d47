//! What happens to a session, and what is to be done about it.

use serde::{Deserialize, Serialize};

use super::facts::{Account, Principal, SystemNetwork, VaultCondition};
use crate::definitive::TokenOutcome;
use crate::grace::{Anchor, Mark};
use crate::time::{Millis, WallMs};
use crate::token::{Fingerprint, Generation};
use crate::transport::Trouble;

/// A ride that has not ended when a process starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenRide {
    /// There is none.
    None,
    /// A process that died left it. What it began with ([`super::Facts::riding`]) ends here, so that it does not hold
    /// the licensed library open past the grace. Resuming the ride is allowed in every state.
    Left,
    /// Another process of the profile rides it: it keeps what it began with.
    UnderWay,
}

/// What happened. Events hold no secrets; they are journalled and replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The app started and asked the vault.
    Launched {
        /// What the vault said.
        vault: VaultCondition,
        /// The ride that has not ended, if there is one.
        ride: OpenRide,
    },
    /// Time passed. At most every few seconds, at least every few minutes.
    Tick,
    /// The athlete began to sign in.
    SignInStarted,
    /// The athlete gave the sign-in up, or it failed. Nothing else changes.
    SignInCancelled,
    /// Somebody signed in. [`Event::TokensSaved`] or [`Event::SaveFailed`] follows.
    SignInCompleted {
        /// Who.
        account: Account,
    },
    /// Somebody else than this profile's athlete signed in; the new tokens were discarded.
    WrongAccount,
    /// The athlete signed out.
    SignOut,
    /// A refresh is about to be sent.
    RefreshIntended {
        /// The set that is being spent.
        generation: Generation,
        /// The refresh token that is being spent.
        fingerprint: Fingerprint,
    },
    /// The refresh ended.
    TokenAnswer(TokenOutcome),
    /// New tokens are durable, from a sign-in, a refresh, or another process.
    TokensSaved(SavedTokens),
    /// New tokens could not be saved; they are in memory, and good as long as the process lives.
    SaveFailed(SavedTokens),
    /// An authenticated 2xx of the service.
    Contact {
        /// The server's time.
        server_time: WallMs,
        /// Whose call it answers. Journals of versions before this one do not say.
        #[serde(default)]
        caller: Option<Caller>,
    },
    /// A call of the API brought nothing.
    CallFailed(Trouble),
    /// A call of the API was answered 401.
    ApiUnauthorized {
        /// The set whose access token was sent.
        generation: Generation,
    },
    /// The service said, in our own problem document, that the account is blocked.
    AccountBlocked {
        /// The set whose access token was sent.
        generation: Generation,
    },
    /// The vault's condition changed.
    VaultChanged(VaultCondition),
    /// The system told of its links; for a loopback service it is always told as up.
    NetworkChanged(SystemNetwork),
    /// A ride began, or an unfinished one was resumed.
    RideBegan,
    /// The ride was finished or discarded.
    RideEnded,
    /// The stored anchor turned out not to be ours.
    AnchorForged,
    /// The stored anchor was written without the key; the last one that was vouched for counts again.
    AnchorRestored {
        /// That one.
        anchor: Anchor,
        /// Its mark.
        mark: Option<Mark>,
    },
    /// Where the tokens may be sent is not what the facts say. What is sealed with the tokens counts.
    AccountRestored {
        /// What is sealed.
        principal: Principal,
    },
    /// The process that had unsaved tokens in memory has ended: they are lost.
    UnsavedLost,
    /// The stored tokens have no refresh token, and the version that stored them did not note it.
    NoRefreshToken {
        /// The set.
        generation: Generation,
    },
}

/// With which token a call was made, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The set whose access token was sent.
    pub generation: Generation,
    /// Whose it was, and where it went.
    pub principal: Principal,
}

/// What is known of tokens that just came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTokens {
    /// The set.
    pub generation: Generation,
    /// Its refresh token.
    pub fingerprint: Fingerprint,
    /// The server's time at the answer.
    pub server_time: WallMs,
    /// The access token's life.
    pub access_life: Millis,
    /// When the refresh token ends, in the server's time, if the server told.
    pub refresh_until: Option<WallMs>,
    /// The grace that the server asks for.
    pub offline_grace: Option<Millis>,
    /// There is no refresh token among them (RFC 6749 §5.1), and no older one that goes on (§6).
    #[serde(default)]
    pub unrenewable: bool,
}

/// What the engine is to do. Every action is a wish that may be told more than once: doing it twice at
/// the same time is never meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Refresh when the session lane's plan allows it.
    Refresh {
        /// Why.
        reason: RefreshReason,
    },
    /// Send the same refresh once more, at once: its reply was lost.
    RetryRefreshAtOnce {
        /// The set that is being spent.
        generation: Generation,
    },
    /// Save the new tokens that are in memory, and commit their generation.
    SaveTokens,
    /// Another process was faster: read its tokens and tell of them with [`Event::TokensSaved`].
    RereadTokens,
    /// Forget the access token of this set; the refresh token stays.
    DropAccessToken {
        /// The set.
        generation: Generation,
    },
    /// Throw away the tokens that a sign-in with another account just brought.
    DiscardNewTokens,
    /// Open this athlete's own profile with the tokens that the sign-in just brought.
    OpenProfile {
        /// Who.
        account: Account,
    },
    /// Forget all tokens of this profile here. Only ever because the athlete signed out. What
    /// [`Action::RevokeRemotely`] needs stays sealed until it is done.
    ForgetTokens,
    /// Tell the issuer that this set is over, when it can be reached.
    RevokeRemotely {
        /// The set.
        generation: Generation,
        /// Its refresh token.
        fingerprint: Fingerprint,
    },
    /// Wake the lanes: they may call the service again.
    WakeLanes,
}

/// Why a refresh is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshReason {
    /// Half of the access token's life is over, or there is none.
    HalfLife,
    /// The API answered 401.
    Unauthorized,
    /// The grace is over: if the issuer still accepts us, nobody has to be asked anything.
    AfterGrace,
    /// The outcome of the last refresh is unknown.
    OutcomeUnknown,
    /// The account was blocked: is it still?
    Recheck,
}
