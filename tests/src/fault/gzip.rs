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

/// This many zeros in gzip, without an end: about five thousandths of their number.
pub(super) fn bomb(bytes: usize) -> Vec<u8> {
    // Thirteen bits make thirteen bytes in eight matches, so what follows the opening repeats itself.
    let bits: Vec<bool> = OPENING.into_iter().chain(std::iter::repeat_n(MATCH, 16).flatten()).collect();
    let packed: Vec<u8> = bits.chunks(8).map(byte).collect();
    let (opening, rest) = packed.split_at(2);
    let length = bytes / MATCH_BYTES * MATCH.len() / 8;
    let body = rest.iter().take(MATCH.len()).cycle().take(length);
    HEADER.iter().chain(opening).chain(body).copied().collect()
}

/// Eight bits, the first of them the lowest.
fn byte(bits: &[bool]) -> u8 {
    bits.iter().enumerate().fold(0, |byte, (place, bit)| byte | (u8::from(*bit) << place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bomb_is_small_and_the_cut_body_promises_more_than_it_has() {
        let bomb = bomb(200 << 20);
        assert!(bomb.len() < 2 << 20, "{}", bomb.len());
        // What every gzip reads as two hundred million zeros: the opening, then one pattern again and again.
        let pattern = &bomb[12..12 + MATCH.len()];
        assert!(bomb[12..].chunks(MATCH.len()).all(|chunk| pattern.starts_with(chunk)));
        let cut = cut(b"0123456789");
        assert_eq!((&cut[10..15], cut.len()), ([0, 10, 0, 0xf5, 0xff].as_slice(), 20));
    }
}
