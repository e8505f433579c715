//! One rule of a scenario: which requests it answers, and how.

use std::time::Duration;

use codex_task_config::TokenUsage;
use serde::Deserialize;
use serde_json::Value;

use super::{Fault, ScriptedCall, Template, When};
use crate::{ProviderError, StopReason};

/// A rule: the requests that fit `when` get this answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "RuleForm")]
pub struct Rule {
    pub(super) when: When,
    /// How often the rule answers at most, over all conversations.
    pub(super) times: Option<u32>,
    pub(super) reasoning: Option<Template>,
    pub(super) text: Option<Template>,
    pub(super) calls: Vec<ScriptedCall>,
    pub(super) stop: Option<StopReason>,
    pub(super) usage: Option<TokenUsage>,
    pub(super) first_token: Option<Duration>,
    pub(super) between: Option<Duration>,
    pub(super) fault: Option<Fault>,
}

/// A rule as files write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleForm {
    #[serde(default)]
    when: When,
    times: Option<u32>,
    reasoning: Option<Template>,
    text: Option<Template>,
    #[serde(default)]
    calls: Vec<ScriptedCall>,
    stop: Option<StopForm>,
    usage: Option<UsageForm>,
    first_token_ms: Option<u64>,
    between_ms: Option<u64>,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StopForm {
    EndTurn,
    ToolUse,
    MaxTokens,
    StopSequence,
    Pause,
    Refused,
    ContextWindowFull,
    Malformed,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct UsageForm {
    #[serde(rename = "input_tokens")]
    input: u64,
    #[serde(rename = "output_tokens")]
    output: u64,
    #[serde(rename = "cache_read_tokens")]
    cache_read: u64,
    #[serde(rename = "cache_write_tokens")]
    cache_write: u64,
}

impl Rule {
    /// Answers every request with a text, as it stands.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(Template::literal(text)), ..Self::default() }
    }

    /// Answers every request with a text that quotes tool results.
    pub fn template(text: Template) -> Self {
        Self { text: Some(text), ..Self::default() }
    }

    /// Answers every request with a tool call.
    pub fn call(tool: impl Into<String>, arguments: &Value) -> Self {
        Self::default().and_call(ScriptedCall::new(tool, arguments))
    }

    /// Fails every request.
    pub fn fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::default() }
    }

    /// Fails every request with an error.
    pub fn error(error: ProviderError) -> Self {
        Self::fault(Fault::error(error))
    }

    /// Answers only such requests.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Answers so often at most.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Makes one more tool call.
    #[must_use]
    pub fn and_call(mut self, call: ScriptedCall) -> Self {
        self.calls.push(call);
        self
    }

    /// Shows reasoning first. The turn then carries provider state, as the turns of reasoning models do.
    #[must_use]
    pub fn with_reasoning(mut self, text: impl Into<String>) -> Self {
        self.reasoning = Some(Template::literal(text));
        self
    }

    /// Ends for this reason, instead of the one that follows from the calls.
    #[must_use]
    pub fn with_stop(mut self, stop: StopReason) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Counts these tokens, instead of estimating them.
    #[must_use]
    pub fn with_usage(mut self, usage: TokenUsage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Waits before the first piece and between pieces, instead of the scenario's waits.
    #[must_use]
    pub fn with_delays(mut self, first_token: Duration, between: Duration) -> Self {
        self.first_token = Some(first_token);
        self.between = Some(between);
        self
    }

    /// Fails in the middle of its answer.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }
}

impl TryFrom<RuleForm> for Rule {
    type Error = &'static str;

    fn try_from(form: RuleForm) -> Result<Self, Self::Error> {
        if form.text.is_none() && form.calls.is_empty() && form.fault.is_none() {
            return Err("a rule needs a text, calls or a fault (text: \"\" is an empty answer)");
        }
        Ok(Self {
            when: form.when,
            times: form.times,
            reasoning: form.reasoning,
            text: form.text,
            calls: form.calls,
            stop: form.stop.map(StopReason::from),
            usage: form.usage.map(TokenUsage::from),
            first_token: form.first_token_ms.map(Duration::from_millis),
            between: form.between_ms.map(Duration::from_millis),
            fault: form.fault,
        })
    }
}

impl From<StopForm> for StopReason {
    fn from(form: StopForm) -> Self {
        match form {
            StopForm::EndTurn => Self::EndTurn,
            StopForm::ToolUse => Self::ToolUse,
            StopForm::MaxTokens => Self::MaxTokens,
            StopForm::StopSequence => Self::StopSequence,
            StopForm::Pause => Self::Pause,
            StopForm::Refused => Self::Refused { category: None },
            StopForm::ContextWindowFull => Self::ContextWindowFull,
            StopForm::Malformed => Self::Malformed,
        }
    }
}

impl From<UsageForm> for TokenUsage {
    fn from(form: UsageForm) -> Self {
        Self {
            input_tokens: form.input,
            output_tokens: form.output,
            cache_read_tokens: form.cache_read,
            cache_write_tokens: form.cache_write,
            cache_write_1h_tokens: 0,
        }
    }
}
