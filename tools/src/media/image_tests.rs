use proptest::prelude::*;

use super::*;
use crate::media::testing::{gif, jpeg, png, webp};

fn all() -> [(MediaType, Vec<u8>); 4] {
    [
        (MediaType::Png, png(640, 480)),
        (MediaType::Jpeg, jpeg(640, 480)),
        (MediaType::Gif, gif(640, 480, 3)),
        (MediaType::Webp, webp(640, 480)),
    ]
}

#[test]
fn whole_images_of_every_kind_have_their_size() {
    for (kind, content) in all() {
        assert_eq!(examine(kind, &content), Ok(Size { width: 640, height: 480 }), "{kind}");
    }
}

#[test]
fn an_image_that_is_cut_anywhere_is_refused() {
    for (kind, content) in all() {
        for length in 0..content.len() {
            // The last byte of a WebP only fills it up.
            let whole = kind == MediaType::Webp && length == content.len() - 1;
            let cut = examine(kind, &content[..length]);
            assert!(cut.is_err() || whole, "{kind} of {length} of {} bytes: {cut:?}", content.len());
        }
    }
}

#[test]
fn what_follows_an_image_makes_no_difference() {
    for (kind, mut content) in all() {
        content.extend(b"appended");
        assert!(examine(kind, &content).is_ok(), "{kind}");
    }
}

#[test]
fn a_wrong_checksum_and_missing_pixels_are_told() {
    let mut content = png(1, 1);
    content[40] ^= 1;
    assert_eq!(examine(MediaType::Png, &content), Err(ImageFault::Broken("a checksum is wrong")));
    assert_eq!(examine(MediaType::Gif, &gif(1, 1, 0)), Err(ImageFault::Broken("it has no frame")));
    assert_eq!(examine(MediaType::Png, &png(0, 1)), Err(ImageFault::Broken("it has no pixels")));
}

#[test]
fn sides_are_bounded_and_tokens_follow_the_pixels() {
    assert!(examine(MediaType::Png, &png(8_000, 8_000)).is_ok());
    let fault = examine(MediaType::Png, &png(8_001, 10)).unwrap_err();
    assert_eq!(fault.to_string(), "has 8001x10 pixels, more than the 8000 of a side that models take");
    assert_eq!(Size { width: 750, height: 2 }.tokens(), 2);
    assert_eq!(Size { width: 1, height: 1 }.tokens(), 1);
    assert_eq!(Size { width: 8_000, height: 8_000 }.tokens(), TOKENS_MAX);
}

proptest! {
    #[test]
    fn no_bytes_make_the_walk_fail_otherwise_than_by_a_fault(
        which in 0_usize..4, at in 0_usize..200, bytes in prop::collection::vec(any::<u8>(), 0..40)
    ) {
        let (kind, mut content) = all()[which].clone();
        let at = at.min(content.len());
        let end = (at + bytes.len()).min(content.len());
        content.splice(at..end, bytes);
        // Any result is right; a panic or an endless walk is not.
        let _ = examine(kind, &content);
    }
}
