//! Local servers that speak the OpenAI chat API, found by asking their usual ports.

use std::fmt;
use std::time::Duration;

use codex_task_config::{LocalServers, ModelId};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use reqwest::header::HeaderMap;
use tokio::time::timeout;

use crate::http::{ErrorReply, HttpClient};
use crate::openai_chat::{MODELS_PATH, ModelEntry, ModelList};
use crate::{BaseUrl, HttpSettings, ProviderError};

/// Longest wait for one port. Nothing that listens on this machine needs longer to list its models.
const PROBE_TIMEOUT: Duration = Duration::from_millis(150);
/// Longest list that is read: whatever else listens on the port may send anything.
const LIST_BYTES_MAX: usize = 1 << 20;
/// Most ports that are asked.
const PORTS_MAX: usize = 16;
/// What servers write into `owned_by`, and what people call them.
const OWNERS: &[(&str, &str)] = &[
    ("llamacpp", "llama-server"),
    ("vllm", "vLLM"),
    ("library", "Ollama"),
    ("organization_owner", "LM Studio"),
    ("organization-owner", "LM Studio"),
];
/// Usual ports, for servers that do not say who they are.
const PORTS: &[(u16, &str)] =
    &[(8080, "llama-server"), (11_434, "Ollama"), (1234, "LM Studio"), (8000, "vLLM")];
/// Parts of the names of models that do not chat.
const OTHER_MODELS: &[&str] =
    &["embed", "rerank", "bge-", "gte-", "e5-", "minilm", "whisper", "tts", "clip", "moderation"];

/// A local server that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServer {
    /// What kind of server it seems to be, e.g. `llama-server`, `Ollama`, `LM Studio`, `vLLM`.
    pub name: &'static str,
    /// Its port.
    pub port: u16,
    /// Its address, with `/v1`.
    pub base_url: BaseUrl,
    /// The model to use: the one that the settings name, else the first that it offers and that can chat.
    pub model: ModelId,
    /// All models that it offers.
    pub models: Vec<ModelId>,
    /// Tokens of the model's context window, where the server says so.
    pub context_tokens: Option<u64>,
}

impl fmt::Display for LocalServer {
    /// `llama-server on port 8080`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on port {}", self.name, self.port)
    }
}

/// Asks the ports of the settings for their models, all at once, each for at most 150 ms. The first port in the
/// settings' order that answers with at least one model wins. No more than sixteen ports are asked.
///
/// Where the settings name a model, the first server that offers it wins over those before it that do not. If none
/// does, the first server is asked for it all the same: llama-server serves its one model under any name.
pub async fn probe_local(servers: &LocalServers) -> Option<LocalServer> {
    let mut asking: FuturesOrdered<_> =
        servers.ports.iter().take(PORTS_MAX).map(|port| ask(*port, servers.model.as_ref())).collect();
    let mut first = None;
    while let Some(found) = asking.next().await {
        let Some(server) = found else { continue };
        let is_wanted = servers.model.is_none() || server.models.contains(&server.model);
        if is_wanted {
            return Some(server);
        }
        first.get_or_insert(server);
    }
    first
}

/// Asks one port of this machine.
async fn ask(port: u16, wanted: Option<&ModelId>) -> Option<LocalServer> {
    let base_url = BaseUrl::parse(&format!("http://127.0.0.1:{port}/v1")).ok()?;
    let settings = HttpSettings {
        connect_timeout: PROBE_TIMEOUT,
        headers_timeout: PROBE_TIMEOUT,
        ..HttpSettings::new(base_url.clone(), 1)
    };
    let client = HttpClient::new(settings);
    client.prepare().await.ok()?;
    let listing = client.get_json_within(LIST_BYTES_MAX, MODELS_PATH, HeaderMap::new(), no_list);
    // A port that is closed, busy with something else, or in need of a key is no server that we can use.
    let list: ModelList = timeout(PROBE_TIMEOUT, listing).await.ok()?.ok()?;
    let entries = list.into_entries();
    let of_settings = wanted.and_then(|wanted| entries.iter().find(|entry| entry.id == wanted.as_str()));
    let used = of_settings.or_else(|| entries.iter().find(|entry| can_chat(entry)))?;
    Some(LocalServer {
        name: server_name(used, port),
        port,
        base_url,
        model: wanted.cloned().unwrap_or_else(|| ModelId::new(&used.id)),
        context_tokens: used.context_tokens(),
        models: entries.iter().map(|entry| ModelId::new(&entry.id)).collect(),
    })
}

/// Every failure means the same here.
fn no_list(reply: &ErrorReply) -> ProviderError {
    ProviderError::InvalidRequest { status: reply.status, detail: reply.detail() }
}

fn can_chat(entry: &ModelEntry) -> bool {
    let id = entry.id.to_ascii_lowercase();
    !OTHER_MODELS.iter().any(|part| id.contains(part))
}

fn server_name(entry: &ModelEntry, port: u16) -> &'static str {
    let owner = entry.owned_by.as_deref().unwrap_or_default();
    let by_owner = OWNERS.iter().find(|(name, _)| *name == owner).map(|(_, name)| *name);
    let by_port = || PORTS.iter().find(|(usual, _)| *usual == port).map(|(_, name)| *name);
    by_owner.or_else(by_port).unwrap_or("a local server")
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
