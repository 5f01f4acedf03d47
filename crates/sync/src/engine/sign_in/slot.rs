//! The sign-in that is under way in this process: at most one, and whoever begins another ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use freewheel_policy::time::{Millis, Now};
use tokio::sync::watch;

use crate::sign_in::{DeviceSignIn, SignInError};

/// How a sign-in ended; `None` while it is under way.
pub(crate) type Ended = Option<Result<String, SignInError>>;

/// Holds the sign-in that is under way, and how the last one ended. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct SignInSlot(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    entered: u64,
    current: Option<Current>,
    /// How the last one that was shown ended, or will end.
    last: Option<watch::Receiver<Ended>>,
    /// Why the last one failed, while that is worth saying.
    failure: Option<Failure>,
}

/// A sign-in that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Why.
    pub(crate) error: SignInError,
    /// When.
    pub(crate) at: Now,
    /// The name of the state that it left the session in.
    pub(crate) left: &'static str,
}

impl Failure {
    /// Whether it is worth saying still: for two minutes, while the session stands where the sign-in left it.
    pub(crate) fn stands(&self, state: &str, now: &Now) -> bool {
        const WORTH_SAYING: Millis = Millis::mins(2);
        let since = now.uptime_since(&self.at);
        self.left == state && since.is_some_and(|since| since < WORTH_SAYING)
    }
}

struct Current {
    ticket: u64,
    shown: Shown,
    cancel: watch::Sender<bool>,
    ended: watch::Receiver<Ended>,
}

/// What the athlete needs to go on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// The address that the browser was sent to.
    pub(crate) url: Option<String>,
    /// The code to type on another device.
    pub(crate) device: Option<DeviceSignIn>,
}

/// The right to sign in, until another attempt takes it. Dropping it ends the sign-in.
pub(crate) struct Attempt {
    slot: SignInSlot,
    ticket: u64,
    cancelled: watch::Receiver<bool>,
    ended: watch::Sender<Ended>,
    previous: Option<watch::Receiver<Ended>>,
}

impl SignInSlot {
    /// Begins a sign-in. The one that is under way is cancelled at once.
    pub(crate) fn enter(&self) -> Attempt {
        let (cancel, cancelled) = watch::channel(false);
        let (sender, ended) = watch::channel(None);
        let mut inner = self.lock();
        inner.entered += 1;
        inner.last = None;
        inner.failure = None;
        let ticket = inner.entered;
        let previous = inner.current.replace(Current {
            ticket,
            shown: Shown::default(),
            cancel,
            ended,
        });
        let previous = previous.map(|previous| {
            previous.cancel.send_replace(true);
            previous.ended
        });
        Attempt {
            slot: self.clone(),
            ticket,
            cancelled,
            ended: sender,
            previous,
        }
    }

    /// Cancels the sign-in that is under way; the receiver tells when it has ended.
    pub(crate) fn cancel(&self) -> Option<watch::Receiver<Ended>> {
        let inner = self.lock();
        let current = inner.current.as_ref()?;
        current.cancel.send_replace(true);
        Some(current.ended.clone())
    }

    /// What the athlete needs to go on, while a sign-in is under way in this process.
    pub(crate) fn shown(&self) -> Shown {
        let inner = self.lock();
        let shown = inner.current.as_ref().map(|current| current.shown.clone());
        shown.unwrap_or_default()
    }

