//! Items of a streamed reply.

use std::time::Duration;

use codex_task_config::TokenUsage;

use super::ChatReply;

/// One rate limit as the provider states it in its response headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateWindow {
    /// Units allowed per window.
    pub limit: Option<u64>,
    /// Units left now.
    pub remaining: Option<u64>,
    /// Time until the window is full again.
    pub reset: Option<Duration>,
}

/// The rate limits that a response carried; all empty for providers that send none (Gemini, local servers).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests.
    pub requests: RateWindow,
    /// Prompt tokens.
    pub input_tokens: RateWindow,
    /// Generated tokens.
    pub output_tokens: RateWindow,
    /// Tokens together, where the provider does not tell the two apart.
    pub tokens: RateWindow,
}

/// One item of a streamed reply. A stream is `Started`, any number of deltas, then exactly one `Finished`; a stream
/// that ends otherwise yields [`crate::ProviderError::BrokenStream`].
#[derive(Debug)]
pub enum ChatEvent {
    /// The server accepted the call and began to answer.
    Started {
        /// Its rate limits, for admission control.
        rates: RateLimits,
    },
    /// A piece of text.
    Text(String),
    /// A piece of visible reasoning: shown as activity, never part of the result.
    Reasoning(String),
    /// A tool call begins; its arguments follow inside the final reply.
    ToolCallStarted {
        /// The tool's name.
        name: String,
    },
    /// Bytes of tool arguments arrived: activity only.
    ToolArguments {
        /// How many.
        bytes: usize,
    },
    /// The server works on the reply without anything to show, e.g. it opened a block. Counts against silence, is
    /// never a first token. Keep-alives such as Anthropic's `ping` do not become one.
    Activity {
        /// Tokens counted so far, where the server says them before the end: what a broken stream is billed by.
        usage: Option<TokenUsage>,
    },
    /// The reply is complete.
    Finished(Box<ChatReply>),
}
