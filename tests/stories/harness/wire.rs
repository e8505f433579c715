//! Runtimes whose models are strict mock servers, configured as a user would.

use codex_task_config::{AgentDefinition, ModelChoice, ProviderName};
use codex_task_tests::{Format, Mock};

use super::{TestProject, agent};

/// The key that providers send to mocks.
pub(crate) const KEY: &str = "sk-story-0123456789abcdef";

/// Name of a format in settings.
pub(crate) fn kind(format: Format) -> &'static str {
    match format {
        Format::Anthropic => "anthropic",
        Format::OpenAi => "openai",
        Format::OpenAiChat => "openai_chat",
        Format::Gemini => "gemini",
    }
}

/// A model of the format's vendor that has a price; compatible servers have none.
pub(crate) fn model(format: Format) -> &'static str {
    match format {
        Format::Anthropic => "claude-haiku-5-5",
        Format::OpenAi => "gpt-6-luna",
        Format::OpenAiChat => "mock-model",
        Format::Gemini => "gemini-3.8-flash",
    }
}

/// A project whose user has these servers as providers, and these other settings.
pub(crate) fn project_on<'a>(
    mocks: impl IntoIterator<Item = (&'a str, Format, &'a Mock)>,
    settings: &str,
) -> TestProject {
    project_at(mocks.into_iter().map(|(name, format, mock)| (name, format, mock.base_url())), settings)
}

/// The same for servers that are named by their addresses.
pub(crate) fn project_at<'a>(
    servers: impl IntoIterator<Item = (&'a str, Format, String)>,
    settings: &str,
) -> TestProject {
    let mut project = TestProject::new();
    let entry = |(name, format, url): (&str, Format, String)| {
        let kind = kind(format);
        format!("  {name}:\n    kind: {kind}\n    base_url: {url}\n    api_key_env: STORY_KEY\n")
    };
    let providers: String = servers.into_iter().map(entry).collect();
    project.user_config(&format!("providers:\n{providers}{settings}"));
    project.variable("STORY_KEY", KEY);
    project
}

/// An agent on one of these providers.
pub(crate) fn agent_on(name: &str, provider: &str, format: Format) -> AgentDefinition {
    let mut agent = agent(name);
    agent.provider = Some(ProviderName::new(provider));
    agent.model = ModelChoice::parse(model(format));
    agent
}
