//! Read: the numbered lines of one file, or the file itself where it is looked at.

use std::io::Read;
use std::path::{Path, PathBuf};

use codex_task_config::MediaType;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::{typed, whole};
use super::blocking::Stop;
use super::blocks::{BLOCK_BYTES, Blocks};
use super::lines::{LineWindow, Window};
use super::notebook::Notebook;
use super::notebook_edit::is_notebook;
use super::notebook_text;
use super::read_media::{Picture, no_pages};
use super::read_stamps::{ReadStamps, Stamp};
use super::schema::{Kind, Schema};
use super::source::Source;
use super::storage::{Opened, Storage};
use super::text::{Encoding, TEXT_BYTES_MAX, Text};
use crate::media;
use crate::{Access, PathError, Session, Tool, ToolDefinition, ToolError, ToolOutput};

/// Lines of one call without a limit of its own.
const LINES_DEFAULT: u64 = 2_000;

/// Characters of one call; the rest is read by the next one.
const CHARS_MAX: usize = 100_000;

/// Bytes that are looked at to tell text from anything else.
const SNIFFED_BYTES: usize = 8 * 1024;

const DESCRIPTION: &str = "Reads a file of the workspace. The path may be absolute, or relative to the working \
    directory. Without offset and limit the first 2000 lines are given; lines longer than 2000 characters are cut. Each \
    line stands behind its number and an arrow (`     1→text`), which are not part of the file. Only files: list \
    directories with LS. Of a Jupyter notebook (.ipynb) the cells are given with their ids \
    and outputs. Images (PNG, JPEG, GIF, WebP) and PDF files are shown to you as they look; of a PDF with more than 10 \
    pages say which ones in pages, at most 20 in one call. Several files may be read by several calls at once. Other \
    binary files cannot be read.";

/// The tool.
#[derive(Debug)]
pub(super) struct ReadTool {
    definition: ToolDefinition,
    storage: Storage,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    file_path: PathBuf,
    #[serde(default, deserialize_with = "whole")]
    offset: Option<u64>,
    #[serde(default, deserialize_with = "whole")]
    limit: Option<u64>,
    #[serde(default)]
    pages: Option<String>,
}

impl ReadTool {
    pub(super) fn new(storage: Storage) -> Self {
        let definition = Schema::default()
            .required("file_path", Kind::Text, "The file to read")
            .optional("offset", Kind::WholeFrom(0), "The line to begin with, counted from 1; for long files")
            .optional("limit", Kind::WholeFrom(1), "How many lines to read; for long files")
            .optional("pages", Kind::Text, "Page range for PDF files, e.g. \"1-5\", \"3\" or \"10-20\"")
            .define("Read", DESCRIPTION);
        Self { definition, storage }
    }
}

impl Tool for ReadTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: Arguments = typed("Read", arguments)?;
        Ok(Access::Read(session.guard.absolute(&arguments.file_path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move { Ok(self.run_with_attachments(arguments, session).await?.text) })
    }

    fn run_with_attachments<'a>(
        &'a self,
        arguments: Value,
        session: &'a Session,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let arguments: Arguments = typed("Read", &arguments)?;
            let stamps = session.reads.clone();
            let path = arguments.file_path.clone();
            self.storage
                .read(path, session, move |opened, stop| read(&arguments, opened, &stamps, stop))
                .await
        })
    }
}

/// What a model is shown of a file, which counts as seen from then on.
fn read(
    arguments: &Arguments,
    opened: &Opened<'_>,
    stamps: &ReadStamps,
    stop: &Stop,
) -> Result<ToolOutput, ToolError> {
    let Opened { source, path } = opened;
    let reading = Reading { source: *source, shown: &path.shown, stamps, stop };
    let pages = arguments.pages.as_deref().filter(|pages| !pages.trim().is_empty());
    if let Some(kind) = reading.media()? {
        let picture = Picture { kind, source: *source, shown: &path.shown, pages };
        let (output, stamp) = picture.read(stamps, stop)?;
        stamps.record(&path.real, stamp);
        return Ok(output);
    }
    if pages.is_some() {
        return Err(no_pages(&path.shown));
    }
    if arguments.is_whole() && is_notebook(&path.real) {
        let (text, stamp) = reading.notebook()?;
        if let Some(text) = text {
            stamps.record(&path.real, stamp);
            return Ok(text.into());
        }
    }
    let seen = reading.window(arguments)?;
    stamps.record(&path.real, seen.stamp);
    Ok(reply(arguments, &seen).into())
}

/// A file that is being read once from beginning to end.
struct Reading<'a> {
    source: Source<'a>,
    shown: &'a Path,
    stamps: &'a ReadStamps,
    stop: &'a Stop,
}

/// What was read of a file.
struct Seen {
    window: Window,
    stamp: Stamp,
    /// Whether the file was read to its end, so that its lines are counted.
    is_whole: bool,
}

impl Arguments {
    /// Whether no part of the file is asked for.
    fn is_whole(&self) -> bool {
        self.offset.is_none() && self.limit.is_none()
    }
}

