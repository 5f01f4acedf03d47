//! What the stored facts say about calls: whether the token still serves, and whether an answer tells anything new.

use super::facts::Facts;
use crate::grace;
use crate::time::{Millis, Now, WallMs};

/// An anchor younger than this is as good as a new one.
const ANCHOR_IS_FRESH: Millis = Millis::mins(1);

/// Whether the stored access token can be sent along: there is one, and more than `margin` of its life is left, in the
/// server's time. One that nothing replaces is sent to the last.
#[must_use]
pub fn access_token_usable(facts: &Facts, now: &Now, margin: Millis) -> bool {
    if !is_renewable(facts) {
        return !has_run_out(facts, now);
    }
    let access = facts.tokens.as_ref().and_then(|tokens| tokens.access);
    let (Some(access), Some(anchor)) = (access, &facts.anchor) else {
        return false;
    };
    let time = grace::server_time(anchor, facts.mark.as_ref(), now);
    time < access.from.plus(access.life.less(margin))
}

/// Whether the session lasts longer than its access token: there is nothing to renew yet, or something to renew it with.
pub(super) fn is_renewable(facts: &Facts) -> bool {
    let tokens = facts.tokens.as_ref();
    tokens.is_none_or(|tokens| !tokens.unrenewable)
}

/// Whether the access token's life is over and nothing can renew it.
///
/// What a clock tells counts as long as it tells it. The grace remembers more, in its mark, so that nobody gains by
/// turning a clock. Here nothing can be gained: a token that is over is refused by the service, whatever is believed
/// here. Nor is anything believed without a contact to count from.
pub(super) fn has_run_out(facts: &Facts, now: &Now) -> bool {
    let Some(tokens) = facts.tokens.as_ref().filter(|tokens| tokens.unrenewable) else {
        return false;
    };
    let Some(access) = tokens.access else {
        return true; // A version before this one dropped it.
    };
    let end = access.from.plus(access.life);
    let anchor = facts.anchor.as_ref();
    anchor.is_some_and(|anchor| grace::server_time(anchor, None, now) >= end)
}

/// The times in a token whose signature was verified (RFC 7519 §4.1.4, §4.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedTimes {
    /// When it was issued, claim `iat`.
    pub issued: WallMs,
    /// The end of its life, claim `exp`.
    pub ends: WallMs,
}

/// The server's time at an answer that brought tokens: its `Date`, unless what it signed contradicts that by more than
/// [`grace::TOLERANCE`]. An issuer may give the same token again as long as it lives, so the `Date` need not be the
/// time of issue; before that, or after the end, it cannot be right, and the time of issue counts, as it does without a
/// `Date`. With neither there is only this computer's clock, which said `came`.
#[must_use]
pub fn time_of_tokens(date: Option<WallMs>, signed: Option<SignedTimes>, came: WallMs) -> WallMs {
    let fits = |date: &WallMs| {
        signed.is_none_or(|signed| {
            let (first, last) = (
                signed.issued.minus(grace::TOLERANCE),
                signed.ends.plus(grace::TOLERANCE),
            );
            (first..=last).contains(date)
        })
    };
    let issued = signed.map(|signed| signed.issued);
    date.filter(fits).or(issued).unwrap_or(came)
}

/// Whether an authenticated answer is worth an [`super::Event::Contact`]: it ends some trouble, or the anchor is no
/// longer fresh. Keeps a pull of many pages from writing the same fact with every page.
#[must_use]
pub fn contact_matters(facts: &Facts, server_time: WallMs, now: &Now) -> bool {
    let unsettled =
        facts.trouble.is_some() || facts.unauthorized.is_some() || facts.condemned.is_some();
    let fresh = facts.anchor.as_ref().is_some_and(|anchor| {
        let young = now
            .uptime_since(&anchor.at)
            .is_some_and(|age| age < ANCHOR_IS_FRESH);
        young
            && server_time
                .since(anchor.server)
                .is_some_and(|age| age < ANCHOR_IS_FRESH)
    });
    unsettled || !fresh
}

