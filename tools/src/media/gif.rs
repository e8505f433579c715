//! GIF: frames and extensions in blocks, animated or not.

use super::bytes::Bytes;
use super::image::{ImageFault, Size};

/// What every GIF begins with, by its version.
pub(super) const SIGNATURES: [&[u8]; 2] = [b"GIF87a", b"GIF89a"];

const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2c;
const TRAILER: u8 = 0x3b;

/// Walks through the blocks up to the trailer.
pub(super) fn examine(content: &[u8]) -> Result<Size, ImageFault> {
    let start = SIGNATURES.iter().find_map(|signature| content.strip_prefix(*signature));
    let mut bytes = Bytes(start.ok_or(ImageFault::Broken("it is no GIF"))?);
    let size = screen(&mut bytes).ok_or(ImageFault::CutOff)?;
    let mut has_frame = false;
    loop {
        match bytes.byte().ok_or(ImageFault::CutOff)? {
            EXTENSION => {
                bytes.byte().ok_or(ImageFault::CutOff)?;
            }
            FRAME => {
                frame(&mut bytes).ok_or(ImageFault::CutOff)?;
                has_frame = true;
            }
            TRAILER => break,
            _ => return Err(ImageFault::Broken("a block is of no known kind")),
        }
        while bytes.byte().ok_or(ImageFault::CutOff).and_then(|length| sub_block(&mut bytes, length))? {}
    }
    if has_frame { Ok(size) } else { Err(ImageFault::Broken("it has no frame")) }
}

/// The canvas and the colours that all frames share.
fn screen(bytes: &mut Bytes<'_>) -> Option<Size> {
    let (width, height) = (bytes.le16()?, bytes.le16()?);
    let flags = bytes.byte()?;
    bytes.take(2)?;
    colours(bytes, flags)?;
    Some(Size { width: width.into(), height: height.into() })
}

/// A frame up to its pixels.
fn frame(bytes: &mut Bytes<'_>) -> Option<()> {
    bytes.take(8)?;
    let flags = bytes.byte()?;
    colours(bytes, flags)?;
    // The size of the first code.
    bytes.byte().map(|_| ())
}

/// A table of colours, if the flags say that there is one.
fn colours(bytes: &mut Bytes<'_>, flags: u8) -> Option<()> {
    if flags & 0x80 == 0 {
        return Some(());
    }
    bytes.take(3 << ((flags & 0x07) + 1)).map(|_| ())
}

/// Skips a piece of data; whether another one follows.
fn sub_block(bytes: &mut Bytes<'_>, length: u8) -> Result<bool, ImageFault> {
    bytes.take(length.into()).ok_or(ImageFault::CutOff)?;
    Ok(length > 0)
}
