//! The sign-in that is under way in this process: at most one, and whoever begins another ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

    /// How the last sign-in failed, for the screen; giving it up is no failure.
    pub(crate) fn failure(&self) -> Option<SignInError> {
        let ended = self.lock().last.as_ref()?.borrow().clone();
        ended?
            .err()
            .filter(|error| *error != SignInError::Cancelled)
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

    #[tokio::test]
    async fn giving_up_is_no_failure_and_a_dropped_attempt_has_ended() {
        let slot = SignInSlot::default();
        let mut attempt = slot.enter();
        attempt.previous_ended().await;
        attempt.show(Shown::default()).unwrap();
        let mut told = slot.cancel().unwrap();
        attempt.cancelled().await;
        attempt.end(Err(SignInError::Cancelled));
        assert!(told.wait_for(Option::is_some).await.is_ok());
        assert_eq!(slot.failure(), None);
        let late = slot.enter();
        late.show(Shown::default()).unwrap();
        late.end(Err(SignInError::TooLate));
        assert_eq!(slot.failure(), Some(SignInError::TooLate));
        let dropped = slot.enter();
        let mut next = slot.enter();
        drop(dropped);
        next.previous_ended().await;
        assert!(slot.shown().url.is_none());
    }
}
