//! Aligned columns for people.

use crate::words::plain;

/// Longest text of a cell, in characters; `--json` has all of it.
const WIDEST: usize = 48;
const GAP: &str = "  ";

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Text.
    Left,
    /// Numbers.
    Right,
    /// Text that is never cut: ids, files, words to copy.
    Whole,
}

/// A table under construction.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Set>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a heading above each column.
    pub fn new(columns: &[(&str, Set)]) -> Self {
        let heading = columns
            .iter()
            .map(|(heading, _)| (*heading).to_owned())
            .collect();
        Self {
            columns: columns.iter().map(|(_, set)| *set).collect(),
            rows: vec![heading],
        }
    }

    /// Adds a row; what stands in it is made harmless for a terminal.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        let cell = |(text, set): (String, &Set)| match set {
            Set::Whole => plain(&text),
            Set::Left | Set::Right => shortened(&plain(&text)),
        };
        self.rows
            .push(cells.into_iter().zip(&self.columns).map(cell).collect());
    }

    /// The lines of the table.
    pub fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .zip(&self.columns)
                .zip(&widths)
                .map(|((cell, set), width)| match set {
                    Set::Right => format!("{cell:>width$}"),
                    Set::Left | Set::Whole => format!("{cell:<width$}"),
                })
                .collect();
            text.push_str(cells.join(GAP).trim_end());
            text.push('\n');
        }
        text
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(WIDEST - 1).collect();
    format!("{}…", start.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_long_or_wild_names_do_not_break_them() {
        let mut table = Table::new(&[("Name", Set::Left), ("TSS", Set::Right), ("Id", Set::Whole)]);
        table.row(["Über easy".into(), "5".into(), "#1".into()]);
        table.row([
            "x".repeat(300),
            "105".into(),
            format!("#{}", "2".repeat(60)),
        ]);
        table.row(["red\u{1b}[31m\nname".into(), String::new(), "#3".into()]);
        let text = table.render();
        assert!(!text.contains('\u{1b}') && text.contains('…') && text.contains(&"2".repeat(60)));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        let place = |line: &str, of: char| line.chars().position(|c| c == of).unwrap();
        for line in &lines[1..] {
            assert_eq!(place(line, '#'), place(lines[0], 'I'), "{text}");
        }
        assert_eq!(
            place(lines[1], '5'),
            place(lines[2], '5'),
            "numbers end together: {text}"
        );
    }
}
