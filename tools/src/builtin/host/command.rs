//! Bash on a host's shell.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{HostCommand, HostOutput, HostTools};
use crate::builtin::bash_arguments::{self, BashArguments};
use crate::builtin::head_tail::HeadTail;
use crate::builtin::process::OUTPUT_CHARS_MAX;
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

const DESCRIPTION: &str = "Runs a command line in the shell of the program that you run in, in the working directory. Every \
    call is a shell of its own. Standard input is empty, and nobody answers questions. Gives the output, of which at most \
    30000 characters are kept, and the exit code if it is not 0. Prefer Read, Grep, Glob and Edit to cat, grep, find and sed.";

/// The tool.
pub(super) struct HostBash {
    definition: ToolDefinition,
    host: Arc<dyn HostTools>,
}

impl HostBash {
    pub(super) fn new(host: Arc<dyn HostTools>) -> Self {
        Self { definition: bash_arguments::schema().define("Bash", DESCRIPTION), host }
    }
}

impl Tool for HostBash {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        Ok(Access::Execute { command: BashArguments::of(arguments)?.command })
    }

    fn confines_commands(&self) -> bool {
        self.host.confines_commands()
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments = BashArguments::of(&arguments)?;
            let command = HostCommand {
                timeout: arguments.time_max(),
                line: arguments.command,
                cwd: session.cwd.to_path_buf(),
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
