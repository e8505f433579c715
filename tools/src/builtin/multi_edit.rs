//! `MultiEdit`: several replacements in one file, all of them or none.

use std::fmt::Write as _;
use std::path::PathBuf;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::blocking::Stop;
use super::edit::replace_in;
use super::replace::Occurrences;
use super::rewrite::Found;
use super::schema::{Kind, Schema};
use super::storage::Storage;
use super::text::{Encoding, Text};
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

/// Characters of a text that are given back.
const QUOTED_CHARS_MAX: usize = 50;

const DESCRIPTION: &str = "Makes several edits to one file that was read with Read before: one after the other, each on the \
    result of the one before. Either all of them are made, or none. Each edit follows the rules of Edit: old_string must be \
    copied exactly and must occur once, or set replace_all. Plan them so that no edit changes what a later one looks for. \
    A first edit with an empty old_string creates a new file. Use this rather than Edit for several places in one file.";

/// The tool.
#[derive(Debug)]
pub(super) struct MultiEditTool {
    definition: ToolDefinition,
    storage: Storage,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    file_path: PathBuf,
    edits: Vec<Edit>,
}

#[derive(Debug, Deserialize)]
struct Edit {
    old_string: String,
    new_string: String,
    #[serde(default)]
    replace_all: bool,
}

impl MultiEditTool {
    pub(super) fn new(storage: Storage) -> Self {
        let edit = Schema::default()
            .required("old_string", Kind::Text, "The text to replace")
            .required("new_string", Kind::Text, "The text to put in its place; not the same as old_string")
            .optional("replace_all", Kind::Boolean, "Replace every occurrence; false by default");
        let definition = Schema::default()
            .required("file_path", Kind::Text, "The file to change")
            .required_list("edits", 1, &edit, "The edits, in the order in which they are made")
            .define("MultiEdit", DESCRIPTION);
        Self { definition, storage }
    }
}

impl Tool for MultiEditTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: Arguments = typed("MultiEdit", arguments)?;
        Ok(Access::Write(session.guard.absolute(&arguments.file_path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: Arguments = typed("MultiEdit", &arguments)?;
            let Arguments { file_path, edits } = arguments;
            let (heading, list) = applied(&edits);
            let edit = move |found: Found<'_>, stop: &Stop| Ok((edited(&edits, &found, stop)?, ()));
            let (path, ()) = self.storage.rewrite("MultiEdit", file_path, session, edit).await?;
            Ok(format!("{heading} to {}:{list}", path.shown.display()))
        })
    }
}

