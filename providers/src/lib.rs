//! Chat backends: one folder per wire format behind one trait, streaming first.
//!
//! Invariant: nothing here retries, limits or chooses a provider for a running task; each call is one HTTP request.

mod anthropic;
mod attachments;
mod backend;
mod chat;
mod credential;
mod decode;
mod drive;
mod dropped;
mod effort;
mod error;
mod gemini;
mod http;
mod openai;
mod openai_chat;
mod raw_object;
mod refused;
mod registry;
mod schema;
pub mod scripted;
mod server;
mod sse;
mod wire_name;

pub use anthropic::{AnthropicBackend, AnthropicConfig, AnthropicCredential, CacheLifetime};
pub use backend::{ChatBackend, ChatStream, ModelLimits};
pub use chat::{
    AssistantPart, AssistantTurn, ChatEvent, ChatReply, ChatRequest, Message, OutputSchema, ProviderState,
    RateLimits, RateWindow, SearchHit, SearchTrace, StopReason, ToolCall, ToolResult, ToolSpec, UserPart,
    UserTurn, WebSearch,
};
pub use credential::{Credential, CredentialError};
pub use drive::{CallError, CallLimits, CallOutcome, Progress, drive};
pub use error::{ProviderError, Remedy, WaitingFor};
pub use gemini::{GeminiBackend, GeminiConfig};
pub use http::clean as without_keys;
pub use http::{
    BaseUrl, BaseUrlError, ExtraHeaders, HeaderError, HttpSettings, NameResolver, Postbox, ProxySettings,
    Receipt, Resolver,
};
pub use openai::{OpenAiBackend, OpenAiConfig};
pub use openai_chat::{ChatDialect, OpenAiChatBackend, OpenAiChatConfig};
pub use registry::{
    KeySource, LocalServer, Provider, ProviderProblem, ProviderRegistry, Route, RouteError, plan_routes,
    probe_local, provider_variables,
};
