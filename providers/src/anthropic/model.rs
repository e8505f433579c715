//! What this backend must know of a model before it writes a request.

use codex_task_config::{Effort, ModelId};

use crate::ModelLimits;

/// Output limit of a model that nobody knows: every server of this format accepts it.
const UNKNOWN_OUTPUT_TOKENS: u64 = 8_192;

/// Facts about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelFacts {
    /// Its limits, where they are known.
    pub(super) limits: Option<ModelLimits>,
    /// Whether it accepts `temperature`.
    pub(super) sampling: bool,
    /// Whether it accepts `thinking: {type: adaptive}` and `output_config.effort`.
    pub(super) adaptive_thinking: bool,
    /// Whether it thinks without being asked.
    pub(super) thinking_always_on: bool,
    /// Whether it knows the effort `xhigh`.
    pub(super) xhigh_effort: bool,
    /// Whether it knows the effort `max`.
    pub(super) max_effort: bool,
}

impl ModelFacts {
    /// Looks a model up. An unknown Claude is taken for one newer than the table, which rules out sampling; any other
    /// unknown model is some server's own, to which the newest Claude parameters mean nothing.
    pub(super) fn of(model: &ModelId) -> Self {
        let is_claude = model.as_str().starts_with("claude");
        Self {
            limits: None,
            sampling: !is_claude,
            adaptive_thinking: is_claude,
            thinking_always_on: false,
            xhigh_effort: false,
            max_effort: false,
        }
    }

    /// Most tokens to generate: what was asked for, never more than the model can.
    pub(super) fn max_tokens(&self, asked: Option<u32>) -> u64 {
        let limit = self.limits.map(|limits| limits.output_tokens);
        match (asked.map(u64::from), limit) {
            (Some(asked), Some(limit)) => asked.min(limit),
            (Some(tokens), None) | (None, Some(tokens)) => tokens,
            (None, None) => UNKNOWN_OUTPUT_TOKENS,
        }
    }

    /// The effort that the model knows and that comes nearest from below; `None` where it knows none.
    pub(super) fn effort(&self, asked: Effort) -> Option<Effort> {
        let known = |effort: &Effort| match effort {
            Effort::Low | Effort::Medium | Effort::High => true,
            Effort::Xhigh => self.xhigh_effort,
            Effort::Max => self.max_effort,
        };
        let falling = [Effort::Max, Effort::Xhigh, Effort::High, Effort::Medium, Effort::Low];
        falling
            .into_iter()
            .filter(|_| self.adaptive_thinking)
            .find(|effort| *effort <= asked && known(effort))
    }
}
