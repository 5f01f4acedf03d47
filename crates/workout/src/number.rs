//! Numbers as people and programs write them in workout files.

/// Reads a number: spaces around it, a decimal comma and a trailing `%` are understood.
/// `None` when it is none or not finite.
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim_end(), 0.01),
        None => (text, 1.0),
    };
    let value: f64 = match digits.split_once(',') {
        Some((whole, rest)) if !rest.contains([',', '.']) => {
            format!("{whole}.{rest}").parse().ok()?
        }
        _ => digits.parse().ok()?,
    };
    value.is_finite().then_some(value * unit)
}

/// A power as a fraction of FTP, rounded to a hundredth of a percent: files hold single-precision
/// leftovers such as 0.89999998, which would fall into the wrong zone.
pub fn tidy(fraction: f64) -> f64 {
    // Adding zero turns -0 into 0.
    (fraction * 10_000.0).round() / 10_000.0 + 0.0
}

/// The nearest whole number, kept within `u32`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
pub fn whole(value: f64) -> u32 {
    // A NaN becomes 0.
    value.round().clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let cases = [
            ("60", Some(60.0)),
            (" 60.000004 ", Some(60.000_004)),
            ("0,75", Some(0.75)),
            ("50 %", Some(0.5)),
            ("1e2", Some(100.0)),
            ("", None),
            ("abc", None),
            ("inf", None),
            ("NaN", None),
            ("1,000.5", None),
            ("1,2,3", None),
            ("%", None),
        ];
        for (text, value) in cases {
            assert_eq!(parse(text), value, "{text:?}");
        }
    }

    #[test]
    fn rounding() {
        assert_eq!(tidy(0.899_999_98), 0.9);
        assert!(tidy(-0.0).is_sign_positive());
        let cases = [
            (-1.0, 0),
            (0.4, 0),
            (0.5, 1),
            (480.000_03, 480),
            (1e20, u32::MAX),
        ];
        for (value, expected) in cases {
            assert_eq!(whole(value), expected);
        }
        assert_eq!(whole(f64::NAN), 0);
    }
}
