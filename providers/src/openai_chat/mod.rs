//! Chat Completions: OpenAI's older API, which every compatible server speaks: Ollama, llama-server, vLLM, LM Studio,
//! OpenRouter, LiteLLM and many hosts.
//!
//! Few of them agree on more than the outline, so reading is tolerant and writing keeps to what all of them take. Where
//! a server still refuses a part that a request can do without, that is remembered for its model ([`lessons`]).
//!
//! The request bodies were checked against the types of OpenAI's own SDK, version 3.57; replies, errors and tool calls
//! in texts were recorded from a real llama-server.

mod answer_form;
mod backend;
mod decode;
mod dialect;
mod encode;
mod error;
mod lessons;
mod loose;
mod model;
mod model_list;
mod reasoning;
mod stream_wire;
mod text_calls;
mod tool_calls;
mod wire;

pub use backend::{OpenAiChatBackend, OpenAiChatConfig};
pub use dialect::ChatDialect;
pub(crate) use model_list::{MODELS_PATH, ModelEntry, ModelList};

/// Name of the wire format.
const FORMAT: &str = "openai_chat";
