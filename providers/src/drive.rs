//! Runs one model call to its end. Owns the time-outs of the call and what was heard so far; it neither retries nor
//! decides anything, and spawns nothing: it runs wherever it is polled.
//!
//! Invariant: whatever ends the call, the text, usage and rate limits that exist by then are in the outcome.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use codex_task_config::TokenUsage;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    ChatBackend, ChatEvent, ChatReply, ChatRequest, ChatStream, ProviderError, RateLimits, WaitingFor,
};

/// Longest wait that is counted; longer ones, such as `Duration::MAX`, mean "never", and no clock can hold them.
const WAIT_MAX: Duration = Duration::from_hours(365 * 24);
/// Most that a model generates in one answer, a hundred times over: a server that sends more will not stop, and all of it
/// is kept in memory.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// Bytes of generated text per token, for estimates where the provider could not say any more.
const BYTES_PER_TOKEN: u64 = 4;

/// How long each part of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Until the response headers are there.
    pub headers: Duration,
    /// From the headers to the first event.
    pub first_event: Duration,
    /// From one event to the next. Keep-alives are not events.
    pub event_idle: Duration,
    /// The whole call.
    pub total: Duration,
}

impl CallLimits {
    /// Waits that suit a hosted model: headers and first event 60 s each, 5 min of silence, 10 min in all.
    pub const USUAL: Self = Self {
        headers: Duration::from_mins(1),
        first_event: Duration::from_mins(1),
        event_idle: Duration::from_mins(5),
        total: Duration::from_mins(10),
    };
}

