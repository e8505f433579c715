//! The Chat Completions backend. Owns the client and the credential; translates, and decides nothing else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use codex_task_config::{AttachmentSupport, ModelId, ProviderName};
use futures_util::future::BoxFuture;
use futures_util::stream;
use reqwest::header::AUTHORIZATION;

use super::decode::CompletionsDecoder;
use super::encode::{self, Style};
use super::error::{self, WireError};
use super::lessons::LessonBook;
use super::model::ModelFacts;
use super::model_list::{MODELS_PATH, ModelList};
use crate::decode::decode;
use crate::http::{ErrorReply, HttpCall, json_body};
use crate::openai::{OFFICIAL, rate_limits};
use crate::server::Server;
use crate::{
    CallLimits, ChatBackend, ChatDialect, ChatEvent, ChatRequest, ChatStream, Credential, HttpSettings,
    ModelLimits, ProviderError, RateLimits,
};

const COMPLETIONS_PATH: &str = "/chat/completions";
/// What stands before the paths where the base URL is the bare root of a host.
const VERSION_PATH: &str = "/v1";
/// A model on this machine may read a long prompt for minutes before its first word, and may first have to be loaded.
const LOCAL_PATIENCE: Duration = Duration::from_mins(10);

/// What a Chat Completions backend is built from.
#[derive(Clone, Debug)]
pub struct OpenAiChatConfig {
    /// The configured name.
    pub name: ProviderName,
    /// Where the API is and how it is connected to. The base URL includes the version (`http://localhost:11434/v1`); to
    /// the bare root of a host `/v1` is added.
    pub http: HttpSettings,
    /// Who pays. Servers other than OpenAI's own may need none.
    pub credential: Option<Credential>,
    /// What kind of server it is; [`ChatDialect::of`] tells it by the address.
    pub dialect: ChatDialect,
    /// Tokens of its models' context window, where nobody else knows them.
    pub context_tokens: Option<u64>,
    /// What its models can be shown beside text, where the settings say it.
    pub attachments: Option<AttachmentSupport>,
}

/// OpenAI, or a server that speaks its chat API.
pub struct OpenAiChatBackend {
    server: Server,
    dialect: ChatDialect,
    context_tokens: Option<u64>,
    attachments: Option<AttachmentSupport>,
    lessons: Arc<LessonBook>,
    completions_path: String,
    models_path: String,
}

impl OpenAiChatBackend {
    /// Builds the backend; nothing is connected yet.
    pub fn new(config: OpenAiChatConfig) -> Self {
        let version = if config.http.base_url.path().is_empty() { VERSION_PATH } else { "" };
        let credential = config.credential.as_ref().map(|key| (AUTHORIZATION, key.bearer()));
        Self {
            completions_path: format!("{version}{COMPLETIONS_PATH}"),
            models_path: format!("{version}{MODELS_PATH}"),
            server: Server::new(config.name, config.http, credential, OFFICIAL),
            dialect: config.dialect,
            context_tokens: config.context_tokens,
            attachments: config.attachments,
            lessons: Arc::default(),
        }
    }

    fn style(&self, model: &ModelId) -> Style {
        Style {
            dialect: self.dialect,
            context_tokens: self.context_tokens,
            attachments: self.attachments,
            lessons: self.lessons.of(model),
        }
    }

    async fn open(&self, request: &ChatRequest) -> Result<ChatStream, ProviderError> {
        let headers = self.server.headers()?;
        let request = &*self.server.refused.without(request);
        let style = self.style(&request.model);
        let body = json_body(&encode::to_wire(request, style))?;
        let lessons = Arc::clone(&self.lessons);
        let mut decoder = CompletionsDecoder::new(request, self.dialect, body.len(), lessons);
        let mut is_malformed = false;
        let call = HttpCall { path: &self.completions_path, headers, body };
        let limits = |reply: &ErrorReply| rate_limits(&reply.headers);
        let classify = |reply: &ErrorReply| {
            is_malformed = WireError::read(&reply.body).is_malformed_output();
            error::of_reply(reply, &request.model)
        };
        match self.server.open(call, &request.model, limits, classify).await {
            Ok(reply) => {
                let rates = rate_limits(&reply.headers);
                let id = reply.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
                Ok(decode(reply.events, decoder.with_request_id(id), rates))
            }
            // The model answered, but its server could not read the answer: for the agent that is an answer too.
            Err(_) if is_malformed => {
                let started = ChatEvent::Started { rates: RateLimits::default() };
                let events = VecDeque::from([Ok(started), Ok(decoder.malformed())]);
                Ok(Box::pin(stream::iter(events)))
            }
            Err(error) => {
                self.lessons.note(&request.model, &error);
                // A parameter that has another form is left out only if that form is refused, too.
                if style.lessons.after(&error) == style.lessons {
                    self.server.refused.note(&request.model, &error);
                }
                Err(error)
            }
        }
    }

    async fn list_models(&self) -> Result<Vec<ModelId>, ProviderError> {
        let list: ModelList = self
            .server
            .http
            .get_json(&self.models_path, self.server.headers()?, error::of_list_reply)
            .await?;
        Ok(list.into_entries().into_iter().map(|entry| ModelId::new(entry.id)).collect())
    }
}

impl ChatBackend for OpenAiChatBackend {
    fn name(&self) -> &ProviderName {
        &self.server.name
    }

    fn stream<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>> {
        Box::pin(self.open(request))
    }

    fn limits(&self, model: &ModelId) -> Option<ModelLimits> {
        ModelFacts::of(model, self.dialect, self.context_tokens, self.lessons.of(model)).limits
    }

    fn patience(&self) -> CallLimits {
        match self.dialect {
            ChatDialect::OpenAi | ChatDialect::Compatible => CallLimits::USUAL,
            ChatDialect::Local => {
                CallLimits { headers: LOCAL_PATIENCE, first_event: LOCAL_PATIENCE, ..CallLimits::USUAL }
            }
        }
    }

    fn refused_rates(&self, model: &ModelId) -> RateLimits {
        self.server.refused_rates(model)
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelId>, ProviderError>> {
        Box::pin(self.list_models())
    }

    fn dropped_parameters(&self, request: &ChatRequest) -> Vec<String> {
        let style = self.style(&request.model);
        self.server.dropped_parameters(request, |request| encode::dropped(request, style))
    }
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
