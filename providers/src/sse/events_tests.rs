use std::convert::Infallible;
use std::io;

use futures_util::{FutureExt, StreamExt, stream};
use proptest::prelude::*;

use super::*;

/// The events, and the error that ended them, if one did.
type Outcome = (Vec<SseEvent>, Option<ProviderError>);

/// Reads a body that comes in the given pieces, without a runtime: nothing here waits.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let pieces: Vec<_> = pieces.into_iter().map(|p| Ok::<_, Infallible>(Bytes::copy_from_slice(p))).collect();
    collect(events(stream::iter(pieces)))
}

fn collect(stream: SseStream) -> Outcome {
    let items = stream.collect::<Vec<_>>().now_or_never().expect("all bytes are there");
    let (good, bad): (Vec<_>, Vec<_>) = items.into_iter().partition(Result::is_ok);
    assert!(bad.len() <= 1, "nothing comes after an error: {bad:?}");
    (good.into_iter().flatten().collect(), bad.into_iter().find_map(Result::err))
}

fn event(name: Option<&str>, data: &str) -> SseEvent {
    SseEvent { event: name.map(str::to_owned), data: data.to_owned() }
}

#[test]
fn fields_follow_the_rules_of_the_standard() {
    let cases: &[(&str, Vec<SseEvent>)] = &[
        ("event: a\ndata: 1\n\n", vec![event(Some("a"), "1")]),
        ("data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n", vec![event(None, "1"), event(None, "2"), event(None, "3")]),
        ("data: a\ndata:  b\ndata\ndata:c\n\n", vec![event(None, "a\n b\n\nc")]),
        ("\u{FEFF}data: bom\n\n", vec![event(None, "bom")]),
        (": ping\n\n:\n\nid: 7\nretry: 10\nunknown: x\n\n", vec![]),
        (": ping\ndata: x\n: pong\n\n", vec![event(None, "x")]),
        ("event: silent\n\ndata:\n\ndata: y\n\n", vec![event(None, "y")]),
    ];
    for (body, expected) in cases {
        assert_eq!(read([body.as_bytes()]), (expected.clone(), None), "{body:?}");
    }
}

#[test]
fn a_last_line_without_its_blank_line_counts_and_a_cut_line_does_not() {
    assert_eq!(read([b"data: a\n\ndata: b\n".as_slice()]).0, [event(None, "a"), event(None, "b")]);
    assert_eq!(read([b"data: a\n\ndata: {\"cu".as_slice()]).0, [event(None, "a")]);
}

#[test]
fn a_code_point_cut_between_chunks_is_joined_and_an_invalid_one_is_replaced() {
    assert_eq!(read([b"data: \xF0\x9F".as_slice(), b"\x98", b"\x80\n\n"]).0, [event(None, "😀")]);
    assert_eq!(read([b"data: a\xFFb\xE2\x82\n\n".as_slice()]).0, [event(None, "a\u{FFFD}b\u{FFFD}")]);
}

#[test]
fn an_event_above_the_limit_ends_the_stream_with_an_error() {
    let detail = "an event of the stream is larger than 8 MiB".to_owned();
    let too_large = (vec![], Some(ProviderError::Protocol { detail }));
    let chunk = vec![b'x'; 1 << 20];
    let endless = [b"data: ".as_slice()].into_iter().chain(std::iter::repeat_n(chunk.as_slice(), 12));
    assert_eq!(read(endless), too_large);
    // In one piece, and with more behind it.
    let body = [b"data: ".as_slice(), &chunk.repeat(9), b"\n\ndata: after\n\n"].concat();
    assert_eq!(read([body.as_slice()]), too_large);
}

#[test]
fn endless_comments_are_bounded_too() {
    let comment = [b": ".as_slice(), &vec![b'x'; 1 << 20], b"\n\n"].concat();
    let outcome = read(std::iter::repeat_n(comment.as_slice(), 20));
    assert!(
        matches!(&outcome, (none, Some(ProviderError::Protocol { .. })) if none.is_empty()),
        "{outcome:?}"
    );
}

#[test]
fn a_reply_of_many_events_is_bounded_as_a_whole() {
    let event = [b"data: ".as_slice(), &vec![b'x'; 1 << 20], b"\n\n"].concat();
    let (events, error) = read(std::iter::repeat_n(event.as_slice(), 70));
    let detail = "the reply is larger than 64 MiB".to_owned();
    assert_eq!((events.len(), error), (63, Some(ProviderError::Protocol { detail })));
}

#[test]
fn a_broken_connection_keeps_what_came_before_and_says_why() {
    let reset = io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
    let body = stream::iter([Ok(Bytes::from_static(b"data: a\n\ndata: b\n")), Err(reset)]);
    let broken = ProviderError::BrokenStream { detail: "connection reset by peer".to_owned() };
    assert_eq!(collect(events(body)), (vec![event(None, "a")], Some(broken)));
}

proptest! {
    #[test]
    fn any_chunking_gives_the_events_of_the_whole(
        lines in prop::collection::vec(
            prop_oneof![
                Just(b"data: {\"t\":\"\xC3\xA4\xF0\x9F\x98\x80\"}".to_vec()),
                Just(b"data:".to_vec()),
                Just(b"event: x".to_vec()),
                Just(b": comment".to_vec()),
                Just(Vec::new()),
                prop::collection::vec(any::<u8>(), 0..12),
            ],
            0..24,
        ),
        ends in prop::collection::vec(prop_oneof![Just("\n"), Just("\r\n"), Just("\r")], 24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut body = Vec::new();
        for (line, end) in lines.iter().zip(ends) {
            body.extend_from_slice(line);
            body.extend_from_slice(end.as_bytes());
        }
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        at.extend([0, body.len()]);
        at.sort_unstable();
        let pieces = at.windows(2).map(|pair| &body[pair[0]..pair[1]]);
        prop_assert_eq!(read(pieces), read([body.as_slice()]));
        let bytes = body.chunks(1);
        prop_assert_eq!(read(bytes), read([body.as_slice()]));
    }
}
