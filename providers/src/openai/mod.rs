//! OpenAI Responses: OpenAI itself and every server that speaks its format.
//!
//! The request bodies were checked against the types of OpenAI's own SDK, version 3.57.

mod backend;
mod decode;
mod encode;
mod error;
mod item;
mod model;
mod rates;
mod schema;
mod stream_wire;
mod wire;

pub(crate) use backend::OFFICIAL;
pub use backend::{OpenAiBackend, OpenAiConfig};
pub(crate) use rates::rate_limits;
pub(crate) use schema::{SchemaForm, form_of};

/// Name of the wire format.
const FORMAT: &str = "openai";
