//! The Gemini backend. Owns the client and the credential; translates, and decides nothing else.

use std::fmt::Write as _;

use codex_task_config::{AttachmentSupport, ModelId, ProviderName};
use futures_util::future::BoxFuture;
use reqwest::header::HeaderName;

use super::decode::GenerateDecoder;
use super::model::{ModelFacts, model_name};
use super::stream_wire::ModelList;
use super::{encode, error};
use crate::decode::decode;
use crate::http::{ErrorReply, HttpCall, json_body_within};
use crate::server::{Official, Server};
use crate::{
    BaseUrl, ChatBackend, ChatRequest, ChatStream, Credential, HttpSettings, ModelLimits, ProviderError,
    RateLimits,
};

const VERSION_PATH: &str = "/v1beta";
const OFFICIAL: Official =
    Official { host: "generativelanguage.googleapis.com", key_variable: "GEMINI_API_KEY" };
/// The documented limit of a request with its inline files.
const REQUEST_MEGABYTES_MAX: usize = 100;
const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// What a Gemini backend is built from.
#[derive(Clone, Debug)]
pub struct GeminiConfig {
    /// The configured name.
    pub name: ProviderName,
    /// Where the API is and how it is connected to. The base URL is the root of the host, as in Google's own SDK; one
    /// that ends with a version (`/v1beta`) is taken as it is.
    pub http: HttpSettings,
    /// Who pays, sent as `x-goog-api-key`. Servers other than Google's own may need none.
    pub credential: Option<Credential>,
    /// What its models can be shown beside text, where the settings say it.
    pub attachments: Option<AttachmentSupport>,
}

/// Google's Developer API, or a server that speaks its format.
pub struct GeminiBackend {
    server: Server,
    /// What stands before the paths.
    version_path: &'static str,
    attachments: Option<AttachmentSupport>,
}

impl GeminiBackend {
    /// Builds the backend; nothing is connected yet.
    pub fn new(config: GeminiConfig) -> Self {
        let credential = config.credential.as_ref().map(|key| (API_KEY, key.header()));
        Self {
            version_path: if ends_with_version(&config.http.base_url) { "" } else { VERSION_PATH },
            server: Server::new(config.name, config.http, credential, OFFICIAL),
            attachments: config.attachments,
        }
    }

    async fn open(&self, request: &ChatRequest) -> Result<ChatStream, ProviderError> {
        let headers = self.server.headers()?;
        let request = &*self.server.refused.without(request);
        let model = encoded(model_name(&request.model));
        let path = format!("{}/models/{model}:streamGenerateContent?alt=sse", self.version_path);
        let body = json_body_within(REQUEST_MEGABYTES_MAX, &encode::to_wire(request, self.attachments))?;
        let call = HttpCall { path: &path, headers, body };
        let classify = |reply: &ErrorReply| error::of_reply(reply, &request.model);
        let reply = self.server.open(call, &request.model, error::quotas, classify).await;
        let reply = reply.inspect_err(|error| self.server.refused.note(&request.model, error))?;
        // Google's responses carry no rate limits.
        Ok(decode(reply.events, GenerateDecoder::new(request.model.clone()), RateLimits::default()))
    }

    async fn list_models(&self) -> Result<Vec<ModelId>, ProviderError> {
        let path = format!("{}/models?pageSize=1000", self.version_path);
        let list: ModelList =
            self.server.http.get_json(&path, self.server.headers()?, error::of_list_reply).await?;
        let chats = |methods: &Vec<String>| methods.iter().any(|method| method == "generateContent");
        let callable = list
            .models
            .into_iter()
            .filter(|entry| entry.supported_generation_methods.as_ref().is_none_or(chats));
        Ok(callable.map(|entry| ModelId::new(entry.name.trim_start_matches("models/"))).collect())
    }
}

/// Whether a base URL says which version of the API lies below it.
fn ends_with_version(base_url: &BaseUrl) -> bool {
    let last = base_url.path().rsplit('/').next().unwrap_or_default();
    last.strip_prefix('v').is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

/// A model's name as one segment of a path: nothing that an agent file asks for leads anywhere else.
fn encoded(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            segment.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

impl ChatBackend for GeminiBackend {
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

    /// Google's models unless the table says that one does not; others of this format are some server's own.
    fn searches(&self, model: &ModelId) -> bool {
        ModelFacts::of(model).searches
    }

    fn dropped_parameters(&self, request: &ChatRequest) -> Vec<String> {
        self.server.dropped_parameters(request, encode::dropped)
    }
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
