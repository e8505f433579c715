//! What this backend must know of a model before it writes a request.

use codex_task_config::{
    AttachmentSupport, Effort, ModelId, ModelInfo, PriceTable, ProviderKind, vendor_of_model,
};

use super::lessons::Lessons;
use crate::attachments::support_of;
use crate::effort::{high_efforts, nearest_effort};
use crate::{ChatDialect, ModelLimits};

/// Output limit of a model whose limit nobody knows, where its window is known from the price table.
const OUTPUT_TOKENS_UNKNOWN: u64 = 16_384;
/// Most tokens of an answer on a local server when nobody asks for a limit: such servers have none of their own, and a
/// small model that repeats itself would fill the whole window.
const LOCAL_OUTPUT_TOKENS: u64 = 8_192;
/// OpenAI's models that do not reason; all later ones do.
const NOT_REASONING: &[&str] = &["gpt-3", "gpt-4", "chatgpt-4"];

/// Facts about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelFacts {
    /// Its limits, where they are known.
    pub(super) limits: Option<ModelLimits>,
    /// Tokens to generate at most when nobody asks for a limit; `None` leaves it to the server.
    output_default: Option<u64>,
    /// Whether it accepts `temperature`.
    pub(super) sampling: bool,
    /// What it can be shown beside text, unless the settings know better.
    pub(super) attachments: AttachmentSupport,
    /// The efforts that it knows besides `low`, `medium` and `high`; `None` where it knows none at all.
    high_efforts: Option<&'static [Effort]>,
}

impl ModelFacts {
    /// What is known: from the settings, from the server itself, from the price table, in this order.
    pub(super) fn of(
        model: &ModelId,
        dialect: ChatDialect,
        context_tokens: Option<u64>,
        lessons: Lessons,
    ) -> Self {
        // The server knows best how much it takes.
        let context_tokens = lessons.context_tokens.or(context_tokens);
        let own = context_tokens.map(|tokens| ModelLimits { context_tokens: tokens, output_tokens: tokens });
        match dialect {
            ChatDialect::OpenAi => Self::of_openai(model, own),
            ChatDialect::Compatible => Self {
                limits: own.or_else(|| listed_limits(model)),
                output_default: None,
                sampling: true,
                attachments: listed_attachments(model),
                high_efforts: Some(&[]),
            },
            ChatDialect::Local => Self {
                limits: own,
                output_default: Some(
                    context_tokens.map_or(LOCAL_OUTPUT_TOKENS, |tokens| LOCAL_OUTPUT_TOKENS.min(tokens / 2)),
                ),
                sampling: true,
                attachments: AttachmentSupport::None,
                high_efforts: Some(&[]),
            },
        }
    }

    /// A model of which the table knows no capabilities is taken for one newer than the table, which reasons.
    fn of_openai(model: &ModelId, own: Option<ModelLimits>) -> Self {
        let known = PriceTable::bundled().find(ProviderKind::OpenAi, model);
        let capabilities = known.map(|info| info.capabilities).unwrap_or_default();
        let is_old = NOT_REASONING.iter().any(|old| model.as_str().starts_with(old));
        let reasons = capabilities.reasoning.unwrap_or(!is_old);
        Self {
            limits: own.or_else(|| listed_limits(model)),
            output_default: None,
            sampling: !reasons,
            attachments: support_of(known.map(|info| info.capabilities), !is_old),
            high_efforts: reasons.then(|| high_efforts(capabilities)),
        }
    }

    /// Most tokens to generate: what was asked for, never more than the model can. `None` is not sent.
    pub(super) fn max_tokens(&self, asked: Option<u32>) -> Option<u64> {
        let most = self.limits.map_or(u64::MAX, |limits| limits.output_tokens);
        asked.map(u64::from).or(self.output_default).map(|tokens| tokens.min(most))
    }

    /// The effort that the model knows and that comes nearest from below; `None` where it knows none.
    pub(super) fn effort(&self, asked: Effort) -> Option<Effort> {
        self.high_efforts.map(|high_efforts| nearest_effort(asked, high_efforts))
    }
}

/// A model of the price table, also where a gateway puts the vendor's name before the id: `openai/gpt-5.5`.
fn listed(model: &ModelId) -> Option<&'static ModelInfo> {
    let id = ModelId::new(model.as_str().rsplit('/').next().unwrap_or_default());
    PriceTable::bundled().find(vendor_of_model(&id)?, &id)
}

/// A gateway takes images as all do; documents each takes in its own way.
fn listed_attachments(model: &ModelId) -> AttachmentSupport {
    match listed(model).and_then(|info| info.capabilities.vision) {
        Some(true) => AttachmentSupport::Images,
        Some(false) | None => AttachmentSupport::None,
    }
}

fn listed_limits(model: &ModelId) -> Option<ModelLimits> {
    let info = listed(model)?;
    Some(ModelLimits {
        context_tokens: info.max_input_tokens,
        output_tokens: info.max_output_tokens.unwrap_or(OUTPUT_TOKENS_UNKNOWN),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(model: &str, dialect: ChatDialect, context_tokens: Option<u64>) -> ModelFacts {
        ModelFacts::of(&ModelId::new(model), dialect, context_tokens, Lessons::default())
    }

    #[test]
    fn openais_reasoning_models_take_efforts_and_no_temperature() {
        for (model, sampling, high, max) in [
            ("gpt-4.1", true, None, None),
            ("gpt-4-something", true, None, None),
            ("gpt-5.1", false, Some(Effort::High), Some(Effort::High)),
            ("gpt-5.5", false, Some(Effort::High), Some(Effort::Xhigh)),
            ("gpt-6.1-sol", false, Some(Effort::High), Some(Effort::Max)),
            ("gpt-9", false, Some(Effort::High), Some(Effort::High)),
        ] {
            let facts = facts(model, ChatDialect::OpenAi, None);
            let seen = (facts.sampling, facts.effort(Effort::High), facts.effort(Effort::Max));
            assert_eq!(seen, (sampling, high, max), "{model}");
        }
    }

    #[test]
    fn limits_come_from_the_server_then_the_settings_then_the_table() {
        let window = |facts: ModelFacts| facts.limits.map(|limits| limits.context_tokens);
        assert_eq!(window(facts("openai/gpt-5.5", ChatDialect::Compatible, None)), Some(1_050_000));
        assert_eq!(window(facts("openai/gpt-5.5", ChatDialect::Compatible, Some(9_000))), Some(9_000));
        assert_eq!(window(facts("gpt-5.5", ChatDialect::Local, None)), None);
        let lessons = Lessons { context_tokens: Some(2_048), ..Lessons::default() };
        let learned = ModelFacts::of(&ModelId::new("q"), ChatDialect::Local, Some(9_000), lessons);
        assert_eq!(window(learned), Some(2_048));
    }

    #[test]
    fn only_a_local_answer_is_bounded_without_being_asked() {
        assert_eq!(facts("q", ChatDialect::Compatible, None).max_tokens(None), None);
        assert_eq!(facts("q", ChatDialect::Local, None).max_tokens(None), Some(8_192));
        assert_eq!(facts("q", ChatDialect::Local, Some(4_096)).max_tokens(None), Some(2_048));
        assert_eq!(facts("q", ChatDialect::Local, Some(4_096)).max_tokens(Some(50_000)), Some(4_096));
        assert_eq!(facts("gpt-4.1", ChatDialect::OpenAi, None).max_tokens(Some(50_000)), Some(32_768));
    }
}
