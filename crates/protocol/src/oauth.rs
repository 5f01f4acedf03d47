//! What the issuer says of itself and in its answers (RFC 8414, RFC 6749, RFC 8628, OpenID Connect Discovery 1.0),
//! and what the API says of its issuer (RFC 9728).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::open_enum;

/// The client id of every Freewheel app: a public native client (RFC 8252 §8.5).
pub const CLIENT_ID: &str = "freewheel-desktop";
/// The scopes that the app asks for.
pub const SCOPES: [&str; 4] = ["openid", "profile", "offline_access", "freewheel"];
/// The audience of access tokens for the library and rides API.
pub const AUDIENCE: &str = "freewheel-api";
/// Where the metadata lies, below the issuer's URL.
pub const METADATA_PATH: &str = "/.well-known/openid-configuration";
/// Where the API says which issuer it believes, below the service's URL (RFC 9728 §3).
pub const RESOURCE_METADATA_PATH: &str = "/.well-known/oauth-protected-resource";
/// The grant type of a device code (RFC 8628 §3.4).
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The issuer's metadata: the fields that a client needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IssuerMetadata {
    /// The issuer's URL; must equal the one that was asked (RFC 8414 §3.3).
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: String,
    /// Where codes and refresh tokens are redeemed.
    pub token_endpoint: String,
    /// Where the keys are.
    pub jwks_uri: String,
    /// Where tokens are revoked (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// Where machines without a browser begin (RFC 8628 §4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    /// Signature algorithms of ID tokens.
    #[serde(default)]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// Everything else, kept as it came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What the API says of itself (RFC 9728 §2): the fields that a client needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceMetadata {
    /// The service's URL; must equal the one that was asked (RFC 9728 §3.3).
    pub resource: String,
    /// The issuers whose access tokens it takes.
    #[serde(default)]
    pub authorization_servers: Vec<String>,
    /// The scopes that give access.
    #[serde(default)]
    pub scopes_supported: Vec<String>,
    /// How the access token may be sent.
    #[serde(default)]
    pub bearer_methods_supported: Vec<String>,
    /// Everything else, kept as it came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The answer to a device authorization request (RFC 8628 §3.2).
///
/// It holds a secret and therefore has no `Debug`. `Serialize` is the server's side of the wire.
#[derive(Clone, Serialize, Deserialize)]
pub struct DeviceAuthorization {
    /// What the device redeems at the token endpoint; a secret.
    pub device_code: String,
    /// What the athlete types on another device.
    pub user_code: String,
    /// Where the athlete types it.
    pub verification_uri: String,
    /// The same with the code inside, for a QR code or a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// Life of both codes in seconds.
    pub expires_in: u64,
    /// The least time between two questions at the token endpoint, in seconds.
    #[serde(default = "default_interval")]
    pub interval: u64,
}

/// RFC 8628 §3.2: "If no value is provided, clients MUST use 5 as the default."
fn default_interval() -> u64 {
    5
}

/// A successful token answer (RFC 6749 §5.1).
///
/// It holds secrets and therefore has no `Debug`. `Serialize` is the server's side of the wire.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenAnswer {
    /// A JWT with [`Claims`].
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Life of the access token in seconds.
    pub expires_in: u64,
    /// Absent: the client keeps the one that it has (RFC 6749 §6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Who signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted, when it differs from what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

open_enum! {
    /// Error codes of the token endpoint (RFC 6749 §5.2, RFC 8628 §3.5) and ours.
    pub enum OAuthErrorCode {
        /// Malformed request.
        InvalidRequest = "invalid_request",
        /// Unknown client.
        InvalidClient = "invalid_client",
        /// The code or refresh token is not valid any more: condemns a token, never a person.
        InvalidGrant = "invalid_grant",
        /// This client may not do that.
        UnauthorizedClient = "unauthorized_client",
        /// Not offered here.
        UnsupportedGrantType = "unsupported_grant_type",
        /// Unknown scope.
        InvalidScope = "invalid_scope",
        /// The athlete has not yet answered on the other device.
        AuthorizationPending = "authorization_pending",
        /// Asked too often.
        SlowDown = "slow_down",
        /// The athlete said no.
        AccessDenied = "access_denied",
        /// The device code is too old.
        ExpiredToken = "expired_token",
        /// Ours: the account is closed to its owner.
        AccountBlocked = "account_blocked",
        /// The issuer cannot answer now (RFC 6749 §4.1.2.1).
        TemporarilyUnavailable = "temporarily_unavailable",
    }
}

/// An error answer of the token endpoint (RFC 6749 §5.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OAuthError {
    /// The code.
    pub error: OAuthErrorCode,
    /// A line for developers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

/// Claims of an access token (RFC 9068) and of an ID token, as far as the client looks at them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer's URL.
    pub iss: String,
    /// The athlete.
    pub sub: String,
    /// [`AUDIENCE`] in an access token, the client id in an ID token. Of several (RFC 7519 §4.1.3) the first is kept;
    /// whether the right one is among them is for the verifier to check.
    #[serde(deserialize_with = "first_audience")]
    pub aud: String,
    /// Issued, Unix seconds.
    pub iat: i64,
    /// Expires, Unix seconds.
    pub exp: i64,
    /// Unique id of an access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The nonce of the sign-in (ID token only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Name to show (ID token only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A shorter grace than 14 days, in seconds; a longer one is ignored by the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_grace: Option<u64>,
}

fn first_audience<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Several(Vec<String>),
    }
    match Audience::deserialize(deserializer)? {
        Audience::One(audience) => Ok(audience),
        Audience::Several(audiences) => audiences
            .into_iter()
            .next()
            .ok_or_else(|| D::Error::custom("aud names nobody")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_one_name_or_a_list_and_times_are_numbers() {
        let read = |aud: &str, exp: &str| {
            let json =
                format!(r#"{{"iss": "i", "sub": "s", "aud": {aud}, "iat": 1, "exp": {exp}}}"#);
            serde_json::from_str::<Claims>(&json).map(|claims| claims.aud)
        };
        assert_eq!(read("\"a\"", "2").unwrap(), "a");
        assert_eq!(read("[\"a\", \"b\"]", "2").unwrap(), "a");
        for (aud, exp) in [("[]", "2"), ("7", "2"), ("[7]", "2"), ("\"a\"", "\"2\"")] {
            assert!(read(aud, exp).is_err(), "{aud} {exp}");
        }
    }

    #[test]
    fn a_device_answer_without_an_interval_means_five_seconds() {
        let json = r#"{"device_code": "d", "user_code": "U", "verification_uri": "https://a.example", "expires_in": 9}"#;
        let answer: DeviceAuthorization = serde_json::from_str(json).unwrap();
        assert_eq!(answer.interval, 5);
        assert_eq!(answer.verification_uri_complete, None);
    }
}
