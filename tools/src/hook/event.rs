//! What hooks are told: Claude Code's JSON.

use codex_task_config::{HookEvent, PermissionMode, ToolName};
use serde_json::{Map, Value, json};

use super::HookCaller;
use crate::{Access, Session};

/// A tool call as hooks see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HookCall<'a> {
    pub(crate) tool: &'a ToolName,
    pub(crate) arguments: &'a Value,
    /// What the call would touch.
    pub(crate) access: &'a Access,
    /// Id of the call within its turn.
    pub(crate) id: &'a str,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening<'a> {
    /// A call is about to be judged.
    Before(HookCall<'a>),
    /// A call succeeded, with this result.
    After(HookCall<'a>, &'a str),
    /// The agent begins.
    Start,
    /// The agent has finished.
    Stop {
        /// What it wrote last: its report.
        last_message: &'a str,
        /// Whether it only goes on because a hook wanted it to.
        is_held: bool,
    },
}

impl Happening<'_> {
    /// The event that this is.
    pub(super) fn event(&self) -> HookEvent {
        match self {
            Self::Before(_) => HookEvent::PreToolUse,
            Self::After(..) => HookEvent::PostToolUse,
            Self::Start => HookEvent::SubagentStart,
            Self::Stop { .. } => HookEvent::SubagentStop,
        }
    }

    /// What matchers are compared with.
    pub(super) fn subject<'a>(&'a self, caller: &'a HookCaller) -> &'a str {
        match self {
            Self::Before(call) | Self::After(call, _) => call.tool.as_str(),
            Self::Start | Self::Stop { .. } => &caller.agent_type,
        }
    }

    /// The call, as the gate would judge it.
    pub(super) fn call(&self) -> Option<HookCall<'_>> {
        match self {
            Self::Before(call) | Self::After(call, _) => Some(*call),
            Self::Start | Self::Stop { .. } => None,
        }
    }

    /// What is written to a hook's standard input.
    pub(super) fn input(&self, caller: &HookCaller, mode: PermissionMode, session: &Session) -> Vec<u8> {
        let mut input = Map::new();
        let mut put = |key: &str, value: Value| input.insert(key.to_owned(), value);
        put("session_id", json!(caller.session_id));
        put("cwd", json!(session.cwd.display().to_string()));
        put("permission_mode", json!(mode.as_str()));
        put("hook_event_name", json!(self.event().as_str()));
        put("agent_id", json!(caller.agent_id));
        put("agent_type", json!(&*caller.agent_type));
        match self {
            Self::Before(call) | Self::After(call, _) => {
                put("tool_name", json!(call.tool.as_str()));
                put("tool_input", call.arguments.clone());
                put("tool_use_id", json!(call.id));
            }
            Self::Start => {}
            Self::Stop { last_message, is_held } => {
                put("stop_hook_active", json!(is_held));
                put("last_assistant_message", json!(last_message));
            }
        }
        if let Self::After(_, text) = self {
            put("tool_response", json!({"type": "text", "text": text}));
        }
        Value::Object(input).to_string().into_bytes()
    }
}
