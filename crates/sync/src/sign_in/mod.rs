//! Signing in through the system browser: authorization code + PKCE with a loopback redirect (RFC 8252, RFC 7636).

pub mod callback;
pub mod request;

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInStarted {
    /// Where the browser has to go.
    pub url: String,
}

/// Why a sign-in did not come about. Whatever was signed in before still is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The server could not be asked, or is not one of ours.
    #[error(
        "signing in at {server} does not work now: {cause} You can go on riding; try again later"
    )]
    Server {
        /// The address.
        server: String,
        /// What happened, as a sentence.
        cause: String,
    },
    /// No loopback port for the browser to come back to.
    #[error("this computer gives no local port for the browser to come back to: {cause}")]
    NoListener {
        /// What the system said.
        cause: String,
    },
    /// The athlete or the issuer said no.
    #[error("the sign-in was not completed ({code})")]
    Declined {
        /// The OAuth error code.
        code: String,
    },
    /// The answer does not prove who signed in.
    #[error("the server's answer could not be believed: {cause}")]
    Unbelieved {
        /// What is wrong with it.
        cause: String,
    },
    /// Somebody else signed in.
    #[error("{name} is another account than the one that this profile belongs to; sign out first")]
    WrongAccount {
        /// Who it was.
        name: String,
    },
    /// The tokens could not be kept.
    #[error("the sign-in worked but could not be kept: {cause}")]
    NotSaved {
        /// Why.
        cause: String,
    },
    /// The page in the browser was not finished in time.
    #[error("nobody finished the sign-in in the browser; start again")]
    TooLate,
    /// It was given up.
    #[error("the sign-in was cancelled")]
    Cancelled,
}

impl SignInError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Server { .. } => "sign_in_server",
            Self::NoListener { .. } => "sign_in_no_port",
            Self::Declined { .. } => "sign_in_declined",
            Self::Unbelieved { .. } => "sign_in_unbelieved",
            Self::WrongAccount { .. } => "sign_in_wrong_account",
            Self::NotSaved { .. } => "sign_in_not_saved",
            Self::TooLate => "sign_in_too_late",
            Self::Cancelled => "sign_in_cancelled",
        }
    }
}
