//! Seeded choices: the same seed makes the same ones.

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Debug, Clone)]
pub struct Chance(u64);

/// The step of the generator: the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Chance {
    /// The choices of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The choices of a seed about one of many things: whatever is chosen about one does not change those about another.
    #[must_use]
    pub fn about(seed: u64, thing: usize) -> Self {
        let thing = u64::try_from(thing).unwrap_or(u64::MAX);
        Self(Self(seed ^ thing.wrapping_mul(STEP)).bits())
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to 99.
    pub fn percent(&mut self) -> u64 {
        self.bits() % 100
    }

    /// One or the other, as often.
    pub fn coin(&mut self) -> bool {
        self.bits().is_multiple_of(2)
    }
}
