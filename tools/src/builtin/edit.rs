//! Edit: one text of a file replaced by another.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::blocking::Stop;
use super::lines::push_numbered;
use super::near_miss;
use super::replace::{Mismatch, Occurrences, Replaced, replace};
use super::rewrite::Found;
use super::schema::{Kind, Schema};
use super::storage::Storage;
use super::text::{Encoding, Text};
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

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
    storage: Storage,
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
    pub(super) fn new(storage: Storage) -> Self {
        let definition = Schema::default()
            .required("file_path", Kind::Text, "The file to change")
            .required("old_string", Kind::Text, "The text to replace")
            .required("new_string", Kind::Text, "The text to put in its place; not the same as old_string")
            .optional("replace_all", Kind::Boolean, "Replace every occurrence; false by default")
            .define("Edit", DESCRIPTION);
        Self { definition, storage }
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
            let path = arguments.file_path.clone();
            let edit = move |found: Found<'_>, _: &Stop| edited(&arguments, found);
            let (path, done) = self.storage.rewrite("Edit", path, session, edit).await?;
            let shown = path.shown.display();
            Ok(match done {
                Done::Created => format!("File created successfully at: {shown}"),
                Done::All(count) => format!(
                    "The file {shown} has been updated. All {count} occurrences were successfully replaced."
                ),
                Done::One(snippet) => format!(
                    "The file {shown} has been updated. Here's the result of running `cat -n` on a snippet of the edited \
                     file:\n{snippet}"
                ),
            })
        })
    }
}

/// What an edit did.
enum Done {
    Created,
    /// So many occurrences were replaced.
    All(usize),
    /// One was, with these lines around it.
    One(String),
}

fn edited(arguments: &Arguments, found: Found<'_>) -> Result<(Vec<u8>, Done), ToolError> {
    let creates = arguments.old_string.is_empty();
    match found {
        Found::Absent(_) if creates => Ok((arguments.new_string.clone().into_bytes(), Done::Created)),
        Found::Absent(missing) => Err(missing()),
        Found::Present(present) if creates && present.is_empty() => {
            Ok((arguments.new_string.clone().into_bytes(), Done::Created))
        }
        Found::Present(_) if creates => {
            Err(ToolError::Input("Cannot create new file - file already exists.".to_owned()))
        }
        Found::Present(present) => change(arguments, present.as_seen()?),
    }
}

fn change(arguments: &Arguments, content: &[u8]) -> Result<(Vec<u8>, Done), ToolError> {
    let Text { encoding, text } = Text::decode(content);
    let which = if arguments.replace_all { Occurrences::All } else { Occurrences::One };
    let replaced = replace_in(encoding, &text, &arguments.old_string, &arguments.new_string, which)?;
    let done = match which {
        Occurrences::All => Done::All(replaced.count),
        Occurrences::One => Done::One(snippet(encoding, &replaced.text, replaced.first)),
    };
    Ok((encoding.encode(&replaced.text), done))
}

/// Replaces what a model wrote in a text of a file.
///
/// # Errors
/// [`ToolError::Input`] in Claude Code's words when the text is not there, or not once.
pub(super) fn replace_in(
    encoding: Encoding,
    text: &str,
    old_string: &str,
    new_string: &str,
    which: Occurrences,
) -> Result<Replaced, ToolError> {
    let (old, new) = (encoding.written(old_string), encoding.written(new_string));
    replace(text, &old, &new, which).map_err(|mismatch| {
        let quoted = quoted(old_string);
        ToolError::Input(match mismatch {
            Mismatch::NotFound => {
                let hint = near_miss::hint(&encoding.shown(text), &encoding.shown(&old));
                let hint = hint.map(|hint| format!("\n\n{hint}")).unwrap_or_default();
                format!("String to replace not found in file.\nString: {quoted}{hint}")
            }
            Mismatch::Ambiguous(count) => format!(
                "Found {count} matches of the string to replace, but replace_all is false. To replace all occurrences, set \
                 replace_all to true. To replace only one occurrence, please provide more context to uniquely identify the \
                 instance.\nString: {quoted}"
            ),
        })
    })
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
