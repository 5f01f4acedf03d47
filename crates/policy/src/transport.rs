//! The ways in which a call fails to bring an answer, or brings one that is not the service's.
//!
//! None of them says anything about the athlete: "could not ask" is never "was refused".

use serde::{Deserialize, Serialize};

/// A call that ended without a complete HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportFailure {
    /// The system says that there is no network; nothing was tried.
    NoNetwork,
    /// The name could not be resolved.
    Dns,
    /// No route to the address.
    Unreachable,
    /// The address refused the connection.
    Refused,
    /// Nothing came in time.
    Timeout {
        /// Whether the request was under way by then.
        sent: Sent,
    },
    /// No trusted connection could be made.
    Tls {
        /// What was wrong with it.
        cause: TlsCause,
    },
    /// The connection was closed before an answer came.
    Reset,
    /// The answer broke off.
    Cut,
    /// The answer was not HTTP.
    Garbled,
    /// A proxy wants its own sign-in (407).
    ProxyAuth,
}

/// How far a request had come when the time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Nothing had been sent: the service has not seen the request.
    Before,
    /// Some or all had been sent: the service may have acted on it.
    After,
}

/// Why a TLS connection was not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsCause {
    /// An issuer that this computer does not trust; typical of TLS inspection.
    UnknownIssuer,
    /// A certificate for another name; typical of captive portals.
    WrongName,
    /// A certificate that is not valid today; typical of a clock that is wrong.
    NotValidNow,
    /// Anything else.
    Other,
}

/// Why a call did not do what it was for: no answer, or not an answer of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// There was no complete answer.
    Transport(TransportFailure),
    /// A redirect; never followed with credentials.
    Redirected,
    /// A web page or another foreign body where JSON belongs: a captive portal, a firewall.
    Foreign,
    /// An empty body where there must be one.
    Empty,
    /// JSON that is not what the protocol says.
    Unreadable,
    /// Tokens that do not prove to be the issuer's: a signature, a key or a time is not right (RFC 7519 §7.2).
    Unproven,
    /// A status that tells of trouble on the other side.
    Status(u16),
    /// Asked too often, or the service is being looked after (429, 503).
    Busy,
    /// An answer over a connection that was not verified; believed in nothing.
    Unverified,
    /// The issuer does not accept this app or this request; not a word about the athlete.
    AppRefused,
    /// API calls answer 401 although the session is sound.
    AccessRefused,
}

/// Where trouble comes from, as far as one can tell from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// This computer or the way to the service.
    Network,
    /// The service.
    Service,
}

impl TransportFailure {
    /// Whether the service may have seen, and acted on, the request.
    #[must_use]
    pub const fn may_have_arrived(self) -> bool {
        match self {
            Self::Timeout { sent: Sent::After } | Self::Reset | Self::Cut | Self::Garbled => true,
            Self::NoNetwork
            | Self::Dns
            | Self::Unreachable
            | Self::Refused
            | Self::Timeout { sent: Sent::Before }
            | Self::Tls { .. }
            | Self::ProxyAuth => false,
        }
    }
}

impl Trouble {
    /// The request may have been carried out, and only its reply was lost.
    ///
    /// For a refresh that means that the issuer may have rotated the token.
    #[must_use]
    pub const fn reply_lost(self) -> bool {
        match self {
            Self::Transport(failure) => failure.may_have_arrived(),
            Self::Empty | Self::Unreadable => true,
            Self::Redirected
            | Self::Foreign
            | Self::Unproven
            | Self::Status(_)
            | Self::Busy
            | Self::Unverified
            | Self::AppRefused
            | Self::AccessRefused => false,
        }
    }

    /// Like [`Trouble::reply_lost`], and also when a service or a gateway failed half-way.
    #[must_use]
    pub const fn may_have_acted(self) -> bool {
        match self {
            Self::Status(status) => status >= 500,
            Self::Transport(_)
            | Self::Redirected
            | Self::Foreign
            | Self::Empty
            | Self::Unreadable
            | Self::Unproven
            | Self::Busy
            | Self::Unverified
            | Self::AppRefused
            | Self::AccessRefused => self.reply_lost(),
        }
    }

