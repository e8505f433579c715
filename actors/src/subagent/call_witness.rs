//! The moment between the last word about a tool call and its first effect: it is on record before it runs, in the
//! journal and in the audit trail, and waits for both at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use codex_task_providers::ToolCall;
use codex_task_tools::{Conduct, SettledCall, ToolError, Witness};
use futures_util::future::{BoxFuture, FutureExt, try_join};

use super::agent_context::AgentContext;
use super::agent_run::Halt;
use super::checkpoint::CheckpointStep;
use super::steps::Steps;
use crate::audit::{AuditEvent, JudgedCall, TaskAudit};

/// Stands for a call that was not made because its agent had to stop; nobody reads it.
pub(super) const STOPPED: &str = "The agent was stopped before this call.";
/// Stands for a call that could not be put on record; its task ends with the reason.
const NOT_ON_RECORD: &str = "The call could not be put on record, so it was not made.";

/// See the module.
pub(super) struct CallWitness {
    steps: Steps,
    audit: TaskAudit,
    call_id: Arc<str>,
    /// Whether the call is on record as begun.
    has_begun: AtomicBool,
    /// Whether the audit trail was told that it begins: then it must be told of its end too.
    has_started: AtomicBool,
    /// Why the agent must not go on, once it must not. Held for a look only.
    halt: Mutex<Option<Halt>>,
}

impl CallWitness {
    pub(super) fn new(agent: &AgentContext, call: &ToolCall) -> Self {
        Self {
            steps: agent.steps.clone(),
            audit: agent.audit.clone(),
            call_id: Arc::clone(&call.id),
            has_begun: AtomicBool::new(false),
            has_started: AtomicBool::new(false),
            halt: Mutex::new(None),
        }
    }

    /// Whether the call, with its effects, is on record as begun: then its end must be told too.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// Whether the audit trail was told that the call begins.
    pub(super) fn has_started(&self) -> bool {
        self.has_started.load(Ordering::Acquire)
    }

    /// Why the agent must not go on, if it must not.
    pub(super) fn take_halt(&self) -> Option<Halt> {
        self.halt.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn put_on_record(&self, call: SettledCall<'_>) -> Result<(), Halt> {
        let arguments = call.arguments.map(|arguments| Arc::new(arguments.clone()));
        let tool: Arc<str> = call.tool.into();
        self.audit.record(|| self.judged(&call, &tool, arguments.clone().filter(|_| !call.fate.runs())));
        if !call.fate.runs() {
            return Ok(());
        }
        self.has_started.store(true, Ordering::Release);
        let (call_id, arguments) = (Arc::clone(&self.call_id), arguments.unwrap_or_default());
        let started = || AuditEvent::CallStarted { tool, call_id, arguments };
        if call.conduct == Conduct::Reads {
            // A trail that fails is tried again by whoever comes: nothing runs that is not in it.
            if self.audit.is_failing() {
                return self.audit.record_durably(started).await.map_err(|error| Halt::Error(error.into()));
            }
            self.audit.record(started);
            return Ok(());
        }
        self.has_begun.store(true, Ordering::Release);
        let begun = CheckpointStep::CallBegun { call_id: Arc::clone(&self.call_id) };
        let audited = self.audit.record_durably(started);
        try_join(self.steps.tell_durably(begun), audited.map(|kept| kept.map_err(|e| Halt::Error(e.into()))))
            .await
            .map(|_| ())
    }

    fn judged(
        &self,
        call: &SettledCall<'_>,
        tool: &Arc<str>,
        arguments: Option<Arc<serde_json::Value>>,
    ) -> AuditEvent {
        let ruling = call.verdict.map(|verdict| &verdict.ruling);
        AuditEvent::CallJudged(Box::new(JudgedCall {
            tool: Arc::clone(tool),
            call_id: Arc::clone(&self.call_id),
            arguments,
            decision: ruling.map(|ruling| ruling.decision),
            rule: ruling.and_then(|ruling| ruling.rule.clone()),
            reason: ruling.map(|ruling| ruling.reason.clone()),
            confinement: call.verdict.map(|verdict| verdict.confinement),
            fate: call.fate,
        }))
    }
}

impl Witness for CallWitness {
    fn settled<'a>(&'a self, call: SettledCall<'a>) -> BoxFuture<'a, Result<(), ToolError>> {
        Box::pin(async move {
            if let Err(halt) = self.put_on_record(call).await {
                self.halt.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(halt);
                return Err(ToolError::Failed(NOT_ON_RECORD.to_owned()));
            }
            // After the step: a successor that does not know of it cannot have begun.
            if self.steps.must_stop() {
                return Err(ToolError::Failed(STOPPED.to_owned()));
            }
            Ok(())
        })
    }
}
