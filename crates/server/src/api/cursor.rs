//! Where a reader of the feed stands; opaque outside.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::store::AthleteId;

/// A place in one athlete's view of one feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The feed that it belongs to.
    pub(crate) epoch: String,
    /// Whose view: another athlete's place says nothing about what this one has seen.
    pub(crate) athlete: String,
    /// The head of the feed when this reader began. What was removed before it, the reader never saw.
    pub(crate) began_at: u64,
    /// The last revision that the reader has.
    pub(crate) position: u64,
}

impl Cursor {
    /// The place of a reader who has nothing yet.
    pub(crate) fn start(epoch: String, athlete: &AthleteId, head: u64) -> Self {
        Self {
            epoch,
            athlete: athlete.as_str().to_owned(),
            began_at: head,
            position: 0,
        }
    }

    /// Whether the feed can still tell this reader everything: it is the same feed, it has not lost
    /// revisions (a backup that was put back), and no tombstone that the reader needs is forgotten.
    pub(crate) fn is_good(
        &self,
        epoch: &str,
        athlete: &AthleteId,
        head: u64,
        horizon: u64,
    ) -> bool {
        self.epoch == epoch
            && self.athlete == athlete.as_str()
            && self.position <= head
            && self.began_at <= head
            && self.began_at.max(self.position) >= horizon
    }

    pub(crate) fn encode(&self) -> String {
        let Self {
            epoch,
            athlete,
            began_at,
            position,
        } = self;
        URL_SAFE_NO_PAD.encode(format!("{epoch}/{athlete}/{began_at}/{position}"))
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.split('/');
        let cursor = Self {
            epoch: parts.next()?.to_owned(),
            athlete: parts.next()?.to_owned(),
            began_at: parts.next()?.parse().ok()?,
            position: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(began_at: u64, position: u64) -> Cursor {
        Cursor {
            epoch: "e".to_owned(),
            athlete: "a".to_owned(),
            began_at,
            position,
        }
    }

    #[test]
    fn a_cursor_survives_its_text_and_other_texts_are_none() {
        let there = cursor(7, 3);
        assert_eq!(Cursor::decode(&there.encode()), Some(there));
        for text in [
            "",
            "!",
            "AAAA",
            &URL_SAFE_NO_PAD.encode("e/a/1/x"),
            &URL_SAFE_NO_PAD.encode("e/a/1/2/3"),
        ] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_is_good_as_long_as_nothing_is_missing_behind_it() {
        let me = AthleteId("a".to_owned());
        let other = AthleteId("b".to_owned());
        for (began_at, position, athlete, epoch, head, horizon, good) in [
            (5, 5, &me, "e", 9, 0, true),
            (5, 9, &me, "e", 9, 9, true),
            (5, 5, &me, "e", 9, 6, false), // a tombstone that it needs may be forgotten
            (9, 2, &me, "e", 9, 9, true),  // first walk: it began after those were removed
            (9, 2, &me, "e", 12, 10, false),
            (5, 5, &other, "e", 9, 0, false),
            (5, 5, &me, "another", 9, 0, false),
            (5, 10, &me, "e", 9, 0, false), // the feed has lost revisions
            (10, 5, &me, "e", 9, 0, false),
        ] {
            let verdict = cursor(began_at, position).is_good(epoch, athlete, head, horizon);
            assert_eq!(verdict, good, "{began_at} {position} {head} {horizon}");
        }
    }
}
