//! The Messages backend. Owns the client and the credential; translates, and decides nothing else.

use codex_task_config::{AttachmentSupport, Environment, ModelId, ProviderName};
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::caching::CacheLifetime;
use super::decode::MessagesDecoder;
use super::model::ModelFacts;
use super::rates::rate_limits;
use super::stream_wire::ModelList;
use super::{encode, error};
use crate::decode::decode;
use crate::http::{ErrorReply, HttpCall, json_body_within, written_at};
use crate::server::{Official, Server};
use crate::{
    ChatBackend, ChatRequest, ChatStream, Credential, CredentialError, HttpSettings, ModelLimits,
    ProviderError, RateLimits,
};

/// The documented limit of a request.
const REQUEST_MEGABYTES_MAX: usize = 32;
const MESSAGES_PATH: &str = "/v1/messages";
const MODELS_PATH: &str = "/v1/models?limit=1000";
const KEY_VARIABLE: &str = "ANTHROPIC_API_KEY";
const OFFICIAL: Official = Official { host: "api.anthropic.com", key_variable: KEY_VARIABLE };
const TOKEN_VARIABLE: &str = "ANTHROPIC_AUTH_TOKEN";

const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The newest version of the API: what Anthropic's own SDK 2.12 sends. It refuses every request with a temperature.
const VERSION_CURRENT: HeaderValue = HeaderValue::from_static("2026-10-21");
/// The version before, which is still served: the only one that takes a temperature, for models that accept one.
const VERSION_WITH_SAMPLING: HeaderValue = HeaderValue::from_static("2023-06-01");

/// How calls prove who pays. The header follows the variable, as in Claude Code; gateways rely on that.
#[derive(Clone, Debug)]
pub enum AnthropicCredential {
    /// An API key, sent as `x-api-key`: every server and gateway of this format reads it there.
    ApiKey(Credential),
    /// A token, sent as `authorization: Bearer`.
    Token(Credential),
}

impl AnthropicCredential {
    /// `ANTHROPIC_API_KEY`, else `ANTHROPIC_AUTH_TOKEN`.
    ///
    /// # Errors
    /// [`CredentialError`] when the variable holds something that cannot be a key.
    pub fn from_env(environment: &Environment) -> Result<Option<Self>, CredentialError> {
        if let Some(key) = Credential::from_env(environment, &[KEY_VARIABLE])? {
            return Ok(Some(Self::ApiKey(key)));
        }
        Ok(Credential::from_env(environment, &[TOKEN_VARIABLE])?.map(Self::Token))
    }

    fn header(&self) -> (HeaderName, HeaderValue) {
        match self {
            Self::ApiKey(key) => (API_KEY, key.header()),
            Self::Token(token) => (AUTHORIZATION, token.bearer()),
        }
    }
}

/// What a Messages backend is built from.
#[derive(Clone, Debug)]
pub struct AnthropicConfig {
    /// The configured name.
    pub name: ProviderName,
    /// Where the API is and how it is connected to.
    pub http: HttpSettings,
    /// Who pays. Servers other than Anthropic's own may need none.
    pub credential: Option<AnthropicCredential>,
    /// How long prompts are cached.
    pub cache: CacheLifetime,
    /// What its models can be shown beside text, where the settings say it.
    pub attachments: Option<AttachmentSupport>,
}

/// Anthropic, or a server that speaks its format.
pub struct AnthropicBackend {
    server: Server,
    cache: CacheLifetime,
    attachments: Option<AttachmentSupport>,
}

impl AnthropicBackend {
    /// Builds the backend; nothing is connected yet.
    pub fn new(config: AnthropicConfig) -> Self {
        let credential = config.credential.as_ref().map(AnthropicCredential::header);
        Self {
            server: Server::new(config.name, config.http, credential, OFFICIAL),
            cache: config.cache,
            attachments: config.attachments,
        }
    }

    fn headers(&self, version: HeaderValue) -> Result<HeaderMap, ProviderError> {
        let mut headers = self.server.headers()?;
        headers.insert(VERSION, version);
        Ok(headers)
    }

    async fn open(&self, request: &ChatRequest) -> Result<ChatStream, ProviderError> {
        let request = self.server.refused.without(request);
        let does_not_cache = self.server.refused.has(&request.model, "cache_control");
        let cache = if does_not_cache { CacheLifetime::Off } else { self.cache };
        let wire = encode::to_wire(&request, cache, self.attachments);
        let version = if wire.temperature.is_some() { VERSION_WITH_SAMPLING } else { VERSION_CURRENT };
        let headers = self.headers(version)?;
        let body = json_body_within(REQUEST_MEGABYTES_MAX, &wire)?;
        let call = HttpCall { path: MESSAGES_PATH, headers, body };
        drop(wire);
        let limits = |reply: &ErrorReply| rate_limits(&reply.headers, written_at(&reply.headers));
        let classify = |reply: &ErrorReply| error::of_reply(reply, &request.model);
        let reply = self.server.open(call, &request.model, limits, classify).await;
        let reply = reply.inspect_err(|error| self.server.refused.note(&request.model, error))?;
        let request_id = reply.headers.get("request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let rates = rate_limits(&reply.headers, written_at(&reply.headers));
        Ok(decode(reply.events, MessagesDecoder::new(request.model.clone(), request_id), rates))
    }

    async fn list_models(&self) -> Result<Vec<ModelId>, ProviderError> {
        let headers = self.headers(VERSION_CURRENT)?;
        let list: ModelList = self.server.http.get_json(MODELS_PATH, headers, error::of_list_reply).await?;
        let callable = list.data.into_iter().filter(|entry| entry.lifecycle.as_deref() != Some("retired"));
        Ok(callable.map(|entry| ModelId::new(entry.id)).collect())
    }
}

impl ChatBackend for AnthropicBackend {
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

    /// Every Claude that is still served can search; other models of this format are some server's own.
    fn searches(&self, model: &ModelId) -> bool {
        model.as_str().starts_with("claude")
    }

    fn dropped_parameters(&self, request: &ChatRequest) -> Vec<String> {
        self.server.dropped_parameters(request, encode::dropped)
    }
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
