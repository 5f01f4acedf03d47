//! Secrets and ids from the system's random source.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freewheel_protocol::Sha256Digest;

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system's random source failed: {0}")]
pub struct RandomError(#[from] getrandom::Error);

/// A secret that is handed out once and kept only as its hash.
pub(crate) struct Token(String);

impl Token {
    /// 256 random bits.
    pub(crate) fn fresh() -> Result<Self, RandomError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The secret itself, for the answer that hands it out.
    pub(crate) fn reveal(self) -> String {
        self.0
    }

    /// What the database keeps.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

/// The hash under which a [`Token`] is kept. Its input has 256 random bits, so no salt is needed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TokenHash(String);

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256Digest::of(token.as_bytes()).to_string())
    }

    /// A hash that comes from the database.
    pub(crate) fn stored(hash: String) -> Self {
        Self(hash)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// `count` letters of `alphabet`, each as likely as the other.
pub(crate) fn letters(alphabet: &[u8], count: usize) -> Result<String, RandomError> {
    // Bytes past the last whole multiple of the alphabet's length would favour its first letters.
    let fair = 256 - 256 % alphabet.len().max(1);
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let mut byte = [0];
        getrandom::fill(&mut byte)?;
        let number = usize::from(u8::from_ne_bytes(byte));
        let letter = alphabet.get(number % alphabet.len().max(1));
        match letter {
            Some(letter) if number < fair => text.push(char::from(*letter)),
            Some(_) => {}
            None => break,
        }
    }
    Ok(text)
}

/// A random id (UUIDv4).
pub(crate) fn id() -> Result<String, RandomError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string())
}
