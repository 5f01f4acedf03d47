//! What a verified token says, and whether it counts now.

use freewheel_policy::grace::TOLERANCE;
use freewheel_policy::session::SignedTimes;
use freewheel_policy::time::WallMs;
use serde::{Deserialize, Deserializer};

use super::JwtError;

/// The claims that this program looks at, of ID tokens (OpenID Connect Core §2) and of access tokens (RFC 9068 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// The athlete's id there.
    pub sub: String,
    /// Whom the token is for.
    pub aud: Audiences,
    /// The client that it was issued to.
    pub azp: Option<String>,
    /// The end of its life.
    pub exp: Seconds,
    /// When it was issued.
    pub iat: Option<Seconds>,
    /// Not valid before.
    pub nbf: Option<Seconds>,
    /// The nonce of the sign-in (ID token only).
    pub nonce: Option<String>,
    /// The full name (ID token only).
    pub name: Option<String>,
    /// The name that the athlete goes by at the issuer (ID token only).
    pub preferred_username: Option<String>,
    /// A shorter grace than 14 days, in seconds.
    pub offline_grace: Option<u64>,
}

/// Claim `aud`: one name, or several (RFC 7519 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Audiences {
    /// One.
    One(String),
    /// Several, or a list of one.
    Several(Vec<String>),
}

impl Audiences {
    /// Whether `name` is among them.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Several(several) => several.iter().any(|one| one == name),
        }
    }
}

/// A NumericDate: seconds since 1970, perhaps with a fraction, which is cut off (RFC 7519 §2). A text that looks like a
/// number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub i64);

impl Seconds {
    /// The moment.
    #[must_use]
    pub fn moment(self) -> WallMs {
        WallMs(self.0.saturating_mul(1000))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        if let Some(whole) = number.as_i64() {
            return Ok(Self(whole));
        }
        let odd = || serde::de::Error::custom("not a time in seconds");
        let fraction = number.as_f64().filter(|seconds| seconds.is_finite());
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a float cast to an integer saturates"
        )]
        let whole = fraction.ok_or_else(odd)?.trunc() as i64;
        Ok(Self(whole))
    }
}

impl Claims {
    /// When the token was issued, where it says so, and when it ends.
    #[must_use]
    pub fn signed_times(&self) -> Option<SignedTimes> {
        Some(SignedTimes {
            issued: self.iat?.moment(),
            ends: self.exp.moment(),
        })
    }

    /// Whether an ID token is for this client: it is among the audiences, and the token was not issued to another
    /// (OpenID Connect Core §3.1.3.7, 3 to 5).
    #[must_use]
    pub fn is_for_client(&self, client: &str) -> bool {
        let alone = match &self.aud {
            Audiences::One(_) => true,
            Audiences::Several(several) => several.len() == 1,
        };
        let issued_to = self
            .azp
            .as_deref()
            .map_or(alone, |issued_to| issued_to == client);
        self.aud.names(client) && issued_to
    }

    /// The name to show: the full one, else the one that the athlete goes by, unless it is an e-mail address, else the
    /// beginning of the subject. E-mail addresses are not kept.
    #[must_use]
    pub fn shown_name(&self) -> String {
        const SUBJECT: usize = 12;
        const LONGEST: usize = 100;
        let names = [&self.name, &self.preferred_username];
        let fit = |name: &&String| !name.trim().is_empty() && !name.contains('@');
        let name = names.into_iter().flatten().find(fit);
        match name {
            Some(name) => name.trim().chars().take(LONGEST).collect(),
            None => self
                .sub
                .split('@')
                .next()
                .unwrap_or_default()
                .chars()
                .take(SUBJECT)
                .collect(),
        }
    }
}

/// Checks an ID token's times against `now`, the server's time where it was told and else this computer's. The time of
/// issue is checked against the server's time only: on a machine whose clock is slow every token is from the future.
/// Tolerance as in [`freewheel_policy::grace::TOLERANCE`].
///
/// # Errors
/// [`JwtError::NotNow`].
pub fn check_id_times(
    claims: &Claims,
    now: WallMs,
    server: Option<WallMs>,
) -> Result<(), JwtError> {
    let issued = claims.iat.ok_or(JwtError::Malformed)?;
    let not_before = claims.nbf.into_iter().chain([issued]);
    let early = server.is_some_and(|server| is_early(not_before, server));
    if is_over(claims, now) || early {
        Err(JwtError::NotNow)
    } else {
        Ok(())
    }
}

/// Checks a fresh access token's times against the server's time. Without it they are not checked: this computer's clock
/// may be wrong, and the service judges by its own. When it was issued does not matter.
///
/// # Errors
/// [`JwtError::NotNow`].
pub fn check_access_times(claims: &Claims, server: Option<WallMs>) -> Result<(), JwtError> {
    match server {
        Some(server) if is_over(claims, server) || is_early(claims.nbf, server) => {
            Err(JwtError::NotNow)
        }
        Some(_) | None => Ok(()),
    }
}

fn is_over(claims: &Claims, now: WallMs) -> bool {
    claims.exp.moment().plus(TOLERANCE) < now
}

fn is_early(not_before: impl IntoIterator<Item = Seconds>, now: WallMs) -> bool {
    not_before
        .into_iter()
        .any(|from| now.plus(TOLERANCE) < from.moment())
}
