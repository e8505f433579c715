use codex_task_config::TokenUsage;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::*;
use crate::{AssistantTurn, ChatReply, SearchTrace, StopReason};

/// `text X` gives a text, `end` the end, `fail` a failure, `nothing` nothing.
struct Words {
    finishes_at_end: bool,
}

impl Decoder for Words {
    fn on_event(&mut self, event: SseEvent, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        match event.data.split_once(' ').unwrap_or((&event.data, "")) {
            ("text", text) => out.push_back(ChatEvent::Text(text.to_owned())),
            ("end", _) => out.push_back(finished()),
            ("fail", _) => return Err(ProviderError::Protocol { detail: "fail".to_owned() }),
            _ => {}
        }
        Ok(())
    }

    fn on_end(&mut self, _: BodyEnd, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        out.extend(self.finishes_at_end.then(finished));
        Ok(())
    }
}

fn finished() -> ChatEvent {
    ChatEvent::Finished(Box::new(ChatReply {
        turn: AssistantTurn { parts: vec![], state: None },
        stop: StopReason::EndTurn,
        usage: TokenUsage::default(),
        usage_estimated: false,
        model: None,
        request_id: None,
        search: SearchTrace::default(),
    }))
}

fn words(events: &'static [&'static str]) -> impl Stream<Item = Result<SseEvent, ProviderError>> + Send {
    stream::iter(events).map(|data| Ok(SseEvent { event: None, data: (*data).to_owned() }))
}

/// What comes out, in one word each.
async fn seen(events: SseStream, finishes_at_end: bool) -> Vec<String> {
    let stream = decode(events, Words { finishes_at_end }, RateLimits::default());
    let name = |item: Result<ChatEvent, ProviderError>| match item {
        Ok(ChatEvent::Started { .. }) => "started".to_owned(),
        Ok(ChatEvent::Text(text)) => text,
        Ok(ChatEvent::Finished(_)) => "finished".to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.kind().to_owned(),
    };
    stream.map(name).collect().await
}

#[tokio::test(start_paused = true)]
async fn a_stream_starts_first_and_finishes_once_and_last() {
    let body = words(&["nothing", "text a", "text b", "end", "text late", "end", "fail"]);
    assert_eq!(seen(Box::pin(body), false).await, ["started", "a", "b", "finished"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_its_end_is_broken_unless_the_format_has_none() {
    assert_eq!(seen(Box::pin(words(&["text a"])), false).await, ["started", "a", "broken_stream"]);
    assert_eq!(seen(Box::pin(words(&["text a"])), true).await, ["started", "a", "finished"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_after_a_failure() {
    let body = words(&["text a", "fail", "text b", "end"]);
    assert_eq!(seen(Box::pin(body), false).await, ["started", "a", "protocol"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_body_is_read_if_it_comes_soon_so_that_the_connection_can_be_used_again() {
    let (dropped, mut was_read) = tokio::sync::oneshot::channel();
    let soon = stream::once(async move {
        sleep(END_OF_BODY_WAIT / 2).await;
        dropped.send(()).unwrap();
        Ok(SseEvent { event: None, data: "nothing".to_owned() })
    });
    let body = words(&["end"]).chain(soon);
    assert_eq!(seen(Box::pin(body), false).await, ["started", "finished"]);
    assert_eq!(was_read.try_recv(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_holds_nobody_up() {
    let began = Instant::now();
    let body = words(&["end"]).chain(stream::pending());
    assert_eq!(seen(Box::pin(body), false).await, ["started", "finished"]);
    assert!(began.elapsed() <= END_OF_BODY_WAIT * 2, "{:?}", began.elapsed());
}
