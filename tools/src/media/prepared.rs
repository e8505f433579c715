//! From the bytes of a file to what a model is shown of it.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_task_config::{Attachment, MediaType};

use super::image::{self, ImageFault};
use super::pages::PageRange;
use super::pdf::{Pdf, PdfFault};
use super::smaller::smaller;
use super::{gif, jpeg, png, webp};

/// Bytes of an image that is shown: as base64 they are the 5 MB that every vendor takes.
const IMAGE_BYTES_MAX: usize = 5 * 1024 * 1024 / 4 * 3;
/// Bytes of an image that is made smaller.
const IMAGE_SOURCE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of a document that is shown.
const PDF_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Bytes of a document some pages of which are shown.
const PDF_SOURCE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Pages that are shown without being asked for.
const PAGES_UNASKED_MAX: u32 = 10;
/// Tokens of a page: its text, and its picture.
const TOKENS_PER_PAGE: u64 = 3_000;

/// Bytes by which the kind of a file is told: as many as the longest signature has.
pub(crate) const SNIFFED_BYTES: usize = 12;

/// What helps where an image is too large even for that.
const MAKE_SMALLER: &str = "Make it smaller first, for instance to 2000 pixels, and read the smaller file";

/// Documents are opened one after the other: an opened one is several times as large as its file.
static ONE_PDF: Mutex<()> = Mutex::new(());

/// What a model is shown of a file, and what it reads beside.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) attachment: Attachment,
    /// E.g. `image/png, 640x480, 12.3 KB`.
    pub(crate) description: String,
}

/// Why a file cannot be shown, as the end of a sentence that begins with its name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaFault(pub(crate) String);

impl From<ImageFault> for MediaFault {
    fn from(fault: ImageFault) -> Self {
        Self(fault.to_string())
    }
}

impl From<PdfFault> for MediaFault {
    fn from(fault: PdfFault) -> Self {
        Self(fault.to_string())
    }
}

/// The kind of a file by its beginning, whatever its name says; `None` for all that models cannot look at.
pub(crate) fn sniff(start: &[u8]) -> Option<MediaType> {
    let start = start.get(..SNIFFED_BYTES).unwrap_or(start);
    if start.starts_with(png::SIGNATURE) {
        Some(MediaType::Png)
    } else if start.starts_with(jpeg::SIGNATURE) {
        Some(MediaType::Jpeg)
    } else if gif::SIGNATURES.iter().any(|signature| start.starts_with(signature)) {
        Some(MediaType::Gif)
    } else if webp::is_one(start) {
        Some(MediaType::Webp)
    } else if start.starts_with(b"%PDF-") {
        Some(MediaType::Pdf)
    } else {
        None
    }
}

/// Bytes that a file of this kind may have at all.
pub(crate) fn source_bytes_max(kind: MediaType) -> usize {
    match kind {
        MediaType::Png | MediaType::Jpeg | MediaType::Gif | MediaType::Webp => IMAGE_SOURCE_BYTES_MAX,
        MediaType::Pdf => PDF_SOURCE_BYTES_MAX,
    }
}

