//! Signing in: through the system browser, by authorization code + PKCE with a loopback redirect (RFC 8252, RFC 7636),
//! or with a code that is typed on another device (RFC 8628).

pub mod callback;
pub mod request;

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInStarted {
    /// Where the browser has to go.
    pub url: String,
}

/// A sign-in on another device that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSignIn {
    /// What the athlete types there.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it, where the issuer gives one.
    pub verification_uri_complete: Option<String>,
    /// How long the code lives, from now.
    pub expires_in_seconds: u64,
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
    /// What the server says of itself cannot be used.
    #[error(
        "{issuer} cannot be used for signing in: in what it says of itself, {cause}. Check the address; if it is right, only whoever runs the server can help. You can go on riding"
    )]
    Unsuitable {
        /// The issuer.
        issuer: String,
        /// The field, and what is wrong with it.
        cause: String,
    },
    /// The issuer does not do sign-ins on another device.
    #[error("{issuer} offers no sign-in on another device; sign in through a browser instead")]
    NoDeviceGrant {
        /// The issuer.
        issuer: String,
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
    /// The issuer gave no tokens for what the athlete agreed to.
    #[error("{cause}")]
    NotRedeemed {
        /// What happened and what to do, without a full stop.
        cause: String,
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
    /// The code was not typed in time.
    #[error("the code was not confirmed in time; ask for a new one")]
    CodeExpired,
    /// It was given up.
    #[error("the sign-in was cancelled")]
    Cancelled,
}

impl SignInError {
    /// The error as a sentence, for a screen.
    #[must_use]
    pub fn sentence(&self) -> String {
        let text = self.to_string();
        let mut rest = text.chars();
        let first: String = rest
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect();
        format!("{first}{}.", rest.as_str())
    }

    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Server { .. } => "sign_in_server",
            Self::Unsuitable { .. } => "sign_in_unsuitable",
            Self::NoDeviceGrant { .. } => "sign_in_no_device_grant",
            Self::NoListener { .. } => "sign_in_no_port",
            Self::Declined { .. } => "sign_in_declined",
            Self::NotRedeemed { .. } => "sign_in_not_redeemed",
            Self::Unbelieved { .. } => "sign_in_unbelieved",
            Self::WrongAccount { .. } => "sign_in_wrong_account",
            Self::NotSaved { .. } => "sign_in_not_saved",
            Self::TooLate => "sign_in_too_late",
            Self::CodeExpired => "sign_in_code_expired",
            Self::Cancelled => "sign_in_cancelled",
        }
    }
}
