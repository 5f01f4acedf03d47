//! For which service the tokens are asked (RFC 8707).

use freewheel_protocol::oauth::OAuthErrorCode;

use super::refusal::Refusal;

/// What is said of a service that is not this one.
pub(crate) const FOREIGN: &str =
    "resource names another service; this issuer's tokens are for its own (RFC 8707)";

/// Whether `resource`, if the app names one, is the service at `public_url`; a slash at its end makes no difference.
///
/// Another service that names this issuer as its own would otherwise be handed tokens that are good here.
pub(crate) fn is_ours(resource: Option<&str>, public_url: &str) -> bool {
    resource.is_none_or(|resource| {
        resource == public_url || resource.strip_suffix('/') == Some(public_url)
    })
}

/// The same as an answer.
///
/// # Errors
/// `invalid_target` (RFC 8707 §2).
pub(crate) fn check(resource: Option<&str>, public_url: &str) -> Result<(), Refusal> {
    if is_ours(resource, public_url) {
        Ok(())
    } else {
        Err(Refusal::new(code(), FOREIGN))
    }
}

pub(crate) fn code() -> OAuthErrorCode {
    OAuthErrorCode::from("invalid_target")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_service_itself_or_none_is_a_target() {
        let here = "https://ride.example.org/a";
        for (resource, expected) in [
            (None, true),
            (Some("https://ride.example.org/a"), true),
            (Some("https://ride.example.org/a/"), true),
            (Some("https://ride.example.org/a//"), false),
            (Some("https://ride.example.org"), false),
            (Some("https://ride.example.org/a/b"), false),
            (Some("http://ride.example.org/a"), false),
            (Some("https://evil.example"), false),
            (Some(""), false),
        ] {
            assert_eq!(is_ours(resource, here), expected, "{resource:?}");
        }
    }
}
