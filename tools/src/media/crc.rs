//! The checksum of PNG chunks.

/// What each value of a byte does to the sum.
const TABLE: [u32; 256] = table();

/// CRC-32 over pieces that follow each other.
pub(super) fn crc32(pieces: &[&[u8]]) -> u32 {
    let bytes = pieces.iter().copied().flatten();
    !bytes.fold(u32::MAX, |crc, byte| {
        let low = (crc ^ u32::from(*byte)) & 0xff;
        let change = usize::try_from(low).ok().and_then(|low| TABLE.get(low));
        change.copied().unwrap_or_default() ^ (crc >> 8)
    })
}

#[expect(clippy::indexing_slicing, reason = "runs at compile time, where a wrong index is a compile error")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let (mut index, mut value) = (0, 0_u32);
    while index < table.len() {
        let (mut crc, mut bit) = (value, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
        value += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_standard_comes_out() {
        assert_eq!(crc32(&[b"12345", b"6789"]), 0xcbf4_3926);
    }
}
