//! Which model a task asks for, and what that is called at each vendor.

use super::{ModelChoice, ModelTier, ProviderKind};
use crate::{Environment, ModelId};

/// The model of agents that name none.
const SUBAGENT_MODEL: &str = "CLAUDE_CODE_SUBAGENT_MODEL";
/// Whether [`SUBAGENT_MODEL`] beats everything else.
const SUBAGENT_MODEL_FORCE: &str = "CLAUDE_CODE_SUBAGENT_MODEL_FORCE";

/// All environment variables that decide which model is called.
pub fn model_variables() -> Vec<&'static str> {
    let tiers = ModelTier::ALL.into_iter().map(|tier| anthropic_default(tier).0);
    [SUBAGENT_MODEL, SUBAGENT_MODEL_FORCE].into_iter().chain(tiers).collect()
}

/// Everywhere that a model can be asked for.
#[derive(Clone, Copy, Debug)]
pub struct ModelRequest<'a> {
    /// In the call itself.
    pub per_call: Option<&'a ModelChoice>,
    /// In the agent's file.
    pub agent: &'a ModelChoice,
    /// The session's model, from the settings.
    pub session: Option<&'a ModelChoice>,
}

/// What the task asks for, in Claude Code 2.1.330's order: `CLAUDE_CODE_SUBAGENT_MODEL` with
/// `CLAUDE_CODE_SUBAGENT_MODEL_FORCE=1`, the call, the agent's file, `CLAUDE_CODE_SUBAGENT_MODEL`, the session.
pub fn resolve_model(request: &ModelRequest<'_>, environment: &Environment) -> ModelChoice {
    let of_environment = || environment.get(SUBAGENT_MODEL).map(ModelChoice::parse);
    let is_forced = environment.get(SUBAGENT_MODEL_FORCE) == Some("1");
    let asked = |choice: &&ModelChoice| **choice != ModelChoice::Inherit;
    let forced = if is_forced { of_environment() } else { None };
    forced
        .or_else(|| request.per_call.filter(asked).cloned())
        .or_else(|| Some(request.agent).filter(asked).cloned())
        .or_else(of_environment)
        .filter(|choice| *choice != ModelChoice::Inherit)
        .or_else(|| request.session.cloned())
        .unwrap_or_default()
}

/// The vendor's model of a tier: `ANTHROPIC_DEFAULT_{HAIKU,SONNET,OPUS}_MODEL` for Anthropic, else the newest of the
/// line as of November 2026. Other vendors' models are matched by price, not by quality; settings can change the map.
pub fn model_of_tier(kind: ProviderKind, tier: ModelTier, environment: &Environment) -> Option<ModelId> {
    let id = match (kind, tier) {
        (ProviderKind::Anthropic, tier) => return Some(anthropic_model(tier, environment)),
        (ProviderKind::OpenAi, ModelTier::Haiku) => "gpt-6-luna",
        (ProviderKind::OpenAi, ModelTier::Sonnet) => "gpt-6.1-sol",
        (ProviderKind::OpenAi, ModelTier::Opus | ModelTier::Fable) => "gpt-6-astra",
        (ProviderKind::Gemini, ModelTier::Haiku) => "gemini-3.5-flash-lite",
        (ProviderKind::Gemini, ModelTier::Sonnet) => "gemini-3.8-flash",
        (ProviderKind::Gemini, ModelTier::Opus | ModelTier::Fable) => "gemini-4-argon",
        (ProviderKind::OpenAiChat | ProviderKind::Scripted, _) => return None,
    };
    Some(ModelId::new(id))
}

fn anthropic_model(tier: ModelTier, environment: &Environment) -> ModelId {
    let (variable, newest) = anthropic_default(tier);
    let wanted = environment.get(variable).unwrap_or(newest);
    ModelId::new(wanted.strip_suffix("[1m]").unwrap_or(wanted))
}

