//! What is written down of a model call.

use std::time::Duration;

use codex_task_providers::{CallError, CallOutcome};

use super::ModelRequest;
use crate::subagent::{BoundRoute, Paid};

impl ModelRequest {
    /// A call that has come to its end. `attempt` counts within the task, from 1; 0 stands for a call of a tool.
    pub(crate) fn of(route: &BoundRoute, attempt: usize, outcome: &CallOutcome, duration: Duration) -> Self {
        let paid = Paid::of(route, outcome);
        let (request_id, error) = match &outcome.result {
            Ok(reply) => (reply.request_id.clone(), None),
            Err(CallError::Cancelled) => (None, Some("cancelled")),
            Err(CallError::Provider(error)) => (None, Some(error.kind())),
        };
        let (provider, model) = (route.route.provider.clone(), route.route.model.clone());
        let (usage, cost) = paid.map_or((outcome.usage, None), |paid| (paid.usage, paid.cost));
        Self { provider, model, attempt, request_id, error, usage, cost, duration }
    }
}
