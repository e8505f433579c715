use super::*;
use crate::media::testing::{gif, jpeg, noise, pdf, png, webp};

fn prepare_file(name: &str, content: Vec<u8>, pages: Option<&str>) -> Result<Prepared, MediaFault> {
    let kind = sniff(&content).expect("a kind");
    let total = u64::try_from(content.len()).unwrap();
    let pages = pages.map(|pages| PageRange::parse(pages).unwrap());
    prepare(kind, content, total, name, pages)
}

#[test]
fn kinds_are_told_by_content() {
    for (content, expected) in [
        (png(1, 1), Some(MediaType::Png)),
        (jpeg(1, 1), Some(MediaType::Jpeg)),
        (gif(1, 1, 1), Some(MediaType::Gif)),
        (webp(1, 1), Some(MediaType::Webp)),
        (pdf(1), Some(MediaType::Pdf)),
        (b"RIFF\x10\0\0\0WAVEfmt ".to_vec(), None),
        (b"<svg/>".to_vec(), None),
        (Vec::new(), None),
    ] {
        assert_eq!(sniff(&content), expected);
    }
}

#[test]
fn an_image_is_described_and_encoded() {
    let content = png(640, 480);
    let Prepared { attachment, description } = prepare_file("a.png", content.clone(), None).unwrap();
    assert_eq!(description, format!("image/png, 640x480, {} bytes", content.len()));
    assert_eq!((&*attachment.name, attachment.media_type, attachment.tokens), ("a.png", MediaType::Png, 410));
    assert_eq!(STANDARD.decode(&*attachment.data).unwrap(), content);
}

#[test]
fn an_image_that_no_vendor_takes_is_shown_smaller() {
    let wide = noise(8_100, 20, ::image::ImageFormat::Png);
    let Prepared { attachment, description } = prepare_file("wide.png", wide, None).unwrap();
    assert!(description.starts_with("image/png, 2000x5, made smaller from 8100x20, "), "{description}");
    assert_eq!((attachment.media_type, attachment.tokens), (MediaType::Png, 14));
    let heavy = noise(1_200, 1_200, ::image::ImageFormat::Png);
    assert!(heavy.len() > IMAGE_BYTES_MAX);
    let Prepared { attachment, description } = prepare_file("heavy.png", heavy, None).unwrap();
    assert!(description.starts_with("image/jpeg, 1200x1200, made smaller from 1200x1200, "), "{description}");
    let shown = STANDARD.decode(&*attachment.data).unwrap();
    assert!(shown.len() <= IMAGE_BYTES_MAX && sniff(&shown) == Some(MediaType::Jpeg));
    assert_eq!(attachment.media_type, MediaType::Jpeg);
}

#[test]
fn faults_say_what_to_do() {
    let fault = prepare_file("a", png(60_000, 60_000), None).unwrap_err().0;
    assert!(fault.ends_with(MAKE_SMALLER), "{fault}");
    let mut large = png(10, 10);
    large.resize(IMAGE_SOURCE_BYTES_MAX + 1, 0);
    let fault = prepare_file("a", large, None).unwrap_err().0;
    assert!(fault.starts_with("has 32.0 MB, more than the 32.0 MB that can be shown."), "{fault}");
}

#[test]
fn a_document_is_shown_whole_or_by_pages() {
    let described =
        |total, pages| prepare_file("a.pdf", pdf(total), pages).map(|prepared| prepared.description);
    assert!(described(1, None).unwrap().starts_with("application/pdf, 1 page, "));
    assert!(described(10, None).unwrap().starts_with("application/pdf, 10 pages, "));
    assert!(described(30, Some("2-3")).unwrap().starts_with("application/pdf, pages 2-3 of 30, "));
    assert!(described(30, Some("30-")).unwrap().starts_with("application/pdf, page 30 of 30, "));
    let fault = described(11, None).unwrap_err().0;
    assert!(fault.starts_with("has 11 pages, too many to read at once. Use the pages parameter"), "{fault}");
    assert!(described(3, Some("5")).is_err());
}

#[test]
fn sizes_are_shown_for_people() {
    for (bytes, expected) in [(0, "0 bytes"), (1_023, "1023 bytes"), (1_536, "1.5 KB"), (3_932_160, "3.7 MB")]
    {
        assert_eq!(shown_size(bytes), expected);
    }
}
