//! From settings and environment to a provider that can be called.
//!
//! Invariant: a key goes to the server that it was meant for. The vendor's usual variable counts for the vendor's own
//! host, for the host of the vendor's own base-URL variable, and for a server of the settings that speaks the vendor's
//! format, unless that is on this machine: a project's settings may name such a server, but must not be given a key.

use std::path::Path;
use std::sync::Arc;

use codex_task_config::{Environment, ProviderKind, ProviderName, ProviderSettings};

use super::vendor::Vendor;
use super::{KeySource, Provider, ProviderProblem};
use crate::scripted::{Scenario, ScriptedBackend};
use crate::{
    AnthropicBackend, AnthropicConfig, AnthropicCredential, BaseUrl, CacheLifetime, ChatBackend, ChatDialect,
    Credential, ExtraHeaders, GeminiBackend, GeminiConfig, HttpSettings, OpenAiBackend, OpenAiChatBackend,
    OpenAiChatConfig, OpenAiConfig, ProxySettings,
};

/// Largest scenario file that is read.
const SCENARIO_BYTES_MAX: u64 = 4 << 20;
/// End of the names of variables that hold a token rather than a key.
const TOKEN_SUFFIX: &str = "AUTH_TOKEN";

/// Builds the provider; connects to nothing.
///
/// # Errors
/// What is wrong with its settings or its variables.
pub(super) fn build(
    name: &ProviderName,
    settings: &ProviderSettings,
    environment: &Environment,
) -> Result<Provider, ProviderProblem> {
    let builder = Builder { name, settings, environment };
    let Some(vendor) = Vendor::of(settings.kind) else { return builder.scripted() };
    builder.hosted(vendor)
}

struct Builder<'a> {
    name: &'a ProviderName,
    settings: &'a ProviderSettings,
    environment: &'a Environment,
}

/// A server's address, and who says that it is there.
struct Address {
    url: BaseUrl,
    source: AddressSource,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AddressSource {
    Settings,
    Variable,
    Vendor,
}

/// A key, and the variable that holds it.
struct Key {
    variable: String,
    credential: Credential,
}

impl Builder<'_> {
    fn hosted(&self, vendor: Vendor) -> Result<Provider, ProviderProblem> {
        let address = self.address(vendor)?;
        let base_url = address.url.clone();
        let is_official = BaseUrl::parse(vendor.base_url).is_ok_and(|own| own.host() == base_url.host());
        let key = self.key(vendor, &address, is_official)?;
        if key.is_none() && is_official {
            let variable = vendor.key_variable();
            return Err(self.problem(format!("{variable} is not set"), format!("set {variable}")));
        }
        let key_source =
            key.as_ref().map_or(KeySource::Absent, |key| KeySource::Variable(key.variable.clone()));
        let backend = self.backend(self.http(address.url)?, key)?;
        Ok(Provider { base_url: Some(base_url), key: key_source, is_official, ..self.provider(backend) })
    }

    /// The one place that knows which backend speaks which format.
    fn backend(&self, http: HttpSettings, key: Option<Key>) -> Result<Arc<dyn ChatBackend>, ProviderProblem> {
        let name = self.name.clone();
        let attachments = self.settings.attachments;
        Ok(match self.settings.kind {
            ProviderKind::Anthropic => Arc::new(AnthropicBackend::new(AnthropicConfig {
                name,
                http,
                credential: key.map(anthropic_credential),
                cache: CacheLifetime::default(),
                attachments,
            })),
            ProviderKind::OpenAiChat => Arc::new(OpenAiChatBackend::new(OpenAiChatConfig {
                name,
                dialect: ChatDialect::of(&http.base_url),
                http,
                credential: key.map(|key| key.credential),
                context_tokens: self.settings.context_tokens,
                attachments,
            })),
            ProviderKind::OpenAi => {
                let credential = key.map(|key| key.credential);
                Arc::new(OpenAiBackend::new(OpenAiConfig { name, http, credential, attachments }))
            }
            ProviderKind::Gemini => {
                let credential = key.map(|key| key.credential);
                Arc::new(GeminiBackend::new(GeminiConfig { name, http, credential, attachments }))
            }
            // Has no vendor, so that it never comes here; a scenario is built from its file.
            ProviderKind::Scripted => return self.scripted().map(|provider| provider.backend),
        })
    }

