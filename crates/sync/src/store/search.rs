//! What a person types, as a query of the word index.

/// Words past these are not looked for.
const MAX_WORDS: usize = 16;

/// Every word must occur, as the beginning of a word. Whatever is typed is taken as text: quoted, so that no operator
/// of the query language is heard. `None` when there is no word in it.
pub(super) fn match_expression(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        // A word without letters or digits is nothing to the index and would match nothing.
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MAX_WORDS)
        .map(|word| format!("\"{}\"*", word.replace('"', "\"\"")))
        .collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_text_and_never_an_operator() {
        let cases = [
            ("", None),
            ("  \t ", None),
            ("*", None),
            ("\"", None),
            ("sweet", Some("\"sweet\"*")),
            ("sweet sp", Some("\"sweet\"* AND \"sp\"*")),
            ("OR", Some("\"OR\"*")),
            ("\"OR", Some("\"\"\"OR\"*")),
            ("name:x", Some("\"name:x\"*")),
            ("a\0b", Some("\"a\"* AND \"b\"*")),
            ("vo2 - max", Some("\"vo2\"* AND \"max\"*")),
        ];
        for (text, expected) in cases {
            assert_eq!(match_expression(text).as_deref(), expected, "{text:?}");
        }
        let many = "word ".repeat(1000);
        assert_eq!(
            match_expression(&many).unwrap().matches("AND").count(),
            MAX_WORDS - 1
        );
    }
}
