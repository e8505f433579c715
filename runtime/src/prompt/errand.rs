//! Calls of tools that the session makes itself, before an agent begins.

use std::path::Path;

use codex_task_actors::Services;
use codex_task_config::{Mention, ToolSelection};
use codex_task_tools::{ToolReply, ToolSet};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

/// The session's tools with the session's rights. What they do ends when it is dropped.
pub(super) struct Errand<'a> {
    services: &'a Services,
    tools: ToolSet,
    _end: DropGuard,
}

/// A call that was made.
pub(super) struct Done {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
    pub(super) reply: ToolReply,
}

impl<'a> Errand<'a> {
    /// `None` without any tool: then nothing is read and nothing is run.
    pub(super) fn new(services: &'a Services) -> Option<Self> {
        let end = CancellationToken::new();
        let session = services.session.for_task(end.clone());
        let resolved =
            services.toolbox.resolve(&ToolSelection::Inherit, &[], &services.rights, session).ok()?;
        Some(Self { services, tools: resolved.tool_set, _end: end.drop_guard() })
    }

    /// Runs a command line.
    pub(super) async fn run(&self, line: &str) -> ToolReply {
        self.call("Bash", json!({"command": line})).await.reply
    }

    /// Reads a file, or lists a directory; `None` when there is neither.
    pub(super) async fn look_at(&self, mention: &Mention) -> Option<Done> {
        let path = self.tools.session().guard.absolute(Path::new(&mention.path)).ok()?;
        // Only whether there is something: what it is, the tools find out behind the gate.
        let is_directory = path.metadata().ok()?.is_dir();
        let shown = path.display().to_string();
        if is_directory {
            return Some(self.call("LS", json!({"path": shown})).await);
        }
        let mut arguments = json!({"file_path": shown});
        if let (Some((first, last)), Some(arguments)) = (mention.lines, arguments.as_object_mut()) {
            arguments.insert("offset".to_owned(), first.into());
            arguments.insert("limit".to_owned(), (last - first + 1).into());
        }
        Some(self.call("Read", arguments).await)
    }

    async fn call(&self, tool: &'static str, arguments: Value) -> Done {
        let (tools, text) = (self.tools.clone(), arguments.to_string());
        let called = self.services.io.spawn(async move { tools.call(tool, &text).await }).await;
        let reply = called.unwrap_or_else(|_| ToolReply::error("the runtime is shutting down"));
        Done { tool, arguments, reply }
    }
}

impl Drop for Errand<'_> {
    fn drop(&mut self) {
        self.tools.session().close();
    }
}