/// The variable that names Anthropic's model of a tier, and the newest one.
fn anthropic_default(tier: ModelTier) -> (&'static str, &'static str) {
    match tier {
        ModelTier::Haiku => ("ANTHROPIC_DEFAULT_HAIKU_MODEL", "claude-haiku-5-5"),
        ModelTier::Sonnet => ("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-5-5"),
        ModelTier::Opus => ("ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-5-5"),
        ModelTier::Fable => ("ANTHROPIC_DEFAULT_FABLE_MODEL", "claude-fable-5-2"),
    }
}

/// The vendor that a full id belongs to, by its beginning.
pub fn vendor_of_model(model: &ModelId) -> Option<ProviderKind> {
    let id = model.as_str();
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| id.starts_with(prefix));
    if begins(&["claude-"]) {
        Some(ProviderKind::Anthropic)
    } else if begins(&["gpt-", "o1", "o3", "o4", "codex-", "chatgpt-"]) {
        Some(ProviderKind::OpenAi)
    } else if begins(&["gemini-", "models/gemini-"]) {
        Some(ProviderKind::Gemini)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(per_call: &str, agent: &str, variables: &[(&str, &str)]) -> String {
        let environment = Environment::new("/", variables.iter().copied());
        let (per_call, agent) = (ModelChoice::parse(per_call), ModelChoice::parse(agent));
        let session = ModelChoice::parse("opus");
        let request = ModelRequest { per_call: Some(&per_call), agent: &agent, session: Some(&session) };
        resolve_model(&request, &environment).to_string()
    }

    #[test]
    fn the_call_beats_the_file_and_the_file_beats_the_session() {
        for (per_call, agent, expected) in [
            ("", "", "opus"),
            ("", "inherit", "opus"),
            ("", "Auto", "auto"),
            ("auto", "sonnet", "auto"),
            ("", "Sonnet", "sonnet"),
            ("", "sonnet[1m]", "sonnet"),
            ("", "claude-3-7-sonnet-20250219", "claude-3-7-sonnet-20250219"),
            ("", "gpt-4", "gpt-4"),
            ("haiku", "sonnet", "haiku"),
            ("inherit", "sonnet", "sonnet"),
        ] {
            assert_eq!(resolve(per_call, agent, &[]), expected, "call {per_call:?}, file {agent:?}");
        }
    }

    #[test]
    fn the_subagent_variable_is_a_default_unless_it_is_forced() {
        let variable = ("CLAUDE_CODE_SUBAGENT_MODEL", "haiku");
        assert_eq!(resolve("", "", &[variable]), "haiku");
        assert_eq!(resolve("", "sonnet", &[variable]), "sonnet");
        assert_eq!(resolve("opus", "", &[variable]), "opus");
        let forced = ("CLAUDE_CODE_SUBAGENT_MODEL_FORCE", "1");
        assert_eq!(resolve("opus", "sonnet", &[variable, forced]), "haiku");
    }

    #[test]
    fn tiers_have_a_model_at_each_vendor_and_the_environment_can_change_anthropics() {
        let environment =
            Environment::new("/", [("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-4-6[1m]")]);
        let of = |kind, tier| model_of_tier(kind, tier, &environment).map(|id| id.to_string());
        assert_eq!(of(ProviderKind::Anthropic, ModelTier::Sonnet).as_deref(), Some("claude-sonnet-4-6"));
        assert_eq!(of(ProviderKind::Anthropic, ModelTier::Opus).as_deref(), Some("claude-opus-5-5"));
        assert_eq!(of(ProviderKind::Gemini, ModelTier::Haiku).as_deref(), Some("gemini-3.5-flash-lite"));
        assert_eq!(of(ProviderKind::OpenAiChat, ModelTier::Haiku), None);
    }

    #[test]
    fn full_ids_name_their_vendor() {
        let vendor = |id: &str| vendor_of_model(&ModelId::new(id));
        assert_eq!(vendor("claude-opus-5-5"), Some(ProviderKind::Anthropic));
        assert_eq!(vendor("o3"), Some(ProviderKind::OpenAi));
        assert_eq!(vendor("gemini-4-argon"), Some(ProviderKind::Gemini));
        assert_eq!(vendor("qwen3:8b"), None);
    }
}
