//! From a byte offset to a line number.

/// Where the lines of a text begin; lines count from 1.
pub struct Lines {
    breaks: Vec<usize>,
}

impl Lines {
    /// The lines of a text. They end with `\n`, `\r\n` or a lone `\r`.
    pub fn of(text: &str) -> Self {
        let mut bytes = text.bytes().enumerate().peekable();
        let mut breaks = Vec::new();
        while let Some((offset, byte)) = bytes.next() {
            let lone_return = byte == b'\r' && bytes.peek().is_none_or(|(_, next)| *next != b'\n');
            if byte == b'\n' || lone_return {
                breaks.push(offset);
            }
        }
        Self { breaks }
    }

    /// The line that holds the byte at `offset`.
    pub fn at(&self, offset: usize) -> u32 {
        let before = self.breaks.partition_point(|end| *end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// A short piece of a text, for showing in a message.
pub fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.trim().lines().next().unwrap_or_default();
    let mut short: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST)
        .collect();
    if line.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        for text in ["a\nb\nc", "a\r\nb\r\nc", "a\rb\rc"] {
            let lines = Lines::of(text);
            assert_eq!(lines.at(0), 1, "{text:?}");
            assert_eq!(lines.at(text.find('b').unwrap()), 2, "{text:?}");
            assert_eq!(lines.at(text.find('c').unwrap()), 3, "{text:?}");
        }
    }
}
