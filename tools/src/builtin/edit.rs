//! Edit: one text of a file replaced by another.

use std::fmt::Write as _;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::blocking::{Stop, blocking};
use super::blocks::Blocks;
use super::lines::push_numbered;
use super::missing::file_error;
use super::read_stamps::ReadStamps;
use super::replace::{Mismatch, Occurrences, replace};
use super::schema::{Kind, Schema};
use super::text::{Encoding, TEXT_BYTES_MAX, Text};
use super::{file_lock, near_miss};
use crate::{
    Access, PathError, PathGuard, ResolvedPath, Session, Tool, ToolDefinition, ToolError, WriteTarget,
};

/// Lines before and after the changed ones that are shown.
const CONTEXT_LINES: usize = 4;

/// Changed lines that are shown; the model has just written them.
const CHANGED_LINES_MAX: usize = 16;

/// Characters of a text that was not found that are given back.
const QUOTED_CHARS_MAX: usize = 2_000;

const DESCRIPTION: &str = "Replaces old_string by new_string in a file that was read with Read before. old_string must be \
    copied exactly, indentation included and without the line numbers of Read, and must occur once: give a few lines around \
    it where it does not, or set replace_all to replace every occurrence. Line endings and encoding of the file are kept. \
    An empty old_string creates a new file.";

/// The tool.
#[derive(Debug)]
pub(super) struct EditTool {
    definition: ToolDefinition,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    file_path: PathBuf,
    old_string: String,
    new_string: String,
    #[serde(default)]
    replace_all: bool,
}

impl EditTool {
    pub(super) fn new() -> Self {
        let definition = Schema::default()
            .required("file_path", Kind::Text, "The file to change")
            .required("old_string", Kind::Text, "The text to replace")
            .required("new_string", Kind::Text, "The text to put in its place; not the same as old_string")
            .optional("replace_all", Kind::Boolean, "Replace every occurrence; false by default")
            .define("Edit", DESCRIPTION);
        Self { definition }
    }
}

impl Tool for EditTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: Arguments = typed("Edit", arguments)?;
        Ok(Access::Write(session.guard.absolute(&arguments.file_path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: Arguments = typed("Edit", &arguments)?;
            if arguments.old_string == arguments.new_string {
                return Err(ToolError::Input(
                    "No changes to make: old_string and new_string are exactly the same.".to_owned(),
                ));
            }
            let (guard, stamps) = (session.guard.clone(), session.reads.clone());
            blocking(Stop::default(), move |stop| {
                Edit { guard: &guard, stamps: &stamps, arguments: &arguments, stop }.run()
            })
            .await
        })
    }
}

/// One call on the blocking pool.
struct Edit<'a> {
    guard: &'a PathGuard,
    stamps: &'a ReadStamps,
    arguments: &'a Arguments,
    stop: &'a Stop,
}

