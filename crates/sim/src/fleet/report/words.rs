//! Numbers as people read them.

/// `1234567` as `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (left, digit) in (1..=digits.len()).rev().zip(digits.chars()) {
        text.push(digit);
        if left > 1 && left % 3 == 1 {
            text.push(',');
        }
    }
    text
}

/// A rate: whole, or with one digit after the point where it is small.
pub(super) fn rate(number: f64) -> String {
    if number < 10.0 {
        return format!("{number:.1}");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least ten, and a float cast to an integer saturates"
    )]
    count(number.round() as u64)
}

/// Seconds as `6:27`; what never was as a dash.
pub(super) fn minutes(seconds: Option<u32>) -> String {
    seconds.map_or_else(
        || "–".to_owned(),
        |seconds| format!("{}:{:02}", seconds / 60, seconds % 60),
    )
}

/// How many times `of` is in `whole`, as `1 : 7.2`; a dash where there is nothing to compare.
pub(super) fn times(of: u32, whole: u32) -> String {
    if of == 0 || whole == 0 {
        return "–".to_owned();
    }
    let times = f64::from(whole) / f64::from(of);
    if times < 1.0 {
        format!("{:.1} : 1", 1.0 / times)
    } else {
        format!("1 : {times:.1}")
    }
}

/// A part in a hundred; what is not all does not look like all.
pub(super) fn percent(part: f64) -> String {
    if part >= 1.0 {
        return "100 %".to_owned();
    }
    format!("{:.1} %", (part * 1_000.0).floor() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let counts = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ];
        for (number, text) in counts {
            assert_eq!(count(number), text);
        }
        for (number, text) in [(0.04, "0.0"), (9.94, "9.9"), (12_345.6, "12,346")] {
            assert_eq!(rate(number), text);
        }
        for (seconds, text) in [(None, "–"), (Some(5), "0:05"), (Some(3_600), "60:00")] {
            assert_eq!(minutes(seconds), text);
        }
        for (of, whole, text) in [
            (10, 72, "1 : 7.2"),
            (50, 10, "5.0 : 1"),
            (0, 10, "–"),
            (10, 0, "–"),
        ] {
            assert_eq!(times(of, whole), text);
        }
        for (part, text) in [(1.0, "100 %"), (0.999_99, "99.9 %"), (0.0, "0.0 %")] {
            assert_eq!(percent(part), text);
        }
    }
}
