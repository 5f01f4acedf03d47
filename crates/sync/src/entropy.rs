//! The random source: jitter and ids.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use freewheel_policy::time::WallMs;
use uuid::Uuid;

/// A source of randomness.
pub trait Entropy: Send + Sync {
    /// Eight random bytes.
    fn next_u64(&self) -> u64;

    /// A number in `[0, 1)`, for jitter.
    fn unit(&self) -> f64 {
        /// 2^53: every multiple of its inverse below 1 is a double.
        const SCALE: f64 = 9_007_199_254_740_992.0;
        let bits = self.next_u64() >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let bits = bits as f64;
        bits / SCALE
    }

    /// A UUIDv7 (RFC 9562 §5.7) for a thing made at `now`.
    fn uuid(&self, now: WallMs) -> Uuid {
        let millis = u64::try_from(now.0).unwrap_or(0);
        let mut bytes = [0_u8; 10];
        let (head, tail) = (self.next_u64().to_be_bytes(), self.next_u64().to_be_bytes());
        for (slot, byte) in bytes.iter_mut().zip(head.into_iter().chain(tail)) {
            *slot = byte;
        }
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

/// The operating system's random source.
#[derive(Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn next_u64(&self) -> u64 {
        // The system's source does not fail after boot; a hasher's keys stand in where it would.
        getrandom::u64().unwrap_or_else(|_| RandomState::new().build_hasher().finish())
    }
}
