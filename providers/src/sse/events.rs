//! The stream of events.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use sse_stream::SseByteStream;

use super::guard::{Guard, Unparsed};
use crate::ProviderError;
use crate::http::root_cause;

/// Largest data of one event.
pub(super) const EVENT_BYTES_MAX: usize = 8 << 20;
/// Largest reply, all events and comments together.
pub(super) const REPLY_BYTES_MAX: usize = 64 << 20;

/// One event with data. Events without data, comments, ids and reconnection times have no meaning here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// The `event:` field.
    pub(crate) event: Option<String>,
    /// The `data:` lines, joined with line feeds; never empty.
    pub(crate) data: String,
}

/// The events of one reply. After an error the stream is over.
pub(crate) type SseStream = Pin<Box<dyn Stream<Item = Result<SseEvent, ProviderError>> + Send>>;

/// Reads events from a body. How the body is cut into chunks makes no difference.
///
/// A broken connection is [`ProviderError::BrokenStream`]; something too large is [`ProviderError::Protocol`].
pub(crate) fn events<S, E>(body: S) -> SseStream
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
    E: std::error::Error + 'static,
{
    let unparsed: Unparsed = Arc::new(AtomicUsize::new(0));
    let parser = SseByteStream::new(Guard::new(body, Arc::clone(&unparsed)));
    Box::pin(Events { parser: Some(parser), unparsed })
}

struct Events<S, E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error + 'static,
{
    /// `None` when the stream is over, so that its buffers and its connection are given back at once.
    parser: Option<SseByteStream<Guard<S>>>,
    unparsed: Unparsed,
}

impl<S, E> Stream for Events<S, E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error + 'static,
{
    type Item = Result<SseEvent, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while let Some(parser) = &mut self.parser {
            let item = match ready!(Pin::new(parser).poll_next(context)) {
                Some(Ok(block)) => {
                    self.unparsed.store(0, Ordering::Relaxed);
                    match block.data {
                        Some(data) if data.len() > EVENT_BYTES_MAX => {
                            Some(Err(too_large("an event of the stream", EVENT_BYTES_MAX)))
                        }
                        Some(data) if !data.is_empty() => Some(Ok(SseEvent { event: block.event, data })),
                        Some(_) | None => continue,
                    }
                }
                Some(Err(error)) => Some(Err(into_provider_error(error))),
                None => None,
            };
            if !matches!(item, Some(Ok(_))) {
                self.parser = None;
            }
            return Poll::Ready(item);
        }
        Poll::Ready(None)
    }
}

pub(super) fn too_large(what: &str, bytes_max: usize) -> ProviderError {
    ProviderError::Protocol { detail: format!("{what} is larger than {} MiB", bytes_max >> 20) }
}

/// The parser wraps what the guard said; it has no other error of its own, since the guard gives it valid UTF-8.
fn into_provider_error(error: sse_stream::Error) -> ProviderError {
    match error {
        sse_stream::Error::Body(body) => match body.downcast::<ProviderError>() {
            Ok(error) => *error,
            Err(other) => ProviderError::BrokenStream { detail: root_cause(other.as_ref()) },
        },
        other => ProviderError::Protocol { detail: root_cause(&other) },
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
