//! What desktop notices are made from, of a whole view.

use freewheel_policy::notice::{self, Notice, Seen};

use crate::view::SyncView;

/// Remembers what was last seen and says what there is to say since.
#[derive(Debug)]
pub struct Notices(Seen);

impl Notices {
    /// Nothing is said of what was so already.
    #[must_use]
    pub fn since(view: &SyncView) -> Self {
        Self(seen(view))
    }

    /// What the desktop says, unless the athlete looks at the window anyway (`watched`).
    pub fn next(&mut self, view: &SyncView, watched: bool) -> Option<Notice> {
        let now = seen(view);
        let said = notice::notice(&self.0, &now);
        // Deliveries are told together, when the last is there; until then they count from where they began.
        let more_to_come =
            !watched && said.is_none() && now.waiting > 0 && now.account == self.0.account;
        let delivered = self.0.delivered.min(now.delivered);
        self.0 = now;
        if more_to_come {
            self.0.delivered = delivered;
        }
        said.filter(|_| !watched)
    }
}

fn seen(view: &SyncView) -> Seen {
    let session = &view.session;
    let account = session.account.as_ref().zip(session.server.as_ref());
    Seen {
        account: account.map(|(name, server)| format!("{name} at {server}")),
        delivered: view.data.delivered,
        waiting: view.data.waiting,
        parked: view.data.parked,
        session_needs: matches!(session.state.as_str(), "needs_sign_in" | "blocked"),
        headline: session.headline.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{DataFact, LibraryFact, NetworkFact, ServiceFact, ServiceState, SessionView};

    fn view(waiting: u32, delivered: u64) -> SyncView {
        SyncView {
            network: NetworkFact::Up,
            service: ServiceFact {
                state: ServiceState::Reachable,
                words: String::new(),
                cause: None,
                since: None,
            },
            data: DataFact {
                waiting,
                parked: 0,
                words: String::new(),
                last_success: None,
                next_try: None,
                busy: false,
                disk: None,
                delivered,
            },
            session: SessionView {
                state: "active".to_owned(),
                account: Some("Dana".to_owned()),
                server: Some("https://rides.example".to_owned()),
                library_open: true,
                headline: String::new(),
                detail: String::new(),
                action: None,
                days_left: None,
                sign_in_url: None,
                device: None,
                vault: "keyring".to_owned(),
            },
            library: LibraryFact {
                workouts: 0,
                pulling: false,
                fresh_at: None,
                revision: 0,
                rides_revision: 0,
            },
        }
    }

    #[test]
    fn deliveries_one_after_the_other_are_told_together() {
        let mut notices = Notices::since(&view(3, 0));
        assert_eq!(notices.next(&view(2, 1), false), None);
        assert_eq!(notices.next(&view(1, 2), false), None);
        let said = notices.next(&view(0, 3), false).unwrap();
        assert_eq!(said.title, "3 rides were delivered");
        assert_eq!(notices.next(&view(0, 3), false), None);
    }

    #[test]
    fn what_the_athlete_saw_happen_is_not_told() {
        let mut notices = Notices::since(&view(2, 0));
        assert_eq!(notices.next(&view(1, 1), true), None);
        let said = notices.next(&view(0, 2), false).unwrap();
        assert_eq!(said.title, "Your ride was delivered");
        let mut notices = Notices::since(&view(1, 0));
        assert_eq!(notices.next(&view(0, 1), true), None);
        assert_eq!(notices.next(&view(0, 1), false), None);
    }

    #[test]
    fn a_sign_in_that_ended_in_the_background_is_told() {
        let mut notices = Notices::since(&view(1, 0));
        let mut ended = view(1, 0);
        ended.session.state = "needs_sign_in".to_owned();
        ended.session.headline = "Please sign in again".to_owned();
        assert_eq!(
            notices.next(&ended, false).unwrap().title,
            "Please sign in again"
        );
        assert_eq!(notices.next(&ended, false), None);
    }
}
