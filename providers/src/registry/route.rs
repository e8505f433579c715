//! From the model that a task asks for to the providers and models that can be called for it, in order.

use std::fmt;

use codex_task_config::{Environment, ModelChoice, ModelId, ProviderName, Settings};

use super::ProviderRegistry;

/// A provider and a model of its own spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The provider.
    pub provider: ProviderName,
    /// The model.
    pub model: ModelId,
}

impl fmt::Display for Route {
    /// `anthropic/claude-sonnet-5-5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// Why no provider can serve a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// No provider is configured and no local server answers.
    #[error("no model provider is configured")]
    NoProvider,
    /// The agent or the settings name a provider that is not configured.
    #[error("provider '{name}' is not configured")]
    UnknownProvider {
        /// The name.
        name: ProviderName,
        /// The names that are configured.
        known: Vec<ProviderName>,
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
        match self {
            Self::NoProvider | Self::UnknownProvider { .. } | Self::NoProviderFor { .. } => None,
        }
    }
}

/// The routes of a task, first the model that it asks for, then its fallbacks. Deterministic; connects to nothing.
///
/// # Errors
/// [`RouteError`] when the model itself has no route. Fallbacks without one are left out.
pub fn plan_routes(
    choice: &ModelChoice,
    provider: Option<&ProviderName>,
    fallback: &[String],
    settings: &Settings,
    environment: &Environment,
    registry: &ProviderRegistry,
) -> Result<Vec<Route>, RouteError> {
    let _ = (choice, provider, fallback, settings, environment, registry);
    Err(RouteError::NoProvider)
}
