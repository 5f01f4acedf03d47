use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use super::*;
use crate::journal::{FinishedRide, RecordedRide, Sample, TimedEvent};
use crate::testing::{MemoryJournal, header, moment};

/// A journal that is in trouble before each append.
struct Troubled<F: Fn() + Send + Sync> {
    inner: MemoryJournal,
    before_append: F,
}

impl<F: Fn() + Send + Sync> Journal for Troubled<F> {
    fn begin(&self, header: &RideHeader) -> Result<(), JournalError> {
        self.inner.begin(header)
    }
    fn append(&self, id: Uuid, s: &[Sample], e: &[TimedEvent]) -> Result<(), JournalError> {
        (self.before_append)();
        self.inner.append(id, s, e)
    }
    fn load(&self, ride: Uuid) -> Result<RecordedRide, JournalError> {
        self.inner.load(ride)
    }
    fn finish(&self, ride: &FinishedRide) -> Result<(), JournalError> {
        self.inner.finish(ride)
    }
}

fn samples(seconds: std::ops::Range<u32>) -> Recorded {
    let sample = |second| Sample {
        second,
        at: moment(i64::from(second) + 1),
        position: second,
        power: None,
        target: None,
        cadence: None,
        heart_rate: None,
        speed: None,
    };
    Recorded {
        samples: seconds.map(sample).collect(),
        events: vec![],
    }
}

fn keeper(before_append: impl Fn() + Send + Sync + 'static) -> Keeper {
    let journal = Troubled {
        inner: MemoryJournal::default(),
        before_append,
    };
    let mut keeper = Keeper::new(Arc::new(journal), header().id, 0);
    keeper.open(header());
    keeper
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_is_told_and_what_gathers_is_written_at_once_afterwards() {
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let mut keeper = keeper(move || released.lock().unwrap().recv().unwrap());
    keeper.take(samples(0..1));
    keeper.pump(Instant::now());
    assert_eq!(keeper.trouble(Instant::now()), None);

    tokio::time::advance(Duration::from_secs(4)).await;
    keeper.take(samples(1..5));
    keeper.pump(Instant::now());
    let trouble = keeper.trouble(Instant::now()).unwrap();
    assert!(
        trouble.contains("slow") && trouble.contains("5 s"),
        "{trouble}"
    );
    assert_eq!(keeper.durable(), 0);

    release.send(()).unwrap();
    release.send(()).unwrap();
    keeper.flush(Instant::now).await.unwrap();
    assert_eq!(
        (keeper.durable(), keeper.trouble(Instant::now())),
        (5, None)
    );
    assert_eq!(keeper.journal().load(header().id).unwrap().samples.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_panics_costs_nothing() {
    let first = AtomicBool::new(true);
    let mut keeper = keeper(move || assert!(!first.swap(false, Ordering::SeqCst), "once"));
    // Opened first, so that only the append meets the panic.
    keeper.flush(Instant::now).await.unwrap();
    keeper.take(samples(0..3));
    keeper.pump(Instant::now());
    keeper.settled(Instant::now).await;
    assert!(keeper.trouble(Instant::now()).is_some());
    assert_eq!(keeper.durable(), 0);

    keeper.pump(Instant::now());
    assert!(keeper.writing.is_none(), "not before the retry is due");
    tokio::time::advance(RETRY).await;
    keeper.pump(Instant::now());
    assert!(keeper.writing.is_some(), "the whole batch once more");
    keeper.settled(Instant::now).await;
    assert_eq!(
        (keeper.durable(), keeper.trouble(Instant::now())),
        (3, None)
    );
}
