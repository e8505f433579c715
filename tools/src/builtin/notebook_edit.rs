//! `NotebookEdit`: one cell of a Jupyter notebook replaced, added or removed.

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::blocking::Stop;
use super::notebook::{CellType, Notebook};
use super::rewrite::Found;
use super::schema::{Kind, Schema};
use super::storage::Storage;
use super::text::Text;
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

const DESCRIPTION: &str = "Changes one cell of a Jupyter notebook (.ipynb) that was read with Read before: replaces its whole \
    source, or inserts or deletes a cell. cell_id is the id that Read shows (`cell-N`, counted from 0, for cells without one). \
    A new cell comes behind the one that cell_id names, or first without cell_id, and needs a cell_type. The rest of the file \
    stays as it is; what a changed code cell gave before is removed.";

/// The tool.
#[derive(Debug)]
pub(super) struct NotebookEditTool {
    definition: ToolDefinition,
    storage: Storage,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    notebook_path: PathBuf,
    cell_id: Option<String>,
    new_source: String,
    cell_type: Option<CellType>,
    #[serde(default)]
    edit_mode: EditMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EditMode {
    #[default]
    Replace,
    Insert,
    Delete,
}

impl NotebookEditTool {
    pub(super) fn new(storage: Storage) -> Self {
        let modes = Kind::OneOf(&["replace", "insert", "delete"]);
        let definition = Schema::default()
            .required("notebook_path", Kind::Text, "The notebook to change")
            .optional("cell_id", Kind::Text, "The cell to change; for insert, the one before the new cell")
            .required("new_source", Kind::Text, "The cell's new source; empty for delete")
            .optional(
                "cell_type",
                Kind::OneOf(&["code", "markdown"]),
                "What the cell is; needed for insert, otherwise it stays what it is",
            )
            .optional("edit_mode", modes, "What to do; replace by default")
            .define("NotebookEdit", DESCRIPTION);
        Self { definition, storage }
    }
}

impl Tool for NotebookEditTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: Arguments = typed("NotebookEdit", arguments)?;
        Ok(Access::Write(session.guard.absolute(&arguments.notebook_path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: Arguments = typed("NotebookEdit", &arguments)?;
            check(&arguments)?;
            let path = arguments.notebook_path.clone();
            let edit = move |found: Found<'_>, _: &Stop| edited(&arguments, found);
            Ok(self.storage.rewrite("NotebookEdit", path, session, edit).await?.1)
        })
    }
}

/// Whether a file is a notebook by its name.
pub(super) fn is_notebook(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ipynb"))
}

fn input(text: impl Into<String>) -> ToolError {
    ToolError::Input(text.into())
}

/// What is wrong with the arguments whatever the file holds.
fn check(arguments: &Arguments) -> Result<(), ToolError> {
    let Arguments { notebook_path, cell_id, cell_type, edit_mode, .. } = arguments;
    if !is_notebook(notebook_path) {
        return Err(input(
            "File must be a Jupyter notebook (.ipynb file). For editing other file types, use the Edit tool.",
        ));
    }
    match edit_mode {
        EditMode::Insert if cell_type.is_none() => {
            Err(input("Cell type is required when using edit_mode=insert."))
        }
        EditMode::Replace | EditMode::Delete if cell_id.is_none() => {
            Err(input("Cell ID must be specified when not inserting a new cell."))
        }
        EditMode::Replace | EditMode::Insert | EditMode::Delete => Ok(()),
    }
}

fn edited(arguments: &Arguments, found: Found<'_>) -> Result<(Vec<u8>, String), ToolError> {
    let present = match found {
        Found::Present(present) => present,
        Found::Absent(missing) => return Err(missing()),
    };
    let Text { encoding, text } = Text::decode(present.as_seen()?);
    let notebook = Notebook::parse(&text);
    let notebook = notebook.ok_or_else(|| input("Notebook is not valid JSON, or has no list of cells."))?;
    let (text, said) = changed(&notebook, arguments)?;
    Ok((encoding.encode(&text), said))
}

