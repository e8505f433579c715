//! What is told when a task goes on with another model.

use codex_task_config::Price;
use codex_task_providers::ProviderError;

use super::plan::BoundRoute;
use crate::audit::AuditEvent;
use crate::task::{TaskError, TaskEventKind};

/// An error that says what to do about it.
pub(super) trait Explained: std::fmt::Display {
    fn help(&self) -> Option<String>;
    /// Its short stable name.
    fn kind(&self) -> &'static str;
}

impl Explained for ProviderError {
    fn help(&self) -> Option<String> {
        Self::help(self)
    }

    fn kind(&self) -> &'static str {
        Self::kind(self)
    }
}

impl Explained for TaskError {
    fn help(&self) -> Option<String> {
        Self::help(self)
    }

    fn kind(&self) -> &'static str {
        Self::kind(self)
    }
}

/// The note for the report: why, where to, and what that changes in price.
pub(super) fn note(left: &BoundRoute, taken: &BoundRoute, why: &impl Explained) -> String {
    let price = price_change(left.list_price(), taken.list_price());
    format!("{} failed ({why}); went on with {}{price}", left.route, taken.route)
}

/// The event for those who watch.
pub(super) fn event(left: &BoundRoute, taken: &BoundRoute, why: &impl Explained) -> TaskEventKind {
    TaskEventKind::RouteChanged {
        error: why.to_string(),
        suggestion: why.help(),
        from: Some(left.route.provider.clone()),
        provider: taken.route.provider.clone(),
        model: taken.route.model.clone(),
    }
}

/// The record for the audit trail.
pub(super) fn audited(left: &BoundRoute, taken: &BoundRoute, why: &impl Explained) -> AuditEvent {
    AuditEvent::RouteChanged { from: left.route.to_string(), to: taken.route.to_string(), cause: why.kind() }
}

/// What another model costs instead, where both prices are known and not the same.
fn price_change(before: Option<Price>, after: Option<Price>) -> String {
    let (Some(before), Some(after)) = (before, after) else { return String::new() };
    let is_same =
        before.input.total_cmp(&after.input).is_eq() && before.output.total_cmp(&after.output).is_eq();
    if is_same {
        return String::new();
    }
    let is_dearer = after.input + after.output > before.input + before.output;
    format!(
        ", which is {}: ${} and ${} per million tokens in and out instead of ${} and ${}",
        if is_dearer { "dearer" } else { "cheaper" },
        after.input,
        after.output,
        before.input,
        before.output
    )
}
