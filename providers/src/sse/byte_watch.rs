//! Ends a reply whose server has fallen silent altogether: not even keep-alives come any more.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

use crate::http::root_cause;
use crate::{ProviderError, WaitingFor};

/// Passes bytes on and watches the time between them. It begins with the first byte: before that the wait is for an
/// answer, which has its own limit.
pub(crate) struct ByteWatch<S> {
    source: S,
    patience: Duration,
    heard: Option<Heard>,
}

/// A reply that has begun. One timer serves it all: bytes only move a point in time, and the timer is set anew when it
/// rings too early.
struct Heard {
    last: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl<S> ByteWatch<S> {
    pub(crate) fn new(source: S, patience: Duration) -> Self {
        Self { source, patience, heard: None }
    }

    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<ProviderError> {
        let Some(heard) = &mut self.heard else { return Poll::Pending };
        loop {
            ready!(heard.alarm.as_mut().poll(context));
            let due = heard.last + self.patience;
            if Instant::now() >= due {
                let (waiting_for, after) = (WaitingFor::NextByte, self.patience);
                return Poll::Ready(ProviderError::Timeout { waiting_for, after });
            }
            heard.alarm.as_mut().reset(due);
        }
    }
}

impl<S, E> Stream for ByteWatch<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::error::Error + 'static,
{
    type Item = Result<Bytes, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.source).poll_next(context) {
            Poll::Ready(Some(Ok(chunk))) => {
                let patience = self.patience;
                let heard = self
                    .heard
                    .get_or_insert_with(|| Heard { last: Instant::now(), alarm: Box::pin(sleep(patience)) });
                heard.last = Instant::now();
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(ProviderError::BrokenStream { detail: root_cause(&error) })))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => self.poll_silence(context).map(|silent| Some(Err(silent))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt, stream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_ends_the_reply_and_any_byte_puts_it_off() {
        let seconds = Duration::from_secs;
        let waits = [seconds(500), seconds(90), seconds(90), seconds(90), seconds(121)];
        let pieces = stream::iter(waits).then(|wait| async move {
            tokio::time::sleep(wait).await;
            Ok::<_, Infallible>(Bytes::from_static(b": ping\n"))
        });
        let mut watched = ByteWatch::new(Box::pin(pieces), seconds(120));
        let began = Instant::now();
        let mut heard = 0;
        let end = loop {
            match watched.next().await {
                Some(Ok(_)) => heard += 1,
                other => break other,
            }
        };
        let expected = ProviderError::Timeout { waiting_for: WaitingFor::NextByte, after: seconds(120) };
        assert_eq!((heard, end), (4, Some(Err(expected))));
        assert_eq!(began.elapsed(), seconds(500 + 3 * 90 + 120));
    }
}
