//! What stands between the socket and the SSE parser: UTF-8 repair and the byte limits.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;

use super::events::{EVENT_BYTES_MAX, REPLY_BYTES_MAX, too_large};
use crate::ProviderError;
use crate::http::root_cause;

/// Bytes that the parser has been fed since it gave its last event. The parser owns the guard, so the two sides share
/// a counter; one task polls both, so the order of memory accesses needs no care.
pub(super) type Unparsed = Arc<AtomicUsize>;

/// Passes bytes on as valid UTF-8. Valid chunks, which is nearly all, are passed on without a copy.
pub(super) struct Guard<S> {
    source: S,
    /// The beginning of a code point whose rest has not come yet: at most three bytes.
    carry: Vec<u8>,
    unparsed: Unparsed,
    total: usize,
    ended: bool,
}

impl<S> Guard<S> {
    pub(super) fn new(source: S, unparsed: Unparsed) -> Self {
        Self { source, carry: Vec::new(), unparsed, total: 0, ended: false }
    }

    /// Joins a chunk with what was carried over and cuts off an incomplete code point at its end.
    fn repair(&mut self, chunk: Bytes) -> Bytes {
        if self.carry.is_empty() && std::str::from_utf8(&chunk).is_ok() {
            return chunk;
        }
        let mut bytes = std::mem::take(&mut self.carry);
        bytes.extend_from_slice(&chunk);
        self.carry = bytes.split_off(bytes.len() - incomplete_tail(&bytes));
        match String::from_utf8_lossy(&bytes) {
            Cow::Borrowed(_) => Bytes::from(bytes),
            Cow::Owned(text) => Bytes::from(text),
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), ProviderError> {
        self.total = self.total.saturating_add(bytes);
        if self.total > REPLY_BYTES_MAX {
            return Err(too_large("the reply", REPLY_BYTES_MAX));
        }
        // What came before this chunk held no end of an event, or the parser would have given the event.
        if self.unparsed.fetch_add(bytes, Ordering::Relaxed) > EVENT_BYTES_MAX {
            return Err(too_large("an event of the stream", EVENT_BYTES_MAX));
        }
        Ok(())
    }

    /// What is still to be said at a clean end: a cut code point, and a line end. Some servers leave out the blank
    /// line after their last event; with the line end it counts as complete, a line that is itself cut does not.
    fn last_words(&mut self) -> Bytes {
        if std::mem::take(&mut self.carry).is_empty() {
            Bytes::from_static(b"\n")
        } else {
            Bytes::from_static("\u{FFFD}\n".as_bytes())
        }
    }
}

impl<S, E> Stream for Guard<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error + 'static,
{
    type Item = Result<Bytes, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match ready!(Pin::new(&mut self.source).poll_next(context)) {
            Some(Ok(chunk)) => self.count(chunk.len()).map(|()| self.repair(chunk)),
            Some(Err(error)) => Err(own_words(&error)),
            None => {
                self.ended = true;
                Ok(self.last_words())
            }
        }))
    }
}

/// An error of ours as it is; anything else is a broken connection.
fn own_words(error: &(dyn std::error::Error + 'static)) -> ProviderError {
    match error.downcast_ref::<ProviderError>() {
        Some(error) => error.clone(),
        None => ProviderError::BrokenStream { detail: root_cause(error) },
    }
}

/// Length of a code point at the end of `bytes` that more bytes could complete.
fn incomplete_tail(bytes: &[u8]) -> usize {
    let could_be_completed = |length: &usize| {
        let tail = bytes.get(bytes.len() - length..).unwrap_or_default();
        matches!(std::str::from_utf8(tail), Err(error) if error.error_len().is_none() && error.valid_up_to() == 0)
    };
    (1..=bytes.len().min(3)).find(could_be_completed).unwrap_or(0)
}