/// Reads a file as what its beginning says it is; `name` is what it is called where it cannot be shown. `total` is its size where `content` is only its beginning.
///
/// # Errors
/// [`MediaFault`] when it cannot be shown.
pub(crate) fn prepare(
    kind: MediaType,
    content: Vec<u8>,
    total: u64,
    name: &str,
    pages: Option<PageRange>,
) -> Result<Prepared, MediaFault> {
    let bytes_max = source_bytes_max(kind);
    if content.len() > bytes_max || u64::try_from(bytes_max).is_ok_and(|most| total > most) {
        return Err(too_large(kind, total, bytes_max));
    }
    let prepared = |kind: MediaType, content: &[u8], tokens: u64, what: &str| {
        let size = shown_size(content.len());
        let description = format!("{kind}, {what}, {size}");
        let data = STANDARD.encode(content).into();
        Prepared { attachment: Attachment { media_type: kind, name: name.into(), data, tokens }, description }
    };
    if kind != MediaType::Pdf {
        let size = match image::examine(kind, &content) {
            Ok(size) if content.len() <= IMAGE_BYTES_MAX => {
                return Ok(prepared(kind, &content, size.tokens(), &size.to_string()));
            }
            Ok(size) | Err(ImageFault::TooWide(size)) => size,
            Err(fault @ (ImageFault::CutOff | ImageFault::Broken(_))) => return Err(fault.into()),
        };
        let small = smaller(kind, &content, IMAGE_BYTES_MAX).map_err(|fault| not_smaller(&fault))?;
        let what = format!("{}, made smaller from {size}", small.size);
        return Ok(prepared(small.kind, &small.content, small.size.tokens(), &what));
    }
    let (content, shown, total) = document(content, pages)?;
    if content.len() > PDF_BYTES_MAX {
        return Err(too_large(kind, u64::try_from(content.len()).unwrap_or(u64::MAX), PDF_BYTES_MAX));
    }
    let count = u64::from(shown.end() - shown.start()) + 1;
    let what = match count {
        _ if count == u64::from(total) && total == 1 => "1 page".to_owned(),
        _ if count == u64::from(total) => format!("{total} pages"),
        1 => format!("page {} of {total}", shown.start()),
        _ => format!("pages {}-{} of {total}", shown.start(), shown.end()),
    };
    Ok(prepared(kind, &content, count * TOKENS_PER_PAGE, &what))
}

/// The document that is shown, which pages it has, and how many there are.
fn document(
    content: Vec<u8>,
    pages: Option<PageRange>,
) -> Result<(Vec<u8>, std::ops::RangeInclusive<u32>, u32), MediaFault> {
    let _one = ONE_PDF.lock().unwrap_or_else(PoisonError::into_inner);
    let pdf = Pdf::open(&content)?;
    let total = pdf.total();
    let shown = match pages {
        Some(pages) => pages.within(total).map_err(MediaFault)?,
        None if total <= PAGES_UNASKED_MAX => 1..=total,
        None => {
            return Err(MediaFault(format!(
                "has {total} pages, too many to read at once. Use the pages parameter to read specific page ranges (e.g., \
                 pages: \"1-5\"). Maximum {} pages per request",
                PageRange::PAGES_MAX
            )));
        }
    };
    let is_as_it_stands = shown == (1..=total) && !pdf.was_encrypted();
    if is_as_it_stands {
        return Ok((content, shown, total));
    }
    drop(content);
    Ok((pdf.only(&shown)?, shown, total))
}

fn not_smaller(fault: &str) -> MediaFault {
    MediaFault(format!("{fault}. {MAKE_SMALLER}"))
}

fn too_large(kind: MediaType, bytes: u64, bytes_max: usize) -> MediaFault {
    let help = match kind {
        MediaType::Png | MediaType::Jpeg | MediaType::Gif | MediaType::Webp => MAKE_SMALLER,
        MediaType::Pdf if bytes_max == PDF_BYTES_MAX => "Ask for fewer pages with the pages parameter",
        MediaType::Pdf => "Split it first, or extract its text with a command",
    };
    let size = shown_size(usize::try_from(bytes).unwrap_or(usize::MAX));
    MediaFault(format!("has {size}, more than the {} that can be shown. {help}", shown_size(bytes_max)))
}

/// A size for people: `812 bytes`, `12.3 KB`, `3.8 MB`.
fn shown_size(bytes: usize) -> String {
    const KB: usize = 1_024;
    let tenths = |unit: usize| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..KB => format!("{bytes} bytes"),
        _ if bytes < KB * KB => format!("{} KB", tenths(KB)),
        _ => format!("{} MB", tenths(KB * KB)),
    }
}

#[cfg(test)]
#[path = "prepared_tests.rs"]
mod tests;