    /// A scenario file in place of a server.
    fn scripted(&self) -> Result<Provider, ProviderProblem> {
        let help = "set base_url to the path of a scenario file";
        let Some(path) = &self.settings.base_url else {
            return Err(self.problem("it has no scenario", help));
        };
        let text = read_scenario(&self.environment.cwd().join(path))
            .map_err(|error| self.problem(format!("the scenario {path} cannot be read: {error}"), help))?;
        let scenario = Scenario::parse(&text).map_err(|error| {
            let at = error.problem.position.map(|at| format!(", line {}", at.line)).unwrap_or_default();
            self.problem(format!("{path}{at}: {error}"), "correct the scenario")
        })?;
        Ok(self.provider(Arc::new(ScriptedBackend::new(self.name.clone(), scenario))))
    }

    fn provider(&self, backend: Arc<dyn ChatBackend>) -> Provider {
        Provider {
            kind: self.settings.kind,
            in_flight_max: self.settings.in_flight_max,
            limits: self.settings.limits,
            timeouts: self.settings.timeouts,
            models: self.settings.models.clone(),
            ..Provider::of_host(backend)
        }
    }

    fn address(&self, vendor: Vendor) -> Result<Address, ProviderProblem> {
        let (text, source) = match (&self.settings.base_url, self.environment.get(vendor.base_url_variable)) {
            (Some(url), _) => (url.as_str(), AddressSource::Settings),
            (None, Some(url)) => (url, AddressSource::Variable),
            (None, None) => (vendor.base_url, AddressSource::Vendor),
        };
        let url = BaseUrl::parse(text).map_err(|error| match source {
            AddressSource::Variable => self.problem(
                format!("{}: {error}", vendor.base_url_variable),
                format!("set {} to an address such as {}", vendor.base_url_variable, vendor.base_url),
            ),
            AddressSource::Settings | AddressSource::Vendor => self.problem(
                error.to_string(),
                format!("set base_url to an address such as {}", vendor.base_url),
            ),
        })?;
        Ok(Address { url, source })
    }

    /// The key of the variable that the settings name, else of the vendor's usual one where that may be sent.
    fn key(
        &self,
        vendor: Vendor,
        address: &Address,
        is_official: bool,
    ) -> Result<Option<Key>, ProviderProblem> {
        let wanted = self.settings.api_key_env.as_deref();
        let may_be_usual = is_official
            || match address.source {
                AddressSource::Variable | AddressSource::Vendor => true,
                // Everybody's servers speak OpenAI's chat format: they are not meant to get OpenAI's key.
                AddressSource::Settings => {
                    self.settings.kind != ProviderKind::OpenAiChat && !address.url.is_loopback()
                }
            };
        let names: &[&str] = match &wanted {
            Some(name) => std::slice::from_ref(name),
            None if may_be_usual => vendor.key_variables,
            None => &[],
        };
        let Some((variable, text)) =
            names.iter().find_map(|name| self.environment.get(name).map(|text| (*name, text)))
        else {
            return match wanted {
                Some(name) => Err(self.problem(
                    format!("{name} is not set"),
                    format!("set {name}, or remove api_key_env if the server needs no key"),
                )),
                None => Ok(None),
            };
        };
        let credential = Credential::new(text).map_err(|error| {
            self.problem(format!("{variable}: {error}"), format!("set {variable} to the key alone"))
        })?;
        Ok(Some(Key { variable: variable.to_owned(), credential }))
    }

    fn http(&self, base_url: BaseUrl) -> Result<HttpSettings, ProviderProblem> {
        let pairs = self.settings.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers = ExtraHeaders::parse(pairs)
            .map_err(|error| self.problem(error.to_string(), "correct the headers of this provider"))?;
        let proxies = ProxySettings::from_env(self.environment);
        let usual = HttpSettings::new(base_url, self.settings.in_flight_max);
        let timeouts = &self.settings.timeouts;
        Ok(HttpSettings {
            proxies,
            headers,
            connect_timeout: timeouts.connect.unwrap_or(usual.connect_timeout),
            headers_timeout: timeouts.headers.unwrap_or(usual.headers_timeout),
            byte_idle: timeouts.byte_idle.unwrap_or(usual.byte_idle),
            ..usual
        })
    }

    fn problem(&self, reason: impl Into<String>, help: impl Into<String>) -> ProviderProblem {
        ProviderProblem { name: self.name.clone(), reason: reason.into(), help: help.into() }
    }
}

/// The header follows the variable, as in Claude Code.
fn anthropic_credential(key: Key) -> AnthropicCredential {
    if key.variable.ends_with(TOKEN_SUFFIX) {
        AnthropicCredential::Token(key.credential)
    } else {
        AnthropicCredential::ApiKey(key.credential)
    }
}

fn read_scenario(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > SCENARIO_BYTES_MAX {
        return Err(std::io::Error::other(format!("it is larger than {} MiB", SCENARIO_BYTES_MAX >> 20)));
    }
    std::fs::read_to_string(path)
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
