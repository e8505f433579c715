//! What the tests of all decoders need: streams whose bytes are all there.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};

use super::{Decoder, decode};
use crate::{ChatEvent, ChatReply, ProviderError, RateLimits, sse};

/// Everything that a stream of these pieces gives, and the failure that ended it, if one did.
pub(crate) fn decode_pieces<'a, D: Decoder + Unpin + 'static>(
    decoder: D,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<ChatEvent>, Option<ProviderError>) {
    let pieces: Vec<_> = pieces.into_iter().map(|p| Ok::<_, Infallible>(Bytes::copy_from_slice(p))).collect();
    let stream = decode(sse::events(stream::iter(pieces)), decoder, RateLimits::default());
    let items = stream.collect::<Vec<_>>().now_or_never().expect("all bytes are there");
    let mut events = Vec::new();
    for item in items {
        match item {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

/// The reply that a whole body ends in.
pub(crate) fn finished<D: Decoder + Unpin + 'static>(decoder: D, body: &str) -> ChatReply {
    match decode_pieces(decoder, [body.as_bytes()]) {
        (mut events, None) => match events.pop() {
            Some(ChatEvent::Finished(reply)) => *reply,
            other => panic!("ends with {other:?}"),
        },
        (_, Some(error)) => panic!("{error}"),
    }
}

/// The pieces of a body that is cut at these places, in any order.
pub(crate) fn cut(body: &str, mut places: Vec<usize>) -> Vec<&[u8]> {
    places.extend([0, body.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &body.as_bytes()[pair[0]..pair[1]]).collect()
}

/// The provider's own form of a turn, item by item.
pub(crate) fn echo(reply: &ChatReply) -> Vec<&str> {
    reply.turn.state.as_ref().unwrap().items.iter().map(|item| item.get()).collect()
}

/// The arguments of a turn's calls.
pub(crate) fn arguments(reply: &ChatReply) -> Vec<&str> {
    reply.turn.tool_calls().map(|call| call.arguments.as_str()).collect()
}
