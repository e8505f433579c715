//! Standard input that tells when it has come to its end: the client is gone, and everything must end at once, not when
//! the protocol has finished its business.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// A reader that cancels a token at its end.
pub(super) struct Input<R> {
    reader: R,
    ended: CancellationToken,
}

impl<R> Input<R> {
    /// Reads from `reader`, and cancels `ended` at its end or when it fails.
    pub(super) fn new(reader: R, ended: CancellationToken) -> Self {
        Self { reader, ended }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Input<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.reader).poll_read(cx, buf));
        if read.is_err() || buf.filled().len() == before {
            self.ended.cancel();
        }
        Poll::Ready(read)
    }
}