#[cfg(test)]
mod tests {
    use super::super::facts::{AccessLife, Condemned, TokenFacts, Unauthorized};
    use super::*;
    use crate::grace::Anchor;
    use crate::time::{BootMs, WallMs};
    use crate::transport::Trouble;

    fn now(seconds: u64) -> Now {
        let wall = WallMs(1_767_592_800_000).plus(Millis::secs(seconds));
        Now {
            wall,
            boot: BootMs(Millis::secs(1_000 + seconds).0),
            boot_id: "a".into(),
        }
    }

    fn facts() -> Facts {
        let tokens = TokenFacts {
            generation: Default::default(),
            fingerprint: "f".into(),
            access: Some(AccessLife {
                from: now(0).wall,
                life: Millis::mins(15),
            }),
            refresh_until: None,
            unrenewable: false,
        };
        let anchor = Anchor {
            server: now(0).wall,
            at: now(0),
            offline_grace: None,
        };
        Facts {
            tokens: Some(tokens),
            anchor: Some(anchor),
            ..Facts::default()
        }
    }

    #[test]
    fn a_token_serves_until_the_margin_before_its_end() {
        let margin = Millis::secs(20);
        for (seconds, usable) in [(0, true), (879, true), (880, false), (10_000, false)] {
            assert_eq!(
                access_token_usable(&facts(), &now(seconds), margin),
                usable,
                "{seconds}"
            );
        }
        let none = Facts {
            tokens: None,
            ..facts()
        };
        assert!(!access_token_usable(&none, &now(0), margin));
    }

    #[test]
    fn what_was_signed_tells_when_the_date_cannot_be_right() {
        let at = |minutes: i64| WallMs(1_767_592_800_000 + minutes * 60_000);
        let signed = Some(SignedTimes {
            issued: at(0),
            ends: at(15),
        });
        let came = at(777);
        #[rustfmt::skip]
        let cases = [
            (Some(at(0)),      signed, at(0)),
            (Some(at(-5)),     signed, at(-5)),
            (Some(at(-6)),     signed, at(0)),
            (Some(at(-9_999)), signed, at(0)),
            (Some(at(20)),     signed, at(20)),
            (Some(at(21)),     signed, at(0)),
            (None,             signed, at(0)),
            (Some(at(-9_999)), None,   at(-9_999)),
            (None,             None,   came),
        ];
        for (date, signed, told) in cases {
            assert_eq!(time_of_tokens(date, signed, came), told, "{date:?}");
        }
    }

    #[test]
    fn an_answer_matters_when_it_ends_trouble_or_the_anchor_has_aged() {
        assert!(!contact_matters(&facts(), now(30).wall, &now(30)));
        let before = now(0).wall.minus(Millis(1));
        #[rustfmt::skip]
        let ages = [
            (59, now(59).wall, false),
            (60, now(60).wall, true),
            (61, now(61).wall, true),
            (30, now(59).wall, false),
            (30, now(60).wall, true), // The server's time went on by more than ours did.
            (30, now(90).wall, true),
            (30, before,       true), // Or went back.
            (60, now(30).wall, true),
            (90, now(30).wall, true),
        ];
        for (seconds, server, matters) in ages {
            let found = contact_matters(&facts(), server, &now(seconds));
            assert_eq!(found, matters, "{seconds} s, {server:?}");
        }
        let unsettled = [
            Facts {
                trouble: Some(Trouble::Busy),
                ..facts()
            },
            Facts {
                unauthorized: Some(Unauthorized {
                    count: 1,
                    refreshed: now(0),
                }),
                ..facts()
            },
            Facts {
                condemned: Some(Condemned::Account),
                ..facts()
            },
        ];
        for facts in unsettled {
            assert!(contact_matters(&facts, now(1).wall, &now(1)), "{facts:?}");
        }
        assert!(contact_matters(&Facts::default(), now(1).wall, &now(1)));
        let restarted = Now {
            boot_id: "b".into(),
            ..now(1)
        };
        assert!(contact_matters(&facts(), now(1).wall, &restarted));
    }
}
