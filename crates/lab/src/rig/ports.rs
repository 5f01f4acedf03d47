//! What a rig's engine sees of the outside world.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use freewheel_sync::entropy::{Entropy, SystemEntropy};
use freewheel_sync::network::{Listening, NetworkProbe};
use freewheel_sync::view::NetworkFact;
use tokio::sync::Notify;

/// Jitter that takes this part of every wait, in `[0, 1)`; ids stay random.
#[derive(Debug, Clone, Copy)]
pub struct Jitter(pub f64);

impl Entropy for Jitter {
    fn next_u64(&self) -> u64 {
        SystemEntropy.next_u64()
    }

    fn unit(&self) -> f64 {
        self.0
    }
}

/// The system's word on its links, as the test has it: up at first.
#[derive(Debug, Default)]
pub struct Links {
    fact: AtomicU8,
    heard_by: Mutex<Vec<Arc<Notify>>>,
}

impl Links {
    /// From now on.
    pub fn set(&self, fact: NetworkFact) {
        let value = match fact {
            NetworkFact::Up => 0,
            NetworkFact::Down => 1,
            NetworkFact::Unknown => 2,
        };
        self.fact.store(value, Ordering::Relaxed);
        for engine in &*self.heard_by.lock().unwrap_or_else(PoisonError::into_inner) {
            engine.notify_one();
        }
    }
}

impl NetworkProbe for Links {
    fn state(&self) -> NetworkFact {
        match self.fact.load(Ordering::Relaxed) {
            0 => NetworkFact::Up,
            1 => NetworkFact::Down,
            _ => NetworkFact::Unknown,
        }
    }

    /// Engines of the rig listen until the rig ends.
    fn listen(&self, changed: Arc<Notify>) -> Option<Listening> {
        let mut heard_by = self.heard_by.lock().unwrap_or_else(PoisonError::into_inner);
        heard_by.push(changed);
        Some(Box::new(()))
    }
}
