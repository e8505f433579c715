//! Bash on a host's shell.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::{HostCommand, HostOutput, HostTools};
use crate::builtin::arguments::{typed, whole};
use crate::builtin::head_tail::HeadTail;
use crate::builtin::process::OUTPUT_CHARS_MAX;
use crate::builtin::schema::{Kind, Schema};
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

const TIMEOUT_DEFAULT_MS: u64 = 120_000;
const TIMEOUT_MAX_MS: u64 = 600_000;

const DESCRIPTION: &str = "Runs a command line in the shell of the program that you run in, in the working directory. Every \
    call is a shell of its own. Standard input is empty, and nobody answers questions. Gives the output, of which at most \
    30000 characters are kept, and the exit code if it is not 0. Prefer Read, Grep, Glob and Edit to cat, grep, find and sed.";

/// The tool.
pub(super) struct HostBash {
    definition: ToolDefinition,
    host: Arc<dyn HostTools>,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    command: String,
    #[serde(default, deserialize_with = "whole")]
    timeout: Option<u64>,
}

impl HostBash {
    pub(super) fn new(host: Arc<dyn HostTools>) -> Self {
        let definition = Schema::default()
            .required("command", Kind::Text, "The command line")
            .optional("timeout", Kind::WholeFrom(1), "Milliseconds, at most 600000; 120000 by default")
            .optional("description", Kind::Text, "What the command does, in 5 to 10 words")
            .define("Bash", DESCRIPTION);
        Self { definition, host }
    }
}

impl Tool for HostBash {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        let arguments: Arguments = typed("Bash", arguments)?;
        Ok(Access::Execute { command: arguments.command })
    }

    fn confines_commands(&self) -> bool {
        self.host.confines_commands()
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: Arguments = typed("Bash", &arguments)?;
            let timeout = arguments.timeout.unwrap_or(TIMEOUT_DEFAULT_MS).min(TIMEOUT_MAX_MS);
            let command = HostCommand {
                line: arguments.command,
                cwd: session.cwd.to_path_buf(),
                timeout: Duration::from_millis(timeout),
                confinement: session.confinement,
            };
            match tokio::time::timeout(command.timeout, self.host.exec(&command)).await {
                Ok(output) => reply(&output?),
                Err(_) => Err(ToolError::TimedOut(format!("Command timed out after {:?}", command.timeout))),
            }
        })
    }
}

fn reply(output: &HostOutput) -> Result<String, ToolError> {
    let (stdout, stderr) = (shown(&output.stdout), shown(&output.stderr));
    let joined = |parts: [&str; 3]| {
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    };
    if output.code != 0 {
        return Err(ToolError::Failed(joined([&format!("Exit code {}", output.code), &stderr, &stdout])));
    }
    let text = joined([&stdout, &stderr, ""]);
    Ok(if text.is_empty() { "(Bash completed with no output)".to_owned() } else { text })
}

/// Beginning and end of what a command wrote.
fn shown(text: &str) -> String {
    let mut kept = HeadTail::new(OUTPUT_CHARS_MAX / 2);
    kept.push(text.as_bytes());
    kept.text(OUTPUT_CHARS_MAX / 2).trim_end().to_owned()
}
