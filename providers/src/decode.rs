//! From the events of a wire format to the neutral stream. Owns the promise of [`ChatEvent`]; the formats own the rest.
//!
//! Invariant: `Started` comes first, at most one `Finished` comes, and it comes last; a stream that ends without it
//! ends with [`ProviderError::BrokenStream`].

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tokio::time::Sleep;

use crate::http::clean;
use crate::sse::{SseEvent, SseStream};
use crate::{ChatEvent, ChatStream, ProviderError, RateLimits};

/// How long the end of the body is waited for once the reply is complete. A body that was read to its end leaves the
/// connection for the next call; one that was dropped closes it, which costs a new TCP and TLS handshake.
const END_OF_BODY_WAIT: Duration = Duration::from_millis(5);

/// Translates the events of one reply. One value per reply.
pub(crate) trait Decoder: Send {
    /// Reads one event; what it means for the listener goes to `out`. Events that mean nothing give nothing.
    ///
    /// # Errors
    /// What the event says about a failure, or [`ProviderError::Protocol`] when it cannot be read.
    fn on_event(&mut self, event: SseEvent, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError>;

    /// Called once when the body has ended before `Finished`: for formats without a terminal event.
    ///
    /// # Errors
    /// As for [`Self::on_event`].
    fn on_end(&mut self, end: BodyEnd, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        let _ = (end, out);
        Ok(())
    }
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// As the server meant it to.
    Clean,
    /// The connection broke.
    Broken,
}

/// The neutral stream of a reply.
pub(crate) fn decode<D: Decoder + Unpin + 'static>(
    events: SseStream,
    decoder: D,
    rates: RateLimits,
) -> ChatStream {
    let queue = VecDeque::from([ChatEvent::Started { rates }]);
    Box::pin(Decoding { events, decoder, queue, phase: Phase::Reading })
}

struct Decoding<D> {
    events: SseStream,
    decoder: D,
    /// What was decoded and not taken yet.
    queue: VecDeque<ChatEvent>,
    phase: Phase,
}

enum Phase {
    /// Events are read.
    Reading,
    /// `Finished` was decoded; the end of the body is waited for. The timer starts when it is not there yet.
    Draining(ChatEvent, Option<Pin<Box<Sleep>>>),
    /// Everything was given.
    Over,
}

impl<D: Decoder> Decoding<D> {
    /// Reads one event, or the end of the body, into the queue.
    fn read(&mut self, item: Option<Result<SseEvent, ProviderError>>) -> Result<(), ProviderError> {
        let (end, error) = match item {
            Some(Ok(event)) => return self.decoder.on_event(event, &mut self.queue),
            Some(Err(error)) => (BodyEnd::Broken, error),
            None => {
                let detail = "the reply ended before it was complete".to_owned();
                (BodyEnd::Clean, ProviderError::BrokenStream { detail })
            }
        };
        self.decoder.on_end(end, &mut self.queue)?;
        if self.queue.iter().any(is_finished) { Ok(()) } else { Err(error) }
    }

    /// Whether the body has ended, or need not be waited for any longer.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Whatever comes after the terminal event has no meaning.
        while let Poll::Ready(item) = self.events.as_mut().poll_next(context) {
            if !matches!(item, Some(Ok(_))) {
                return Poll::Ready(());
            }
        }
        match &mut self.phase {
            Phase::Draining(_, patience) => {
                let patience = patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(END_OF_BODY_WAIT)));
                patience.as_mut().poll(context)
            }
            Phase::Reading | Phase::Over => Poll::Ready(()),
        }
    }
}

impl<D: Decoder + Unpin> Stream for Decoding<D> {
    type Item = Result<ChatEvent, ProviderError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &this.phase {
                Phase::Over => return Poll::Ready(None),
                Phase::Draining(..) => {
                    ready!(this.poll_end(context));
                    let Phase::Draining(finished, _) = std::mem::replace(&mut this.phase, Phase::Over) else {
                        continue;
                    };
                    return Poll::Ready(Some(Ok(finished)));
                }
                Phase::Reading => match this.queue.pop_front() {
                    Some(finished) if is_finished(&finished) => {
                        this.phase = Phase::Draining(finished, None);
                    }
                    Some(event) => return Poll::Ready(Some(Ok(event))),
                    None => {
                        let item = ready!(this.events.as_mut().poll_next(context));
                        if let Err(error) = this.read(item) {
                            this.phase = Phase::Over;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                },
            }
        }
    }
}

/// An event that breaks the rules of its format.
pub(crate) fn protocol(what: &str) -> ProviderError {
    ProviderError::Protocol { detail: what.to_owned() }
}

/// An event that is not the JSON that it should be.
pub(crate) fn unreadable(error: &serde_json::Error) -> ProviderError {
    ProviderError::Protocol { detail: clean(&error.to_string()) }
}

fn is_finished(event: &ChatEvent) -> bool {
    matches!(event, ChatEvent::Finished(_))
}

#[cfg(test)]
#[path = "decode_testing.rs"]
pub(crate) mod testing;
#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
