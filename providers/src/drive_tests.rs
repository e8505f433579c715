use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codex_task_config::{ModelId, ProviderName};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use super::*;
use crate::{AssistantTurn, Message, ModelLimits, RateWindow, SearchTrace, StopReason, UserTurn};

/// One step of a reply: how long it takes, and what comes then.
type Step = (Duration, Say);

#[derive(Clone, Copy)]
enum Say {
    Started,
    Activity,
    EmptyText,
    Text,
    Finished,
    Broken,
}

/// A backend whose headers come after a while, and which hangs after its last step unless that ends the reply.
struct Paced {
    name: ProviderName,
    headers_after: Duration,
    steps: Vec<Step>,
    /// Set when the stream is dropped: the connection would be closed.
    closed: Arc<AtomicBool>,
}

impl ChatBackend for Paced {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn stream<'a>(&'a self, _: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>> {
        let closed = CloseFlag(Arc::clone(&self.closed));
        Box::pin(async move {
            sleep(self.headers_after).await;
            let steps = stream::iter(self.steps.clone()).then(|(after, say)| async move {
                sleep(after).await;
                say.into_item()
            });
            let held = stream::once(async move {
                let _held = closed;
                std::future::pending().await
            });
            Ok(Box::pin(steps.chain(held)) as ChatStream)
        })
    }

