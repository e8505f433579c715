//! `WebFetch`: reads one page of the web and gives it as text. `WebSearch`: searches it through a model's provider.
//!
//! Owns: which addresses may be connected to, what is read of a page, the cache, and Claude Code's texts. Does not
//! judge hosts (the gate does) and does not summarise or search (the runtime supplies a [`PageReader`] and a [`WebSearcher`]).
//!
//! Invariant: no connection is opened to an address that was not checked after it was looked up, none carries
//! credentials or cookies, and none is made to another host than the one that the gate has judged.

mod address;
mod cache;
mod client;
mod error;
mod fetcher;
mod found;
mod html;
mod lent;
mod media;
mod resolver;
mod search;
mod target;
mod tool;

#[cfg(test)]
mod testing;

pub use address::Egress;
pub(crate) use client::{root_cause, tls};
pub(crate) use lent::Lent;
pub use search::{SearchAnswer, SearchQuery, WebSearch, WebSearcher};
pub use tool::{PageReader, WebFetch};
