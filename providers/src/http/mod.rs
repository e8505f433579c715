//! HTTP to a provider: one client per provider, one request per call, errors as types.
//!
//! Owns connections, TLS, proxies, time-outs until the response headers, size limits of bodies, and the reading of
//! error replies. Knows no wire format. Invariant: a key goes to the configured host only (no redirects), and no text
//! that leaves this folder shows one.

mod base_url;
mod body;
mod client;
mod error_reply;
mod failure;
mod go_duration;
mod headers;
mod hint;
mod postbox;
mod proxies;
mod quota_book;
mod rate_window;
mod redact;
mod resolver;
mod server_clock;
mod settings;
#[cfg(test)]
pub(crate) mod test_server;
mod tls;

pub use base_url::{BaseUrl, BaseUrlError};
pub(crate) use body::{json_body, json_body_within};
pub(crate) use client::{HttpCall, HttpClient, SseReply};
pub(crate) use error_reply::{ErrorReply, mentions};
pub(crate) use failure::root_cause;
pub(crate) use go_duration::{duration_after, go_duration};
pub use headers::{ExtraHeaders, HeaderError};
pub use postbox::{Postbox, Receipt};
pub use proxies::ProxySettings;
pub(crate) use quota_book::QuotaBook;
pub(crate) use rate_window::rate_window;
pub use redact::clean;
pub use resolver::{NameResolver, Resolver};
pub(crate) use server_clock::written_at;
pub use settings::HttpSettings;
