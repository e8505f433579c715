//! What is written down of a model call.

use std::time::Duration;

use codex_task_providers::{CallError, CallOutcome};

use super::ModelRequest;
use crate::subagent::BoundRoute;

impl ModelRequest {
    /// A call that has come to its end. `attempt` counts within the task, from 1; 0 stands for a call of a tool.
    pub(crate) fn of(route: &BoundRoute, attempt: usize, outcome: &CallOutcome, duration: Duration) -> Self {
        let (usage, request_id, error) = match &outcome.result {
            Ok(reply) => (reply.usage, reply.request_id.clone(), None),
            Err(CallError::Cancelled) => (outcome.usage, None, Some("cancelled")),
            Err(CallError::Provider(error)) => (outcome.usage, None, Some(error.kind())),
        };
        let BoundRoute { route: to, .. } = route;
        let (provider, model) = (to.provider.clone(), to.model.clone());
        let cost = route.cost(&usage);
        Self { provider, model, attempt, request_id, error, usage, cost, duration }
    }
}
