//! Read, Write and Edit on a host's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::HostTools;
use crate::builtin::arguments::{typed, whole};
use crate::builtin::lines::LineWindow;
use crate::builtin::replace::{Mismatch, Occurrences, replace};
use crate::builtin::schema::{Kind, Schema};
use crate::builtin::text::Text;
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

/// Lines of one call without a limit of its own.
const LINES_DEFAULT: u64 = 2_000;
/// Characters of one call.
const CHARS_MAX: usize = 100_000;

const READ: &str = "Reads a text file of the workspace. Without offset and limit the first 2000 lines are given. Each line \
    stands behind its number and an arrow (`     1→text`), which are not part of the file.";
const WRITE: &str =
    "Writes a file of the workspace, and replaces what is in it. Prefer Edit for small changes.";
const EDIT: &str = "Replaces old_string by new_string in a file. old_string must be copied exactly, without the line numbers \
    of Read, and must occur once, unless replace_all is set.";

/// Read.
pub(super) struct HostRead {
    definition: ToolDefinition,
    host: Arc<dyn HostTools>,
}

/// Write.
pub(super) struct HostWrite {
    definition: ToolDefinition,
    host: Arc<dyn HostTools>,
}

/// Edit.
pub(super) struct HostEdit {
    definition: ToolDefinition,
    host: Arc<dyn HostTools>,
}

#[derive(Debug, Deserialize)]
struct ReadArguments {
    file_path: PathBuf,
    #[serde(default, deserialize_with = "whole")]
    offset: Option<u64>,
    #[serde(default, deserialize_with = "whole")]
    limit: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct WriteArguments {
    file_path: PathBuf,
    content: String,
}

#[derive(Debug, Deserialize)]
struct EditArguments {
    file_path: PathBuf,
    old_string: String,
    new_string: String,
    #[serde(default)]
    replace_all: bool,
}

impl HostRead {
    pub(super) fn new(host: Arc<dyn HostTools>) -> Self {
        let definition = Schema::default()
            .required("file_path", Kind::Text, "The file to read")
            .optional("offset", Kind::WholeFrom(0), "The line to begin with, counted from 1; for long files")
            .optional("limit", Kind::WholeFrom(1), "How many lines to read; for long files")
            .define("Read", READ);
        Self { definition, host }
    }
}

impl HostWrite {
    pub(super) fn new(host: Arc<dyn HostTools>) -> Self {
        let definition = Schema::default()
            .required("file_path", Kind::Text, "The file to write")
            .required("content", Kind::Text, "What the file is to contain")
            .define("Write", WRITE);
        Self { definition, host }
    }
}

impl HostEdit {
    pub(super) fn new(host: Arc<dyn HostTools>) -> Self {
        let definition = Schema::default()
            .required("file_path", Kind::Text, "The file to change")
            .required("old_string", Kind::Text, "The text to replace")
            .required("new_string", Kind::Text, "The text to put in its place; not the same as old_string")
            .optional("replace_all", Kind::Boolean, "Replace every occurrence; false by default")
            .define("Edit", EDIT);
        Self { definition, host }
    }
}

impl Tool for HostRead {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: ReadArguments = typed("Read", arguments)?;
        Ok(Access::Read(session.guard.absolute(&arguments.file_path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: ReadArguments = typed("Read", &arguments)?;
            let path = session.guard.absolute(&arguments.file_path)?;
            let content = self.host.read(&path).await?.ok_or_else(missing)?;
            let text = Text::decode(&content).text;
            if text.is_empty() {
                let empty = "Warning: the file exists but the contents are empty.";
                return Ok(format!("<system-reminder>{empty}</system-reminder>"));
            }
            let (offset, limit) = (arguments.offset.unwrap_or(1), arguments.limit.unwrap_or(LINES_DEFAULT));
            let mut window = LineWindow::new(offset, limit, CHARS_MAX);
            window.push(text.as_bytes());
            let window = window.finish();
            let last = offset.max(1) - 1 + window.shown;
            if last < window.total {
                let rest =
                    format!("(The file has {} lines; to read on, use offset {}.)", window.total, last + 1);
                return Ok(format!("{}\n\n{rest}", window.text));
            }
            Ok(window.text)
        })
    }
}

impl Tool for HostWrite {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: WriteArguments = typed("Write", arguments)?;
        Ok(Access::Write(session.guard.absolute(&arguments.file_path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: WriteArguments = typed("Write", &arguments)?;
            let path = session.guard.absolute(&arguments.file_path)?;
            self.host.write(&path, arguments.content.as_bytes()).await?;
            Ok(format!("The file {} has been written.", path.display()))
        })
    }
}

impl Tool for HostEdit {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: EditArguments = typed("Edit", arguments)?;
        Ok(Access::Write(session.guard.absolute(&arguments.file_path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: EditArguments = typed("Edit", &arguments)?;
            let path = session.guard.absolute(&arguments.file_path)?;
            edit(self.host.as_ref(), &path, &arguments).await
        })
    }
}

async fn edit(host: &dyn HostTools, path: &Path, arguments: &EditArguments) -> Result<String, ToolError> {
    let EditArguments { old_string: old, new_string: new, .. } = arguments;
    if old == new {
        let same = "No changes to make: old_string and new_string are exactly the same.";
        return Err(ToolError::Input(same.to_owned()));
    }
    let content = host.read(path).await?.ok_or_else(missing)?;
    // What is no UTF-8 would come back as something else.
    let text = String::from_utf8(content)
        .map_err(|_| ToolError::Input("The file is not UTF-8 and cannot be edited here.".to_owned()))?;
    let which = if arguments.replace_all { Occurrences::All } else { Occurrences::One };
    let mismatch = |mismatch| match mismatch {
        Mismatch::NotFound => format!("String to replace not found in file.\nString: {old}"),
        Mismatch::Ambiguous(count) => format!(
            "Found {count} matches of the string to replace, but replace_all is false. Give more lines around it, or set \
             replace_all.\nString: {old}"
        ),
    };
    if old.is_empty() {
        return Err(ToolError::Input("old_string is empty: use Write for a new file.".to_owned()));
    }
    let replaced = replace(&text, old, new, which).map_err(|found| ToolError::Input(mismatch(found)))?;
    host.write(path, replaced.text.as_bytes()).await?;
    Ok(format!("The file {} has been updated ({} replaced).", path.display(), replaced.count))
}

fn missing() -> ToolError {
    ToolError::Input("File does not exist.".to_owned())
}
