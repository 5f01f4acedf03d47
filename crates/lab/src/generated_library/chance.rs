//! Numbers that look random and follow from a number.

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): SplitMix64.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn of(number: u32) -> Self {
        let mut chance = Self(u64::from(number));
        chance.next();
        chance
    }

    /// One of `low..=high`.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        let width = u64::from(high.saturating_sub(low)) + 1;
        low + u32::try_from(self.next() % width).unwrap_or(0)
    }

    /// One of `low..=high` in steps of `step`.
    pub(super) fn stepped(&mut self, low: u32, high: u32, step: u32) -> u32 {
        low + step * self.between(0, (high - low) / step)
    }

    /// A power of `low..=high` percent of FTP, as a fraction.
    pub(super) fn percent(&mut self, low: u32, high: u32) -> f64 {
        f64::from(self.between(low, high)) / 100.0
    }

    pub(super) fn once_in(&mut self, times: u32) -> bool {
        self.between(1, times) == 1
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let last = u32::try_from(from.len().saturating_sub(1)).unwrap_or(0);
        let place = usize::try_from(self.between(0, last)).unwrap_or(0);
        from.get(place).copied().unwrap_or_default()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
