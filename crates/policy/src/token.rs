//! How a token is named without telling it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Counts the token sets of one account: 1 for the first, one more with each that is saved.
///
/// Where two stored sets disagree, the higher generation wins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A few characters of a keyed digest of a refresh token: tells two tokens apart, gives neither away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// A number in `[0, 1)` that is fixed for this token and differs between tokens.
    ///
    /// It spreads the refreshes of many machines without a random source (FNV-1a, 32 bits, its bits
    /// mixed once more because short texts leave the upper ones alike).
    #[must_use]
    pub fn seed(&self) -> f64 {
        let hash = self.0.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let mixed = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        f64::from(mixed ^ (mixed >> 13)) / (f64::from(u32::MAX) + 1.0)
    }
}

impl From<&str> for Fingerprint {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_count_up_and_are_shown_as_numbers() {
        assert_eq!(Generation(7).next(), Generation(8));
        assert_eq!(Generation(u64::MAX).next(), Generation(u64::MAX));
        assert_eq!(Generation(12).to_string(), "12");
    }

    /// Were a seed to change with a version, all machines would renew at once after an update.
    #[test]
    fn a_tokens_seed_is_fixed() {
        // 32 bits over 2^32, which is exact.
        let cases = [
            ("", 1_572_119_809_u32),
            ("fp1", 4_256_979_458),
            ("token-42", 557_282_221),
        ];
        for (text, bits) in cases {
            let seed = Fingerprint::from(text).seed();
            assert_eq!(seed * 4_294_967_296.0, f64::from(bits), "{text}");
        }
    }

    #[test]
    fn seeds_of_fingerprints_are_spread_over_the_unit_interval() {
        let seeds: Vec<f64> = (0..1_000)
            .map(|n| Fingerprint(format!("token-{n}")).seed())
            .collect();
        assert!(seeds.iter().all(|seed| (0.0..1.0).contains(seed)));
        for tenth in 0..10 {
            let low = f64::from(tenth) / 10.0;
            let inside = seeds
                .iter()
                .filter(|s| (low..low + 0.1).contains(s))
                .count();
            assert!((50..200).contains(&inside), "{inside} of 1000 at {low}");
        }
    }
}
