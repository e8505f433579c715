//! Read, of files that are looked at: images and PDF documents.

use std::path::Path;

use codex_task_config::MediaType;

use super::blocking::Stop;
use super::read_stamps::{ReadStamps, Stamp};
use super::source::Source;
use crate::media::{PageRange, prepare, source_bytes_max};
use crate::{PathError, ToolError, ToolOutput};

/// A file that is looked at.
pub(super) struct Picture<'a> {
    pub(super) kind: MediaType,
    pub(super) source: Source<'a>,
    pub(super) shown: &'a Path,
    pub(super) pages: Option<&'a str>,
}

impl Picture<'_> {
    /// What a model is shown of it, and how the file was. No more is read than can be shown.
    ///
    /// # Errors
    /// [`ToolError`] when it cannot be shown; its text says what to do.
    pub(super) fn read(&self, stamps: &ReadStamps, stop: &Stop) -> Result<(ToolOutput, Stamp), ToolError> {
        let pages = match (self.pages, self.kind) {
            (Some(pages), MediaType::Pdf) => Some(PageRange::parse(pages)?),
            (Some(_), _) => return Err(no_pages(self.shown)),
            (None, _) => None,
        };
        let failed = |error: &std::io::Error| ToolError::from(PathError::from_io(self.shown, error));
        let total = self.source.size().map_err(|error| failed(&error))?.bytes();
        let bytes_max = source_bytes_max(self.kind);
        let (mut content, mut hash) = (Vec::new(), stamps.hash());
        let mut blocks = self.source.blocks().map_err(|error| failed(&error))?;
        while let Some(block) = blocks.next().map_err(|error| failed(&error))? {
            stop.check()?;
            hash.push(block);
            content.extend_from_slice(block);
            if content.len() > bytes_max {
                break;
            }
        }
        let name = self.shown.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy());
        let prepared = prepare(self.kind, content, total, &name, pages)
            .map_err(|fault| ToolError::Failed(format!("{} {}.", self.shown.display(), fault.0)))?;
        let noun = if self.kind == MediaType::Pdf { "PDF" } else { "Image" };
        let text = format!("{noun} file read: {} ({})", self.shown.display(), prepared.description);
        Ok((ToolOutput { text, attachments: vec![prepared.attachment] }, hash.finish()))
    }
}

/// What is said to a call that asks for pages of a file that has none.
pub(super) fn no_pages(shown: &Path) -> ToolError {
    ToolError::Input(format!("The pages parameter is for PDF files only, and {} is none.", shown.display()))
}
