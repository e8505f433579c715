//! What is read of every image, whatever its format.

use std::fmt;

use codex_task_config::MediaType;

use super::{gif, jpeg, png, webp};

/// Pixels of one side: more is refused by the vendors.
const SIDE_MAX: u32 = 8_000;
/// Pixels for each token of a prompt, as Anthropic counts.
const PIXELS_PER_TOKEN: u64 = 750;
/// Tokens of the largest image: the vendors make larger ones smaller.
const TOKENS_MAX: u64 = 4_800;

/// The size of an image in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Why something is no image that can be shown, as the end of a sentence that begins with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ImageFault {
    /// It ends before the image does.
    CutOff,
    /// It is not what its beginning says.
    Broken(&'static str),
    /// A side has too many pixels.
    TooWide(Size),
}

impl Size {
    /// Tokens that an image of this size takes of a prompt.
    pub(super) fn tokens(self) -> u64 {
        (u64::from(self.width) * u64::from(self.height)).div_ceil(PIXELS_PER_TOKEN).min(TOKENS_MAX)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl fmt::Display for ImageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => f.write_str("is cut off: the file ends before the image does"),
            Self::Broken(what) => write!(f, "is broken: {what}"),
            Self::TooWide(size) => {
                write!(f, "has {size} pixels, more than the {SIDE_MAX} of a side that models take")
            }
        }
    }
}

/// Reads an image from its beginning to its end without decoding its pixels.
///
/// # Errors
/// [`ImageFault`] when it cannot be shown.
pub(super) fn examine(kind: MediaType, content: &[u8]) -> Result<Size, ImageFault> {
    let size = match kind {
        MediaType::Png => png::examine(content)?,
        MediaType::Jpeg => jpeg::examine(content)?,
        MediaType::Gif => gif::examine(content)?,
        MediaType::Webp => webp::examine(content)?,
        MediaType::Pdf => return Err(ImageFault::Broken("a document is no image")),
    };
    match size {
        Size { width: 0, .. } | Size { height: 0, .. } => Err(ImageFault::Broken("it has no pixels")),
        Size { width, height } if width.max(height) > SIDE_MAX => Err(ImageFault::TooWide(size)),
        size => Ok(size),
    }
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
