//! Passwords: Argon2id with the parameters that OWASP recommends (19 MiB, two passes, one lane).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::store::StoreError;

/// A hash of nothing that anybody knows, so that an unknown name costs as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZnJlZXdoZWVsLW5vYm9keQ$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes `password` into a PHC string with its own salt.
pub(crate) fn hash(password: &str) -> Result<String, StoreError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| StoreError::Password(error.to_string()))
}

/// Whether `password` is the one behind `stored`; takes as long when there is none.
pub(crate) fn matches(password: &str, stored: Option<&str>) -> bool {
    let verified = PasswordHash::new(stored.unwrap_or(NOBODY)).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    });
    stored.is_some() && verified
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_of_somebody_matches() {
        let stored = hash("wheel").unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(matches("wheel", Some(&stored)));
        assert!(!matches("Wheel", Some(&stored)));
        assert!(!matches("wheel", None));
        assert!(!matches("wheel", Some("not a hash")));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
