//! `KillShell`: the end of a background command.

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::typed;
use super::schema::{Kind, Schema};
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

const DESCRIPTION: &str = "Ends a command that runs in the background (Bash with run_in_background) and everything that it \
    started. Commands that you leave running are ended with your task.";

/// The tool.
#[derive(Debug)]
pub(super) struct KillShellTool {
    definition: ToolDefinition,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    shell_id: String,
}

impl KillShellTool {
    pub(super) fn new() -> Self {
        let definition = Schema::default()
            .required("shell_id", Kind::Text, "The id that Bash gave")
            .define("KillShell", DESCRIPTION);
        Self { definition }
    }
}

impl Tool for KillShellTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, _arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        Ok(Access::Nothing)
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let Arguments { shell_id } = typed("KillShell", &arguments)?;
            let command = session.shells.kill(&shell_id)?;
            let message = format!("Successfully killed shell: {shell_id} ({command})");
            Ok(json!({ "message": message, "shell_id": shell_id }).to_string())
        })
    }
}
