//! Tables, for a terminal and as Markdown.

use super::words::{count, minutes, percent, rate, times};
use crate::fleet::comparison::Chapter;
use crate::fleet::policy::Policy;
use crate::fleet::tally::Summary;

/// Rows of cells; the first column is text, the others are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// For a terminal: columns of equal width.
    #[must_use]
    pub fn text(&self) -> String {
        let head: Vec<String> = self.head.iter().map(|cell| (*cell).to_owned()).collect();
        let widths: Vec<usize> = (0..head.len())
            .map(|column| {
                let rows = self.rows.iter().chain([&head]);
                let cells = rows.filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in [&head].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line.push_str(&if column == 0 {
                    format!("{cell:<width$}")
                } else {
                    format!("  {cell:>width$}")
                });
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("| {} |\n|---|", self.head.join(" | "));
        text.push_str(&"---:|".repeat(self.head.len().saturating_sub(1)));
        text.push('\n');
        for row in &self.rows {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
        }
        text
    }
}

/// One scenario: a row for each policy.
#[must_use]
pub fn chapter(chapter: &Chapter) -> Table {
    let row = |policy: Policy, summary: Summary| {
        let [half, most, all] = summary.until.map(minutes);
        vec![
            policy.name().to_owned(),
            count(summary.peak_during.into()),
            rate(summary.mean_during),
            count(summary.peak_after.into()),
            rate(summary.mean_after),
            half,
            most,
            all,
            percent(summary.delivered),
            count(summary.requests),
            count(summary.overload),
        ]
    };
    let runs = chapter.runs.iter();
    Table {
        head: vec![
            "policy",
            "peak during",
            "mean during",
            "peak after",
            "mean after",
            "50 %",
            "99 %",
            "100 %",
            "delivered",
            "requests",
            "turned away",
        ],
        rows: runs
            .map(|run| row(run.policy, run.tally.summary()))
            .collect(),
    }
}

/// Whether our peak is at most a tenth of the fixed retry's.
#[must_use]
pub fn answer(chapters: &[Chapter]) -> Table {
    let row = |chapter: &Chapter| {
        let ours = chapter.summary(Policy::Ours)?;
        let fixed = chapter.summary(Policy::Fixed)?;
        let tenth = ours.peak().saturating_mul(10) <= fixed.peak();
        Some(vec![
            chapter.scenario.title(),
            times(ours.peak_during, fixed.peak_during),
            times(ours.peak_after, fixed.peak_after),
            times(ours.peak(), fixed.peak()),
            if tenth { "yes" } else { "no" }.to_owned(),
        ])
    };
    Table {
        head: vec![
            "ours : fixed 5 s",
            "during",
            "after",
            "worst second of all",
            "at most a tenth?",
        ],
        rows: chapters.iter().filter_map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_in_a_terminal_and_a_table_in_markdown() {
        let table = Table {
            head: vec!["policy", "peak"],
            rows: vec![
                vec!["ours".to_owned(), "9".to_owned()],
                vec!["fixed 5 s".to_owned(), "12,345".to_owned()],
            ],
        };
        assert_eq!(
            table.text(),
            "policy       peak\nours            9\nfixed 5 s  12,345\n"
        );
        assert_eq!(
            table.markdown(),
            "| policy | peak |\n|---|---:|\n| ours | 9 |\n| fixed 5 s | 12,345 |\n"
        );
    }
}