/// How many edits were made, and the list of them.
fn applied(edits: &[Edit]) -> (String, String) {
    let noun = if edits.len() == 1 { "edit" } else { "edits" };
    let mut list = String::new();
    for (number, edit) in (1..).zip(edits) {
        let (old, new) = (quoted(&edit.old_string), quoted(&edit.new_string));
        let written = write!(list, "\n{number}. Replaced \"{old}\" with \"{new}\"");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    (format!("Applied {} {noun}", edits.len()), list)
}

fn edited(edits: &[Edit], found: &Found<'_>, stop: &Stop) -> Result<Vec<u8>, ToolError> {
    let creates = edits.first().is_some_and(|edit| edit.old_string.is_empty());
    let Text { encoding, text } = match found {
        Found::Absent(_) if creates => Text { encoding: Encoding::Utf8, text: String::new() },
        Found::Absent(missing) => return Err(missing()),
        Found::Present(present) if creates && !present.is_empty() => {
            return Err(ToolError::Input("Cannot create new file - file already exists.".to_owned()));
        }
        Found::Present(_) if creates => Text { encoding: Encoding::Utf8, text: String::new() },
        Found::Present(present) => Text::decode(present.as_seen()?),
    };
    Ok(encoding.encode(&all(encoding, text, edits, stop)?))
}

/// The text after all edits, if each of them can be made.
fn all(encoding: Encoding, mut text: String, edits: &[Edit], stop: &Stop) -> Result<String, ToolError> {
    for (index, edit) in edits.iter().enumerate() {
        stop.check()?;
        let before = edits.get(..index).unwrap_or_default();
        text = one(encoding, &text, edit, before).map_err(|error| match error {
            ToolError::Input(reason) if edits.len() > 1 => ToolError::Input(format!(
                "Edit {} of {} cannot be made, so none was: {reason}",
                index + 1,
                edits.len()
            )),
            other => other,
        })?;
    }
    Ok(text)
}

fn one(encoding: Encoding, text: &str, edit: &Edit, before: &[Edit]) -> Result<String, ToolError> {
    let Edit { old_string, new_string, replace_all } = edit;
    let refused = |reason: &str| Err(ToolError::Input(reason.to_owned()));
    if old_string == new_string {
        return refused("No changes to make: old_string and new_string are exactly the same.");
    }
    if old_string.is_empty() {
        return match before {
            [] => Ok(encoding.written(new_string).into_owned()),
            _ => refused("Only the first edit may have an empty old_string: it creates the file."),
        };
    }
    // What one edit wrote the next one would replace: almost always a plan that went wrong.
    let sought = old_string.trim_end_matches('\n');
    if !sought.is_empty() && before.iter().any(|earlier| earlier.new_string.contains(sought)) {
        return refused("Cannot edit file: old_string is a substring of a new_string from a previous edit.");
    }
    let which = if *replace_all { Occurrences::All } else { Occurrences::One };
    replace_in(encoding, text, old_string, new_string, which).map(|replaced| replaced.text)
}

fn quoted(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if quoted.len() < text.len() {
        quoted.push_str("...");
    }
    quoted
}

#[cfg(test)]
mod tests {
    use codex_task_config::PermissionMode;
    use serde_json::json;

    use super::*;
    use crate::builtin::read::ReadTool;
    use crate::gate::testing::Bench;

    async fn edited(bench: &Bench, path: &str, edits: Value) -> String {
        let arguments = json!({"file_path": path, "edits": edits});
        let result = MultiEditTool::new(Storage::Disk).run(arguments, &bench.session).await;
        let root = bench.root().display().to_string();
        result.unwrap_or_else(|error| error.to_string()).replace(&root, "ROOT")
    }

    async fn with_file(content: &str) -> Bench {
        let bench = Bench::new(PermissionMode::AcceptEdits, &[]);
        bench.file("f", content);
        ReadTool::new(Storage::Disk).run(json!({"file_path": "f"}), &bench.session).await.unwrap();
        bench
    }

    fn content(bench: &Bench, path: &str) -> String {
        std::fs::read_to_string(bench.root().join(path)).unwrap()
    }

    #[tokio::test]
    async fn edits_are_made_in_order_and_told_in_claude_codes_words() {
        let bench = with_file("one two\r\none three\r\n").await;
        let long = "x".repeat(60);
        let edits = json!([
            {"old_string": "one", "new_string": "1", "replace_all": true},
            {"old_string": "1 two\n1 three", "new_string": long}
        ]);
        assert_eq!(
            edited(&bench, "f", edits).await,
            format!(
                "Applied 2 edits to ROOT/f:\n1. Replaced \"one\" with \"1\"\n2. Replaced \"1 two\n1 three\" with \"{}...\"",
                "x".repeat(50)
            )
        );
        assert_eq!(content(&bench, "f"), format!("{long}\r\n"));
        let again = json!([{"old_string": &long[..59], "new_string": "y"}]);
        assert!(edited(&bench, "f", again).await.contains("Applied 1 edit to"), "its own work it has seen");
    }

    #[tokio::test]
    async fn one_edit_that_cannot_be_made_undoes_all() {
        let bench = with_file("a b c c\n").await;
        let first = json!({"old_string": "a", "new_string": "XY"});
        for (second, expected) in [
            (
                json!({"old_string": "z", "new_string": "y"}),
                "String to replace not found in file.\nString: z",
            ),
            (json!({"old_string": "c", "new_string": "y"}), "Found 2 matches of the string to replace"),
            (json!({"old_string": "b", "new_string": "b"}), "No changes to make"),
            (
                json!({"old_string": "", "new_string": "b"}),
                "Only the first edit may have an empty old_string",
            ),
            (
                json!({"old_string": "X\n", "new_string": "b"}),
                "Cannot edit file: old_string is a substring of a new_string from a previous edit.",
            ),
        ] {
            let text = edited(&bench, "f", json!([first, second])).await;
            let expected = format!("Edit 2 of 2 cannot be made, so none was: {expected}");
            assert!(text.starts_with(&expected), "{text}");
            assert_eq!(content(&bench, "f"), "a b c c\n");
        }
    }

    #[tokio::test]
    async fn a_first_edit_without_an_old_text_creates_the_file() {
        let bench = with_file("x").await;
        let edits =
            json!([{"old_string": "", "new_string": "hello\n"}, {"old_string": "ell", "new_string": "ipp"}]);
        let text = edited(&bench, "sub/new", edits.clone()).await;
        assert!(text.contains("Cannot edit file"), "{text}");
        let edits = json!([{"old_string": "", "new_string": "hello\n"}]);
        assert!(
            edited(&bench, "sub/new", edits.clone()).await.starts_with("Applied 1 edit to ROOT/sub/new:")
        );
        assert_eq!(content(&bench, "sub/new"), "hello\n");
        assert_eq!(edited(&bench, "f", edits).await, "Cannot create new file - file already exists.");
    }

    #[tokio::test]
    async fn a_file_is_edited_only_as_it_was_read() {
        let bench = with_file("a").await;
        let edits = json!([{"old_string": "a", "new_string": "b"}]);
        bench.file("g", "a");
        assert!(edited(&bench, "g", edits.clone()).await.starts_with("File has not been read yet."));
        bench.file("f", "a changed");
        assert!(edited(&bench, "f", edits.clone()).await.starts_with("File has been modified since read"));
        assert!(edited(&bench, "none", edits).await.starts_with("File does not exist."));
    }
}
