//! A smaller image of one that no vendor takes: too many bytes, or too many pixels on a side.

use std::io::Cursor;
use std::sync::{Mutex, PoisonError};

use codex_task_config::MediaType;
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView as _, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
};

use super::image::Size;

/// Pixels of the longer side: models look at no more, and Claude Code sends no more.
const SIDE_TO_SHOW: u32 = 2_000;
/// Bytes that one image may take while it is unpacked: about 60 million pixels.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Qualities of JPEG, from good to just readable.
const QUALITIES: [u8; 3] = [80, 50, 25];

/// Images are unpacked one after the other: one is much larger than its file.
static ONE_IMAGE: Mutex<()> = Mutex::new(());

/// A smaller image.
#[derive(Debug)]
pub(super) struct Smaller {
    pub(super) kind: MediaType,
    pub(super) content: Vec<u8>,
    pub(super) size: Size,
}

/// Makes an image of at most so many bytes, no larger than models look at. Of several frames it is the first one.
///
/// # Errors
/// Why it cannot be made, as the end of a sentence that begins with the image's name.
pub(super) fn smaller(kind: MediaType, content: &[u8], bytes_max: usize) -> Result<Smaller, String> {
    let _one = ONE_IMAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let image = unpacked(kind, content)?;
    let encoded = encoded(kind, &image, bytes_max).map_err(|error| told(&error))?;
    let (kind, content) = encoded.ok_or("cannot be made small enough")?;
    let (width, height) = image.dimensions();
    Ok(Smaller { kind, content, size: Size { width, height } })
}

/// The pixels, as many as are shown and as they are meant to be turned.
fn unpacked(kind: MediaType, content: &[u8]) -> Result<DynamicImage, String> {
    let format = match kind {
        MediaType::Png => ImageFormat::Png,
        MediaType::Jpeg => ImageFormat::Jpeg,
        MediaType::Gif => ImageFormat::Gif,
        MediaType::Webp => ImageFormat::WebP,
        MediaType::Pdf => return Err("is no image".to_owned()),
    };
    let unpack = || {
        let mut reader = ImageReader::with_format(Cursor::new(content), format);
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(UNPACKED_BYTES_MAX);
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder()?;
        // The decoder counts what it needs itself, and not where it writes to.
        limits.reserve(decoder.total_bytes())?;
        decoder.set_limits(limits)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok((DynamicImage::from_decoder(decoder)?, orientation))
    };
    let (image, orientation) = unpack().map_err(|error: ImageError| told(&error))?;
    let mut image = if image.width().max(image.height()) > SIDE_TO_SHOW {
        image.thumbnail(SIDE_TO_SHOW, SIDE_TO_SHOW)
    } else {
        image
    };
    image.apply_orientation(orientation);
    Ok(image)
}

/// In the kind that it came in where that keeps something, and small enough in any case; `None` where nothing is.
fn encoded(
    kind: MediaType,
    image: &DynamicImage,
    bytes_max: usize,
) -> Result<Option<(MediaType, Vec<u8>)>, ImageError> {
    let keeps_lines = kind != MediaType::Jpeg || image.color().has_alpha();
    if keeps_lines {
        let mut png = Cursor::new(Vec::new());
        // Narrow enough for every reader: PNG has 16 bits, models look at 8.
        let narrow = DynamicImage::ImageRgba8(image.to_rgba8());
        let narrow =
            if image.color().has_alpha() { narrow } else { DynamicImage::ImageRgb8(narrow.to_rgb8()) };
        narrow.write_to(&mut png, ImageFormat::Png)?;
        if png.get_ref().len() <= bytes_max {
            return Ok(Some((MediaType::Png, png.into_inner())));
        }
    }
    let opaque = on_white(image);
    for quality in QUALITIES {
        let mut jpeg = Vec::new();
        opaque.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, quality))?;
        if jpeg.len() <= bytes_max {
            return Ok(Some((MediaType::Jpeg, jpeg)));
        }
    }
    Ok(None)
}

/// JPEG knows nothing that is seen through.
fn on_white(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return DynamicImage::ImageRgb8(image.to_rgb8());
    }
    let (width, height) = image.dimensions();
    let mut paper =
        DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(width, height, image::Rgba([255; 4])));
    image::imageops::overlay(&mut paper, image, 0, 0);
    DynamicImage::ImageRgb8(paper.to_rgb8())
}

fn told(error: &ImageError) -> String {
    match error {
        ImageError::Limits(_) => {
            let pixels = UNPACKED_BYTES_MAX / 4 / 1_000_000;
            format!("has more pixels than can be made smaller here, about {pixels} million")
        }
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Unsupported(_)
        | ImageError::IoError(_) => format!("cannot be made smaller: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::image::examine;
    use crate::media::testing::noise;

    const BYTES_MAX: usize = 500_000;

    #[test]
    fn a_large_image_keeps_its_shape_and_becomes_one_that_vendors_take() {
        for (kind, format) in [
            (MediaType::Png, ImageFormat::Png),
            (MediaType::Jpeg, ImageFormat::Jpeg),
            (MediaType::Webp, ImageFormat::WebP),
            (MediaType::Gif, ImageFormat::Gif),
        ] {
            let small = smaller(kind, &noise(2_400, 300, format), BYTES_MAX).unwrap();
            let size = Size { width: 2_000, height: 250 };
            assert_eq!((small.size, examine(small.kind, &small.content)), (size, Ok(size)), "{kind}");
            assert!(small.content.len() <= BYTES_MAX, "{kind}: {}", small.content.len());
        }
    }

    #[test]
    fn lines_and_what_is_seen_through_stay_where_there_is_room() {
        let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(3_000, 10, image::Rgba([0; 4])));
        let mut png = Cursor::new(Vec::new());
        clear.write_to(&mut png, ImageFormat::Png).unwrap();
        let small = smaller(MediaType::Png, png.get_ref(), BYTES_MAX).unwrap();
        let shown = image::load_from_memory(&small.content).unwrap();
        assert_eq!((small.kind, shown.get_pixel(0, 0).0), (MediaType::Png, [0; 4]));
        let (kind, jpeg) = encoded(MediaType::Png, &shown, 100_000).unwrap().unwrap();
        assert_eq!(kind, MediaType::Png);
        assert!(jpeg.len() < 1_000);
        assert_eq!(on_white(&shown).get_pixel(0, 0).0, [255; 4]);
    }

    #[test]
    fn what_would_not_fit_into_memory_or_is_broken_is_refused() {
        let bomb = crate::media::testing::png(60_000, 60_000);
        let fault = smaller(MediaType::Png, &bomb, BYTES_MAX).unwrap_err();
        assert!(fault.starts_with("has more pixels than can be made smaller here"), "{fault}");
        let broken = crate::media::testing::png(9_000, 10);
        let fault = smaller(MediaType::Png, &broken, BYTES_MAX).unwrap_err();
        assert!(fault.starts_with("cannot be made smaller: "), "{fault}");
        assert_eq!(
            smaller(MediaType::Jpeg, &noise(1_000, 1_000, ImageFormat::Jpeg), 100).unwrap_err(),
            "cannot be made small enough"
        );
    }
}
