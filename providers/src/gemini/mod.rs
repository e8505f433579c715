//! Gemini `streamGenerateContent`: Google's Developer API and every server that speaks its format.
//!
//! The request bodies were checked against the types of Google's own SDK, version 3.6.

mod backend;
mod contents;
mod decode;
mod encode;
mod error;
mod model;
mod part;
mod schema;
mod stream_wire;
mod wire;

pub use backend::{GeminiBackend, GeminiConfig};

/// Name of the wire format.
const FORMAT: &str = "gemini";
