//! What is refused before the parser sees it.

use crate::lines::Lines;
use crate::read::{ReadCode, ReadError};

/// Refuses what would cost the parser time that grows with the square of the file: elements with
/// thousands of attributes, and piles of namespaces.
///
/// # Errors
/// More of either than a workout has.
pub fn refuse(text: &str, file: &str, lines: &Lines) -> Result<(), ReadError> {
    const MOST_ATTRIBUTES: usize = 200;
    const MOST_NAMESPACES: usize = 20;
    let fault = |at: usize, problem: &str| {
        let remedy = "Check that this is a workout file.";
        let error = ReadError::new(ReadCode::NotAWorkout, file, problem, remedy);
        Err(error.at(lines.at(at)))
    };
    if let Some((at, _)) = text.match_indices("xmlns").nth(MOST_NAMESPACES) {
        return fault(at, "the file uses far more XML namespaces than any workout");
    }
    let mut start = 0;
    for piece in text.split('<') {
        // Every attribute has an equals sign before a quotation mark; a line of them in a comment
        // has not.
        let quoted = |(at, _): &(usize, &str)| {
            piece
                .get(at + 1..)
                .is_some_and(|rest| rest.trim_start().starts_with(['"', '\'']))
        };
        if piece
            .match_indices('=')
            .filter(quoted)
            .nth(MOST_ATTRIBUTES)
            .is_some()
        {
            return fault(
                start,
                "an element has far more attributes than any step of a workout",
            );
        }
        start += piece.len() + 1;
    }
    Ok(())
}
