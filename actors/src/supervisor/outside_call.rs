//! Model calls that a tool makes for an agent outside its conversation: admitted like every other call, made once, and
//! paid for by the task.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_task_providers::{
    CallError, CallLimits, ChatReply, ChatRequest, Message, Progress, ToolSpec, drive,
};
use codex_task_tools::ToolError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::prompt;
use crate::aggregator::Teller;
use crate::audit::{AuditEvent, ModelRequest, TaskAudit};
use crate::budget::Budget;
use crate::provider::{Acquire, CallShape, Standing, Try};
use crate::subagent::{BYTES_PER_TOKEN, BoundRoute, Held, Paid, StopSignal, wish};
use crate::task::Priority;

/// What the outside calls of one task have cost. The agent takes it into its own account.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Entries>);

/// What has been noted since the last time.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// What each call used.
    pub(crate) calls: Vec<Paid>,
    /// What the user should know, each once.
    pub(crate) notes: BTreeSet<String>,
}

impl Ledger {
    /// Everything since the last time.
    pub(crate) fn take(&self) -> Entries {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes something for the user.
    pub(super) fn note(&self, note: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).notes.insert(note);
    }

    fn add(&self, paid: Paid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).calls.push(paid);
    }
}

/// Who calls for one task, and where to.
#[derive(Clone)]
pub(super) struct OutsideCall {
    pub(super) route: BoundRoute,
    pub(super) priority: Priority,
    pub(super) stop: StopSignal,
    pub(super) ledger: Arc<Ledger>,
    pub(super) budget: Arc<Budget>,
    pub(super) audit: TaskAudit,
    pub(super) teller: Teller,
}

/// Tokens of a prompt before anybody has counted them.
pub(super) fn tokens_of(text: &str) -> u64 {
    text.len() as u64 / BYTES_PER_TOKEN
}

impl OutsideCall {
    /// A request without tools of ours, for the model of the route.
    pub(super) fn request(&self, system: &str, messages: Vec<Arc<Message>>, tokens_max: u32) -> ChatRequest {
        let (system, tools): (Arc<str>, Arc<[ToolSpec]>) = (system.into(), Arc::from([]));
        ChatRequest {
            model: self.route.route.model.clone(),
            cache_key: prompt::cache_key(&system, &tools),
            search: None,
            system,
            tools,
            messages,
            max_output_tokens: Some(tokens_max),
            temperature: None,
            effort: None,
            output: None,
        }
    }

    /// Makes one call, with the prompt's tokens reserved. `patience` is the longest wait for the provider's permit, and
    /// then for the answer.
    ///
    /// # Errors
    /// [`ToolError::Cancelled`], or why there is no answer.
    pub(super) async fn make(
        &self,
        request: &ChatRequest,
        prompt_tokens: u64,
        patience: Duration,
    ) -> Result<ChatReply, ToolError> {
        let wish = wish(prompt_tokens, request.max_output_tokens, &self.route);
        let reservation = self.budget.reserve(wish).await;
        let reservation = reservation.map_err(|error| ToolError::Failed(error.to_string()))?;
        let (reply, answer) = oneshot::channel();
        let call = self.shape(prompt_tokens, request.max_output_tokens);
        self.route.gate.tell(Acquire { priority: self.priority, patience, call, reply });
        let permit = answer.await.map_err(|_| ToolError::Cancelled)?;
        let permit = permit.map_err(|refusal| ToolError::Failed(refusal.error.to_string()))?;
        let limits = CallLimits { total: patience, ..self.route.patience };
        let mut beginning = permit.beginning();
        let hear = |progress: Progress<'_>| {
            if let Progress::Started { rates } = &progress {
                beginning.tell(rates);
            }
        };
        let (begun, told) = (Instant::now(), self.teller.call_sent(&self.route));
        let outcome = drive(&*self.route.backend, request, &limits, self.stop.token(), hear).await;
        told.ended(&outcome);
        let audited = || ModelRequest::of(&self.route, /*attempt*/ 0, &outcome, begun.elapsed());
        self.audit.record(|| AuditEvent::Requested(Box::new(audited())));
        let (result, paid) = Held { permit, reservation }.settle(&self.route, outcome);
        if let Some(paid) = paid {
            self.ledger.add(paid);
        }
        result.map_err(|error| match error {
            CallError::Cancelled => ToolError::Cancelled,
            CallError::Provider(error) => ToolError::Failed(format!("{}: {error}", self.route.route)),
        })
    }

    /// What the gate must know of a call, which is made once and nowhere else.
    fn shape(&self, prompt_tokens: u64, output_max: Option<u32>) -> CallShape {
        CallShape {
            class: Arc::clone(&self.route.class),
            prompt_tokens,
            cached_tokens: 0,
            output_max,
            prefix: None,
            standing: Standing::OnlyRoute,
            attempt: Try::First,
        }
    }
}
