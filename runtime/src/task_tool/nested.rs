//! The Task tool inside of an agent: the main agent's, and with `limits.max_depth` that of the agents which it starts.
//! What a nested task may do begins with what its agent may; it ends with that agent.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use codex_task_actors::{Delegate, Delegation, TaskError};
use codex_task_config::{AgentRegistry, ToolName, USUAL_AGENT};
use codex_task_tools::{Access, Session, Tool, ToolDefinition, ToolError};
use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::answer::{self, ToolAnswer};
use super::catalog::ToolCatalog;
use super::input::ToolInput;
use super::orphans::Orphans;
use super::spec::{TASK, TaskToolSpec};
use super::tool::{Memory, TaskTool, ToolCaller};
use crate::handle::{RuntimeHandle, Shared};

/// Bytes of an answer that an agent reads: a report that is longer is saved, and shown in part.
const ANSWER_BYTES_MAX: usize = 100_000;

/// Gives agents the Task tool of the runtime that they run in.
pub(crate) struct NestedTasks {
    catalog: ToolCatalog,
    /// Set when the runtime has started. Weak: agents must not keep their own runtime alive.
    runtime: OnceLock<Weak<Shared>>,
    /// Tasks of agents whose process is gone, which go on in this one.
    orphans: Arc<Orphans>,
    /// The definitions, as long as the agents are the same: what an agent reads of them is shared by all of them.
    defined: Mutex<Option<(Arc<AgentRegistry>, Definitions)>>,
}

type Definitions = Arc<[ToolDefinition]>;

/// One of the tools, for one agent.
struct NestedTool {
    definition: ToolDefinition,
    seat: Arc<Seat>,
}

/// What the tools of one agent share.
struct Seat {
    runtime: Weak<Shared>,
    delegate: Delegate,
    memory: Memory,
    orphans: Arc<Orphans>,
}

impl NestedTasks {
    pub(crate) fn new(catalog: ToolCatalog) -> Self {
        Self { catalog, runtime: OnceLock::new(), orphans: Arc::default(), defined: Mutex::default() }
    }

    /// The tasks of agents whose process is gone.
    #[cfg(feature = "store")]
    pub(crate) fn orphans(&self) -> &Orphans {
        &self.orphans
    }

    /// Runs tasks in this runtime from now on.
    pub(crate) fn attach(&self, runtime: &Arc<Shared>) {
        // A second runtime would be a mistake of the builder's: the first one stays.
        let _ = self.runtime.set(Arc::downgrade(runtime));
    }

    fn definitions(&self) -> Definitions {
        let registry = self.catalog.registry();
        let mut defined = self.defined.lock().unwrap_or_else(PoisonError::into_inner);
        match &*defined {
            Some((known, definitions)) if Arc::ptr_eq(known, &registry) => Arc::clone(definitions),
            _ => {
                let definitions: Definitions = self.catalog.tools().into_iter().filter_map(define).collect();
                *defined = Some((registry, Arc::clone(&definitions)));
                definitions
            }
        }
    }
}

impl Delegation for NestedTasks {
    fn tools(&self, delegate: Delegate) -> Vec<Arc<dyn Tool>> {
        let runtime = self.runtime.get().cloned().unwrap_or_default();
        let seat = Arc::new(Seat {
            runtime,
            delegate,
            memory: Memory::default(),
            orphans: Arc::clone(&self.orphans),
        });
        let tool = |definition: &ToolDefinition| {
            Arc::new(NestedTool { definition: definition.clone(), seat: Arc::clone(&seat) }) as Arc<dyn Tool>
        };
        self.definitions().iter().map(tool).collect()
    }
}

impl Tool for NestedTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn is_checked_by_schema(&self) -> bool {
        false
    }

    fn access(&self, arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        if self.definition.name.as_str() != TASK {
            return Ok(Access::Nothing);
        }
        // Arguments that are wrong are answered when the call runs, in the words of the Task tool.
        let agent = arguments.get("subagent_type").and_then(Value::as_str).map(str::trim);
        let agent = agent.filter(|agent| !agent.is_empty()).unwrap_or(USUAL_AGENT);
        Ok(Access::Delegate { agent: agent.to_owned() })
    }

    fn go_on<'a>(
        &'a self,
        arguments: &'a Value,
        session: &'a Session,
    ) -> BoxFuture<'a, Option<Result<String, ToolError>>> {
        Box::pin(async move {
            let Ok(ToolInput::Task(input)) = ToolInput::parse(self.definition.name.as_str(), arguments)
            else {
                return None;
            };
            let mut ending = self.seat.orphans.take(self.seat.delegate.task, &input)?;
            let report = ending.wait_for(Option::is_some).await.ok()?.clone()?;
            let tool = self.task_tool()?;
            Some(answered(tool.ended(Ok(Arc::unwrap_or_clone(report)), ANSWER_BYTES_MAX).await, session))
        })
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let Some(tool) = self.task_tool() else {
                return Err(ToolError::Failed(answer::error_text(&TaskError::RuntimeDown)));
            };
            let delegate = &self.seat.delegate;
            let caller = ToolCaller {
                depth: delegate.children.depth.saturating_sub(1),
                answer_bytes_max: ANSWER_BYTES_MAX,
                delegate: Some(delegate.clone()),
                // Its prompt may be what an untrusted text has told the agent to write.
                tainted_by: session.taint.sources().into_iter().collect(),
                ..ToolCaller::default()
            };
            answered(tool.call(self.definition.name.as_str(), &arguments, &caller).await, session)
        })
    }
}

impl NestedTool {
    /// The Task tool of the runtime, as long as there is one.
    fn task_tool(&self) -> Option<TaskTool> {
        let shared = self.seat.runtime.upgrade()?;
        Some(TaskTool::with_memory(RuntimeHandle { shared }, &self.seat.memory))
    }
}

/// What the agent reads; what has been read for it, it has read.
fn answered(answer: ToolAnswer, session: &Session) -> Result<String, ToolError> {
    let text = answer.joined();
    session.taint.add(answer.tainted_by);
    if answer.is_error { Err(ToolError::Failed(text)) } else { Ok(text) }
}

/// The tool in the words of the toolbox; a schema of our own is always JSON.
fn define(spec: TaskToolSpec) -> Option<ToolDefinition> {
    let input_schema = to_raw_value(&spec.input_schema).ok()?.into();
    let name = ToolName::new(spec.name);
    Some(ToolDefinition { name, description: spec.description.into(), input_schema })
}
