//! From measured and computed numbers to the whole ones that are shown and stored.

/// The nearest whole number; out of range ends at the nearest bound, NaN is 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates, which is what is wanted.
pub(crate) fn to_u16(value: f64) -> u16 {
    value.round() as u16
}

/// As [`to_u16`].
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn to_u8(value: f64) -> u8 {
    value.round() as u8
}

/// As [`to_u16`].
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn to_u32(value: f64) -> u32 {
    value.round() as u32
}

/// A length, which no ride or list takes past the bound.
pub(crate) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Whole seconds of a duration, rounded down.
pub(crate) fn whole_seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_ends_at_the_bounds() {
        for (value, expected) in [
            (0.49, 0),
            (0.5, 1),
            (-3.0, 0),
            (70_000.0, u16::MAX),
            (f64::NAN, 0),
        ] {
            assert_eq!(to_u16(value), expected, "{value}");
        }
    }
}
