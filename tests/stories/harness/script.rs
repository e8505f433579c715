//! Short words for scripted models and their agents.

use std::sync::Arc;

use codex_task::TaskReport;
use codex_task_config::{
    AgentDefinition, AgentName, AgentRegistry, ModelChoice, PermissionMode, ProviderName, SettingsOverrides,
};
use codex_task_providers::scripted::{Pattern, Rule, Scenario, ScriptedBackend, When};
use codex_task_providers::{AssistantPart, ChatRequest, Message, ProviderError, ToolResult, UserPart};
use serde_json::json;

/// An agent with all tools, on the provider `scripted`. Its prompt names it, so that rules can tell agents apart.
pub(crate) fn agent(name: &str) -> AgentDefinition {
    let parsed = AgentName::parse(name).expect("a valid name");
    let mut agent = AgentDefinition::new(parsed, "does as told", format!("You are the agent {name}."));
    agent.provider = Some(ProviderName::new("scripted"));
    agent.model = ModelChoice::parse("scripted-1");
    agent
}

/// An agent on `scripted`, then on `second`.
pub(crate) fn with_fallback(name: &str) -> AgentDefinition {
    let mut agent = agent(name);
    agent.fallback = vec!["second/scripted-2".into()];
    agent
}

/// A registry of exactly these.
pub(crate) fn agents(agents: impl IntoIterator<Item = AgentDefinition>) -> AgentRegistry {
    AgentRegistry::from_definitions(agents)
}

/// The provider `scripted` that plays these rules and keeps the requests.
pub(crate) fn scripted(rules: impl IntoIterator<Item = Rule>) -> Arc<ScriptedBackend> {
    Arc::new(ScriptedBackend::recording(ProviderName::new("scripted"), Scenario::new(rules)))
}

/// A second provider for agents whose first one fails.
pub(crate) fn second(rules: impl IntoIterator<Item = Rule>) -> Arc<ScriptedBackend> {
    Arc::new(ScriptedBackend::recording(ProviderName::new("second"), Scenario::new(rules)))
}

/// A condition: the conversation's first answer.
pub(crate) fn first() -> When {
    When::default().turn(1)
}

/// A condition: any answer behind a result of this tool.
pub(crate) fn then(tool: &str) -> When {
    When::default().after(tool)
}

/// A condition: the task says this.
pub(crate) fn once_prompted(prompt: &str) -> When {
    When::default().prompt(Pattern::text(prompt))
}

/// A condition: a new result says this.
pub(crate) fn result_of(text: &str) -> When {
    When::default().result(Pattern::text(text))
}

/// A call of a tool without arguments.
pub(crate) fn calling(tool: &str) -> Rule {
    Rule::call(tool, &json!({}))
}

/// Settings under which every tool call may run.
pub(crate) fn allow_everything() -> SettingsOverrides {
    SettingsOverrides {
        permission_mode: Some(PermissionMode::BypassPermissions),
        ..SettingsOverrides::default()
    }
}

/// All texts that a request shows a model, the system prompt and tool descriptions first.
pub(crate) fn texts_of(request: &ChatRequest) -> Vec<String> {
    let tools = request.tools.iter().map(|tool| format!("{} {}", tool.name, tool.description));
    let turns = request.messages.iter().flat_map(|message| match &**message {
        Message::User(turn) => turn.parts.iter().map(user_text).collect::<Vec<_>>(),
        Message::Assistant(turn) => turn.parts.iter().map(assistant_text).collect(),
    });
    [request.system.to_string()].into_iter().chain(tools).chain(turns).collect()
}

fn user_text(part: &UserPart) -> String {
    match part {
        UserPart::Text { text } | UserPart::ToolResult(ToolResult { text, .. }) => text.to_string(),
    }
}

fn assistant_text(part: &AssistantPart) -> String {
    match part {
        AssistantPart::Text { text } => text.clone(),
        AssistantPart::ToolCall(call) => format!("{} {}", call.name, call.arguments),
    }
}

/// Providers and error kinds of all attempts.
pub(crate) fn trail<T>(report: &TaskReport<T>) -> Vec<(&str, Option<&'static str>)> {
    report.attempts.iter().map(|a| (a.provider.as_str(), a.error.as_ref().map(ProviderError::kind))).collect()
}
