//! All that a host needs to have the Task tool in process: its own tool traits on one side, the runtime's handle on the
//! other.

use std::sync::Arc;

use codex_task::{RuntimeHandle, TaskTool, TaskToolSpec, ToolCaller, ToolCatalog};

use crate::host::{Answering, CallError, Contributor, HostedCall, HostedSpec, HostedTool};

/// Contributes `Task`, `TaskOutput` and `TaskStop`.
pub(crate) struct Subagents {
    /// Keeps background tasks running as long as the host keeps the extension.
    tool: TaskTool,
    catalog: ToolCatalog,
}

/// One of the three tools.
struct Hosted {
    name: &'static str,
    tool: TaskTool,
    catalog: ToolCatalog,
}

impl Subagents {
    pub(crate) fn new(runtime: &RuntimeHandle) -> Self {
        Self { tool: runtime.task_tool(), catalog: runtime.tool_catalog() }
    }
}

impl Contributor for Subagents {
    fn tools(&self) -> Vec<Arc<dyn HostedTool>> {
        let hosted = |spec: TaskToolSpec| {
            let (tool, catalog) = (self.tool.clone(), self.catalog.clone());
            Arc::new(Hosted { name: spec.name, tool, catalog }) as Arc<dyn HostedTool>
        };
        self.catalog.tools().map(hosted).into()
    }
}

impl HostedTool for Hosted {
    /// Asked for with every turn, so that agents whose files have changed are offered as they are.
    fn spec(&self) -> HostedSpec {
        let spec = self.catalog.tools().into_iter().find(|spec| spec.name == self.name);
        let spec = spec.unwrap_or_else(|| self.catalog.task());
        HostedSpec {
            name: spec.name.to_owned(),
            description: spec.description,
            parameters: spec.input_schema,
        }
    }

    fn runs_in_parallel(&self) -> bool {
        true
    }

    /// The task has been handed over when this returns; dropping the future cancels it.
    fn handle(&self, call: HostedCall) -> Answering<'_> {
        let answering = self.tool.call(self.name, &call.arguments, &ToolCaller::default());
        Box::pin(async move {
            let answer = answering.await;
            if answer.is_error { Err(CallError(answer.joined())) } else { Ok(answer.joined()) }
        })
    }
}
