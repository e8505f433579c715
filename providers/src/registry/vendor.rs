//! Where each vendor's API is, and which variables of the environment belong to it.

use codex_task_config::{Environment, ProviderKind};

use crate::ProxySettings;

/// Facts about the vendor of a wire format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vendor {
    /// The name of its provider when the environment configures it.
    pub(super) name: &'static str,
    /// Its API.
    pub(super) base_url: &'static str,
    /// The variable that puts another server in its place.
    pub(super) base_url_variable: &'static str,
    /// The variables that hold its key; the first that is set counts.
    pub(super) key_variables: &'static [&'static str],
}

const ANTHROPIC: Vendor = Vendor {
    name: "anthropic",
    base_url: "https://api.anthropic.com",
    base_url_variable: "ANTHROPIC_BASE_URL",
    key_variables: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
};
const OPENAI: Vendor = Vendor {
    name: "openai",
    base_url: "https://api.openai.com/v1",
    base_url_variable: "OPENAI_BASE_URL",
    key_variables: &["OPENAI_API_KEY"],
};
const GEMINI: Vendor = Vendor {
    name: "gemini",
    base_url: "https://generativelanguage.googleapis.com",
    base_url_variable: "GOOGLE_GEMINI_BASE_URL",
    key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
};

/// The wire formats that the environment can configure by itself, in the order in which they are preferred.
pub(super) const OF_ENVIRONMENT: [ProviderKind; 3] =
    [ProviderKind::Anthropic, ProviderKind::OpenAi, ProviderKind::Gemini];

/// All environment variables that say where providers are, with which keys and through which proxies they are called.
/// Programs that start us with an environment of their own choice have to pass these on.
pub fn provider_variables() -> Vec<&'static str> {
    let vendors = OF_ENVIRONMENT.into_iter().filter_map(Vendor::of);
    let of_vendors =
        vendors.flat_map(|vendor| vendor.key_variables.iter().copied().chain([vendor.base_url_variable]));
    of_vendors.chain(ProxySettings::variables()).collect()
}

impl Vendor {
    /// The vendor that invented a wire format; a scenario has none.
    pub(super) fn of(kind: ProviderKind) -> Option<Self> {
        match kind {
            ProviderKind::Anthropic => Some(ANTHROPIC),
            ProviderKind::OpenAi | ProviderKind::OpenAiChat => Some(OPENAI),
            ProviderKind::Gemini => Some(GEMINI),
            ProviderKind::Scripted => None,
        }
    }

    /// The variable that people set.
    pub(super) fn key_variable(&self) -> &'static str {
        self.key_variables.first().copied().unwrap_or_default()
    }

    /// Whether the environment says anything about it.
    pub(super) fn is_in(&self, environment: &Environment) -> bool {
        let is_set = |name: &&str| environment.get(name).is_some();
        self.key_variables.iter().any(is_set) || is_set(&self.base_url_variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_passes_the_variables_on_passes_on_every_key_address_and_proxy() {
        let variables = provider_variables();
        for name in
            ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_API_KEY", "GOOGLE_API_KEY", "https_proxy"]
        {
            assert!(variables.contains(&name), "{name} in {variables:?}");
        }
        let mut once = variables.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), variables.len());
    }
}
