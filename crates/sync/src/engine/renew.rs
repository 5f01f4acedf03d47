//! Renewing the tokens because somebody asked, whoever runs the lanes.

use freewheel_policy::transport::Trouble;

use super::Engine;
use super::refresh::Refreshed;
use crate::lease::nudge::{self, NudgeKind};

/// What came of a renewal that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// There are fresh tokens: from this renewal, or from one of another process that was faster.
    Fresh,
    /// There are fresh tokens, and they are in memory only; saving them is tried again.
    Unsaved,
    /// Nothing was sent: nobody is signed in, the issuer gave no refresh token, the key cannot be had, or this computer
    /// could not write down what it was about to do.
    NotPossible,
    /// The issuer refused, definitively, now or earlier; the session says what follows.
    Refused,
    /// The issuer could not be asked.
    Trouble(Trouble),
}

impl Engine {
    /// Renews the tokens now, whether or not this process runs the lanes: by the way of every renewal, which is lock,
    /// re-read, intent, request, save. Whoever asks while one is under way shares its outcome. Dropping the future does
    /// not stop the renewal, so a token that the issuer has rotated is saved all the same.
    pub async fn renew(&self) -> Renewal {
        let refreshed = self.core.session.refresh(&self.core.issuer).await;
        if let Err(error) = nudge::send(&self.home, NudgeKind::Changed) {
            tracing::debug!(%error, "other processes could not be told of the renewal");
        }
        self.core.refresh_view();
        let unsaved = self.core.session.unsaved().is_some();
        match refreshed {
            Refreshed::Fresh | Refreshed::NotPossible if unsaved => Renewal::Unsaved,
            Refreshed::Fresh => Renewal::Fresh,
            Refreshed::NotPossible => Renewal::NotPossible,
            Refreshed::Refused => Renewal::Refused,
            Refreshed::Trouble { trouble, .. } => Renewal::Trouble(trouble),
        }
    }
}
