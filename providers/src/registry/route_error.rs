//! Why no provider can serve a model, and what to do about it.

use codex_task_config::ProviderName;

use super::ProviderProblem;

/// Every way to a first answer.
const WAYS: &str = "set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY; or name a provider under `providers:` in \
                    codex-task.yaml; or start a local server (`ollama serve`, or `llama-server -m MODEL.gguf`); \
                    `codex-task demo` needs none of them";

/// Why no provider can serve a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// No provider is configured and no local server answers.
    #[error("no model provider is configured")]
    NoProvider,
    /// Providers are configured, but none of them can be used.
    #[error("no model provider can be used: {}", reasons(problems))]
    NoUsableProvider {
        /// What is wrong with each; never empty.
        problems: Vec<ProviderProblem>,
    },
    /// The agent or the settings name a provider that is not configured.
    #[error("provider '{name}' is not configured")]
    UnknownProvider {
        /// The name.
        name: ProviderName,
        /// The names that are configured.
        known: Vec<ProviderName>,
    },
    /// The provider that would serve the model is configured, but cannot be used.
    #[error("{problem}")]
    UnusableProvider {
        /// What is wrong with it.
        problem: ProviderProblem,
    },
    /// The model belongs to a vendor for which there is no provider, or the provider knows no model for the alias.
    #[error("no configured provider serves the model '{model}'")]
    NoProviderFor {
        /// The model as it was asked for.
        model: String,
        /// The variable whose setting would configure the model's vendor.
        variable: Option<&'static str>,
    },
}

impl RouteError {
    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoProvider => WAYS.to_owned(),
            Self::NoUsableProvider { problems } => {
                let helps: Vec<&str> = problems.iter().map(|problem| problem.help.as_str()).collect();
                helps.join("; ")
            }
            Self::UnknownProvider { known, .. } if known.is_empty() => WAYS.to_owned(),
            Self::UnknownProvider { known, .. } => {
                let known: Vec<&str> = known.iter().map(ProviderName::as_str).collect();
                format!(
                    "configured providers: {}; add others under `providers:` in codex-task.yaml",
                    known.join(", ")
                )
            }
            Self::UnusableProvider { problem } => problem.help.clone(),
            Self::NoProviderFor { variable: Some(variable), .. } => format!(
                "set {variable}, ask for haiku, sonnet or opus instead, or name a provider that serves it: \
                 `model: PROVIDER/MODEL`"
            ),
            Self::NoProviderFor { model, variable: None } => format!(
                "name a provider that serves it (`model: PROVIDER/{model}`), or give it a model of this name under \
                 `providers: NAME: models:` in codex-task.yaml"
            ),
        })
    }
}

fn reasons(problems: &[ProviderProblem]) -> String {
    let each = problems.iter().map(|problem| format!("{}: {}", problem.name, problem.reason));
    each.collect::<Vec<_>>().join("; ")
}
