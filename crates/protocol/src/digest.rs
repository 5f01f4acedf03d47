//! SHA-256 digests: as hex in JSON, and as an RFC 9530 `Content-Digest` header.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes; 64 lower-case hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

/// A digest could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: {0}")]
pub struct DigestError(&'static str);

impl Sha256Digest {
    /// Digests `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        if text.len() != 64 || !text.is_ascii() {
            return Err(DigestError("64 hex digits expected"));
        }
        let mut digest = [0; 32];
        for (index, byte) in digest.iter_mut().enumerate() {
            *byte = text
                .get(index * 2..index * 2 + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or(DigestError("64 hex digits expected"))?;
        }
        Ok(Self(digest))
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The value of a `Content-Digest` header: `sha-256=:BASE64:` (RFC 9530 §2, RFC 8941 §3.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentDigest(pub Sha256Digest);

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha-256=:{}:", STANDARD.encode(self.0.0))
    }
}

impl FromStr for ContentDigest {
    type Err = DigestError;

    /// Reads the first `sha-256` member; other algorithms beside it are passed over.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let value = text
            .split(',')
            .find_map(|member| member.trim().strip_prefix("sha-256=:")?.strip_suffix(':'))
            .ok_or(DigestError("no sha-256 member in the header"))?;
        let bytes = STANDARD
            .decode(value)
            .map_err(|_| DigestError("not base64"))?;
        let digest = bytes.try_into().map_err(|_| DigestError("not 32 bytes"))?;
        Ok(Self(Sha256Digest(digest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_digest_survives_the_header() {
        // The example of RFC 9530, whose content ends with a line feed.
        let digest = ContentDigest(Sha256Digest::of(b"{\"hello\": \"world\"}\n"));
        assert_eq!(
            digest.to_string(),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
        );
        let among_others = format!("sha-512=:AAAA:, {digest}");
        assert_eq!(among_others.parse::<ContentDigest>().unwrap(), digest);
    }

    #[test]
    fn a_digest_survives_json_and_refuses_what_is_not_one() {
        let digest = Sha256Digest::of(b"");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Sha256Digest>(&json).unwrap(), digest);
        for bad in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<Sha256Digest>().is_err(), "{bad}");
        }
        for bad in [
            "",
            "sha-256=",
            "sha-256=:!:",
            "sha-256=:AAAA:",
            "md5=:AAAA:",
        ] {
            assert!(bad.parse::<ContentDigest>().is_err(), "{bad}");
        }
    }
}
