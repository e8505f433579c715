//! A line of the trail in a few words.

use codex_task::MicroUsd;
use codex_task::audit::AuditLine;
use serde_json::Value;

use crate::render::Style;
use crate::render::figures::{counted, thousands};

/// What an event says beside its name; empty where the name says it all, or nobody knows the event.
pub(super) fn detail(line: &AuditLine) -> String {
    let text = |key: &str| line.text_of(key).unwrap_or_default();
    let number = |pointer: &str| line.fields.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    match text("event") {
        "session" => format!("version {}, process {}, {}", text("version"), number("/pid"), text("cwd")),
        "config" => format!(
            "mode {}, sandbox {}, {}",
            text("permission_mode"),
            text("sandbox"),
            counted(size(number("/rules")), "rule")
        ),
        "agent_load" | "agent_reload" | "agent_shadowed" | "agent_broken" | "agent_removed" => {
            line.text_of("file").or_else(|| line.text_of("source")).unwrap_or_default().to_owned()
        }
        "secret_access" => format!("{} for {}", text("name"), text("provider")),
        "task_spawn" => format!(
            "prompt of {} bytes, {}, {}",
            thousands(number("/prompt/bytes")),
            line.fields.pointer("/models/0").and_then(Value::as_str).unwrap_or("no model"),
            counted(listed(line, "tools"), "tool")
        ),
        "task_refused" => text("error").to_owned(),
        "request" => request(line),
        "verdict" => verdict(line),
        "tool_start" => format!("{} {}", text("tool"), subject(line)).trim_end().to_owned(),
        "tool_end" => {
            let failed = line.fields.get("is_error").and_then(Value::as_bool).unwrap_or_default();
            let how = if failed { "failed" } else { "ended" };
            let bytes = thousands(number("/output/bytes"));
            format!("{} {how}, {bytes} bytes in {} ms", text("tool"), thousands(number("/duration_ms")))
        }
        "failover" => format!("{} to {} ({})", text("from"), text("to"), text("cause")),
        "retry" => {
            format!("{} in {} ms ({})", text("route"), thousands(number("/after_ms")), text("cause"))
        }
        "restart" => format!("number {}", number("/restarts")),
        "task_end" => task_end(line),
        "gap" => format!("{} could not be written", counted(size(number("/lost")), "record")),
        "segment" => format!("file {} ({})", number("/segment"), text("reason")),
        "retention" => format!("the trail of session {} was deleted", text("removed_session")),
        _ => String::new(),
    }
}

/// What went wrong is red, what one should look at is yellow.
pub(super) fn style(line: &AuditLine) -> Style {
    let is = |key: &str| line.fields.get(key).and_then(Value::as_bool);
    match line.text_of("event").unwrap_or_default() {
        "panic" | "task_refused" | "gap" | "agent_broken" => Style::Red,
        "verdict" if is("runs") == Some(false) => Style::Red,
        "request" if line.text_of("error").is_some() => Style::Yellow,
        "segment" if line.text_of("reason") != Some("full") => Style::Red,
        "failover" | "retry" | "cancel" | "restart" | "agent_shadowed" => Style::Yellow,
        _ => Style::Plain,
    }
}

fn request(line: &AuditLine) -> String {
    let text = |key: &str| line.text_of(key).unwrap_or_default();
    let to = format!("{}/{}", text("provider"), text("model"));
    match line.text_of("error") {
        Some(error) => format!("{to} failed ({error})"),
        None => format!("{to}, {}", used(line)),
    }
}

fn task_end(line: &AuditLine) -> String {
    let status = line.text_of("status").unwrap_or_default();
    match line.text_of("error") {
        Some(error) => format!("{status} ({error}), {}", used(line)),
        None => format!("{status}, {}", used(line)),
    }
}

/// Tokens, and what they cost where that is known.
fn used(line: &AuditLine) -> String {
    let usage = line.fields.get("usage").and_then(Value::as_object);
    let tokens = usage.into_iter().flat_map(|usage| usage.values()).filter_map(Value::as_u64).sum();
    let tokens = format!("{} tokens", thousands(tokens));
    match line.fields.get("cost_micro_usd").and_then(Value::as_u64) {
        Some(cost) if cost > 0 => format!("{tokens}, {}", MicroUsd(cost)),
        Some(_) | None => tokens,
    }
}

fn verdict(line: &AuditLine) -> String {
    let text = |key: &str| line.text_of(key).unwrap_or_default();
    let fate = text("fate").replace('_', " ");
    let rule = line.fields.pointer("/rule/text").and_then(Value::as_str);
    let call = format!("{} {}", text("tool"), subject(line));
    let call = call.trim_end();
    match (rule, line.text_of("reason")) {
        (Some(rule), _) => format!("{call} {fate} by the rule {rule}"),
        (None, Some(reason)) => format!("{call} {fate}: {reason}"),
        (None, None) => format!("{call} {fate}"),
    }
}

/// The argument that says most about a call.
fn subject(line: &AuditLine) -> String {
    const TELLING: [&str; 7] = ["file_path", "command", "pattern", "path", "url", "query", "subagent_type"];
    let arguments = line.fields.get("args").and_then(Value::as_object);
    let telling = TELLING.iter().find_map(|key| {
        let value = arguments?.get(*key)?;
        value.as_str().or_else(|| value.get("begins")?.as_str())
    });
    telling.unwrap_or_default().to_owned()
}

fn listed(line: &AuditLine, key: &str) -> usize {
    line.fields.get(key).and_then(Value::as_array).map_or(0, Vec::len)
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
