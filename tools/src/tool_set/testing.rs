//! Tools that do what a test tells them.

use std::path::PathBuf;
use std::sync::Arc;

use codex_task_config::ToolName;
use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Access, Session, Tool, ToolDefinition, ToolError};

/// How a [`FakeTool`] behaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Behavior {
    /// Gives its arguments back.
    Echo,
    Panic,
    Hang,
    /// Gives more than any result may have.
    Flood,
}

/// A tool with one path argument and a number.
pub(super) struct FakeTool {
    definition: ToolDefinition,
    behavior: Behavior,
}

impl FakeTool {
    pub(super) fn named(name: &str, behavior: Behavior) -> Arc<dyn Tool> {
        let schema = r#"{
            "type": "object",
            "properties": {
                "file_path": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1},
                "items": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}}
            },
            "required": ["file_path"],
            "additionalProperties": false
        }"#;
        let definition = ToolDefinition {
            name: ToolName::new(name),
            description: "does as told".into(),
            input_schema: RawValue::from_string(schema.to_owned()).unwrap().into(),
        };
        Arc::new(Self { definition, behavior })
    }
}

impl Tool for FakeTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        let path = arguments["file_path"].as_str().unwrap_or_default();
        Ok(match self.definition.name.as_str() {
            "Write" => Access::Write(PathBuf::from(path)),
            "Bash" => Access::Execute { command: path.to_owned() },
            _ => Access::Read(PathBuf::from(path)),
        })
    }

    fn run<'a>(
        &'a self,
        arguments: Value,
        _session: &'a Session,
    ) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            match self.behavior {
                Behavior::Echo => Ok(arguments.to_string()),
                Behavior::Panic => panic!("secret words of the panic"),
                Behavior::Hang => std::future::pending().await,
                Behavior::Flood => Ok("ä".repeat(1_000_000)),
            }
        })
    }
}
