//! JPEG: segments behind markers, and between them the pixels.

use super::bytes::Bytes;
use super::image::{ImageFault, Size};

/// What every JPEG begins with: the start of the image, and the next marker.
pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Walks through the segments up to the end of the image.
pub(super) fn examine(content: &[u8]) -> Result<Size, ImageFault> {
    let start = content.strip_prefix(b"\xff\xd8").ok_or(ImageFault::Broken("it is no JPEG"))?;
    let mut bytes = Bytes(start);
    let mut size = None;
    let mut has_pixels = false;
    loop {
        match marker(&mut bytes)? {
            END_OF_IMAGE => break,
            // Markers without a segment.
            0x01 | 0xd0..=0xd7 => {}
            marker => {
                let length = usize::from(bytes.be16().ok_or(ImageFault::CutOff)?);
                let length = length.checked_sub(2).ok_or(ImageFault::Broken("a segment has no length"))?;
                let segment = bytes.take(length).ok_or(ImageFault::CutOff)?;
                if is_frame(marker) && size.is_none() {
                    size = Some(size_in(segment).ok_or(ImageFault::Broken("its frame is too short"))?);
                }
                if marker == START_OF_SCAN {
                    has_pixels = true;
                    skip_pixels(&mut bytes)?;
                }
            }
        }
    }
    size.filter(|_| has_pixels).ok_or(ImageFault::Broken("it has no pixels"))
}

/// The next marker; any number of fill bytes may stand before it.
fn marker(bytes: &mut Bytes<'_>) -> Result<u8, ImageFault> {
    if bytes.byte().ok_or(ImageFault::CutOff)? != 0xff {
        return Err(ImageFault::Broken("a marker is missing"));
    }
    loop {
        match bytes.byte().ok_or(ImageFault::CutOff)? {
            0xff => {}
            marker => return Ok(marker),
        }
    }
}

/// Whether a marker begins a frame, whose segment has the size.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

fn size_in(segment: &[u8]) -> Option<Size> {
    let mut segment = Bytes(segment);
    segment.byte()?;
    let (height, width) = (segment.be16()?, segment.be16()?);
    Some(Size { width: width.into(), height: height.into() })
}

/// Goes on to the marker behind the pixels: within them `ff` is followed by `00` or by a restart.
fn skip_pixels(bytes: &mut Bytes<'_>) -> Result<(), ImageFault> {
    let is_end = |pair: &[u8]| matches!(pair, [0xff, next] if !matches!(next, 0 | 0xd0..=0xd7 | 0xff));
    let end = bytes.0.windows(2).position(is_end).ok_or(ImageFault::CutOff)?;
    bytes.take(end).map(|_| ()).ok_or(ImageFault::CutOff)
}
