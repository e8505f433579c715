//! WebP: chunks in a RIFF container, animated or not.

use super::bytes::Bytes;
use super::image::{ImageFault, Size};

/// Whether a file begins as every WebP does.
pub(super) fn is_one(start: &[u8]) -> bool {
    let mut bytes = Bytes(start);
    bytes.take(4) == Some(b"RIFF") && bytes.le32().is_some() && bytes.take(4) == Some(b"WEBP")
}

/// Walks through the chunks up to the end of the container.
pub(super) fn examine(content: &[u8]) -> Result<Size, ImageFault> {
    let mut bytes = Bytes(content);
    let is_riff = bytes.take(4) == Some(b"RIFF");
    let length = bytes.le32().and_then(|length| usize::try_from(length).ok()).ok_or(ImageFault::CutOff)?;
    let mut chunks = Bytes(bytes.take(length).ok_or(ImageFault::CutOff)?);
    if !is_riff || chunks.take(4) != Some(b"WEBP") {
        return Err(ImageFault::Broken("it is no WebP"));
    }
    let mut size = None;
    let mut has_pixels = false;
    while !chunks.is_empty() {
        let kind = chunks.take(4).ok_or(ImageFault::CutOff)?;
        let length =
            chunks.le32().and_then(|length| usize::try_from(length).ok()).ok_or(ImageFault::CutOff)?;
        let data = chunks.take(length).ok_or(ImageFault::CutOff)?;
        // Chunks begin at even places; the very last byte may be left out.
        let _ = if length % 2 == 1 { chunks.byte() } else { None };
        has_pixels |= matches!(kind, b"VP8 " | b"VP8L" | b"ANMF");
        let found = match kind {
            b"VP8X" => canvas(data),
            b"VP8 " => lossy(data),
            b"VP8L" => lossless(data),
            _ => continue,
        };
        size = size.or(Some(found.ok_or(ImageFault::Broken("a chunk has no size"))?));
    }
    size.filter(|_| has_pixels).ok_or(ImageFault::Broken("it has no pixels"))
}

fn canvas(data: &[u8]) -> Option<Size> {
    let mut data = Bytes(data);
    data.take(4)?;
    let (width, height) = (data.le24()?, data.le24()?);
    Some(Size { width: width + 1, height: height + 1 })
}

fn lossy(data: &[u8]) -> Option<Size> {
    let mut data = Bytes(data);
    data.take(3)?;
    if data.take(3)? != b"\x9d\x01\x2a" {
        return None;
    }
    let side = |value: u16| u32::from(value & 0x3fff);
    Some(Size { width: side(data.le16()?), height: side(data.le16()?) })
}

fn lossless(data: &[u8]) -> Option<Size> {
    let mut data = Bytes(data);
    if data.byte()? != 0x2f {
        return None;
    }
    let bits = data.le32()?;
    Some(Size { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 })
}
