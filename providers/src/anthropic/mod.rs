//! Anthropic Messages: Anthropic itself and every server that speaks its format.

mod backend;
mod block;
mod caching;
mod decode;
mod encode;
mod error;
mod model;
mod rates;
mod schema;
mod stream_wire;
mod wire;

pub use backend::{AnthropicBackend, AnthropicConfig, AnthropicCredential};
pub use caching::CacheLifetime;

/// Name of the wire format, and of the provider's entries in the price table.
const FORMAT: &str = "anthropic";
