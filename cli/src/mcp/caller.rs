//! What a client says about a call: Codex tells about the session that the call comes from.

use codex_task::{PermissionMode, SandboxMode, ToolCaller};
use rmcp::model::RequestMetaObject;
use serde::Deserialize;
use serde_json::Value;

/// Where Codex describes the turn that a call belongs to.
const TURN_METADATA: &str = "x-codex-turn-metadata";
/// The name under which Codex introduces itself.
const CODEX: &str = "codex-mcp-client";
/// Models whose results Codex cuts at about 48,000 bytes; those of all others at about 12,000.
const MODELS_KNOWN: [&str; 3] = ["gpt-5", "gpt-6", "codex-"];
const ANSWER_BYTES_MAX_KNOWN: usize = 40_000;
const ANSWER_BYTES_MAX_UNKNOWN: usize = 11_500;

/// The part of Codex's description that matters here.
#[derive(Debug, Default, PartialEq, Deserialize)]
struct Turn {
    model: Option<String>,
    sandbox_mode: Option<String>,
    thread_source: Option<String>,
}

/// What is known about a call.
pub(super) fn caller(meta: &RequestMetaObject, client: Option<&str>) -> ToolCaller {
    let turn = meta.0.get(TURN_METADATA).map(turn);
    let is_codex = turn.is_some() || client == Some(CODEX);
    // A description that cannot be read may be one of a session that must not change anything.
    let is_read_only = match &turn {
        Some(Some(turn)) => turn.sandbox_mode.as_deref() == Some("read-only"),
        Some(None) => true,
        None => false,
    };
    let turn = turn.flatten().unwrap_or_default();
    let sandbox =
        if is_read_only { Some(SandboxMode::ReadOnly) } else { turn.sandbox_mode.as_deref().map(sandbox_of) };
    let depth = u32::from(turn.thread_source.as_deref() == Some("subagent"));
    let caller = of_codex(turn.model.as_deref(), sandbox, depth);
    if is_codex { caller } else { ToolCaller { answer_bytes_max: ANSWER_BYTES_MAX_KNOWN, ..caller } }
}

/// A caller in a session of Codex with this model and sandbox.
pub(crate) fn of_codex(model: Option<&str>, sandbox: Option<SandboxMode>, depth: u32) -> ToolCaller {
    let is_known = |model: &str| MODELS_KNOWN.iter().any(|known| model.starts_with(known));
    let is_shown_whole = model.is_some_and(is_known);
    ToolCaller {
        depth,
        // In a read-only session nothing is written and no command runs at all; should a rule of the user's ever lift
        // that, the sandbox still holds what runs.
        permission_mode: (sandbox == Some(SandboxMode::ReadOnly)).then_some(PermissionMode::Plan),
        sandbox,
        answer_bytes_max: if is_shown_whole { ANSWER_BYTES_MAX_KNOWN } else { ANSWER_BYTES_MAX_UNKNOWN },
        ..ToolCaller::default()
    }
}

/// Codex's name of a mode. One that is not known yet is not taken for full access.
fn sandbox_of(name: &str) -> SandboxMode {
    SandboxMode::parse(name).unwrap_or(SandboxMode::WorkspaceWrite)
}

/// The description, also where it is JSON within a text, as in Codex's own HTTP headers.
fn turn(value: &Value) -> Option<Turn> {
    match value {
        Value::String(text) => serde_json::from_str(text).ok(),
        other => Turn::deserialize(other).ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sandbox(meta: Value) -> Option<SandboxMode> {
        let meta: RequestMetaObject = serde_json::from_value(meta).expect("metadata");
        caller(&meta, Some(CODEX)).sandbox
    }

    #[test]
    fn the_sandbox_of_codex_holds_our_agents_too() {
        let of = |mode: Value| sandbox(json!({"x-codex-turn-metadata": {"sandbox_mode": mode}}));
        for (name, expected) in [
            ("read-only", SandboxMode::ReadOnly),
            ("workspace-write", SandboxMode::WorkspaceWrite),
            ("danger-full-access", SandboxMode::DangerFullAccess),
            ("something-new", SandboxMode::WorkspaceWrite),
        ] {
            assert_eq!(of(json!(name)), Some(expected), "{name}");
        }
        assert_eq!(of(json!(7)), Some(SandboxMode::ReadOnly), "what cannot be read may have been that");
        assert_eq!(sandbox(json!({})), None);
    }

    /// Depth, mode and room of a call with this metadata.
    fn of(meta: Value, client: Option<&str>) -> (u32, Option<PermissionMode>, usize) {
        let meta: RequestMetaObject = serde_json::from_value(meta).expect("metadata");
        let caller = caller(&meta, client);
        (caller.depth, caller.permission_mode, caller.answer_bytes_max)
    }

    #[test]
    fn codex_says_what_its_session_may_do_and_who_calls() {
        let turn = |turn: Value| json!({"progressToken": 1, "x-codex-turn-metadata": turn});
        let plan = Some(PermissionMode::Plan);
        for (meta, expected) in [
            (
                turn(json!({"model": "mock", "sandbox_mode": "read-only", "thread_source": "user"})),
                (0, plan, 11_500),
            ),
            (turn(json!({"model": "gpt-6-sol", "sandbox_mode": "workspace-write"})), (0, None, 40_000)),
            (turn(json!({"model": "gpt-5.5", "thread_source": "subagent"})), (1, None, 40_000)),
            (turn(json!("{\"sandbox_mode\": \"read-only\"}")), (0, plan, 11_500)),
            (turn(json!(["unreadable"])), (0, plan, 11_500)),
            (turn(json!({"sandbox_mode": 7})), (0, plan, 11_500)),
        ] {
            assert_eq!(of(meta.clone(), Some(CODEX)), expected, "{meta}");
        }
    }

    #[test]
    fn other_clients_say_nothing_and_get_everything() {
        assert_eq!(of(json!({"progressToken": "x"}), Some("claude-code")), (0, None, 40_000));
        assert_eq!(of(json!({}), None), (0, None, 40_000));
        assert_eq!(of(json!({}), Some(CODEX)), (0, None, 11_500));
    }
}
