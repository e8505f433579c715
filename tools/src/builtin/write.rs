//! Write: a whole file, created or replaced.

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::rewrite::Target;
use super::schema::{Kind, Schema};
use super::storage::Storage;
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

const DESCRIPTION: &str = "Writes a whole file of the workspace, creating the directories above it where they are missing. \
    A file that exists is replaced and must have been read with Read before. To change a part of a file use Edit.";

/// The tool.
#[derive(Debug)]
pub(super) struct WriteTool {
    definition: ToolDefinition,
    storage: Storage,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    file_path: PathBuf,
    content: String,
}

impl WriteTool {
    pub(super) fn new(storage: Storage) -> Self {
        let definition = Schema::default()
            .required("file_path", Kind::Text, "The file to write")
            .required("content", Kind::Text, "The whole content of the file")
            .define("Write", DESCRIPTION);
        Self { definition, storage }
    }
}

impl Tool for WriteTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: Arguments = typed("Write", arguments)?;
        Ok(Access::Write(session.guard.absolute(&arguments.file_path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: Arguments = typed("Write", &arguments)?;
            let Arguments { file_path, content } = arguments;
            let (path, target) = self.storage.replace(file_path, content, session).await?;
            let shown = path.shown.display();
            Ok(match target {
                Target::Existed => format!("The file {shown} has been updated successfully."),
                Target::Created => format!("File created successfully at: {shown}"),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::PermissionMode;
    use serde_json::json;

    use super::*;
    use crate::builtin::read::ReadTool;
    use crate::gate::testing::Bench;

    fn bench() -> Bench {
        Bench::new(PermissionMode::AcceptEdits, &[])
    }

    async fn write(bench: &Bench, path: &str, content: &str) -> String {
        let arguments = json!({"file_path": path, "content": content});
        let result = WriteTool::new(Storage::Disk).run(arguments, &bench.session).await;
        result.unwrap_or_else(|error| error.to_string())
    }

    async fn read(bench: &Bench, path: &str) {
        ReadTool::new(Storage::Disk).run(json!({"file_path": path}), &bench.session).await.unwrap();
    }

    #[tokio::test]
    async fn a_new_file_comes_with_its_directories() {
        let bench = bench();
        let path = bench.root().join("a/b/c.txt");
        assert_eq!(
            write(&bench, "a/b/c.txt", "x").await,
            format!("File created successfully at: {}", path.display())
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
        assert_eq!(
            write(&bench, "a/b/c.txt", "y").await,
            format!("The file {} has been updated successfully.", path.display()),
            "what the agent wrote it has seen"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "y");
    }

    #[tokio::test]
    async fn an_existing_file_is_replaced_only_as_it_was_read() {
        let bench = bench();
        bench.file("f", "old");
        let path = bench.root().join("f");
        assert_eq!(
            write(&bench, "f", "new").await,
            "File has not been read yet. Read it first before writing to it."
        );
        read(&bench, "f").await;
        bench.file("f", "changed by somebody else");
        assert!(write(&bench, "f", "new").await.starts_with("File has been modified since read"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "changed by somebody else");
        read(&bench, "f").await;
        assert!(write(&bench, "f", "new").await.contains("updated successfully"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }

    #[tokio::test]
    async fn what_one_task_has_read_another_has_not() {
        let bench = bench();
        bench.file("f", "old");
        read(&bench, "f").await;
        let other = bench.session.for_task(bench.session.cancel.child_token());
        let result =
            WriteTool::new(Storage::Disk).run(json!({"file_path": "f", "content": "new"}), &other).await;
        assert!(matches!(result, Err(ToolError::Input(text)) if text.contains("not been read yet")));
    }

    #[tokio::test]
    async fn nothing_is_written_where_nothing_may_be() {
        let bench = bench();
        bench.file("file", "x");
        for (path, expected) in [
            ("../outside", "is outside the workspace"),
            (".git/hooks/pre-commit", "is protected"),
            ("file/below", "leads through a file"),
            (".", "is a directory"),
        ] {
            let text = write(&bench, path, "x").await;
            assert!(text.contains(expected), "{path}: {text}");
        }
    }
}
