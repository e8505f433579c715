//! What this backend must know of a model before it writes a request.

use codex_task_config::{AttachmentSupport, Capabilities, Effort, ModelId, PriceTable, ProviderKind};

use crate::ModelLimits;
use crate::attachments::support_of;
use crate::effort::{high_efforts, nearest_effort};

/// Output limit of a model whose own is not known: that of every current GPT model.
const GPT_OUTPUT_TOKENS: u64 = 128_000;
/// Fewest tokens that the server lets a request ask for.
const OUTPUT_TOKENS_MIN: u64 = 16;

/// Facts about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelFacts {
    /// Its limits, where they are known.
    pub(super) limits: Option<ModelLimits>,
    /// Whether it accepts `temperature`.
    pub(super) sampling: bool,
    /// Whether it accepts `parallel_tool_calls`.
    pub(super) parallel_calls: bool,
    /// Whether it accepts a schema for its answer.
    pub(super) schemas: bool,
    /// What it can be shown beside text, unless the settings know better.
    pub(super) attachments: AttachmentSupport,
    /// The efforts that it knows besides `low`, `medium` and `high`; `None` where it does not reason at all.
    high_efforts: Option<&'static [Effort]>,
}

impl ModelFacts {
    /// Looks a model up in the price table. A model of OpenAI's of which the table knows no capabilities is taken for
    /// one newer than the table: they all reason, and then refuse a temperature. Any other unknown model is some
    /// server's own; only the open GPT models among them are known to take efforts.
    pub(super) fn of(model: &ModelId) -> Self {
        let is_open = model.as_str().contains("gpt-oss");
        let is_vendors = !is_open && is_vendors(model.as_str());
        let known = PriceTable::bundled().find(ProviderKind::OpenAi, model);
        let limits = known.map(|info| ModelLimits {
            context_tokens: info.max_input_tokens,
            output_tokens: info.max_output_tokens.unwrap_or(GPT_OUTPUT_TOKENS),
        });
        let silent = Capabilities::default();
        let capabilities = known.map(|info| info.capabilities).filter(|capabilities| *capabilities != silent);
        let reasons =
            capabilities.map_or(is_vendors || is_open, |capabilities| capabilities.reasoning == Some(true));
        let flag = |read: fn(Capabilities) -> Option<bool>| capabilities.and_then(read);
        Self {
            limits,
            sampling: flag(|capabilities| capabilities.sampling_params).unwrap_or(is_open || !reasons),
            parallel_calls: flag(|capabilities| capabilities.parallel_function_calling) != Some(false),
            schemas: flag(|capabilities| capabilities.response_schema) != Some(false),
            attachments: support_of(capabilities, is_vendors),
            high_efforts: reasons.then(|| capabilities.map_or(&[] as &[Effort], high_efforts)),
        }
    }

    /// Most tokens to generate: what was asked for, within what the server accepts for the model.
    pub(super) fn max_tokens(&self, asked: Option<u32>) -> Option<u64> {
        let most = self.limits.map_or(u64::MAX, |limits| limits.output_tokens);
        asked.map(|asked| u64::from(asked).min(most).max(OUTPUT_TOKENS_MIN))
    }

    /// Whether it reasons: takes efforts, and has reasoning to give back encrypted.
    pub(super) fn reasons(&self) -> bool {
        self.high_efforts.is_some()
    }

    /// The effort that the model knows and that comes nearest from below; `None` where it knows none.
    pub(super) fn effort(&self, asked: Effort) -> Option<Effort> {
        self.high_efforts.map(|high_efforts| nearest_effort(asked, high_efforts))
    }
}

/// Whether an id is one of OpenAI's own: `gpt-...`, `o3`, `chat-latest`, `codex-...`, or one tuned from those.
fn is_vendors(id: &str) -> bool {
    let id = id.strip_prefix("ft:").unwrap_or(id);
    let is_o_series = id.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_o_series || ["gpt-", "chat-", "chatgpt-", "codex-"].iter().any(|prefix| id.starts_with(prefix))
}

/// Whether the server searches the web for a model: for the vendor's own, unless the table says that it does not.
pub(super) fn searches(model: &ModelId) -> bool {
    let known = PriceTable::bundled().find(ProviderKind::OpenAi, model);
    let says_no = known.is_some_and(|info| info.capabilities.web_search == Some(false));
    is_vendors(model.as_str()) && !model.as_str().contains("gpt-oss") && !says_no
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
            limits: Some(ModelLimits { context_tokens: 922_000, output_tokens: 128_000 }),
            sampling: false,
            parallel_calls: true,
            schemas: true,
            high_efforts: Some(&[Effort::Xhigh, Effort::Max]),
        };
        assert_eq!(facts("gpt-6.1-sol"), expected);
        assert_eq!(facts("gpt-6.1-sol-2026-10-01"), expected);
        let older = facts("gpt-4.1");
        assert_eq!((older.reasons(), older.sampling), (false, true));
        assert!(!facts("o3").parallel_calls);
        assert!(!facts("gpt-5.5-pro").schemas);
    }

    #[test]
    fn a_model_of_openai_that_the_table_does_not_know_is_taken_for_a_new_one() {
        for model in ["gpt-7", "gpt-6.1-terra", "gpt-6.2-sol", "o9-mini", "ft:gpt-7:acme"] {
            let facts = facts(model);
            assert_eq!((facts.reasons(), facts.sampling), (true, false), "{model}");
        }
        let open = facts("openai/gpt-oss-20b");
        assert_eq!((open.reasons(), open.sampling, open.limits), (true, true, None));
        let local = facts("qwen2.5-coder");
        assert_eq!((local.reasons(), local.sampling, local.limits), (false, true, None));
        assert!(!facts("olmo-2").reasons(), "not every name with an o is one of theirs");
    }

    #[test]
    fn tokens_stay_within_what_the_server_accepts() {
        let facts = facts("gpt-6.1-sol");
        assert_eq!(facts.max_tokens(None), None);
        assert_eq!(facts.max_tokens(Some(1_000)), Some(1_000));
        assert_eq!(facts.max_tokens(Some(500_000)), Some(128_000));
        assert_eq!(facts.max_tokens(Some(5)), Some(16));
    }

    #[test]
    fn an_effort_above_what_the_model_knows_becomes_the_next_lower_one() {
        let efforts = |model: &str| {
            [Effort::Low, Effort::High, Effort::Xhigh, Effort::Max].map(|asked| facts(model).effort(asked))
        };
        assert_eq!(efforts("gpt-4.1"), [None; 4]);
        assert_eq!(efforts("gpt-5.1"), [Effort::Low, Effort::High, Effort::High, Effort::High].map(Some));
        assert_eq!(efforts("gpt-5.5"), [Effort::Low, Effort::High, Effort::Xhigh, Effort::Xhigh].map(Some));
        assert_eq!(efforts("gpt-6-luna"), [Effort::Low, Effort::High, Effort::Xhigh, Effort::Max].map(Some));
    }
}
