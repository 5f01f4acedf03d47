//! Whether bytes are a FIT file, without reading what it tells.
//!
//! Layout and checksum as in Garmin's "FIT Protocol" document: a header of 12 or 14 bytes, data, a CRC.

/// Why bytes are not a FIT file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotFit {
    #[error("the header is missing or cut off")]
    Header,
    #[error("the header says {expected} bytes, but there are {actual}")]
    Length { expected: u64, actual: u64 },
    #[error("the checksum of the {0} is wrong; the file is damaged")]
    Checksum(&'static str),
}

const CRC_BYTES: usize = 2;

/// Checks header, length and checksums of a single FIT file.
pub(crate) fn check(file: &[u8]) -> Result<(), NotFit> {
    let header_size = usize::from(*file.first().ok_or(NotFit::Header)?);
    if !matches!(header_size, 12 | 14) || file.get(8..12) != Some(b".FIT") {
        return Err(NotFit::Header);
    }
    let header = file.get(..header_size).ok_or(NotFit::Header)?;
    let data_size = header
        .get(4..8)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(NotFit::Header)?;
    let expected = u64::from(u32::from_le_bytes(data_size)) + (header_size + CRC_BYTES) as u64;
    let actual = file.len() as u64;
    if expected != actual {
        return Err(NotFit::Length { expected, actual });
    }
    // A header of 14 bytes ends with its own checksum; zero means that it was not computed.
    if let Some((summed, stored)) = split(header, 12)
        && stored != 0
        && crc(summed) != stored
    {
        return Err(NotFit::Checksum("header"));
    }
    match split(file, file.len() - CRC_BYTES) {
        Some((summed, stored)) if crc(summed) == stored => Ok(()),
        Some(_) | None => Err(NotFit::Checksum("file")),
    }
}

/// The bytes before `at`, and the checksum that stands there.
fn split(bytes: &[u8], at: usize) -> Option<(&[u8], u16)> {
    let stored = bytes.get(at..at + CRC_BYTES)?.try_into().ok()?;
    Some((bytes.get(..at)?, u16::from_le_bytes(stored)))
}

/// CRC-16 with the reflected polynomial 0xA001, starting at zero.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xA001
            } else {
                crc >> 1
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(header_size: u8, data: &[u8]) -> Vec<u8> {
        let mut file = vec![header_size, 0x20, 0x54, 0x08];
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(b".FIT");
        if header_size == 14 {
            file.extend(crc(&file).to_le_bytes());
        }
        file.extend(data);
        file.extend(crc(&file).to_le_bytes());
        file
    }

    #[test]
    fn the_checksum_is_the_documented_one() {
        // The check value of CRC-16/ARC in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc(b"123456789"), 0xBB3D);
    }

    #[test]
    fn whole_files_pass_and_damaged_ones_do_not() {
        for header_size in [12, 14] {
            let good = fit(header_size, b"some records");
            assert_eq!(check(&good), Ok(()));
            for length in 0..good.len() {
                assert!(check(&good[..length]).is_err(), "{length} bytes");
            }
            for position in 0..good.len() {
                let mut damaged = good.clone();
                damaged[position] ^= 0x10;
                assert!(check(&damaged).is_err(), "byte {position}");
            }
            let mut longer = good;
            longer.push(0);
            assert!(matches!(check(&longer), Err(NotFit::Length { .. })));
        }
        assert_eq!(check(b"<html>not today</html>"), Err(NotFit::Header));
    }

    #[test]
    fn a_header_checksum_of_zero_means_none() {
        let mut file = fit(14, b"data");
        file.truncate(file.len() - 2);
        file[12..14].fill(0);
        file.extend(crc(&file).to_le_bytes());
        assert_eq!(check(&file), Ok(()));
    }
}
