//! What a model is shown beside text: images and documents, as tools give them and every wire format sends them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The kinds of files that models can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaType {
    /// A PNG image.
    #[serde(rename = "image/png")]
    Png,
    /// A JPEG image.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// A GIF image, animated ones included.
    #[serde(rename = "image/gif")]
    Gif,
    /// A WebP image.
    #[serde(rename = "image/webp")]
    Webp,
    /// A PDF document.
    #[serde(rename = "application/pdf")]
    Pdf,
}

impl MediaType {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Png, Self::Jpeg, Self::Gif, Self::Webp, Self::Pdf];

    /// The name on the wire, e.g. `image/png`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A file that a model is shown. Cheap to clone: its content is shared.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its kind, by its content.
    pub media_type: MediaType,
    /// Its name without a directory: what it is called where it cannot be shown.
    pub name: Arc<str>,
    /// Its content as base64, as all wire formats want it.
    pub data: Arc<str>,
    /// Tokens that it takes of a prompt, estimated.
    pub tokens: u64,
}

impl Attachment {
    /// Attachments of one conversation: the lowest number up to which a vendor takes images of any size.
    pub const COUNT_MAX: usize = 20;
    /// Characters of all attachments of one conversation, as base64: with the text around them they fit the smallest
    /// request limit of the vendors (20 MB).
    pub const CHARS_MAX: usize = 18_000_000;
}

impl fmt::Debug for Attachment {
    /// Without the content, which nobody reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("media_type", &self.media_type)
            .field("name", &self.name)
            .field("chars", &self.data.len())
            .field("tokens", &self.tokens)
            .finish()
    }
}

/// What the models of a provider can be shown, as settings say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentSupport {
    /// Text only.
    None,
    /// Images.
    Images,
    /// Images and PDF documents.
    ImagesAndPdfs,
}

impl AttachmentSupport {
    /// Whether files of this kind can be shown.
    pub fn takes(self, media_type: MediaType) -> bool {
        match media_type {
            MediaType::Png | MediaType::Jpeg | MediaType::Gif | MediaType::Webp => self != Self::None,
            MediaType::Pdf => self == Self::ImagesAndPdfs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_stored_by_their_name_on_the_wire() {
        for media_type in MediaType::ALL {
            assert_eq!(serde_json::to_value(media_type).unwrap(), media_type.as_str());
        }
    }

    #[test]
    fn images_are_taken_before_documents() {
        let takes = |support: AttachmentSupport| MediaType::ALL.map(|kind| support.takes(kind));
        assert_eq!(takes(AttachmentSupport::None), [false; 5]);
        assert_eq!(takes(AttachmentSupport::Images), [true, true, true, true, false]);
        assert_eq!(takes(AttachmentSupport::ImagesAndPdfs), [true; 5]);
    }
}
