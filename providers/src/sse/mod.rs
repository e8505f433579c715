//! Server-sent events: bytes in, events out, whatever the chunking.
//!
//! Built on the `sse-stream` crate; this folder adds what it leaves open: invalid UTF-8 becomes U+FFFD instead of an
//! error, and events, silence between events and the whole reply are bounded in size.

mod byte_watch;
mod events;
mod guard;

pub(crate) use byte_watch::ByteWatch;
pub(crate) use events::{SseEvent, SseStream, events};
