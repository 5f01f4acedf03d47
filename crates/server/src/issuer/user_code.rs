//! What the athlete types to name a device: eight letters that cannot be mistaken for one another or make a
//! word (RFC 8628 §6.1).

use std::fmt;

use crate::random::{self, RandomError};

/// Consonants only; 20 to the 8th is 34.5 bits, enough while guessing is throttled (RFC 8628 §5.1).
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A user code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserCode(String);

impl UserCode {
    /// A new one.
    pub(crate) fn fresh() -> Result<Self, RandomError> {
        random::letters(ALPHABET, LENGTH).map(Self)
    }

    /// The code that somebody typed: case, dashes and spaces do not matter. `None` when it cannot be one.
    pub(crate) fn read(typed: &str) -> Option<Self> {
        let code: String = typed
            .chars()
            .filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '–' | '.'))
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        let good = code.len() == LENGTH && code.bytes().all(|letter| ALPHABET.contains(&letter));
        good.then_some(Self(code))
    }

    /// As it stands in the database.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// As people read it: `BCDF-GHJK`.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_at_checked(LENGTH / 2) {
            Some((first, second)) => write!(f, "{first}-{second}"),
            None => f.write_str(&self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = UserCode("BCDFGHJK".to_owned());
        assert_eq!(code.to_string(), "BCDF-GHJK");
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "BCDF–GHJK"] {
            assert_eq!(UserCode::read(typed), Some(code.clone()), "{typed}");
        }
        for typed in ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-EFGH", "BCDF-GHJ0"] {
            assert_eq!(UserCode::read(typed), None, "{typed}");
        }
        assert_eq!(UserCode::read(&"é".repeat(100)), None);
    }

    #[test]
    fn fresh_codes_can_be_read_and_differ() {
        let codes = [UserCode::fresh().unwrap(), UserCode::fresh().unwrap()];
        assert_ne!(codes[0], codes[1]);
        for code in codes {
            assert_eq!(UserCode::read(&code.to_string()), Some(code));
        }
    }
}
