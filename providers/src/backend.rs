//! The one trait behind which every wire format stands.

use std::pin::Pin;

use codex_task_config::{ModelId, ProviderName};
use futures_util::Stream;
use futures_util::future::BoxFuture;

use crate::{CallLimits, ChatEvent, ChatRequest, ProviderError, RateLimits};

/// A streamed reply. Dropping it closes the connection and ends the call.
pub type ChatStream = Pin<Box<dyn Stream<Item = Result<ChatEvent, ProviderError>> + Send>>;

/// What a backend knows about one of its models, for the context window and for dropping parameters in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelLimits {
    /// Tokens that prompt and output may have together.
    pub context_tokens: u64,
    /// Most tokens of one answer.
    pub output_tokens: u64,
}

/// Translates between the neutral form and one provider's wire format. Owns its HTTP client and credential; decides
/// nothing about retries, limits or failover: that is the work of the provider actor and the agent loop.
pub trait ChatBackend: Send + Sync {
    /// The configured name, e.g. `anthropic`.
    fn name(&self) -> &ProviderName;

    /// Begins a call. Resolves when the server has accepted it (response headers are there).
    ///
    /// # Errors
    /// Any [`ProviderError`]; nothing is retried here.
    ///
    /// # Cancel safety
    /// Dropping the future or the stream closes the connection; the provider may bill what it has generated.
    fn stream<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>>;

    /// Limits of a model, from the price table or the server; `None` when nobody knows.
    fn limits(&self, model: &ModelId) -> Option<ModelLimits>;

    /// How long each part of a call may take; the caller shortens the whole to its own limit. A model on a small machine
    /// needs more time before its first word than a hosted one.
    fn patience(&self) -> CallLimits {
        CallLimits::USUAL
    }

    /// What the provider said about its limits when it refused a call of this model, since somebody asked last; empty
    /// for providers that say nothing then.
    fn refused_rates(&self, _model: &ModelId) -> RateLimits {
        RateLimits::default()
    }

    /// Model ids that the server offers, for `doctor` and for choosing a local model.
    ///
    /// # Errors
    /// Any [`ProviderError`].
    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelId>, ProviderError>>;

    /// Whether the provider searches the web itself for this model ([`ChatRequest::search`]).
    fn searches(&self, model: &ModelId) -> bool {
        let _ = model;
        false
    }

    /// Parts of the request that this backend will not send for this model, each as a sentence for the user, e.g.
    /// `temperature is not accepted by claude-sonnet-5-5 and was left out`.
    fn dropped_parameters(&self, request: &ChatRequest) -> Vec<String>;
}