impl Edit<'_> {
    fn run(&self) -> Result<String, ToolError> {
        let path = &self.arguments.file_path;
        let real = self.guard.resolve(path).map_err(|error| self.failed(error))?.real;
        let _lock = file_lock::lock(&real);
        let target = self.guard.create_for_write(path).map_err(|error| self.failed(error))?;
        let content = match target.existing() {
            Some(file) => Some(self.content(file, target.path())?),
            None => None,
        };
        match content {
            None if self.arguments.old_string.is_empty() => self.create(target),
            None => Err(self.failed(PathError::NotFound(target.path().shown.clone()))),
            Some(content) if self.arguments.old_string.is_empty() && content.is_empty() => {
                self.create(target)
            }
            Some(_) if self.arguments.old_string.is_empty() => {
                Err(ToolError::Input("Cannot create new file - file already exists.".to_owned()))
            }
            Some(content) => {
                self.stamps.check_content(&target.path().real, &content)?;
                self.change(target, &content)
            }
        }
    }

    fn content(&self, file: &File, path: &ResolvedPath) -> Result<Vec<u8>, ToolError> {
        let mut content = Vec::new();
        let mut blocks = Blocks::new(file);
        while let Some(block) =
            blocks.next().map_err(|error| self.failed(PathError::from_io(&path.shown, &error)))?
        {
            self.stop.check()?;
            content.extend_from_slice(block);
            if content.len() > TEXT_BYTES_MAX {
                let mib = TEXT_BYTES_MAX / (1024 * 1024);
                let shown = path.shown.display();
                return Err(ToolError::Failed(format!(
                    "{shown} is too large for Edit, which changes files of at most {mib} MiB. Use a command, e.g. sed."
                )));
            }
        }
        Ok(content)
    }

    fn create(&self, target: WriteTarget) -> Result<String, ToolError> {
        let path = self.write(target, self.arguments.new_string.as_bytes())?;
        Ok(format!("File created successfully at: {}", path.shown.display()))
    }

    fn change(&self, target: WriteTarget, content: &[u8]) -> Result<String, ToolError> {
        let Text { encoding, text } = Text::decode(content);
        let old = encoding.written(&self.arguments.old_string);
        let new = encoding.written(&self.arguments.new_string);
        let which = if self.arguments.replace_all { Occurrences::All } else { Occurrences::One };
        let replaced = replace(&text, &old, &new, which)
            .map_err(|mismatch| self.mismatch(mismatch, encoding, &text, &old))?;
        let path = self.write(target, &encoding.encode(&replaced.text))?;
        let shown = path.shown.display();
        if self.arguments.replace_all {
            let count = replaced.count;
            return Ok(format!(
                "The file {shown} has been updated. All {count} occurrences were successfully replaced."
            ));
        }
        let snippet = snippet(encoding, &replaced.text, replaced.first);
        Ok(format!(
            "The file {shown} has been updated. Here's the result of running `cat -n` on a snippet of the edited file:\n\
             {snippet}"
        ))
    }

    fn write(&self, target: WriteTarget, content: &[u8]) -> Result<ResolvedPath, ToolError> {
        self.stop.check()?;
        let path = target.replace(content).map_err(|error| self.failed(error))?;
        self.stamps.record_content(&path.real, content);
        Ok(path)
    }

    fn mismatch(&self, mismatch: Mismatch, encoding: Encoding, text: &str, old: &str) -> ToolError {
        let quoted = quoted(&self.arguments.old_string);
        ToolError::Input(match mismatch {
            Mismatch::NotFound => {
                let hint = near_miss::hint(&encoding.shown(text), &encoding.shown(old));
                let hint = hint.map(|hint| format!("\n\n{hint}")).unwrap_or_default();
                format!("String to replace not found in file.\nString: {quoted}{hint}")
            }
            Mismatch::Ambiguous(count) => format!(
                "Found {count} matches of the string to replace, but replace_all is false. To replace all occurrences, set \
                 replace_all to true. To replace only one occurrence, please provide more context to uniquely identify the \
                 instance.\nString: {quoted}"
            ),
        })
    }

    fn failed(&self, error: PathError) -> ToolError {
        file_error(self.guard, error)
    }
}

/// The changed lines of the new text with those around them.
fn snippet(encoding: Encoding, text: &str, changed: Range<usize>) -> String {
    let breaks = |range: Option<&str>| range.unwrap_or_default().matches('\n').count();
    let before = breaks(text.get(..changed.start));
    let count = breaks(text.get(changed)) + 1;
    let start = before.saturating_sub(CONTEXT_LINES);
    let context_after = if count > CHANGED_LINES_MAX { 0 } else { CONTEXT_LINES };
    let shown = before - start + count.min(CHANGED_LINES_MAX) + context_after;
    let mut out = String::new();
    for (number, line) in (1_u64..).zip(text.lines()).skip(start).take(shown) {
        push_numbered(&mut out, number, &encoding.shown(line));
    }
    if count > CHANGED_LINES_MAX {
        let written = write!(out, "\n(and {} more changed lines)", count - CHANGED_LINES_MAX);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    out
}

fn quoted(text: &str) -> &str {
    let end = text.char_indices().nth(QUOTED_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
