//! How the semantic conventions name the providers of a session.

use std::collections::HashMap;

use codex_task_config::{ProviderKind, ProviderName};
use codex_task_providers::ProviderRegistry;

/// Names by provider; one that the conventions do not know has its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vendors(HashMap<ProviderName, &'static str>);

impl Vendors {
    /// Those of these providers.
    pub(crate) fn of(providers: &ProviderRegistry) -> Self {
        let known =
            providers.iter().filter_map(|(name, provider)| Some((name.clone(), vendor(provider.kind)?)));
        Self(known.collect())
    }

    /// The name of a provider.
    pub(super) fn name<'a>(&'a self, provider: &'a ProviderName) -> &'a str {
        self.0.get(provider).copied().unwrap_or_else(|| provider.as_str())
    }
}

fn vendor(kind: ProviderKind) -> Option<&'static str> {
    match kind {
        ProviderKind::Anthropic => Some("anthropic"),
        ProviderKind::OpenAi => Some("openai"),
        ProviderKind::Gemini => Some("gcp.gemini"),
        ProviderKind::OpenAiChat | ProviderKind::Scripted => None,
    }
}