    fn limits(&self, _: &ModelId) -> Option<ModelLimits> {
        None
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelId>, ProviderError>> {
        Box::pin(async { Ok(vec![]) })
    }

    fn dropped_parameters(&self, _: &ChatRequest) -> Vec<String> {
        vec![]
    }
}

struct CloseFlag(Arc<AtomicBool>);

impl Drop for CloseFlag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const RATES: RateLimits = {
    let none = RateWindow { limit: None, remaining: None, reset: None };
    let requests = RateWindow { limit: Some(9), ..none };
    RateLimits { requests, input_tokens: none, output_tokens: none, tokens: none }
};
const PROMPT: TokenUsage = TokenUsage {
    input_tokens: 40,
    output_tokens: 1,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
};

fn backend(headers_after: Duration, steps: &[Step]) -> Paced {
    let name = ProviderName::new("paced");
    Paced { name, headers_after, steps: steps.to_vec(), closed: Arc::default() }
}

fn request() -> ChatRequest {
    ChatRequest {
        model: ModelId::new("m"),
        system: "".into(),
        tools: Arc::new([]),
        messages: vec![Arc::new(Message::User(UserTurn::text("hi")))],
        max_output_tokens: None,
        temperature: None,
        effort: None,
        output: None,
        cache_key: "".into(),
        search: None,
    }
}

impl Say {
    fn into_item(self) -> Result<ChatEvent, ProviderError> {
        match self {
            Self::Started => Ok(ChatEvent::Started { rates: RATES }),
            Self::Activity => Ok(ChatEvent::Activity { usage: Some(PROMPT) }),
            Self::EmptyText => Ok(ChatEvent::Text(String::new())),
            Self::Text => Ok(ChatEvent::Text("twelve bytes".to_owned())),
            Self::Finished => Ok(ChatEvent::Finished(Box::new(ChatReply {
                turn: AssistantTurn { parts: vec![], state: None },
                stop: StopReason::EndTurn,
                usage: TokenUsage { output_tokens: 5, ..PROMPT },
                usage_estimated: false,
                model: None,
                request_id: None,
                search: SearchTrace::default(),
            }))),
            Self::Broken => Err(ProviderError::BrokenStream { detail: "cut".to_owned() }),
        }
    }
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

async fn run_to_end(backend: &Paced) -> CallOutcome {
    drive(backend, &request(), &CallLimits::USUAL, &CancellationToken::new(), |_| {}).await
}

fn timed_out(outcome: &CallOutcome) -> Option<(WaitingFor, Duration)> {
    match outcome.result {
        Err(CallError::Provider(ProviderError::Timeout { waiting_for, after })) => Some((waiting_for, after)),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_tells_its_text_times_rates_and_usage() {
    let backend = backend(
        seconds(1),
        &[
            (seconds(0), Say::Started),
            (seconds(2), Say::EmptyText),
            (seconds(3), Say::Text),
            (seconds(4), Say::Finished),
        ],
    );
    let mut heard = Vec::new();
    let outcome = drive(&backend, &request(), &CallLimits::USUAL, &CancellationToken::new(), |progress| {
        heard.push(format!("{progress:?}"));
    })
    .await;
    assert!(heard[0].starts_with("Started"), "{heard:?}");
    assert_eq!(heard[1..], ["Text(\"twelve bytes\")"]);
    assert_eq!(outcome.result.unwrap().stop, StopReason::EndTurn);
    assert_eq!(outcome.partial_text, "twelve bytes");
    assert_eq!((outcome.first_token, outcome.total), (Some(seconds(6)), seconds(10)));
    assert_eq!(outcome.rates, RATES);
    assert_eq!((outcome.usage, outcome.usage_estimated), (TokenUsage { output_tokens: 5, ..PROMPT }, false));
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_keeps_its_text_and_estimates_its_usage() {
    let backend = backend(
        seconds(0),
        &[
            (seconds(0), Say::Started),
            (seconds(0), Say::Activity),
            (seconds(0), Say::Text),
            (seconds(0), Say::Broken),
        ],
    );
    let outcome = run_to_end(&backend).await;
    assert!(matches!(outcome.result, Err(CallError::Provider(ProviderError::BrokenStream { .. }))));
    assert_eq!(outcome.partial_text, "twelve bytes");
    let estimate = TokenUsage { output_tokens: 3, ..PROMPT };
    assert_eq!((outcome.usage, outcome.usage_estimated), (estimate, true));
}

#[tokio::test(start_paused = true)]
async fn each_silence_has_its_own_limit() {
    let usual = CallLimits::USUAL;
    let no_headers = run_to_end(&backend(seconds(3600), &[])).await;
    assert_eq!(timed_out(&no_headers), Some((WaitingFor::Headers, usual.headers)));
    assert_eq!(no_headers.total, usual.headers);

    let no_event = run_to_end(&backend(seconds(59), &[(seconds(0), Say::Started)])).await;
    assert_eq!(timed_out(&no_event), Some((WaitingFor::FirstEvent, usual.first_event)));
    assert_eq!(no_event.total, seconds(59) + usual.first_event);

    let steps: [Step; 3] =
        [(seconds(59), Say::Started), (seconds(0), Say::Activity), (seconds(200), Say::Text)];
    let stalled = run_to_end(&backend(seconds(0), &steps)).await;
    assert_eq!(timed_out(&stalled), Some((WaitingFor::NextEvent, usual.event_idle)));
    assert_eq!(stalled.total, seconds(59 + 200) + usual.event_idle);
    assert_eq!(stalled.partial_text, "twelve bytes");
}

#[tokio::test(start_paused = true)]
async fn fault_37_what_came_while_the_machine_stood_still_is_read_before_the_clock_is_looked_at() {
    let steps: [Step; 4] = [
        (seconds(0), Say::Started),
        (seconds(1), Say::Activity),
        (seconds(200), Say::Text),
        (seconds(0), Say::Finished),
    ];
    let backend = backend(seconds(0), &steps);
    let standing_still = async {
        sleep(seconds(2)).await;
        tokio::time::advance(CallLimits::USUAL.event_idle + seconds(100)).await;
    };
    let (outcome, ()) = tokio::join!(run_to_end(&backend), standing_still);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
}

#[tokio::test]
async fn an_answer_that_nobody_could_have_written_is_not_kept() {
    let mut heard = Heard::new(Instant::now());
    let half = ChatEvent::Text("x".repeat(usize::try_from(ANSWER_BYTES_MAX / 2).unwrap()));
    assert_eq!(heard.note(&half, &mut |_| ()), Ok(()));
    assert_eq!(heard.note(&half, &mut |_| ()), Ok(()));
    let detail = "the answer is larger than 16 MiB".to_owned();
    let one_more = heard.note(&ChatEvent::ToolArguments { bytes: 1 }, &mut |_| ());
    assert_eq!(one_more, Err(ProviderError::Protocol { detail }));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_keeps_coming_still_ends_with_the_call() {
    let steps: Vec<Step> = std::iter::once((seconds(0), Say::Started))
        .chain(std::iter::repeat_n((seconds(50), Say::Text), 100))
        .collect();
    let backend = backend(seconds(0), &steps);
    let outcome = run_to_end(&backend).await;
    assert_eq!(timed_out(&outcome), Some((WaitingFor::EndOfReply, CallLimits::USUAL.total)));
    assert_eq!(outcome.total, CallLimits::USUAL.total);
    assert!(backend.closed.load(Ordering::Relaxed), "the connection is closed");
}

#[tokio::test(start_paused = true)]
async fn a_shorter_limit_of_a_later_phase_is_not_missed() {
    let limits = CallLimits { event_idle: seconds(2), ..CallLimits::USUAL };
    let backend = backend(seconds(0), &[(seconds(0), Say::Started), (seconds(1), Say::Text)]);
    let outcome = drive(&backend, &request(), &limits, &CancellationToken::new(), |_| {}).await;
    assert_eq!(timed_out(&outcome), Some((WaitingFor::NextEvent, seconds(2))));
    assert_eq!(outcome.total, seconds(3));
}

#[tokio::test(start_paused = true)]
async fn endless_limits_do_not_overflow_the_clock() {
    let endless = Duration::MAX;
    let limits = CallLimits { headers: endless, first_event: endless, event_idle: endless, total: endless };
    let backend = backend(seconds(9), &[(seconds(0), Say::Started), (seconds(9), Say::Finished)]);
    let outcome = drive(&backend, &request(), &limits, &CancellationToken::new(), |_| {}).await;
    assert!(outcome.result.is_ok());
}

#[tokio::test(start_paused = true)]
async fn cancelling_keeps_what_was_heard_and_closes_the_connection() {
    let backend = backend(seconds(0), &[(seconds(0), Say::Started), (seconds(1), Say::Text)]);
    let cancel = CancellationToken::new();
    let (request, canceller) = (request(), cancel.clone());
    let call = drive(&backend, &request, &CallLimits::USUAL, &cancel, |_| {});
    let (outcome, ()) = tokio::join!(call, async {
        sleep(seconds(5)).await;
        canceller.cancel();
    });
    assert_eq!(outcome.result.unwrap_err(), CallError::Cancelled);
    assert_eq!((outcome.partial_text.as_str(), outcome.total), ("twelve bytes", seconds(5)));
    assert!(backend.closed.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_before_it_begins_sends_nothing() {
    let backend = backend(seconds(0), &[]);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome = drive(&backend, &request(), &CallLimits::USUAL, &cancel, |_| {}).await;
    assert_eq!(outcome.result.unwrap_err(), CallError::Cancelled);
    assert!(!backend.closed.load(Ordering::Relaxed), "no stream was ever asked for");
}

#[test]
fn a_call_in_flight_needs_little_memory() {
    let backend = backend(seconds(0), &[]);
    let (request, cancel) = (request(), CancellationToken::new());
    let call = drive(&backend, &request, &CallLimits::USUAL, &cancel, |_| {});
    assert!(size_of_val(&call) <= 1_024, "{} bytes", size_of_val(&call));
}
