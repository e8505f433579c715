//! What the events of tasks add up to.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use codex_task_actors::{CallReport, EventTap, TaskEvent, TaskEventKind, TaskReport};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::names::Names;
use crate::telemetry::span::outcome;

/// The beginning of all names.
pub(super) const PREFIX: &str = "codex_task";
/// What a label without a name says.
const SUCCESS: &str = "ok";

/// Labels with their names.
pub(super) type Labels<const N: usize> = [(&'static str, Arc<str>); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// The figures, as counted so far.
pub(crate) struct Figures {
    pub(super) registry: Registry,
    models: Names,
    tools: Names,
    tasks: Counters<1>,
    task_seconds: Histograms<1>,
    queue_seconds: Histogram,
    tokens: Counters<3>,
    cost: Family<Labels<2>, Counter<f64, AtomicU64>>,
    calls: Counters<3>,
    call_seconds: Histograms<2>,
    first_token_seconds: Histograms<2>,
    tool_calls: Counters<2>,
    tool_seconds: Histograms<1>,
    retries: Counter,
    route_changes: Counters<1>,
    compactions: Counter,
}

impl Figures {
    /// Nothing counted yet.
    pub(crate) fn new() -> Self {
        let mut figures = Self {
            registry: Registry::with_prefix(PREFIX),
            models: Names::default(),
            tools: Names::default(),
            tasks: Family::default(),
            task_seconds: Family::new_with_constructor(long),
            queue_seconds: long(),
            tokens: Family::default(),
            cost: Family::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(long),
            first_token_seconds: Family::new_with_constructor(long),
            tool_calls: Family::default(),
            tool_seconds: Family::new_with_constructor(short),
            retries: Counter::default(),
            route_changes: Family::default(),
            compactions: Counter::default(),
        };
        figures.register();
        figures
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("tasks", "Tasks that ended, by outcome", self.tasks.clone());
        registry.register(
            "task_duration_seconds",
            "From the admission of a task to its end",
            self.task_seconds.clone(),
        );
        registry.register("task_queue_seconds", "What tasks waited for a slot", self.queue_seconds.clone());
        registry.register("tokens", "Tokens that providers have counted, by type", self.tokens.clone());
        registry.register("cost_usd", "Cost of requests whose price is known, in dollars", self.cost.clone());
        registry.register("provider_calls", "Requests to providers, by outcome", self.calls.clone());
        registry.register(
            "provider_call_duration_seconds",
            "From a request to the end of its answer",
            self.call_seconds.clone(),
        );
        registry.register(
            "time_to_first_token_seconds",
            "From a request to its first token",
            self.first_token_seconds.clone(),
        );
        registry.register("tool_calls", "Tool calls that ended, by outcome", self.tool_calls.clone());
        registry.register("tool_duration_seconds", "What tool calls took", self.tool_seconds.clone());
        registry.register("retries", "Requests that were tried again", self.retries.clone());
        registry.register(
            "route_changes",
            "Tasks that went on with another provider or model, by that provider",
            self.route_changes.clone(),
        );
        registry.register("compactions", "Conversations that were made shorter", self.compactions.clone());
    }

    fn task_ended(&self, report: &TaskReport) {
        let labels = [("outcome", Arc::from(outcome(report.status())))];
        self.tasks.get_or_create(&labels).inc();
        self.task_seconds.get_or_create(&labels).observe(report.timing.total.as_secs_f64());
        self.queue_seconds.observe(report.timing.queued.as_secs_f64());
    }

    fn call_ended(&self, report: &CallReport) {
        let provider: Arc<str> = report.provider.as_str().into();
        let route =
            [("provider", Arc::clone(&provider)), ("model", self.models.label(report.model.as_str()))];
        let with = |name, value: &str| {
            let [provider, model] = route.clone();
            [provider, model, (name, Arc::from(value))]
        };
        self.calls.get_or_create(&with("outcome", report.end.error_kind().unwrap_or(SUCCESS))).inc();
        let usage = &report.usage;
        for (kind, tokens) in [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cache_read", usage.cache_read_tokens),
            ("cache_write", usage.cache_write_tokens),
        ] {
            if tokens > 0 {
                self.tokens.get_or_create(&with("type", kind)).inc_by(tokens);
            }
        }
        if let Some(cost) = report.cost {
            self.cost.get_or_create(&route).inc_by(cost.as_usd());
        }
        let seconds = |histograms: &Histograms<2>, time: Option<Duration>| {
            if let Some(time) = time {
                histograms.get_or_create(&route).observe(time.as_secs_f64());
            }
        };
        seconds(&self.call_seconds, report.duration);
        seconds(&self.first_token_seconds, report.first_token);
    }

    fn tool_ended(&self, tool: &str, is_error: bool, duration: Duration) {
        let tool = ("tool", self.tools.label(tool));
        let outcome = if is_error { "error" } else { SUCCESS };
        self.tool_calls.get_or_create(&[tool.clone(), ("outcome", outcome.into())]).inc();
        self.tool_seconds.get_or_create(&[tool]).observe(duration.as_secs_f64());
    }
}

impl EventTap for Figures {
    fn hear(&self, event: &TaskEvent) {
        match &event.kind {
            TaskEventKind::Finished(report) => self.task_ended(report),
            TaskEventKind::CallEnded(report) => self.call_ended(report),
            TaskEventKind::ToolFinished { tool, is_error, duration, .. } => {
                self.tool_ended(tool, *is_error, *duration);
            }
            TaskEventKind::Retrying { .. } => {
                self.retries.inc();
            }
            TaskEventKind::RouteChanged { provider, .. } => {
                self.route_changes.get_or_create(&[("provider", provider.as_str().into())]).inc();
            }
            TaskEventKind::Compacted { .. } => {
                self.compactions.inc();
            }
            TaskEventKind::Queued { .. }
            | TaskEventKind::Started { .. }
            | TaskEventKind::TurnStarted { .. }
            | TaskEventKind::CallSent { .. }
            | TaskEventKind::Text { .. }
            | TaskEventKind::ToolStarted { .. }
            | TaskEventKind::Restarted { .. } => {}
        }
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

/// 50 ms to an hour.
fn long() -> Histogram {
    Histogram::new(exponential_buckets(0.05, 2.0, 17))
}

/// A millisecond to a quarter of an hour.
fn short() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 11))
}
