//! From bytes to text: UTF-8, UTF-16 with or without a mark, and Windows-1252 for old tools.

use crate::limits::MAX_FILE_BYTES;
use crate::read::{Notices, ReadCode, ReadError};

/// Refuses a file that no workout needs, before anything looks into it.
pub fn refuse_large(bytes: &[u8], file: &str) -> Result<(), ReadError> {
    if bytes.len() <= MAX_FILE_BYTES {
        return Ok(());
    }
    let problem = format!(
        "the file has {} KiB; a workout needs a few, and {} are the limit",
        bytes.len() / 1024,
        MAX_FILE_BYTES / 1024
    );
    let remedy = "Check that this is a workout file and not a recording of a ride.";
    Err(ReadError::new(ReadCode::TooLarge, file, problem, remedy))
}

/// The text of a file, without a byte order mark.
///
/// # Errors
/// Too large, or not text.
pub fn decode(bytes: &[u8], file: &str, notices: &mut Notices) -> Result<String, ReadError> {
    refuse_large(bytes, file)?;
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => eight_bit(rest, notices),
        [0xFF, 0xFE, rest @ ..] => sixteen_bit(rest, u16::from_le_bytes, file)?,
        [0xFE, 0xFF, rest @ ..] => sixteen_bit(rest, u16::from_be_bytes, file)?,
        [b'<' | b'[', 0, ..] => sixteen_bit(bytes, u16::from_le_bytes, file)?,
        [0, b'<' | b'[', ..] => sixteen_bit(bytes, u16::from_be_bytes, file)?,
        _ => eight_bit(bytes, notices),
    };
    if let Some(offset) = text.find('\0') {
        let line = crate::lines::Lines::of(&text).at(offset);
        return Err(not_text(file, "the file is not text: it holds null bytes").at(line));
    }
    Ok(text)
}

fn eight_bit(bytes: &[u8], notices: &mut Notices) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let message = "the file is not UTF-8; it was read as Windows-1252, \
                           so check letters with accents";
            notices.push(None, None, None, message);
            bytes.iter().map(|byte| windows_1252(*byte)).collect()
        }
    }
}

fn sixteen_bit(bytes: &[u8], unit: fn([u8; 2]) -> u16, file: &str) -> Result<String, ReadError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(not_text(
            file,
            "the file looks like UTF-16 but ends in the middle of a letter",
        ));
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| not_text(file, "the file looks like UTF-16 but holds half a letter"))
}

fn not_text(file: &str, problem: &str) -> ReadError {
    let remedy = "Open it in a text editor, save it as UTF-8, and import it again.";
    ReadError::new(ReadCode::NotText, file, problem, remedy)
}

/// One byte of Windows-1252 as the WHATWG Encoding Standard maps it: Latin-1 but for 80 to 9F.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let high = byte
        .checked_sub(0x80)
        .and_then(|index| HIGH.get(usize::from(index)));
    high.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter()
            .chain(text.encode_utf16())
            .flat_map(bytes)
            .collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "<a>é 🚴</a>";
        let cases = [
            text.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            utf16(text, true, u16::to_le_bytes),
            utf16(text, true, u16::to_be_bytes),
            utf16(text, false, u16::to_le_bytes),
            utf16(text, false, u16::to_be_bytes),
        ];
        for bytes in cases {
            let mut notices = Notices::new();
            assert_eq!(decode(&bytes, "f", &mut notices).unwrap(), text);
            assert!(notices.finish().is_empty());
        }
    }

    #[test]
    fn old_tools_are_understood_with_a_remark() {
        let mut notices = Notices::new();
        assert_eq!(
            decode(b"It\x92s 5 \x80, caf\xE9", "f", &mut notices).unwrap(),
            "It’s 5 €, café"
        );
        assert_eq!(notices.finish().len(), 1);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let half = [0xFF, 0xFE, 0x00, 0xD8, b'a', 0];
        let cases: [&[u8]; 3] = [b"ab\n\0cd", b"\xFF\xFEa", &half];
        for bytes in cases {
            let error = decode(bytes, "f", &mut Notices::new()).unwrap_err();
            assert_eq!(error.code, ReadCode::NotText);
        }
        let large = vec![b' '; MAX_FILE_BYTES + 1];
        let error = decode(&large, "f", &mut Notices::new()).unwrap_err();
        assert_eq!(error.code, ReadCode::TooLarge);
    }
}
