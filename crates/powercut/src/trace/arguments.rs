//! The arguments of a system call, as strace writes them with `-y -xx`: strings and paths in hexadecimal.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// What a call was given, in the two parts in which it was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments<'a>([&'a str; 2]);

/// An open file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// Its number in the process; negative for "the current folder".
    pub(crate) number: i32,
    /// Its path when it was called.
    pub(crate) path: PathBuf,
    /// It has no name any more.
    pub(crate) deleted: bool,
}

impl<'a> Arguments<'a> {
    pub(super) fn of(parts: [&'a str; 2]) -> Self {
        Self(parts)
    }

    /// The argument at this place, from 0. Only for calls without structures before it.
    pub(crate) fn at(&self, place: usize) -> Option<&'a str> {
        let [head, tail] = self.0;
        let arguments = head.split(", ").filter(|text| !text.is_empty());
        let found = arguments.chain(tail.split(", ")).nth(place);
        found.map(|text| {
            text.trim_start_matches(", ")
                .trim_end()
                .trim_end_matches(')')
        })
    }

    /// The argument at this place as a number.
    pub(crate) fn number(&self, place: usize) -> Result<u64, String> {
        let text = self.at(place).unwrap_or_default();
        text.parse()
            .map_err(|_| format!("argument {place} is no number: {text}"))
    }

    /// The open file at this place.
    pub(crate) fn descriptor(&self, place: usize) -> Option<Descriptor> {
        descriptor(self.at(place)?)
    }

    /// Every string, in order.
    pub(crate) fn texts(&self) -> Result<Vec<Vec<u8>>, String> {
        let mut texts = Vec::new();
        for part in self.0 {
            let mut pieces = part.split('"');
            pieces.next();
            while let (Some(text), Some(after)) = (pieces.next(), pieces.next()) {
                if after.starts_with("...") {
                    return Err("a string is cut".to_owned());
                }
                texts.push(bytes(text)?);
            }
        }
        Ok(texts)
    }

    /// All strings together: what a call writes.
    pub(crate) fn data(&self) -> Result<Vec<u8>, String> {
        Ok(self.texts()?.concat())
    }

    /// Every string as a path.
    pub(crate) fn paths(&self) -> Result<Vec<PathBuf>, String> {
        Ok(self.texts()?.into_iter().map(path).collect())
    }
}

/// Reads `5<\x2f…>`, with `(deleted)` behind it where the file has no name any more.
pub(crate) fn descriptor(text: &str) -> Option<Descriptor> {
    let (number, rest) = text.split_once('<')?;
    let (hexadecimal, after) = rest.split_once('>')?;
    Some(Descriptor {
        number: number.parse().unwrap_or(-1),
        path: path(bytes(hexadecimal).ok()?),
        deleted: after.contains("deleted"),
    })
}

fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(hexadecimal.len() / 4);
    let mut rest = hexadecimal.as_bytes();
    while let [b'\\', b'x', high, low, after @ ..] = rest {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
        rest = after;
    }
    if rest.is_empty() {
        Ok(bytes)
    } else {
        Err(format!(
            "not hexadecimal: {}",
            hexadecimal.get(..60).unwrap_or(hexadecimal)
        ))
    }
}

fn digit(letter: u8) -> Result<u8, String> {
    match letter {
        b'0'..=b'9' => Ok(letter - b'0'),
        b'a'..=b'f' => Ok(letter - b'a' + 10),
        other => Err(format!("not a hexadecimal digit: {}", char::from(other))),
    }
}
