//! When the desktop says something although nobody looks at the window: something was delivered in the background, or
//! needs the athlete. Never that something is offline: that is no news, and nothing is to be done about it.

use serde::{Deserialize, Serialize};

/// What a notice is made from: a short extract of two views, the one that was last looked at and the one of now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Whose data it is; none when nobody is signed in.
    pub account: Option<String>,
    /// Entries that this computer has delivered.
    pub delivered: u64,
    /// Entries that still wait.
    pub waiting: u32,
    /// Entries that need the athlete.
    pub parked: u32,
    /// Whether only the athlete can make the session usable again (a sign-in, support).
    pub session_needs: bool,
    /// The session's headline, for people.
    pub headline: String,
}

/// What the desktop shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// One line.
    pub title: String,
    /// What follows from it.
    pub body: String,
}

/// What there is to say about the way from `before` to `now`. Of several things the one that needs the athlete.
///
/// Nothing is said when another account is in the profile: its numbers have nothing to do with the earlier ones.
#[must_use]
pub fn notice(before: &Seen, now: &Seen) -> Option<Notice> {
    if before.account != now.account || now.account.is_none() {
        return None;
    }
    if now.session_needs && !before.session_needs {
        let body = match now.waiting {
            0 => "You can go on riding meanwhile.".to_owned(),
            waiting => format!("{} safe on this computer until then.", rides_are(waiting)),
        };
        return Some(Notice {
            title: now.headline.clone(),
            body,
        });
    }
    if now.parked > before.parked {
        return Some(Notice {
            title: match now.parked {
                1 => "1 ride needs you".to_owned(),
                parked => format!("{parked} rides need you"),
            },
            body: "Kept on this computer. Open the queue to see why, to try again or to export."
                .to_owned(),
        });
    }
    let delivered = now.delivered.saturating_sub(before.delivered);
    // Said once, when all of them are there, and not for each.
    (delivered > 0 && now.waiting == 0).then(|| Notice {
        title: match delivered {
            1 => "Your ride was delivered".to_owned(),
            many => format!("{many} rides were delivered"),
        },
        body: "Nothing waits any more.".to_owned(),
    })
}

fn rides_are(count: u32) -> String {
    match count {
        1 => "1 ride is".to_owned(),
        many => format!("{many} rides are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        Seen {
            account: Some("dana".into()),
            delivered: 4,
            waiting: 2,
            parked: 1,
            session_needs: false,
            headline: String::new(),
        }
    }

    fn title(before: &Seen, now: &Seen) -> Option<String> {
        notice(before, now).map(|notice| notice.title)
    }

    #[test]
    fn deliveries_are_told_once_when_all_are_there() {
        let before = seen();
        let half = Seen {
            delivered: 5,
            waiting: 1,
            ..seen()
        };
        assert_eq!(title(&before, &half), None);
        let all = Seen {
            delivered: 6,
            waiting: 0,
            ..seen()
        };
        assert_eq!(title(&before, &all).unwrap(), "2 rides were delivered");
        let one = Seen {
            delivered: 5,
            waiting: 0,
            ..seen()
        };
        assert_eq!(title(&before, &one).unwrap(), "Your ride was delivered");
        assert_eq!(title(&all, &all), None);
        // The list was compared, and something the service lost is sent again.
        let fewer = Seen {
            delivered: 3,
            waiting: 0,
            ..seen()
        };
        assert_eq!(title(&before, &fewer), None);
    }

    #[test]
    fn what_needs_the_athlete_comes_first() {
        let before = seen();
        let parked = Seen {
            parked: 2,
            delivered: 6,
            waiting: 0,
            ..seen()
        };
        assert_eq!(title(&before, &parked).unwrap(), "2 rides need you");
        let first = Seen {
            parked: 0,
            ..seen()
        };
        assert_eq!(title(&first, &seen()).unwrap(), "1 ride needs you");
        let signed_out = Seen {
            session_needs: true,
            headline: "Please sign in again".into(),
            ..parked.clone()
        };
        let said = notice(&before, &signed_out).unwrap();
        assert_eq!(said.title, "Please sign in again");
        assert_eq!(said.body, "You can go on riding meanwhile.");
        for (waiting, body) in [(1, "1 ride is safe"), (3, "3 rides are safe")] {
            let now = Seen {
                waiting,
                ..signed_out.clone()
            };
            assert!(notice(&before, &now).unwrap().body.starts_with(body));
        }
        // It is said when it comes, not whenever something else changes.
        assert_eq!(title(&signed_out, &signed_out), None);
        let fewer = Seen {
            parked: 0,
            ..seen()
        };
        assert_eq!(title(&before, &fewer), None);
    }

    #[test]
    fn nothing_is_said_of_another_account_or_of_nobody() {
        let other = Seen {
            account: Some("bo".into()),
            delivered: 9,
            waiting: 0,
            parked: 5,
            session_needs: true,
            ..seen()
        };
        assert_eq!(notice(&seen(), &other), None);
        let nobody = Seen {
            account: None,
            ..other
        };
        assert_eq!(
            notice(
                &nobody,
                &Seen {
                    delivered: 99,
                    ..nobody.clone()
                }
            ),
            None
        );
    }
}
