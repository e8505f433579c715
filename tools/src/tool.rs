//! What a tool is. Tools are run by `ToolSet::call` only, behind the gate.

use std::path::PathBuf;
use std::sync::Arc;

use codex_task_config::{Attachment, ToolName};
use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Session, ToolError};

/// A tool as it is offered to a model.
#[derive(Clone, Debug)]
pub struct ToolDefinition {
    /// Claude Code's name.
    pub name: ToolName,
    /// What it does, for the model; our own words.
    pub description: Arc<str>,
    /// JSON schema of the arguments: an object, `additionalProperties: false`, Claude Code's argument names.
    pub input_schema: Arc<RawValue>,
}

/// What one call would touch: what the gate judges and the scheduler orders by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads a file or lists and searches below a directory.
    Read(PathBuf),
    /// Creates or changes a file.
    Write(PathBuf),
    /// Runs a shell command.
    Execute {
        /// The command line as the model wrote it.
        command: String,
    },
    /// Reads a page of the web.
    Fetch {
        /// The address that is fetched.
        url: String,
        /// Its host as it is looked up: lower case, ASCII, no brackets.
        host: String,
    },
    /// Searches the web through a provider.
    Search {
        /// What is searched for.
        query: String,
    },
    /// Calls a tool of a server, which acts in the world as it likes.
    Remote {
        /// Whether the server says that the call changes nothing: enough to run it beside others, not to allow it.
        changes: RemoteChanges,
    },
    /// Starts an agent, which has its own gate.
    Delegate {
        /// Its name.
        agent: String,
    },
    /// Touches nothing outside the session (e.g. a to-do list).
    Nothing,
}

/// How a call gets along with the others of its turn, and with a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conduct {
    /// It changes nothing: it runs beside others, and again after a crash.
    Reads,
    /// It runs beside others, and has effects: never twice.
    Delegates,
    /// It has effects, and runs alone.
    Acts,
}

impl Access {
    /// How calls of this kind get along with others.
    pub fn conduct(&self) -> Conduct {
        match self {
            Self::Read(_)
            | Self::Fetch { .. }
            | Self::Search { .. }
            | Self::Remote { changes: RemoteChanges::SaysNone }
            | Self::Nothing => Conduct::Reads,
            Self::Delegate { .. } => Conduct::Delegates,
            Self::Write(_) | Self::Execute { .. } | Self::Remote { changes: RemoteChanges::Possible } => {
                Conduct::Acts
            }
        }
    }
}

/// What a server says about a tool of its own. Nobody has checked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RemoteChanges {
    /// Calls only read.
    SaysNone,
    /// Calls may change something.
    Possible,
}

/// What a tool gives back to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolReply {
    /// The text that the model reads; bounded by the tool.
    pub text: String,
    /// Whether the call failed or was refused.
    pub is_error: bool,
    /// What the model looks at beside the text; none beside a failure.
    pub attachments: Vec<Attachment>,
}

/// What a tool gives that has run: a text, and what the model is to look at beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolOutput {
    /// The text.
    pub text: String,
    /// Images and documents.
    pub attachments: Vec<Attachment>,
}

impl From<String> for ToolOutput {
    fn from(text: String) -> Self {
        Self { text, attachments: Vec::new() }
    }
}

impl ToolReply {
    /// A call that went well and gave text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: false, attachments: Vec::new() }
    }

    /// A failed or refused call.
    pub fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: true, attachments: Vec::new() }
    }
}

/// One built-in tool. Stateless: everything that belongs to an agent is in the [`Session`].
pub trait Tool: Send + Sync {
    /// Name, description and schema.
    fn definition(&self) -> &ToolDefinition;

    /// What a call with these arguments would touch. Arguments have passed the schema; paths are as the model wrote
    /// them, made absolute against the session's working directory, not yet resolved.
    ///
    /// # Errors
    /// [`ToolError`] when the arguments make no sense together.
    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError>;

    /// Whether the schema alone says which arguments are valid. A tool that is more lenient, or has its own words for what
    /// is wrong, gets them as they are, as long as they are an object.
    fn is_checked_by_schema(&self) -> bool {
        true
    }

    /// Whether a command runs as [`Session::confinement`] says. Where a tool does not see to it, no command of it is
    /// allowed because a sandbox would hold it.
    fn confines_commands(&self) -> bool {
        false
    }

    /// Runs the call. The gate has allowed it; paths must still be opened through the session's path guard.
    ///
    /// # Cancel safety
    /// Dropping the future ends the work and every process that it started.
    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>>;

    /// Goes on with a call that had begun in a process that is gone, where its work has been kept and goes on too. `None`:
    /// nobody knows what became of it. The gate had allowed it.
    fn go_on<'a>(&'a self, arguments: &'a Value) -> BoxFuture<'a, Option<Result<String, ToolError>>> {
        let _ = arguments;
        Box::pin(std::future::ready(None))
    }

    /// Runs the call for a model that may be shown more than text. This is what is called; a tool that shows images or
    /// documents has it beside [`Tool::run`], every other one is only its text.
    ///
    /// # Cancel safety
    /// As [`Tool::run`].
    fn run_with_attachments<'a>(
        &'a self,
        arguments: Value,
        session: &'a Session,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolError>> {
        Box::pin(async move { self.run(arguments, session).await.map(ToolOutput::from) })
    }
}
