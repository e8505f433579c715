//! What this backend must know of a model before it writes a request.

use codex_task_config::{AttachmentSupport, Capabilities, Effort, ModelId, PriceTable, ProviderKind};

use crate::ModelLimits;
use crate::attachments::support_of;
use crate::effort::{high_efforts, nearest_effort};

/// Output limit of a Claude whose limit nobody knows: the smallest of all Claude models that are still served.
const CLAUDE_OUTPUT_TOKENS: u64 = 64_000;
/// Output limit of any other unknown model: every server of this format accepts it.
const OTHER_OUTPUT_TOKENS: u64 = 8_192;

/// Facts about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelFacts {
    /// Its limits, where they are known.
    pub(super) limits: Option<ModelLimits>,
    /// Tokens to generate at most where no limit is known.
    default_output_tokens: u64,
    /// Whether it accepts `temperature`.
    pub(super) sampling: bool,
    /// How it thinks.
    pub(super) thinking: ThinkingMode,
    /// What it can be shown beside text, unless the settings know better.
    pub(super) attachments: AttachmentSupport,
    /// The highest efforts that it knows besides `low`, `medium` and `high`.
    pub(super) high_efforts: &'static [Effort],
}

/// How a model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThinkingMode {
    /// Not at all, or in an older way that needs a budget: never asked for, and efforts mean nothing.
    Unasked,
    /// When asked for with `thinking: {type: adaptive}`; takes efforts.
    Adaptive,
    /// Always, without being asked; takes efforts.
    Always,
}

impl ModelFacts {
    /// Looks a model up in the price table. A Claude of which the table knows no capabilities is taken for one newer
    /// than the table, which rules out sampling; any other unknown model is some server's own, to which the newest
    /// Claude parameters mean nothing.
    pub(super) fn of(model: &ModelId) -> Self {
        let is_claude = model.as_str().starts_with("claude");
        let default_output = if is_claude { CLAUDE_OUTPUT_TOKENS } else { OTHER_OUTPUT_TOKENS };
        let known = PriceTable::bundled().find(ProviderKind::Anthropic, model);
        let limits = known.map(|info| ModelLimits {
            context_tokens: info.max_input_tokens,
            output_tokens: info.max_output_tokens.unwrap_or(default_output),
        });
        let silent = Capabilities::default();
        let capabilities = known.map(|info| info.capabilities).filter(|capabilities| *capabilities != silent);
        Self {
            limits,
            default_output_tokens: default_output,
            sampling: capabilities.map_or(!is_claude, |known| known.sampling_params != Some(false)),
            thinking: capabilities.map_or_else(
                || if is_claude { ThinkingMode::Adaptive } else { ThinkingMode::Unasked },
                thinking_mode,
            ),
            attachments: support_of(capabilities, is_claude),
            high_efforts: capabilities.map_or(&[], high_efforts),
        }
    }

    /// Most tokens to generate: what was asked for, never more than the model can.
    pub(super) fn max_tokens(&self, asked: Option<u32>) -> u64 {
        let limit = self.limits.map(|limits| limits.output_tokens);
        match (asked.map(u64::from), limit) {
            (Some(asked), Some(limit)) => asked.min(limit),
            (Some(tokens), None) | (None, Some(tokens)) => tokens,
            (None, None) => self.default_output_tokens,
        }
    }

    /// The effort that the model knows and that comes nearest from below; `None` where it knows none.
    pub(super) fn effort(&self, asked: Effort) -> Option<Effort> {
        if self.thinking == ThinkingMode::Unasked {
            return None;
        }
        Some(nearest_effort(asked, self.high_efforts))
    }
}

fn thinking_mode(capabilities: Capabilities) -> ThinkingMode {
    if capabilities.thinking_always_on == Some(true) {
        ThinkingMode::Always
    } else if capabilities.adaptive_thinking == Some(true) {
        ThinkingMode::Adaptive
    } else {
        ThinkingMode::Unasked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(model: &str) -> ModelFacts {
        ModelFacts::of(&ModelId::new(model))
    }

    #[test]
    fn the_table_decides_and_a_date_in_the_id_makes_no_difference() {
        let expected = ModelFacts {
            attachments: AttachmentSupport::ImagesAndPdfs,
            limits: Some(ModelLimits { context_tokens: 200_000, output_tokens: 64_000 }),
            default_output_tokens: CLAUDE_OUTPUT_TOKENS,
            sampling: true,
            thinking: ThinkingMode::Unasked,
            high_efforts: &[],
        };
        assert_eq!(facts("claude-haiku-4-5"), expected);
        assert_eq!(facts("claude-haiku-4-5-20251001"), expected);
        let expected = ModelFacts {
            attachments: AttachmentSupport::ImagesAndPdfs,
            limits: Some(ModelLimits { context_tokens: 1_000_000, output_tokens: 128_000 }),
            default_output_tokens: CLAUDE_OUTPUT_TOKENS,
            sampling: false,
            thinking: ThinkingMode::Always,
            high_efforts: &[Effort::Xhigh, Effort::Max],
        };
        assert_eq!(facts("claude-sonnet-5-5"), expected);
    }

    #[test]
    fn a_claude_that_the_table_does_not_know_is_taken_for_a_new_one() {
        for model in ["claude-opus-9", "claude-fable-5-2"] {
            let facts = facts(model);
            assert_eq!((facts.sampling, facts.thinking), (false, ThinkingMode::Adaptive), "{model}");
            assert_eq!(facts.max_tokens(None), 64_000, "{model}");
        }
        let local = facts("qwen2.5-coder");
        assert_eq!((local.sampling, local.thinking, local.limits), (true, ThinkingMode::Unasked, None));
        assert_eq!((local.max_tokens(None), local.max_tokens(Some(100_000))), (8_192, 100_000));
    }

    #[test]
    fn the_output_limit_of_the_model_is_never_exceeded() {
        let facts = facts("claude-haiku-4-5");
        assert_eq!(facts.max_tokens(None), 64_000);
        assert_eq!(facts.max_tokens(Some(1_000)), 1_000);
        assert_eq!(facts.max_tokens(Some(100_000)), 64_000);
    }

    #[test]
    fn an_effort_above_what_the_model_knows_becomes_the_next_lower_one() {
        let efforts = |model: &str| {
            [Effort::Low, Effort::High, Effort::Xhigh, Effort::Max].map(|asked| facts(model).effort(asked))
        };
        assert_eq!(efforts("claude-haiku-4-5"), [None; 4]);
        assert_eq!(
            efforts("claude-sonnet-4-6"),
            [Effort::Low, Effort::High, Effort::High, Effort::Max].map(Some)
        );
        assert_eq!(
            efforts("claude-opus-5-5"),
            [Effort::Low, Effort::High, Effort::Xhigh, Effort::Max].map(Some)
        );
    }
}
