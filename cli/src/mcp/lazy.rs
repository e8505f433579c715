//! The Task tool of a runtime that starts with its first call: a client that only lists tools pays for no threads.

use std::sync::{Mutex, OnceLock, PoisonError};

use codex_task::{PreparedRuntime, TaskTool, ToolCatalog};

/// See the module.
pub(super) struct LazyTool {
    catalog: ToolCatalog,
    /// Taken by the first call.
    prepared: Mutex<Option<PreparedRuntime>>,
    /// The tool, or why there is none.
    started: OnceLock<Result<TaskTool, String>>,
}

impl LazyTool {
    pub(super) fn new(prepared: PreparedRuntime) -> Self {
        let catalog = prepared.tool_catalog();
        Self { catalog, prepared: Mutex::new(Some(prepared)), started: OnceLock::new() }
    }

    /// What is offered; does not start anything.
    pub(super) fn catalog(&self) -> &ToolCatalog {
        &self.catalog
    }

    /// The tool. The first call starts the runtime, which blocks for a few milliseconds, or a little longer where a
    /// local model server has to be looked for.
    ///
    /// # Errors
    /// Why the runtime could not start, for the model.
    pub(super) fn get(&self) -> Result<&TaskTool, &str> {
        self.started.get_or_init(|| self.start()).as_ref().map_err(String::as_str)
    }

    /// The tool, if it has been called yet.
    pub(super) fn running(&self) -> Option<&TaskTool> {
        self.started.get()?.as_ref().ok()
    }

    fn start(&self) -> Result<TaskTool, String> {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(prepared) = prepared else {
            return Err("Agent failed: the runtime did not start".to_owned());
        };
        match prepared.start() {
            Ok(handle) => Ok(handle.task_tool()),
            Err(error) => Err(format!(
                "Agent failed: the runtime could not start: {error}\nSuggestion: {}",
                error.help()
            )),
        }
    }
}
