//! What this backend must know of a model before it writes a request.

use codex_task_config::{AttachmentSupport, Effort, ModelId, PriceTable, ProviderKind};

use super::wire::ThinkingAmount;
use crate::ModelLimits;
use crate::attachments::support_of;
use crate::effort::nearest_effort;

/// Output limit of a model whose own is not known: that of nearly every current Gemini.
const OUTPUT_TOKENS: u64 = 65_536;

/// Facts about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelFacts {
    /// Its limits, where they are known.
    pub(super) limits: Option<ModelLimits>,
    /// Whether it accepts `temperature`.
    pub(super) sampling: bool,
    /// Whether the server searches the web for it.
    pub(super) searches: bool,
    /// Its generation, which decides how it is asked to think.
    pub(super) generation: Generation,
    /// What it can be shown beside text.
    pub(super) attachments: AttachmentSupport,
    /// The efforts that it knows besides `low`, `medium` and `high`.
    high_efforts: &'static [Effort],
}

/// Models that are called alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Gemini 3 and later: thinks by levels, refuses calls without the signature of the thought behind them, and
    /// takes a schema for its answer beside tools.
    Three,
    /// Gemini 2.5: thinks by budgets of tokens.
    TwoAndAHalf,
    /// Any other: is not asked to think.
    Other,
}

impl ModelFacts {
    /// Looks a model up in the price table. A Gemini that the table does not know is taken for one newer than the
    /// table, which rules out sampling.
    pub(super) fn of(model: &ModelId) -> Self {
        let generation = Generation::of(model_name(model));
        let known = PriceTable::bundled().find(ProviderKind::Gemini, model);
        let is_new = known.is_none() && generation == Generation::Three;
        let capabilities = known.map(|info| info.capabilities).unwrap_or_default();
        Self {
            limits: known.map(|info| ModelLimits {
                context_tokens: info.max_input_tokens,
                output_tokens: info.max_output_tokens.unwrap_or(OUTPUT_TOKENS),
            }),
            sampling: capabilities.sampling_params.unwrap_or(!is_new),
            searches: model_name(model).starts_with("gemini") && capabilities.web_search != Some(false),
            attachments: support_of(
                known.map(|info| info.capabilities),
                model_name(model).starts_with("gemini"),
            ),
            generation,
            high_efforts: if capabilities.xhigh_reasoning_effort == Some(true) {
                &[Effort::Xhigh]
            } else {
                &[]
            },
        }
    }

    /// Most tokens to generate: what was asked for, never more than the model can.
    pub(super) fn max_tokens(&self, asked: Option<u32>) -> Option<u64> {
        let most = self.limits.map_or(u64::MAX, |limits| limits.output_tokens);
        asked.map(|asked| u64::from(asked).min(most))
    }

    /// The effort that the model knows and that comes nearest from below; `None` where it knows none.
    pub(super) fn effort(&self, asked: Effort) -> Option<Effort> {
        (self.generation != Generation::Other).then(|| nearest_effort(asked, self.high_efforts))
    }

    /// An effort in the words of the model's generation. The budgets are those that Google's own compatible API
    /// gives to the efforts of these names.
    pub(super) fn amount(&self, effort: Effort) -> Option<ThinkingAmount> {
        let (level, budget) = match effort {
            Effort::Low => ("LOW", 1_024),
            Effort::Medium => ("MEDIUM", 8_192),
            Effort::High => ("HIGH", 24_576),
            Effort::Xhigh | Effort::Max => ("XHIGH", 24_576),
        };
        match self.generation {
            Generation::Three => Some(ThinkingAmount::ThinkingLevel(level)),
            Generation::TwoAndAHalf => Some(ThinkingAmount::ThinkingBudget(budget)),
            Generation::Other => None,
        }
    }
}

impl Generation {
    fn of(name: &str) -> Self {
        let Some(version) = name.strip_prefix("gemini-") else { return Self::Other };
        if version.starts_with("2.5") {
            return Self::TwoAndAHalf;
        }
        let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
        match version.get(..digits).and_then(|major| major.parse::<u32>().ok()) {
            Some(..=2) => Self::Other,
            // `gemini-flash-latest` and its like are always current.
            Some(3..) | None => Self::Three,
        }
    }
}

/// The model's name without the collection that some lists put before it.
pub(super) fn model_name(model: &ModelId) -> &str {
    model.as_str().trim_start_matches("models/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(model: &str) -> ModelFacts {
        ModelFacts::of(&ModelId::new(model))
    }

    #[test]
    fn the_generation_is_read_from_the_name() {
        let cases = [
            ("gemini-4-argon", Generation::Three),
            ("models/gemini-3.8-flash", Generation::Three),
            ("gemini-10-x", Generation::Three),
            ("gemini-flash-latest", Generation::Three),
            ("gemini-2.5-pro", Generation::TwoAndAHalf),
            ("gemini-2.0-flash", Generation::Other),
            ("gemini-1.5-pro", Generation::Other),
            ("gemma-3-27b-it", Generation::Other),
            ("", Generation::Other),
        ];
        for (model, generation) in cases {
            assert_eq!(facts(model).generation, generation, "{model}");
        }
    }

    #[test]
    fn the_table_decides_and_an_unknown_gemini_is_taken_for_a_new_one() {
        let expected = ModelFacts {
            attachments: AttachmentSupport::ImagesAndPdfs,
            searches: true,
            limits: Some(ModelLimits { context_tokens: 1_048_576, output_tokens: 65_536 }),
            sampling: false,
            generation: Generation::Three,
            high_efforts: &[],
        };
        assert_eq!(facts("gemini-3.8-flash"), expected);
        assert!(facts("gemini-2.5-flash").sampling);
        let new = facts("gemini-5-neon");
        assert_eq!((new.sampling, new.limits, new.max_tokens(Some(9))), (false, None, Some(9)));
        assert!(facts("gemma-3-27b-it").sampling);
        assert_eq!(facts("gemini-3.8-flash").max_tokens(Some(100_000)), Some(65_536));
        assert_eq!(facts("gemini-3.8-flash").max_tokens(None), None);
    }

    #[test]
    fn an_effort_is_said_in_the_words_of_the_generation() {
        let amount = |model: &str, asked| {
            let facts = facts(model);
            facts.effort(asked).and_then(|effort| facts.amount(effort))
        };
        let level = |name| Some(ThinkingAmount::ThinkingLevel(name));
        assert_eq!(amount("gemini-4-argon", Effort::Low), level("LOW"));
        assert_eq!(amount("gemini-4-argon", Effort::Max), level("HIGH"));
        assert_eq!(amount("gemini-2.5-pro", Effort::Medium), Some(ThinkingAmount::ThinkingBudget(8_192)));
        assert_eq!(amount("gemini-2.5-pro", Effort::Max), Some(ThinkingAmount::ThinkingBudget(24_576)));
        assert_eq!(amount("gemma-3-27b-it", Effort::Low), None);
    }
}
