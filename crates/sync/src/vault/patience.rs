//! Bounded waits for calls that may block for long: each runs on its own thread, one at a time.
//!
//! A call that outlives the wait is not started again: it goes on, and the next caller waits for it, takes its answer
//! if it asked the same and the answer is good, and else sends a call of its own.

use std::time::Duration;

use tokio::sync::{Mutex, oneshot};

use super::VaultError;

type Outcome<A> = Result<A, VaultError>;

/// The one place in line.
#[derive(Debug)]
pub(super) struct Patience<Q, A> {
    under_way: Mutex<Option<Call<Q, A>>>,
}

#[derive(Debug)]
struct Call<Q, A> {
    question: Q,
    outcome: oneshot::Receiver<Outcome<A>>,
}

impl<Q, A> Default for Patience<Q, A> {
    fn default() -> Self {
        Self {
            under_way: Mutex::new(None),
        }
    }
}

impl<Q, A> Patience<Q, A>
where
    Q: Clone + PartialEq + Send + 'static,
    A: Send + 'static,
{
    /// Asks `question` with `ask`, waiting at most `timeout`.
    pub(super) async fn call(
        &self,
        question: Q,
        timeout: Duration,
        ask: impl FnOnce(&Q) -> Outcome<A> + Send + 'static,
    ) -> Outcome<A> {
        let answered = tokio::time::timeout(timeout, self.in_turn(question, ask)).await;
        answered.unwrap_or(Err(VaultError::TimedOut))
    }

    /// Dropping this at any point loses nothing: a call under way stays in its place.
    async fn in_turn(
        &self,
        question: Q,
        ask: impl FnOnce(&Q) -> Outcome<A> + Send + 'static,
    ) -> Outcome<A> {
        let mut place = self.under_way.lock().await;
        if let Some(earlier) = place.as_mut() {
            let outcome = (&mut earlier.outcome).await;
            let same = earlier.question == question;
            *place = None;
            if let (true, Ok(Ok(answer))) = (same, outcome) {
                return Ok(answer);
            }
        }
        let call = place.insert(start(question, ask)?);
        let outcome = (&mut call.outcome).await;
        *place = None;
        outcome.unwrap_or_else(|_| {
            Err(VaultError::Failed(
                "the call to the keyring broke off".to_owned(),
            ))
        })
    }
}

/// Not the runtime's pool: a thread that waits for a person must not hold up the end of the program.
fn start<Q, A>(
    question: Q,
    ask: impl FnOnce(&Q) -> Outcome<A> + Send + 'static,
) -> Result<Call<Q, A>, VaultError>
where
    Q: Clone + Send + 'static,
    A: Send + 'static,
{
    let (answer, outcome) = oneshot::channel();
    let asked = question.clone();
    std::thread::Builder::new()
        .name("freewheel-vault".to_owned())
        .spawn(move || drop(answer.send(ask(&asked))))
        .map_err(|error| VaultError::Failed(format!("no thread for the keyring: {error}")))?;
    Ok(Call { question, outcome })
}
