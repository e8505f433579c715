//! PDF documents: how many pages one has, and a smaller document of some of its pages.

use std::fmt;
use std::ops::RangeInclusive;

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};

/// Bytes that one packed part of a document may have when it is unpacked.
const UNPACKED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Steps from a page up to the root of its tree.
const DEPTH_MAX: usize = 64;
/// What a page takes over from the tree above it.
const INHERITED: [&[u8]; 4] = [b"Resources", b"MediaBox", b"CropBox", b"Rotate"];
/// What leads from a page to others, and would bring them along.
const LEADS_AWAY: [&[u8]; 5] = [b"B", b"AA", b"StructParents", b"PieceInfo", b"Metadata"];
/// The same for its annotations.
const ANNOTATION_LEADS_AWAY: [&[u8]; 8] =
    [b"A", b"AA", b"Dest", b"P", b"Parent", b"Popup", b"IRT", b"StructParent"];

/// Why a document cannot be shown, as the end of a sentence that begins with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PdfFault {
    /// It is no document, or not a whole one.
    Broken(String),
    /// It does not open without a password.
    Locked,
}

impl fmt::Display for PdfFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(detail) => write!(f, "is broken: {detail}"),
            Self::Locked => f.write_str("is protected by a password"),
        }
    }
}

/// A document that was read as a whole.
pub(super) struct Pdf {
    document: Document,
    pages: Vec<ObjectId>,
}

impl Pdf {
    /// Reads a document.
    ///
    /// # Errors
    /// [`PdfFault`] when it cannot be shown.
    pub(super) fn open(content: &[u8]) -> Result<Self, PdfFault> {
        let options =
            LoadOptions { max_decompressed_size: Some(UNPACKED_BYTES_MAX), ..LoadOptions::default() };
        let document = match Document::load_mem_with_options(content, options) {
            Ok(document) if document.is_encrypted() => return Err(PdfFault::Locked),
            Ok(document) => document,
            Err(lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_)) => return Err(PdfFault::Locked),
            Err(error) => return Err(PdfFault::Broken(error.to_string())),
        };
        let pages: Vec<ObjectId> = document.page_iter().collect();
        if pages.is_empty() {
            return Err(PdfFault::Broken("it has no pages".to_owned()));
        }
        Ok(Self { document, pages })
    }

    /// Its pages.
    pub(super) fn total(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// Whether it was encrypted, with an empty password: vendors do not open such a document.
    pub(super) fn was_encrypted(&self) -> bool {
        self.document.was_encrypted()
    }

    /// A document of these pages alone, counted from 1.
    ///
    /// # Errors
    /// [`PdfFault`] when it cannot be written.
    pub(super) fn only(mut self, pages: &RangeInclusive<u32>) -> Result<Vec<u8>, PdfFault> {
        let place = |page: u32| usize::try_from(page).unwrap_or(usize::MAX);
        let skipped = place(pages.start().saturating_sub(1));
        let kept: Vec<ObjectId> =
            self.pages.iter().copied().skip(skipped).take(place(*pages.end()) - skipped).collect();
        let tree = self.document.new_object_id();
        for page in &kept {
            self.detach(*page, tree).map_err(broken)?;
        }
        let kids: Vec<Object> = kept.iter().map(|page| Object::Reference(*page)).collect();
        let mut root = Dictionary::new();
        root.set("Type", Object::Name(b"Pages".to_vec()));
        root.set("Count", i64::try_from(kids.len()).unwrap_or(i64::MAX));
        root.set("Kids", kids);
        self.document.objects.insert(tree, Object::Dictionary(root));
        self.replace_catalog(tree);
        self.document.prune_objects();
        let mut content = Vec::new();
        self.document.save_to(&mut content).map_err(|error| PdfFault::Broken(error.to_string()))?;
        Ok(content)
    }

    /// Makes a page independent of the tree that it stands in.
    fn detach(&mut self, page: ObjectId, tree: ObjectId) -> lopdf::Result<()> {
        let inherited: Vec<(&[u8], Object)> =
            INHERITED.iter().filter_map(|key| Some((*key, self.inherited(page, key)?))).collect();
        let annotations = self.annotations(page);
        let dictionary = self.document.get_dictionary_mut(page)?;
        for key in LEADS_AWAY {
            dictionary.remove(key);
        }
        for (key, value) in inherited {
            dictionary.set(key, value);
        }
        dictionary.set("Parent", Object::Reference(tree));
        if dictionary.has(b"Annots") {
            dictionary.set("Annots", annotations);
        }
        Ok(())
    }

    /// What a page says itself, or the nearest of the nodes above it.
    fn inherited(&self, page: ObjectId, key: &[u8]) -> Option<Object> {
        let mut node = self.document.get_dictionary(page).ok()?;
        for _ in 0..DEPTH_MAX {
            if let Ok(value) = node.get(key) {
                return Some(value.clone());
            }
            node = node.get_deref(b"Parent", &self.document).ok()?.as_dict().ok()?;
        }
        None
    }

    /// The annotations of a page that are more than links, without what leads away from the page.
    fn annotations(&self, page: ObjectId) -> Vec<Object> {
        let Ok(page) = self.document.get_dictionary(page) else { return Vec::new() };
        let annotations = page.get_deref(b"Annots", &self.document).and_then(Object::as_array);
        let all = annotations.map(Vec::as_slice).unwrap_or_default().iter();
        let dictionaries = all.filter_map(|annotation| match annotation {
            Object::Reference(id) => self.document.get_dictionary(*id).ok(),
            direct => direct.as_dict().ok(),
        });
        let is_link = |annotation: &&Dictionary| {
            annotation.get(b"Subtype").and_then(Object::as_name).is_ok_and(|name| name == b"Link")
        };
        dictionaries
            .filter(|annotation| !is_link(annotation))
            .map(|annotation| {
                let mut annotation = annotation.clone();
                for key in ANNOTATION_LEADS_AWAY {
                    annotation.remove(key);
                }
                Object::Dictionary(annotation)
            })
            .collect()
    }

    /// A catalog of the new pages; of the old one only which layers are shown.
    fn replace_catalog(&mut self, tree: ObjectId) {
        let layers =
            self.document.catalog().ok().and_then(|catalog| catalog.get(b"OCProperties").ok()).cloned();
        let mut catalog = Dictionary::new();
        catalog.set("Type", Object::Name(b"Catalog".to_vec()));
        catalog.set("Pages", Object::Reference(tree));
        if let Some(layers) = layers {
            catalog.set("OCProperties", layers);
        }
        let id = self.document.add_object(catalog);
        let mut trailer = Dictionary::new();
        trailer.set("Root", Object::Reference(id));
        self.document.trailer = trailer;
        self.document.encryption_state = None;
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: lopdf::Error) -> PdfFault {
    PdfFault::Broken(error.to_string())
}

#[cfg(test)]
#[path = "pdf_tests.rs"]
mod tests;
