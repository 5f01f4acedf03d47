//! Older tokens that something put back in place of newer ones: of two generations the newer one wins.
//!
//! The process that saved the newer tokens still has them. They count as unsaved until they are saved again, so that the
//! older ones, which were spent for them, are not sent: to an issuer that looks like theft, and ends the sign-in.

use std::sync::PoisonError;

use freewheel_policy::Generation;
use freewheel_policy::lane::{Lane, LaneOutcome};

use super::saving::Unsaved;
use super::session::{Session, account_id, read_facts};
use crate::store::StoredSession;

impl Session {
    /// These tokens are stored now, and there are no newer ones as far as this process knows.
    pub(super) fn remember_newest(&self, saved: Unsaved) {
        // They are durable: nobody has to be kept from renewing.
        let saved = Unsaved {
            lease: None,
            ..saved
        };
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(saved);
    }

    /// The athlete has signed out: whatever is put back from now on is not signed in by this process.
    pub(super) fn forget_newest(&self) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Notices that `stored` is older than what this process saved for the same athlete. No process lowers a
    /// generation, so something else has done it; the newer tokens are to be saved again.
    pub(super) fn notice_put_back(&self, stored: &StoredSession) {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(newest) = newest.clone() else {
            return;
        };
        let (facts, follows) = (read_facts(stored), Generation(stored.generation));
        let theirs = !facts.signed_out && account_id(&facts).as_ref() == Some(&newest.account);
        if !theirs || follows >= newest.tokens.generation || self.unsaved().is_some() {
            return;
        }
        tracing::warn!(stored = %follows, newest = %newest.tokens.generation, "older tokens were put back");
        self.set_unsaved(Some(Unsaved { follows, ..newest }));
        self.wakes.of(Lane::Session).ring(LaneOutcome::Ready);
    }
}
