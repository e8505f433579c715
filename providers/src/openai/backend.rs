//! The Responses backend. Owns the client and the credential; translates, and decides nothing else.

use codex_task_config::{AttachmentSupport, ModelId, ProviderName};
use futures_util::future::BoxFuture;
use reqwest::header::AUTHORIZATION;

use super::decode::ResponsesDecoder;
use super::model::{ModelFacts, searches};
use super::rates::rate_limits;
use super::stream_wire::ModelList;
use super::wire::ResponsesRequest;
use super::{encode, error};
use crate::decode::decode;
use crate::http::{ErrorReply, HttpCall, json_body_within};
use crate::server::{Official, Server};
use crate::{
    ChatBackend, ChatRequest, ChatStream, Credential, HttpSettings, ModelLimits, ProviderError, RateLimits,
};

/// The documented limit of a request with images.
const REQUEST_MEGABYTES_MAX: usize = 50;
const RESPONSES_PATH: &str = "/responses";
const MODELS_PATH: &str = "/models";
/// What stands before the paths where the base URL is the bare root of a host.
const VERSION_PATH: &str = "/v1";
/// OpenAI itself.
pub(crate) const OFFICIAL: Official = Official { host: "api.openai.com", key_variable: "OPENAI_API_KEY" };

/// What a Responses backend is built from.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// The configured name.
    pub name: ProviderName,
    /// Where the API is and how it is connected to. The base URL includes the version, as in OpenAI's own SDK
    /// (`https://api.openai.com/v1`); to the bare root of a host `/v1` is added.
    pub http: HttpSettings,
    /// Who pays, sent as `authorization: Bearer`. Servers other than OpenAI's own may need none.
    pub credential: Option<Credential>,
    /// What its models can be shown beside text, where the settings say it.
    pub attachments: Option<AttachmentSupport>,
}

/// OpenAI, or a server that speaks its Responses format.
pub struct OpenAiBackend {
    server: Server,
    responses_path: String,
    models_path: String,
    attachments: Option<AttachmentSupport>,
}

impl OpenAiBackend {
    /// Builds the backend; nothing is connected yet.
    pub fn new(config: OpenAiConfig) -> Self {
        let version = if config.http.base_url.path().is_empty() { VERSION_PATH } else { "" };
        let credential = config.credential.as_ref().map(|key| (AUTHORIZATION, key.bearer()));
        Self {
            responses_path: format!("{version}{RESPONSES_PATH}"),
            models_path: format!("{version}{MODELS_PATH}"),
            server: Server::new(config.name, config.http, credential, OFFICIAL),
            attachments: config.attachments,
        }
    }

    async fn open(&self, request: &ChatRequest) -> Result<ChatStream, ProviderError> {
        let headers = self.server.headers()?;
        let request = self.server.refused.without(request);
        let body = json_body_within(REQUEST_MEGABYTES_MAX, &self.wire(&request))?;
        let call = HttpCall { path: &self.responses_path, headers, body };
        let limits = |reply: &ErrorReply| rate_limits(&reply.headers);
        let classify = |reply: &ErrorReply| error::of_reply(reply, &request.model);
        let reply = self.server.open(call, &request.model, limits, classify).await;
        let reply = reply.inspect_err(|error| self.server.refused.note(&request.model, error))?;
        let request_id = reply.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let rates = rate_limits(&reply.headers);
        Ok(decode(reply.events, ResponsesDecoder::new(request.model.clone(), request_id), rates))
    }

    /// The request without what this backend would add and the model does not take.
    fn wire<'a>(&self, request: &'a ChatRequest) -> ResponsesRequest<'a> {
        let mut wire = encode::to_wire(request, self.attachments);
        let is_refused = |name: &str| self.server.refused.has(&request.model, name);
        if is_refused("include") {
            wire.include.clear();
        }
        if is_refused("prompt_cache_key") {
            wire.prompt_cache_key = None;
        }
        if is_refused("parallel_tool_calls") {
            wire.parallel_tool_calls = None;
        }
        wire
    }

    async fn list_models(&self) -> Result<Vec<ModelId>, ProviderError> {
        let headers = self.server.headers()?;
        let list: ModelList =
            self.server.http.get_json(&self.models_path, headers, error::of_list_reply).await?;
        Ok(list.data.into_iter().map(|entry| ModelId::new(entry.id)).collect())
    }
}

impl ChatBackend for OpenAiBackend {
    fn name(&self) -> &ProviderName {
        &self.server.name
    }

    fn stream<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>> {
        Box::pin(self.open(request))
    }

    fn limits(&self, model: &ModelId) -> Option<ModelLimits> {
        ModelFacts::of(model).limits
    }

    fn refused_rates(&self, model: &ModelId) -> RateLimits {
        self.server.refused_rates(model)
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelId>, ProviderError>> {
        Box::pin(self.list_models())
    }

    fn searches(&self, model: &ModelId) -> bool {
        searches(model)
    }

    fn dropped_parameters(&self, request: &ChatRequest) -> Vec<String> {
        self.server.dropped_parameters(request, encode::dropped)
    }
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
