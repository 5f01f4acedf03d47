//! The table: measure, floor, ours, ratio, bar.

use std::fmt::Write as _;

/// How a bar is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bar {
    /// The ratio is at most this.
    AtMost(f64),
    /// The ratio is at least this.
    AtLeast(f64),
    /// What was counted is as it must be, or is not; told in words.
    Counted(&'static str, bool),
    /// Told for comparison; nothing was promised.
    None,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What is measured.
    pub measure: String,
    /// The floor's own number, with its unit.
    pub floor: String,
    /// Ours.
    pub ours: String,
    /// Ours in floors, where both are times or rates.
    pub ratio: Option<f64>,
    /// What was promised.
    pub bar: Bar,
}

impl Row {
    /// Whether the promise is kept; none where nothing was promised.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        match self.bar {
            Bar::AtMost(bar) => Some(self.ratio.is_some_and(|ratio| ratio <= bar)),
            Bar::AtLeast(bar) => Some(self.ratio.is_some_and(|ratio| ratio >= bar)),
            Bar::Counted(_, holds) => Some(holds),
            Bar::None => None,
        }
    }

    fn cells(&self) -> [String; 5] {
        let bar = match self.bar {
            Bar::AtMost(bar) => format!("≤ {bar}"),
            Bar::AtLeast(bar) => format!("≥ {bar}"),
            Bar::Counted(words, _) => words.to_owned(),
            Bar::None => "–".to_owned(),
        };
        let held = match self.holds() {
            Some(true) => format!("{bar}, held"),
            Some(false) => format!("{bar}, **missed**"),
            None => bar,
        };
        let ratio = self
            .ratio
            .map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        [
            self.measure.clone(),
            self.floor.clone(),
            self.ours.clone(),
            ratio,
            held,
        ]
    }
}

/// The table in Markdown, its columns as wide as their widest cell.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let head = ["measure", "floor", "ours", "ratio", "bar"].map(str::to_owned);
    let lines: Vec<[String; 5]> = std::iter::once(head)
        .chain(rows.iter().map(Row::cells))
        .collect();
    let mut widths = [0; 5];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (width, cell) in widths.iter().zip(line) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ratio: Option<f64>, bar: Bar) -> Row {
        Row {
            measure: "enqueue".to_owned(),
            floor: "1 ms".to_owned(),
            ours: "2 ms".to_owned(),
            ratio,
            bar,
        }
    }

    #[test]
    fn a_bar_is_held_up_to_and_with_itself() {
        for (ratio, bar, holds) in [
            (Some(1.25), Bar::AtMost(1.25), Some(true)),
            (Some(1.26), Bar::AtMost(1.25), Some(false)),
            (Some(0.6), Bar::AtLeast(0.6), Some(true)),
            (Some(0.59), Bar::AtLeast(0.6), Some(false)),
            (Some(f64::NAN), Bar::AtMost(1.0), Some(false)),
            (None, Bar::AtMost(1.0), Some(false)),
            (None, Bar::Counted("1", true), Some(true)),
            (None, Bar::Counted("1", false), Some(false)),
            (Some(9.0), Bar::None, None),
        ] {
            assert_eq!(row(ratio, bar).holds(), holds, "{ratio:?} {bar:?}");
        }
    }

    #[test]
    fn the_table_says_what_is_missed() {
        let text = markdown(&[row(Some(2.0), Bar::AtMost(1.25)), row(None, Bar::None)]);
        assert_eq!(
            text,
            "| measure | floor | ours | ratio | bar                |\n\
             |---------|-------|------|-------|--------------------|\n\
             | enqueue | 1 ms  | 2 ms | 2.00  | ≤ 1.25, **missed** |\n\
             | enqueue | 1 ms  | 2 ms | –     | –                  |\n"
        );
    }
}