/// The notebook's text after the change, and Claude Code's words for it.
fn changed(notebook: &Notebook<'_>, arguments: &Arguments) -> Result<(String, String), ToolError> {
    let Arguments { cell_id, new_source, cell_type, edit_mode, .. } = arguments;
    let index = match cell_id {
        None => None,
        Some(id) => Some(notebook.find(id).ok_or_else(|| {
            let count = notebook.cells.len();
            let ids: Vec<String> = (0..count.min(20)).map(|index| notebook.id(index)).collect();
            input(format!("Cell with ID \"{id}\" not found in notebook. Its cells: {}", ids.join(", ")))
        })?),
    };
    // What the check has ruled out, and cells that cannot be changed.
    let impossible = || ToolError::Failed("The cell has no source that could be changed.".to_owned());
    match (edit_mode, index) {
        (EditMode::Insert, after) => {
            let kind = cell_type.ok_or_else(impossible)?;
            let (text, id) = notebook.inserted(after, new_source, kind).ok_or_else(impossible)?;
            Ok((text, format!("Inserted cell {id} with {new_source}")))
        }
        (EditMode::Replace, Some(index)) => {
            let text = notebook.replaced(index, new_source, *cell_type).ok_or_else(impossible)?;
            Ok((text, format!("Updated cell {} with {new_source}", notebook.id(index))))
        }
        (EditMode::Delete, Some(index)) => {
            let text = notebook.deleted(index).ok_or_else(impossible)?;
            Ok((text, format!("Deleted cell {}", notebook.id(index))))
        }
        (EditMode::Replace | EditMode::Delete, None) => Err(impossible()),
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::PermissionMode;
    use serde_json::json;

    use super::*;
    use crate::builtin::read::ReadTool;
    use crate::gate::testing::Bench;

    const NOTEBOOK: &str = "{\n \"cells\": [\n  {\n   \"cell_type\": \"code\",\n   \"execution_count\": 1,\n   \"metadata\": {},\n   \"outputs\": [],\n   \"source\": [\n    \"1\"\n   ]\n  }\n ],\n \"nbformat\": 4,\n \"nbformat_minor\": 4\n}\n";

    async fn edited(bench: &Bench, arguments: Value) -> String {
        let result = NotebookEditTool::new(Storage::Disk).run(arguments, &bench.session).await;
        result.unwrap_or_else(|error| error.to_string())
    }

    async fn read(bench: &Bench, arguments: Value) -> String {
        ReadTool::new(Storage::Disk).run(arguments, &bench.session).await.unwrap()
    }

    #[tokio::test]
    async fn a_notebook_is_read_as_cells_and_edited_by_them() {
        let bench = Bench::new(PermissionMode::AcceptEdits, &[]);
        bench.file("n.ipynb", NOTEBOOK);
        let first = json!({"notebook_path": "n.ipynb", "cell_id": "cell-0", "new_source": "2"});
        assert!(edited(&bench, first.clone()).await.starts_with("File has not been read yet."));
        let path = json!({"file_path": "n.ipynb"});
        assert_eq!(read(&bench, path.clone()).await, "<cell id=\"cell-0\">1</cell id=\"cell-0\">");
        assert_eq!(edited(&bench, first).await, "Updated cell cell-0 with 2");
        let new = json!({"notebook_path": "n.ipynb", "cell_id": "cell-0", "new_source": "# T", "cell_type": "markdown", "edit_mode": "insert"});
        assert_eq!(edited(&bench, new).await, "Inserted cell cell-1 with # T");
        assert_eq!(
            read(&bench, path).await,
            "<cell id=\"cell-0\">2</cell id=\"cell-0\">\n<cell id=\"cell-1\"><cell_type>markdown</cell_type># T</cell id=\"cell-1\">"
        );
        let gone =
            json!({"notebook_path": "n.ipynb", "cell_id": "cell-1", "new_source": "", "edit_mode": "delete"});
        assert_eq!(edited(&bench, gone).await, "Deleted cell cell-1");
        let text = std::fs::read_to_string(bench.root().join("n.ipynb")).unwrap();
        assert_eq!(text, NOTEBOOK.replace("\"1\"", "\"2\"").replace(": 1,", ": null,"));
        let raw = read(&bench, json!({"file_path": "n.ipynb", "limit": 2})).await;
        assert!(raw.starts_with("     1→{\n     2→ \"cells\": ["), "with a window it is text: {raw}");
    }

    #[tokio::test]
    async fn refusals_have_claude_codes_words() {
        let bench = Bench::new(PermissionMode::AcceptEdits, &[]);
        bench.file("n.ipynb", NOTEBOOK);
        bench.file("bad.ipynb", "{");
        for path in ["n.ipynb", "bad.ipynb"] {
            read(&bench, json!({ "file_path": path })).await;
        }
        let on = |path: &str, rest: Value| {
            let mut arguments = json!({"notebook_path": path, "new_source": "x"});
            arguments.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            arguments
        };
        for (arguments, expected) in [
            (on("f.py", json!({})), "File must be a Jupyter notebook (.ipynb file)."),
            (on("n.ipynb", json!({})), "Cell ID must be specified when not inserting a new cell."),
            (
                on("n.ipynb", json!({"edit_mode": "insert"})),
                "Cell type is required when using edit_mode=insert.",
            ),
            (
                on("n.ipynb", json!({"cell_id": "cell-1"})),
                "Cell with ID \"cell-1\" not found in notebook. Its cells: cell-0",
            ),
            (on("bad.ipynb", json!({"cell_id": "a"})), "Notebook is not valid JSON"),
            (on("no.ipynb", json!({"cell_id": "a"})), "File does not exist."),
        ] {
            let text = edited(&bench, arguments).await;
            assert!(text.starts_with(expected), "{text}");
        }
    }
}