/// What a listener hears while a call runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The answer has begun: its first event is there.
    Started {
        /// What it stated about its limits.
        rates: RateLimits,
    },
    /// A piece of text.
    Text(&'a str),
    /// A piece of visible reasoning.
    Reasoning(&'a str),
    /// A tool call begins.
    ToolCallStarted {
        /// The tool's name.
        name: &'a str,
    },
    /// Tool arguments arrive.
    ToolArguments {
        /// How many bytes came.
        bytes: usize,
    },
}

/// Why a call gave no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The call failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The caller's token was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// How a call ended.
#[derive(Debug)]
pub struct CallOutcome {
    /// The reply, or why there is none.
    pub result: Result<ChatReply, CallError>,
    /// All text that came, also when the call failed in the middle.
    pub partial_text: String,
    /// Tokens used: the reply's, or an estimate from what came before the call failed.
    pub usage: TokenUsage,
    /// Whether `usage` is an estimate.
    pub usage_estimated: bool,
    /// What the response headers said.
    pub rates: RateLimits,
    /// Time from the call to the first text, reasoning or tool call.
    pub first_token: Option<Duration>,
    /// Time from the call to its end.
    pub total: Duration,
}

/// Runs one call to its end, its failure, a time-out or its cancelling.
///
/// # Cancel safety
/// Dropping the future ends the call at once, but loses what was heard; cancel the token to keep it.
pub async fn drive(
    backend: &dyn ChatBackend,
    request: &ChatRequest,
    limits: &CallLimits,
    cancel: &CancellationToken,
    mut observer: impl FnMut(Progress<'_>),
) -> CallOutcome {
    let began = Instant::now();
    let mut heard = Heard::new(began);
    let result = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(CallError::Cancelled),
        result = run(backend, request, limits, &mut heard, &mut observer) => result.map_err(CallError::from),
    };
    heard.into_outcome(result)
}

async fn run(
    backend: &dyn ChatBackend,
    request: &ChatRequest,
    limits: &CallLimits,
    heard: &mut Heard,
    observer: &mut impl FnMut(Progress<'_>),
) -> Result<ChatReply, ProviderError> {
    let mut watch = Watch::new(heard.began, limits);
    let mut alarm = pin!(sleep_until(watch.due()));
    let mut opening = backend.stream(request);
    let opened = poll_fn(|context| match opening.as_mut().poll(context) {
        Poll::Ready(opened) => Poll::Ready(opened),
        Poll::Pending => watch.poll_late(alarm.as_mut(), context).map(Err),
    });
    let mut stream: ChatStream = opened.await?;
    drop(opening);
    watch.expect(WaitingFor::FirstEvent, limits.first_event)?;
    loop {
        let event = poll_fn(|context| match stream.as_mut().poll_next(context) {
            Poll::Ready(event) => Poll::Ready(event),
            Poll::Pending => watch.poll_late(alarm.as_mut(), context).map(|late| Some(Err(late))),
        });
        match event.await.transpose()? {
            // The headers, not an event: the first event is still waited for.
            Some(ChatEvent::Started { rates }) => heard.rates = rates,
            Some(ChatEvent::Finished(reply)) => {
                heard.begin(observer);
                return Ok(*reply);
            }
            Some(event) => {
                heard.begin(observer);
                heard.note(&event, observer)?;
                watch.expect(WaitingFor::NextEvent, limits.event_idle)?;
            }
            None => {
                return Err(ProviderError::BrokenStream {
                    detail: "the reply ended before it was complete".to_owned(),
                });
            }
        }
    }
}

/// What a call has given so far.
struct Heard {
    began: Instant,
    text: String,
    /// Bytes of reasoning and arguments: not kept, but billed.
    other_bytes: u64,
    usage: TokenUsage,
    rates: RateLimits,
    has_begun: bool,
    first_token: Option<Duration>,
}

impl Heard {
    fn new(began: Instant) -> Self {
        Self {
            began,
            text: String::new(),
            other_bytes: 0,
            usage: TokenUsage::default(),
            rates: RateLimits::default(),
            has_begun: false,
            first_token: None,
        }
    }

    /// An event came; the first one is told of.
    fn begin(&mut self, observer: &mut impl FnMut(Progress<'_>)) {
        if !std::mem::replace(&mut self.has_begun, true) {
            observer(Progress::Started { rates: self.rates });
        }
    }

    /// Keeps what is needed of an event, and tells of it. Fails when it is one too many.
    fn note(
        &mut self,
        event: &ChatEvent,
        observer: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), ProviderError> {
        let progress = match event {
            // Some servers begin with an empty piece; it is no first token.
            ChatEvent::Text(text) | ChatEvent::Reasoning(text) if text.is_empty() => return Ok(()),
            ChatEvent::Text(text) => {
                self.text.push_str(text);
                Progress::Text(text)
            }
            ChatEvent::Reasoning(text) => {
                self.other_bytes += text.len() as u64;
                Progress::Reasoning(text)
            }
            ChatEvent::ToolCallStarted { name } => Progress::ToolCallStarted { name },
            ChatEvent::ToolArguments { bytes } => {
                self.other_bytes += *bytes as u64;
                Progress::ToolArguments { bytes: *bytes }
            }
            ChatEvent::Activity { usage } => {
                self.usage = usage.unwrap_or(self.usage);
                return Ok(());
            }
            ChatEvent::Started { .. } | ChatEvent::Finished(_) => return Ok(()),
        };
        self.first_token.get_or_insert_with(|| self.began.elapsed());
        observer(progress);
        if self.bytes() <= ANSWER_BYTES_MAX {
            return Ok(());
        }
        let detail = format!("the answer is larger than {} MiB", ANSWER_BYTES_MAX >> 20);
        Err(ProviderError::Protocol { detail })
    }

    /// Bytes generated so far.
    fn bytes(&self) -> u64 {
        self.text.len() as u64 + self.other_bytes
    }

    fn into_outcome(self, result: Result<ChatReply, CallError>) -> CallOutcome {
        let (usage, usage_estimated) = match &result {
            Ok(reply) => (reply.usage, reply.usage_estimated),
            Err(_) => (self.estimate(), true),
        };
        CallOutcome {
            result,
            partial_text: self.text,
            usage,
            usage_estimated,
            rates: self.rates,
            first_token: self.first_token,
            total: self.began.elapsed(),
        }
    }

    /// Generated tokens are only counted by the server at the end, so the bytes that came are counted instead.
    fn estimate(&self) -> TokenUsage {
        let output_tokens = self.usage.output_tokens.max(self.bytes().div_ceil(BYTES_PER_TOKEN));
        TokenUsage { output_tokens, ..self.usage }
    }
}

/// Tells when a call has been silent, or has run, for too long. One timer serves all waits: an event only moves a
/// point in time, and the timer is set anew when it rings too early, instead of once per event.
struct Watch {
    waiting_for: WaitingFor,
    since: Instant,
    patience: Duration,
    began: Instant,
    total: Duration,
}

impl Watch {
    fn new(began: Instant, limits: &CallLimits) -> Self {
        let (waiting_for, patience) = (WaitingFor::Headers, limits.headers);
        Self { waiting_for, since: began, patience, began, total: limits.total }
    }

    /// Begins a new wait. Fails when the call's own time is over: a server that never pauses would otherwise keep
    /// the timer from being looked at.
    fn expect(&mut self, waiting_for: WaitingFor, patience: Duration) -> Result<(), ProviderError> {
        self.waiting_for = waiting_for;
        self.since = Instant::now();
        self.patience = patience;
        if self.since < self.call_ends() { Ok(()) } else { Err(self.late()) }
    }

    fn silence_ends(&self) -> Instant {
        self.since + self.patience.min(WAIT_MAX)
    }

    fn call_ends(&self) -> Instant {
        self.began + self.total.min(WAIT_MAX)
    }

    fn due(&self) -> Instant {
        self.silence_ends().min(self.call_ends())
    }

    /// Ready with the error when the time is over.
    fn poll_late(&self, mut alarm: Pin<&mut Sleep>, context: &mut Context<'_>) -> Poll<ProviderError> {
        if self.due() < alarm.deadline() {
            alarm.as_mut().reset(self.due());
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            if Instant::now() >= self.due() {
                return Poll::Ready(self.late());
            }
            alarm.as_mut().reset(self.due());
        }
    }

    fn late(&self) -> ProviderError {
        let (waiting_for, after) = if self.call_ends() <= self.silence_ends() {
            (WaitingFor::EndOfReply, self.total)
        } else {
            (self.waiting_for, self.patience)
        };
        ProviderError::Timeout { waiting_for, after }
    }
}

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;