impl Reading<'_> {
    /// The kind of a file that is looked at, by its beginning.
    fn media(&self) -> Result<Option<MediaType>, ToolError> {
        let most = u64::try_from(media::SNIFFED_BYTES).unwrap_or(u64::MAX);
        let start = self.source.beginning(most).map_err(|error| self.failed(&error))?;
        Ok(media::sniff(&start))
    }

    /// The cells of a notebook; `None` when the file is none, or too large to be read as one.
    fn notebook(&self) -> Result<(Option<String>, Stamp), ToolError> {
        let size = self.source.size().map_err(|error| self.failed(&error))?;
        let mut content = Vec::new();
        if !size.is_large() {
            let mut blocks = self.source.blocks().map_err(|error| self.failed(&error))?;
            while let Some(block) = blocks.next().map_err(|error| self.failed(&error))? {
                self.stop.check()?;
                content.extend_from_slice(block);
                if content.len() > TEXT_BYTES_MAX {
                    break;
                }
            }
        }
        let text = Text::decode(&content).text;
        let cells = Notebook::parse(&text).map(|notebook| {
            let shown = notebook_text::shown(&notebook, &self.shown.display().to_string());
            match shown.char_indices().nth(CHARS_MAX) {
                None => shown,
                Some((end, _)) => format!(
                    "{}\n\n(The notebook is longer. To read on, use offset and limit, which count the lines of its file.)",
                    shown.get(..end).unwrap_or_default()
                ),
            }
        });
        let mut hash = self.stamps.hash();
        content.chunks(BLOCK_BYTES).for_each(|block| hash.push(block));
        Ok((cells, hash.finish()))
    }

    /// The lines that were asked for, and how the file was.
    fn window(&self, arguments: &Arguments) -> Result<Seen, ToolError> {
        let size = self.source.size().map_err(|error| self.failed(&error))?;
        let offset = arguments.offset.unwrap_or(1);
        let mut window = LineWindow::new(offset, arguments.limit.unwrap_or(LINES_DEFAULT), CHARS_MAX);
        let mut hash = self.stamps.hash();
        let mut blocks = self.source.blocks().map_err(|error| self.failed(&error))?;
        let mut is_first = true;
        while let Some(block) = blocks.next().map_err(|error| self.failed(&error))? {
            self.stop.check()?;
            if is_first {
                self.refuse_binary(block)?;
                if Encoding::is_utf16(block) {
                    return self.utf16(block.to_vec(), blocks, window);
                }
            }
            hash.push(block);
            let mark: &[u8] = if is_first { b"\xef\xbb\xbf" } else { b"" };
            window.push(block.strip_prefix(mark).unwrap_or(block));
            is_first = false;
            // Of a large file no more is read than is shown.
            if window.is_full() && size.is_large() {
                return Ok(Seen { window: window.finish(), stamp: size, is_whole: false });
            }
        }
        let stamp = if size.is_large() { size } else { hash.finish() };
        Ok(Seen { window: window.finish(), stamp, is_whole: true })
    }

    /// UTF-16 is decoded as a whole.
    fn utf16(
        &self,
        mut content: Vec<u8>,
        mut blocks: Blocks<impl Read>,
        mut window: LineWindow,
    ) -> Result<Seen, ToolError> {
        while let Some(block) = blocks.next().map_err(|error| self.failed(&error))? {
            self.stop.check()?;
            content.extend_from_slice(block);
            if content.len() > TEXT_BYTES_MAX {
                return Err(ToolError::Failed(format!(
                    "{} is too large to be read as UTF-16. Convert it to UTF-8 first.",
                    self.shown.display()
                )));
            }
        }
        let mut hash = self.stamps.hash();
        content.chunks(BLOCK_BYTES).for_each(|block| hash.push(block));
        window.push(Text::decode(&content).text.as_bytes());
        Ok(Seen { window: window.finish(), stamp: hash.finish(), is_whole: true })
    }

    fn refuse_binary(&self, start: &[u8]) -> Result<(), ToolError> {
        let sniffed = start.get(..SNIFFED_BYTES).unwrap_or(start);
        if !sniffed.contains(&0) || Encoding::is_utf16(start) {
            return Ok(());
        }
        let extension = self.shown.extension().map(|extension| format!(" .{}", extension.to_string_lossy()));
        Err(ToolError::Input(format!(
            "This tool cannot read binary files. The file appears to be a binary{} file. Please use appropriate tools for \
             binary file analysis.",
            extension.unwrap_or_default()
        )))
    }

    fn failed(&self, error: &std::io::Error) -> ToolError {
        PathError::from_io(self.shown, error).into()
    }
}

/// The lines, or what Claude Code says when there are none; and where to read on.
fn reply(arguments: &Arguments, seen: &Seen) -> String {
    let offset = arguments.offset.unwrap_or(1).max(1);
    let Window { text, shown, total } = &seen.window;
    if *total == 0 {
        return "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>"
            .to_owned();
    }
    if *shown == 0 {
        return format!(
            "<system-reminder>Warning: the file exists but is shorter than the provided offset ({offset}). The file has \
             {total} lines.</system-reminder>"
        );
    }
    let last = offset.saturating_add(*shown) - 1;
    if seen.is_whole && last == *total {
        return text.clone();
    }
    let of = if seen.is_whole { format!(" of {total}") } else { String::new() };
    format!("{text}\n\n(Lines {offset}-{last}{of} are shown. To read on, use offset={}.)", last + 1)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
