//! Telling the issuer that a sign-in is over (RFC 7009), when it could not be told at once.
//!
//! Nobody waits for it and nothing depends on it, so it is patient: as any lane at first, and after a dozen tries about
//! once an hour. It is given up only when the issuer itself will not have it.

use crate::backoff::{Policy, delay};
use crate::definitive::{BodyEnd, HttpFacts, Refusal, Tls};
use crate::time::Millis;

/// So many tries follow the usual curve.
const EAGER: u32 = 12;
/// The least wait after that.
const PATIENT: Millis = Millis::mins(45);

/// What came of telling the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It knows. It says so of tokens that it does not know, too (RFC 7009 §2.2).
    Yes,
    /// The genuine issuer will not have it, ever.
    Refused,
    /// It could not be told, or what came back is not its word.
    NotYet,
}

/// Judges an answer of the revocation endpoint; the body of a 2xx does not matter, but a page is a portal's.
#[must_use]
pub fn told(facts: &HttpFacts) -> Told {
    let genuine = facts.tls != Tls::Unverified && !facts.redirected && facts.body != BodyEnd::Cut;
    let media = facts.content_type.as_deref().unwrap_or_default();
    let json = media.split(';').next().map(str::trim) == Some("application/json");
    let empty = facts.body == BodyEnd::Empty;
    match facts.status {
        200..=299 if genuine && (empty || json) => Told::Yes,
        400 | 401 if genuine && json && is_final(facts.oauth_error.as_deref()) => Told::Refused,
        _ => Told::NotYet,
    }
}

/// How long to wait after so many tries in vain; `seed` is in `[0, 1)`.
#[must_use]
pub fn next_try(tries: u32, retry_after: Option<Millis>, seed: f64) -> Millis {
    let wait = delay(Policy::Background, tries, retry_after, seed);
    if tries < EAGER {
        wait
    } else {
        wait.max(PATIENT.plus(PATIENT.part(seed)))
    }
}

/// RFC 7009 §2.2.1 adds one code to those of RFC 6749 §5.2.
fn is_final(code: Option<&str>) -> bool {
    code.is_some_and(|code| code == "unsupported_token_type" || Refusal::from_code(code).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Generation;

    fn answer(status: u16, media: Option<&str>, body: BodyEnd, error: Option<&str>) -> HttpFacts {
        HttpFacts {
            status,
            content_type: media.map(str::to_owned),
            body,
            redirected: false,
            tls: Tls::Verified,
            oauth_error: error.map(str::to_owned),
            tokens: false,
            retry_after: None,
            sent: Generation(1),
            stored: Generation(1),
        }
    }

    #[test]
    fn only_the_issuers_own_word_ends_it() {
        use BodyEnd::{Complete, Cut, Empty};
        let (json, html) = (Some("application/json; charset=utf-8"), Some("text/html"));
        let cases = [
            (answer(200, None, Empty, None), Told::Yes),
            (answer(200, html, Empty, None), Told::Yes),
            (answer(200, json, Complete, None), Told::Yes),
            (answer(204, None, Empty, None), Told::Yes),
            (answer(200, html, Complete, None), Told::NotYet),
            (answer(200, json, Cut, None), Told::NotYet),
            (
                answer(400, json, Complete, Some("unsupported_token_type")),
                Told::Refused,
            ),
            (
                answer(401, json, Complete, Some("invalid_client")),
                Told::Refused,
            ),
            (answer(400, json, Complete, Some("slow_down")), Told::NotYet),
            (answer(400, json, Complete, None), Told::NotYet),
            (
                answer(400, html, Complete, Some("invalid_client")),
                Told::NotYet,
            ),
            (answer(403, html, Complete, None), Told::NotYet),
            (answer(404, json, Complete, None), Told::NotYet),
            (answer(429, json, Complete, None), Told::NotYet),
            (answer(503, None, Empty, None), Told::NotYet),
        ];
        for (facts, want) in cases {
            assert_eq!(told(&facts), want, "{facts:?}");
        }
        for spoilt in [
            HttpFacts {
                redirected: true,
                ..answer(200, None, Empty, None)
            },
            HttpFacts {
                tls: Tls::Unverified,
                ..answer(200, None, Empty, None)
            },
        ] {
            assert_eq!(told(&spoilt), Told::NotYet);
        }
        let loopback = HttpFacts {
            tls: Tls::Loopback,
            ..answer(200, None, Empty, None)
        };
        assert_eq!(told(&loopback), Told::Yes);
    }

    #[test]
    fn it_is_tried_soon_at_first_and_about_once_an_hour_after_a_dozen_times() {
        for (tries, seed, want) in [
            (1, 0.5, Millis(500)),
            (11, 0.5, Millis::secs(450)),
            (12, 0.0, Millis::mins(45)),
            (400, 0.5, Millis(PATIENT.0 / 2 * 3)),
        ] {
            assert_eq!(next_try(tries, None, seed), want, "{tries}");
        }
        let day = Some(Millis::hours(20));
        for tries in [1, 30] {
            assert_eq!(next_try(tries, day, 0.0), Millis::hours(20));
            let spread = Millis::secs(450);
            assert_eq!(next_try(tries, day, 0.5), Millis::hours(20).plus(spread));
        }
    }
}
