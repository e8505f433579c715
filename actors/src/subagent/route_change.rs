//! What is told when a task goes on with another model.

use codex_task_config::Price;
use codex_task_providers::ProviderError;

use super::plan::BoundRoute;
use crate::task::{TaskError, TaskEventKind};

/// An error that says what to do about it.
pub(super) trait Explained: std::fmt::Display {
    fn help(&self) -> Option<String>;
}

impl Explained for ProviderError {
    fn help(&self) -> Option<String> {
        Self::help(self)
    }
}

impl Explained for TaskError {
    fn help(&self) -> Option<String> {
        Self::help(self)
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
