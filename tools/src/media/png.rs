//! PNG: chunks with a length, a type and a checksum.

use super::bytes::Bytes;
use super::crc::crc32;
use super::image::{ImageFault, Size};

/// What every PNG begins with.
pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Walks through the chunks up to the last one.
pub(super) fn examine(content: &[u8]) -> Result<Size, ImageFault> {
    let mut bytes = Bytes(content.strip_prefix(SIGNATURE).ok_or(ImageFault::Broken("it is no PNG"))?);
    let mut size = None;
    let mut has_pixels = false;
    loop {
        let (kind, data) = chunk(&mut bytes)?;
        match kind {
            b"IHDR" if size.is_none() => {
                let mut header = Bytes(data);
                let (width, height) = (header.be32(), header.be32());
                let sides = width.zip(height).map(|(width, height)| Size { width, height });
                size = Some(sides.ok_or(ImageFault::Broken("its header is too short"))?);
            }
            _ if size.is_none() => return Err(ImageFault::Broken("it does not begin with its header")),
            b"IDAT" => has_pixels = has_pixels || !data.is_empty(),
            b"IEND" => break,
            _ => {}
        }
    }
    size.filter(|_| has_pixels).ok_or(ImageFault::Broken("it has no pixels"))
}

/// The next chunk: its type and its data.
fn chunk<'a>(bytes: &mut Bytes<'a>) -> Result<(&'a [u8], &'a [u8]), ImageFault> {
    let length = bytes.be32().and_then(|length| usize::try_from(length).ok()).ok_or(ImageFault::CutOff)?;
    let kind = bytes.take(4).ok_or(ImageFault::CutOff)?;
    let data = bytes.take(length).ok_or(ImageFault::CutOff)?;
    let sum = bytes.be32().ok_or(ImageFault::CutOff)?;
    if crc32(&[kind, data]) == sum {
        Ok((kind, data))
    } else {
        Err(ImageFault::Broken("a checksum is wrong"))
    }
}
