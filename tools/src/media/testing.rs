//! Small whole files for tests.

use lopdf::{Dictionary, Document, Object, Stream};

use super::crc::crc32;

/// A PNG of this size; nobody decodes its pixels here.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", &header[..]), (b"IDAT", b"pixels"), (b"IEND", b"")] {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        png.extend([&kind[..], data].concat());
        png.extend(crc32(&[&kind[..], data]).to_be_bytes());
    }
    png
}

/// A picture of this size in which no two pixels are alike, so that nothing makes it small.
pub(crate) fn noise(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = move |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [red, green, blue, _] = state.to_be_bytes();
        image::Rgb([red, green, blue])
    };
    let picture = image::RgbImage::from_fn(width, height, &mut next);
    let mut content = std::io::Cursor::new(Vec::new());
    image::DynamicImage::ImageRgb8(picture).write_to(&mut content, format).unwrap();
    content.into_inner()
}

/// A JPEG of this size.
pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xff\xc0\x00\x08\x08".to_vec();
    jpeg.extend(height.to_be_bytes());
    jpeg.extend(width.to_be_bytes());
    jpeg.extend(b"\x01\xff\xda\x00\x02pix\xff\x00els\xff\xd0more\xff\xd9");
    jpeg
}

/// A GIF of this size and so many frames.
pub(crate) fn gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let mut gif = b"GIF89a".to_vec();
    gif.extend(width.to_le_bytes());
    gif.extend(height.to_le_bytes());
    gif.extend(b"\x80\x00\x00\x00\x00\x00\xff\xff\xff");
    gif.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00");
    for _ in 0..frames {
        gif.extend(b"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00");
    }
    gif.push(0x3b);
    gif
}

/// A lossless WebP of this size.
pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    let sides = (width - 1) | (height - 1) << 14;
    let pixels = [&[0x2f][..], &sides.to_le_bytes()].concat();
    let mut webp = b"RIFF".to_vec();
    let length = u32::try_from(4 + 8 + pixels.len() + 1).unwrap();
    webp.extend(length.to_le_bytes());
    webp.extend(b"WEBPVP8L");
    webp.extend(u32::try_from(pixels.len()).unwrap().to_le_bytes());
    webp.extend([&pixels[..], b"\0"].concat());
    webp
}

/// A document whose pages say `page 1` and so on; their size stands above them, and each links to the first one.
pub(crate) fn pdf(pages: u32) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let tree = document.new_object_id();
    let name = |name: &str| Object::Name(name.as_bytes().to_vec());
    let mut kids: Vec<Object> = Vec::new();
    for number in 1..=pages {
        let text = format!("BT (page {number}) Tj ET {}", "% padding\n".repeat(50));
        let contents = document.add_object(Stream::new(Dictionary::new(), text.into_bytes()));
        let destination = kids.first().cloned().unwrap_or(Object::Null);
        let link = Dictionary::from_iter([
            ("Subtype", name("Link")),
            ("Dest", Object::Array(vec![destination.clone(), name("Fit")])),
        ]);
        let note = Dictionary::from_iter([("Subtype", name("Text")), ("P", destination)]);
        let page = document.add_object(Dictionary::from_iter([
            ("Type", name("Page")),
            ("Parent", Object::Reference(tree)),
            ("Contents", Object::Reference(contents)),
            ("Annots", Object::Array(vec![Object::Dictionary(link), Object::Dictionary(note)])),
        ]));
        kids.push(Object::Reference(page));
    }
    let size = [0, 0, 612, 792].map(Object::Integer).to_vec();
    let root = Dictionary::from_iter([
        ("Type", name("Pages")),
        ("Count", Object::Integer(pages.into())),
        ("Kids", Object::Array(kids)),
        ("MediaBox", Object::Array(size)),
    ]);
    document.objects.insert(tree, Object::Dictionary(root));
    let catalog = Dictionary::from_iter([("Type", name("Catalog")), ("Pages", Object::Reference(tree))]);
    let catalog = document.add_object(catalog);
    document.trailer.set("Root", Object::Reference(catalog));
    let mut content = Vec::new();
    document.save_to(&mut content).unwrap();
    content
}
