//! Tells what one task does, and what becomes of each of its requests to a provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use codex_task_providers::{CallError, CallOutcome};

use super::EventBus;
use crate::subagent::{BoundRoute, Paid};
use crate::task::{CallEnd, CallId, CallReport, RunId, TaskEvent, TaskEventKind, TaskId, TaskRequest};

/// The next request's number.
static NEXT_CALL: AtomicU64 = AtomicU64::new(1);

/// Who tells, and where to.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    events: EventBus,
    task: TaskId,
    run: RunId,
    parent: Option<TaskId>,
    agent: Arc<str>,
}

impl Teller {
    /// Tells of the task that this request is about.
    pub(crate) fn of(request: &TaskRequest, events: &EventBus) -> Self {
        Self {
            events: events.clone(),
            task: request.id,
            run: request.run,
            parent: request.lineage.parent,
            agent: Arc::clone(&request.subagent_type),
        }
    }

    /// Whether anybody watches; taps need no text.
    pub(crate) fn is_watched(&self) -> bool {
        self.events.is_watched()
    }

    /// Tells what happened, if anybody hears it.
    pub(crate) fn tell(&self, kind: impl FnOnce() -> TaskEventKind) {
        self.events.publish(|| TaskEvent {
            task: self.task,
            run: self.run,
            parent: self.parent,
            agent: Arc::clone(&self.agent),
            kind: kind(),
        });
    }

    /// Tells that a request is sent now. Its end must be told; one that is dropped before is told as cancelled.
    pub(crate) fn call_sent<'a>(&'a self, route: &'a BoundRoute) -> ToldCall<'a> {
        let call = CallId(NEXT_CALL.fetch_add(1, Ordering::Relaxed));
        self.tell(|| TaskEventKind::CallSent {
            call,
            provider: route.route.provider.clone(),
            model: route.route.model.clone(),
        });
        ToldCall { teller: self, route, call, is_over: false }
    }
}

/// A request whose end is not told yet.
#[must_use = "the request is told as cancelled"]
pub(crate) struct ToldCall<'a> {
    teller: &'a Teller,
    route: &'a BoundRoute,
    call: CallId,
    is_over: bool,
}

impl ToldCall<'_> {
    /// Tells how the request ended.
    pub(crate) fn ended(mut self, outcome: &CallOutcome) {
        self.is_over = true;
        self.teller.tell(|| {
            let (end, answered_by) = match &outcome.result {
                Ok(reply) => (CallEnd::Answered(reply.stop.clone()), reply.model.clone()),
                Err(CallError::Provider(error)) => (CallEnd::Failed(error.clone()), None),
                Err(CallError::Cancelled) => (CallEnd::Cancelled, None),
            };
            let paid = Paid::of(self.route, outcome);
            TaskEventKind::CallEnded(Box::new(CallReport {
                answered_by,
                end,
                usage: paid.map_or(outcome.usage, |paid| paid.usage),
                cost: paid.and_then(|paid| paid.cost),
                first_token: outcome.first_token,
                duration: Some(outcome.total),
                ..self.report()
            }))
        });
    }

    /// The report of a request of which nothing is known but that it is over.
    fn report(&self) -> CallReport {
        CallReport {
            call: self.call,
            provider: self.route.route.provider.clone(),
            model: self.route.route.model.clone(),
            answered_by: None,
            end: CallEnd::Cancelled,
            usage: codex_task_config::TokenUsage::default(),
            cost: None,
            first_token: None,
            duration: None,
        }
    }
}

impl Drop for ToldCall<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.teller.tell(|| TaskEventKind::CallEnded(Box::new(self.report())));
        }
    }
}
