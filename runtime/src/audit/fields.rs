//! From what has happened to a task to the fields of its line.

use std::time::Duration;

use codex_task_actors::{AuditEvent, AuditSubject, JudgedCall, ModelRequest, Outcome, TaskReport, TaskSpawn};
use codex_task_config::{RuleOrigin, TokenUsage};
use codex_task_tools::{DecidingRule, Decision};
use serde_json::{Map, Value, json};

use super::line::Fields;
use super::redact::Redactor;

/// The name of an event and its fields, with those of its task.
pub(super) fn of_task(
    subject: &AuditSubject,
    event: &AuditEvent,
    redactor: &Redactor,
) -> (&'static str, Fields) {
    let (name, own) = of_event(event, redactor);
    let mut fields = Fields::new();
    fields.insert("task".to_owned(), subject.task.to_string().into());
    fields.insert("run".to_owned(), subject.run.to_string().into());
    fields.insert("agent".to_owned(), redactor.shown(&subject.agent).into());
    let parent = subject.parent.map(|parent| parent.to_string().into());
    let file = subject.agent_file_sha256.as_deref().map(Value::from);
    let known = [("parent", parent), ("agent_file_sha256", file)];
    fields.extend(known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    fields.extend(own);
    (name, fields)
}

fn of_event(event: &AuditEvent, redactor: &Redactor) -> (&'static str, Fields) {
    let (name, value) = match event {
        AuditEvent::TaskSpawned(spawn) => ("task_spawn", spawned(spawn, redactor)),
        AuditEvent::TaskRefused { error } => ("task_refused", json!({ "error": error })),
        AuditEvent::Requested(request) => ("request", requested(request, redactor)),
        AuditEvent::CallJudged(call) => ("verdict", judged(call, redactor)),
        AuditEvent::CallStarted { tool, call_id, arguments } => (
            "tool_start",
            json!({
                "tool": redactor.shown(tool),
                "call_id": redactor.shown(call_id),
                "args": redactor.arguments(arguments),
            }),
        ),
        AuditEvent::CallEnded { result, duration } => (
            "tool_end",
            json!({
                "tool": redactor.shown(&result.tool),
                "call_id": redactor.shown(&result.call_id),
                "is_error": result.is_error,
                "output": redactor.hashed(&result.text),
                "attachments": result.attachments.len(),
                "duration_ms": milliseconds(*duration),
            }),
        ),
        AuditEvent::RouteChanged { from, to, cause } => {
            ("failover", json!({ "from": from, "to": to, "cause": cause }))
        }
        AuditEvent::Retried { route, cause, after } => {
            ("retry", json!({ "route": route, "cause": cause, "after_ms": milliseconds(*after) }))
        }
        AuditEvent::CancelAsked => ("cancel", json!({})),
        AuditEvent::Panicked { cause } => ("panic", json!({ "cause": redactor.hashed(cause) })),
        AuditEvent::Restarted { restarts } => ("restart", json!({ "restarts": restarts })),
        AuditEvent::TaskEnded(report) => ("task_end", ended(report)),
    };
    (name, object(value))
}

fn spawned(spawn: &TaskSpawn, redactor: &Redactor) -> Value {
    let request = &spawn.request;
    let preface: String = request.preface.concat();
    json!({
        "depth": request.lineage.depth,
        "resumed": spawn.is_resumed,
        "prompt": redactor.hashed(&[&preface, &*request.prompt].concat()),
        "rights_sha256": spawn.rights.sha256(),
        "permission_mode": spawn.rights.mode().as_str(),
        "prefix_sha256": &*spawn.prefix,
        "tools": spawn.tools,
        "models": spawn.routes,
        "tainted": !request.tainted_by.is_empty(),
    })
}

fn requested(request: &ModelRequest, redactor: &Redactor) -> Value {
    json!({
        "provider": request.provider.as_str(),
        "model": request.model.as_str(),
        "attempt": request.attempt,
        "request_id": request.request_id.as_deref().map(|id| redactor.shown(id)),
        "error": request.error,
        "usage": usage(&request.usage),
        "cost_micro_usd": request.cost.map(|cost| cost.0),
        "duration_ms": milliseconds(request.duration),
    })
}

fn judged(call: &JudgedCall, redactor: &Redactor) -> Value {
    let mut fields = json!({
        "tool": redactor.shown(&call.tool),
        "call_id": redactor.shown(&call.call_id),
        "fate": call.fate.as_str(),
        "runs": call.fate.runs(),
        "decision": call.decision.map(Decision::as_str),
        "rule": call.rule.as_ref().map(|rule| rule_of(rule, redactor)),
        "reason": call.reason.as_deref().map(|reason| redactor.shown(reason)),
        "confinement": call.confinement.map(|confinement| confinement.to_string()),
    });
    if let (Some(arguments), Some(fields)) = (&call.arguments, fields.as_object_mut()) {
        fields.insert("args".to_owned(), redactor.arguments(arguments));
    }
    fields
}

fn rule_of(rule: &DecidingRule, redactor: &Redactor) -> Value {
    let RuleOrigin { scope, path, position } = &rule.origin;
    json!({
        "text": redactor.shown(&rule.text),
        "scope": format!("{scope:?}").to_lowercase(),
        "file": path.as_deref().map(|path| path.display().to_string()),
        "line": position.map(|at| at.line),
    })
}

fn ended(report: &TaskReport) -> Value {
    let error = match &report.outcome {
        Outcome::Failed { error, .. } => Some(error.kind()),
        Outcome::Completed(_)
        | Outcome::TimedOut { .. }
        | Outcome::Cancelled { .. }
        | Outcome::Crashed { .. } => None,
    };
    json!({
        "status": report.status(),
        "error": error,
        "turns": report.turns,
        "tool_calls": report.tool_calls,
        "restarts": report.restarts,
        "usage": usage(&report.usage),
        "cost_micro_usd": report.cost.map(|cost| cost.0),
        "duration_ms": milliseconds(report.timing.total),
    })
}

fn usage(usage: &TokenUsage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The fields of an object, without those of which nothing is known.
pub(super) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { return Map::new() };
    fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
}
