//! Compressed bodies, made by hand: what is sent is broken or endless, which no library writes.

/// Magic, deflate, no flags, no time, no level, no system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// Bytes that one match of deflate stands for at most.
const MATCH_BYTES: usize = 258;
/// That longest match, one byte back, in the fixed code: eight bits of length and five of distance.
const MATCH: [bool; 13] =
    [true, true, false, false, false, true, false, true, false, false, false, false, false];
/// Not the last block, fixed code; then the byte zero.
const OPENING: [bool; 11] = [false, true, false, false, false, true, true, false, false, false, false];

/// The beginning of these bytes in gzip: one stored block that promises all of them and is cut.
pub(super) fn cut(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let kept = bytes.iter().take(usize::from(length) / 2);
    let lengths = length.to_le_bytes().into_iter().chain((!length).to_le_bytes());
    HEADER.into_iter().chain([0]).chain(lengths).chain(kept.copied()).collect()
}

/// This many zeros in gzip, without an end: about a thousandth and a half of their number.
pub(super) fn bomb(bytes: usize) -> Vec<u8> {
    let matches = std::iter::repeat_n(MATCH, bytes / MATCH_BYTES).flatten();
    let bits: Vec<bool> = OPENING.into_iter().chain(matches).collect();
    let packed = bits.chunks(8).map(|eight| {
        eight.iter().enumerate().fold(0_u8, |byte, (place, bit)| byte | (u8::from(*bit) << place))
    });
    HEADER.into_iter().chain(packed).collect()
}
