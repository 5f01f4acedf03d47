//! Brings samples into the journal without ever making the ride wait for the disk.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use crate::journal::{Journal, JournalError, RideHeader};
use crate::recorder::Recorded;
use crate::rounding::count;

/// How long to wait after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// A write that takes longer is worth telling.
const SLOW: Duration = Duration::from_secs(3);

/// Holds what is not durable yet. At most one write is on its way; it carries everything that had
/// gathered, and comes back whole if it fails.
pub(crate) struct Keeper {
    journal: Arc<dyn Journal>,
    ride: Uuid,
    header: Option<RideHeader>,
    waiting: Recorded,
    writing: Option<Writing>,
    durable: u32,
    failure: Option<String>,
    retry_at: Option<Instant>,
}

struct Writing {
    batch: Arc<Batch>,
    since: Instant,
    task: JoinHandle<Outcome>,
}

struct Batch {
    ride: Uuid,
    header: Option<RideHeader>,
    recorded: Recorded,
}

/// Whether the ride was opened, and what became of the rest.
struct Outcome {
    opened: bool,
    result: Result<(), JournalError>,
}

impl Keeper {
    /// A keeper for a ride of which the journal holds `durable` samples already.
    pub(crate) fn new(journal: Arc<dyn Journal>, ride: Uuid, durable: u32) -> Self {
        Self {
            journal,
            ride,
            header: None,
            waiting: Recorded::default(),
            writing: None,
            durable,
            failure: None,
            retry_at: None,
        }
    }

    /// Opens the ride in the journal, with the next write.
    pub(crate) fn open(&mut self, header: RideHeader) {
        self.header = Some(header);
    }

    /// Takes what was recorded.
    pub(crate) fn take(&mut self, recorded: Recorded) {
        self.waiting.samples.extend(recorded.samples);
        self.waiting.events.extend(recorded.events);
    }

    /// The journal that is written to.
    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&self.journal)
    }

    /// Samples that are durable.
    pub(crate) fn durable(&self) -> u32 {
        self.durable
    }

    /// What is wrong with the disk, in plain words.
    pub(crate) fn trouble(&self, now: Instant) -> Option<String> {
        let unsafe_seconds = self.unsafe_seconds();
        if let Some(failure) = &self.failure {
            return Some(format!(
                "The disk does not take the ride now: {failure}. {unsafe_seconds} s are kept in memory; \
                 the ride goes on, and saving is tried again every second."
            ));
        }
        let slow = self
            .writing
            .as_ref()
            .is_some_and(|writing| now.duration_since(writing.since) >= SLOW);
        slow.then(|| {
            format!("The disk is slow: {unsafe_seconds} s are in memory only. The ride goes on.")
        })
    }

    /// Starts a write if there is something to write, none is on its way and no retry is due later.
    pub(crate) fn pump(&mut self, now: Instant) {
        let due = self.retry_at.is_none_or(|at| at <= now);
        if due && self.writing.is_none() && self.has_waiting() {
            self.start(now);
        }
    }

    /// Waits for the write on its way; pending for ever without one. Safe to drop and call again.
    pub(crate) async fn settled(&mut self, clock: impl Fn() -> Instant) {
        let Some(writing) = &mut self.writing else {
            return std::future::pending().await;
        };
        let outcome = (&mut writing.task).await;
        let Some(Writing { batch, .. }) = self.writing.take() else {
            return;
        };
        let (opened, result) = match outcome {
            Ok(Outcome { opened, result }) => (opened, result),
            Err(error) => (false, Err(JournalError(Box::new(error)))),
        };
        if opened {
            self.header = None;
        }
        match result {
            Ok(()) => {
                self.durable += count(batch.recorded.samples.len());
                self.failure = None;
                self.retry_at = None;
            }
            Err(error) => {
                tracing::warn!(ride = %self.ride, %error, "the ride journal did not take a batch");
                self.failure = Some(error.0.to_string());
                self.retry_at = Some(clock() + RETRY);
                let mut again = batch.recorded.clone();
                again.samples.append(&mut self.waiting.samples);
                again.events.append(&mut self.waiting.events);
                self.waiting = again;
            }
        }
    }

    /// Makes everything durable now.
    ///
    /// # Errors
    /// The journal did not take it; everything is still in memory.
    pub(crate) async fn flush(&mut self, clock: impl Fn() -> Instant) -> Result<(), JournalError> {
        if self.writing.is_some() {
            self.settled(&clock).await;
        }
        if self.has_waiting() {
            self.start(clock());
            self.settled(&clock).await;
        }
        match &self.failure {
            Some(failure) if self.has_waiting() => Err(JournalError(failure.clone().into())),
            Some(_) | None => Ok(()),
        }
    }

    fn start(&mut self, now: Instant) {
        let batch = Arc::new(Batch {
            ride: self.ride,
            header: self.header.clone(),
            recorded: std::mem::take(&mut self.waiting),
        });
        let (journal, shared) = (Arc::clone(&self.journal), Arc::clone(&batch));
        self.writing = Some(Writing {
            batch,
            since: now,
            task: tokio::task::spawn_blocking(move || write(&*journal, &shared)),
        });
    }

    fn has_waiting(&self) -> bool {
        self.header.is_some() || !self.waiting.samples.is_empty() || !self.waiting.events.is_empty()
    }

    fn unsafe_seconds(&self) -> usize {
        let writing = self
            .writing
            .as_ref()
            .map_or(0, |writing| writing.batch.recorded.samples.len());
        writing + self.waiting.samples.len()
    }
}

fn write(journal: &dyn Journal, batch: &Batch) -> Outcome {
    if let Some(header) = &batch.header
        && let Err(error) = journal.begin(header)
    {
        return Outcome {
            opened: false,
            result: Err(error),
        };
    }
    let Recorded { samples, events } = &batch.recorded;
    let result = if samples.is_empty() && events.is_empty() {
        Ok(())
    } else {
        journal.append(batch.ride, samples, events)
    };
    Outcome {
        opened: true,
        result,
    }
}

#[cfg(test)]
mod tests;