    /// How the last sign-in failed, for the screen.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.lock().failure.clone()
    }

    /// It is not worth saying any more.
    pub(crate) fn forget_failure(&self) {
        self.lock().failure = None;
    }

    /// Tells how the last sign-in ended, or will end.
    pub(crate) fn last(&self) -> Option<watch::Receiver<Ended>> {
        self.lock().last.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// Shows what the athlete needs; from now on the end can be waited for.
    ///
    /// # Errors
    /// Another attempt has begun, or it was given up.
    pub(crate) fn show(&self, shown: Shown) -> Result<(), SignInError> {
        let mut inner = self.slot.lock();
        let last = match &mut inner.current {
            Some(current) if current.ticket == self.ticket && !*self.cancelled.borrow() => {
                current.shown = shown;
                current.ended.clone()
            }
            Some(_) | None => return Err(SignInError::Cancelled),
        };
        inner.last = Some(last);
        Ok(())
    }

    /// Does `work`, unless the sign-in is cancelled before it is done.
    pub(crate) async fn unless_cancelled<T, E: From<SignInError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::select! {
            done = work => done,
            () = self.cancelled() => Err(SignInError::Cancelled.into()),
        }
    }

    /// Returns when the sign-in is cancelled.
    pub(crate) async fn cancelled(&self) {
        let mut cancelled = self.cancelled.clone();
        // The sender is gone only when another attempt took its place.
        drop(cancelled.wait_for(|cancelled| *cancelled).await);
    }

    /// Returns when the attempt that this one replaced has ended, so that it writes nothing afterwards.
    pub(crate) async fn previous_ended(&mut self) {
        if let Some(mut previous) = self.previous.take() {
            // A sender that is gone has ended too.
            drop(previous.wait_for(Option::is_some).await);
        }
    }

    /// Remembers why it failed, for the screen. Giving it up is no failure, and what became of an attempt that another
    /// one replaced is no news.
    pub(crate) fn failed(&self, failure: Failure) {
        let mut inner = self.slot.lock();
        let current = inner.current.as_ref();
        if current.is_some_and(|current| current.ticket == self.ticket)
            && failure.error != SignInError::Cancelled
        {
            inner.failure = Some(failure);
        }
    }

    /// Tells how it ended.
    pub(crate) fn end(self, result: Result<String, SignInError>) {
        self.leave();
        self.ended.send_replace(Some(result));
    }

    fn leave(&self) {
        let mut inner = self.slot.lock();
        if inner
            .current
            .as_ref()
            .is_some_and(|current| current.ticket == self.ticket)
        {
            inner.current = None;
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use freewheel_policy::time::BootMs;

    use super::*;

    #[tokio::test]
    async fn of_many_attempts_only_the_last_goes_on() {
        let slot = SignInSlot::default();
        let mut attempts: Vec<_> = (0..50).map(|_| slot.enter()).collect();
        let last = attempts.pop().unwrap();
        for attempt in attempts {
            attempt.cancelled().await;
            assert_eq!(attempt.show(Shown::default()), Err(SignInError::Cancelled));
            drop(attempt);
        }
        let url = Some("https://id.example.org".to_owned());
        let shown = Shown { url, device: None };
        last.show(shown).unwrap();
        assert!(slot.shown().url.is_some());
        let mut ended = slot.last().unwrap();
        last.end(Ok("Ada".to_owned()));
        let ended = ended.wait_for(Option::is_some).await.unwrap().clone();
        assert_eq!(ended, Some(Ok("Ada".to_owned())));
        assert!(slot.shown().url.is_none() && slot.cancel().is_none());
    }

    fn failure(error: SignInError) -> Failure {
        Failure {
            error,
            at: Now::default(),
            left: "offline",
        }
    }

    #[test]
    fn a_failure_is_said_where_it_was_met_and_for_two_minutes() {
        let failure = failure(SignInError::TooLate);
        let after = |ms| Now {
            boot: BootMs(ms),
            ..Now::default()
        };
        assert!(failure.stands("offline", &after(119_999)));
        assert!(!failure.stands("offline", &after(120_000)));
        assert!(!failure.stands("blocked", &after(0)));
    }

    #[tokio::test]
    async fn giving_up_is_no_failure_and_a_dropped_attempt_has_ended() {
        let slot = SignInSlot::default();
        let mut attempt = slot.enter();
        attempt.previous_ended().await;
        attempt.show(Shown::default()).unwrap();
        let mut told = slot.cancel().unwrap();
        attempt.cancelled().await;
        attempt.failed(failure(SignInError::Cancelled));
        attempt.end(Err(SignInError::Cancelled));
        assert!(told.wait_for(Option::is_some).await.is_ok());
        assert_eq!(slot.failure(), None);
        let late = slot.enter();
        late.show(Shown::default()).unwrap();
        late.failed(failure(SignInError::TooLate));
        late.end(Err(SignInError::TooLate));
        assert_eq!(slot.failure(), Some(failure(SignInError::TooLate)));
        let dropped = slot.enter();
        assert_eq!(slot.failure(), None, "the athlete tries again");
        let mut next = slot.enter();
        dropped.failed(failure(SignInError::TooLate));
        assert_eq!(slot.failure(), None, "another one is under way");
        drop(dropped);
        next.previous_ended().await;
        assert!(slot.shown().url.is_none());
    }
}