    /// Where it comes from.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::Transport(failure) => match failure {
                TransportFailure::NoNetwork
                | TransportFailure::Dns
                | TransportFailure::Unreachable
                | TransportFailure::Tls { .. }
                | TransportFailure::ProxyAuth => Side::Network,
                TransportFailure::Refused
                | TransportFailure::Timeout { .. }
                | TransportFailure::Reset
                | TransportFailure::Cut
                | TransportFailure::Garbled => Side::Service,
            },
            Self::Redirected | Self::Foreign | Self::Unverified => Side::Network,
            Self::Empty
            | Self::Unreadable
            | Self::Unproven
            | Self::Status(_)
            | Self::Busy
            | Self::AppRefused
            | Self::AccessRefused => Side::Service,
        }
    }

    /// The cause in plain words, as one sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Transport(failure) => match failure {
                TransportFailure::NoNetwork => "This computer has no network.",
                TransportFailure::Dns => "The service's name could not be looked up.",
                TransportFailure::Unreachable => {
                    "There is no way to the service from this network."
                }
                TransportFailure::Refused => "The service is not running at its address.",
                TransportFailure::Timeout { .. } => "The service did not answer in time.",
                TransportFailure::Tls { cause } => match cause {
                    TlsCause::UnknownIssuer => {
                        "Something on this network opens encrypted connections: the certificate's issuer is unknown."
                    }
                    TlsCause::WrongName => "Another site answered in place of the service.",
                    TlsCause::NotValidNow => {
                        "The service's certificate is not valid today. Is this computer's date right?"
                    }
                    TlsCause::Other => "No secure connection could be made.",
                },
                TransportFailure::Reset | TransportFailure::Cut => "The connection broke off.",
                TransportFailure::Garbled => "The answer made no sense.",
                TransportFailure::ProxyAuth => "The proxy of this network asks for a sign-in.",
            },
            Self::Redirected | Self::Foreign => {
                "This network answers in place of the service. Does it want you to sign in to it?"
            }
            Self::Empty | Self::Unreadable => "The service's answer was incomplete.",
            Self::Unproven => "The service's answer could not be verified.",
            Self::Status(_) => "The service has trouble.",
            Self::Busy => "The service is busy.",
            Self::Unverified => "The answer did not come over a secure connection.",
            Self::AppRefused => "The service does not accept this version of Freewheel.",
            Self::AccessRefused => "The service does not accept this session at the moment.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransportFailure as F;

    #[test]
    fn each_failure_tells_whether_the_reply_may_be_lost_and_whose_side_it_is() {
        #[rustfmt::skip]
        let cases = [
            (Trouble::Transport(F::NoNetwork),                      false, false, Side::Network),
            (Trouble::Transport(F::Dns),                            false, false, Side::Network),
            (Trouble::Transport(F::Unreachable),                    false, false, Side::Network),
            (Trouble::Transport(F::Refused),                        false, false, Side::Service),
            (Trouble::Transport(F::Timeout { sent: Sent::Before }), false, false, Side::Service),
            (Trouble::Transport(F::Timeout { sent: Sent::After }),  true,  true,  Side::Service),
            (Trouble::Transport(F::Tls { cause: TlsCause::Other }), false, false, Side::Network),
            (Trouble::Transport(F::Reset),                          true,  true,  Side::Service),
            (Trouble::Transport(F::Cut),                            true,  true,  Side::Service),
            (Trouble::Transport(F::Garbled),                        true,  true,  Side::Service),
            (Trouble::Transport(F::ProxyAuth),                      false, false, Side::Network),
            (Trouble::Redirected,                                   false, false, Side::Network),
            (Trouble::Foreign,                                      false, false, Side::Network),
            (Trouble::Empty,                                        true,  true,  Side::Service),
            (Trouble::Unreadable,                                   true,  true,  Side::Service),
            (Trouble::Unproven,                                     false, false, Side::Service),
            (Trouble::Status(418),                                  false, false, Side::Service),
            (Trouble::Status(502),                                  false, true,  Side::Service),
            (Trouble::Busy,                                         false, false, Side::Service),
            (Trouble::Unverified,                                   false, false, Side::Network),
            (Trouble::AppRefused,                                   false, false, Side::Service),
            (Trouble::AccessRefused,                                false, false, Side::Service),
        ];
        for (trouble, lost, acted, side) in cases {
            assert_eq!(trouble.reply_lost(), lost, "{trouble:?}");
            assert_eq!(trouble.may_have_acted(), acted, "{trouble:?}");
            assert_eq!(trouble.side(), side, "{trouble:?}");
            assert!(trouble.words().ends_with(['.', '?']), "{trouble:?}");
        }
    }
}
